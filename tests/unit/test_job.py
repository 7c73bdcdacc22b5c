"""A job logs, and ends a fault with its message."""

import ast
import csv
import logging
import os
from types import SimpleNamespace

import cv2
import pytest
import yaml

from job import log_progress, run_job
from run import REPO
from settings import CONFIG_KEYS
from ssc.errors import InputError, SettingError


@pytest.fixture
def start_job(tmp_path, monkeypatch):
    """Begin a job of which the log is returned; afterwards logging is as before."""
    root, rasterio = logging.getLogger(), logging.getLogger("rasterio")
    level, gdal_level = root.level, rasterio.level
    threads = cv2.getNumThreads()
    log = tmp_path / "job.log"
    monkeypatch.setenv("SNAKEMAKE_PID", str(os.getpid()))

    def start(check=(), n_threads=1):
        # Those of pytest: logging is set up only where there are none.
        root.handlers.clear()
        job = SimpleNamespace(log=[str(log)], threads=n_threads, input={"check": check})
        return run_job(job), log

    yield start
    for handler in root.handlers:
        handler.close()
    root.handlers.clear()
    root.setLevel(level)
    rasterio.setLevel(gdal_level)
    cv2.setNumThreads(threads)


def log_of_failure(job_and_log, error=None):
    job, log = job_and_log
    with pytest.raises(SystemExit) as caught, job:
        logging.info("begins")
        if error is not None:
            raise error
    assert caught.value.code == 1
    return log.read_text("utf-8")


def write_check(path, *problems):
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, ["image", "problem"])
        writer.writeheader()
        writer.writerows({"image": "a.jpg", "problem": problem} for problem in problems)
    return str(path)


@pytest.mark.parametrize("threads", [1, 3])
def test_opencv_keeps_to_the_threads_of_the_rule(start_job, threads):
    with start_job(n_threads=threads)[0]:
        assert cv2.getNumThreads() == threads


def test_all_that_a_job_says_goes_to_its_log(start_job, capfd):
    job, log = start_job()
    with job:
        names = ["Ure_0001", "Hérault_0002"]
        for number, name in log_progress(names):
            assert name == names[number]
            # What a library in another language prints does not go through sys.stderr.
            os.write(2, b"E0000 failed call to cuInit\n")
            logging.warning("WARNING: few pixels")
            logging.warning("WARNING: Hérault_0002.jpg is dark")
        logging.warning("WARNING: no image")
    assert log.read_text("utf-8").splitlines() == [
        "Ure_0001 (1 of 2)",
        "E0000 failed call to cuInit",
        # The image that the job is at, unless the warning names it.
        "WARNING: Ure_0001: few pixels",
        "WARNING: Ure_0001: Hérault_0002.jpg is dark",
        "Hérault_0002 (2 of 2)",
        "E0000 failed call to cuInit",
        "WARNING: Hérault_0002: few pixels",
        "WARNING: Hérault_0002.jpg is dark",
        "WARNING: no image",
    ]
    os.write(2, b"afterwards")
    assert capfd.readouterr().err == "afterwards"


def test_fault_of_the_user_is_reported_by_its_messages_alone(start_job):
    log = log_of_failure(start_job(), InputError("a.jpg: damaged", "b.jpg: grey"))
    assert log == "begins\nERROR: a.jpg: damaged\nERROR: b.jpg: grey\n"


def test_setting_is_reported_as_the_key_of_the_config(start_job):
    log = log_of_failure(start_job(), SettingError("tile_stride", "80 px leaves gaps"))
    assert log == "begins\nERROR: tiles.predict_stride: 80 px leaves gaps\n"


def test_other_fault_is_reported_with_its_traceback(start_job):
    log = log_of_failure(start_job(), KeyError("width"))
    assert "ERROR: this should not happen; please report it" in log
    assert log.endswith("KeyError: 'width'\n")


def test_job_does_not_begin_on_images_with_problems(start_job, tmp_path):
    tables = [
        write_check(tmp_path / "a.csv", "", "Hérault_0001.jpg: grey"),
        write_check(tmp_path / "b.csv", "c.jpg: small"),
    ]
    expected = "ERROR: Hérault_0001.jpg: grey\nERROR: c.jpg: small\n"
    assert log_of_failure(start_job(check=tables)) == expected


def test_job_begins_on_images_without_problems(start_job, tmp_path):
    # One table is a text to Snakemake, not a list.
    job, log = start_job(check=write_check(tmp_path / "a.csv", "", ""))
    with job:
        logging.info("begins")
    assert log.read_text("utf-8") == "begins\n"


def settings_named_in_errors():
    """First arguments of all SettingError(...) of the library."""
    for path in (REPO / "workflow_scripts/ssc").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_bytes())):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "SettingError":
                yield ast.literal_eval(node.args[0])


def test_every_setting_of_an_error_has_a_key_of_the_config():
    assert {*settings_named_in_errors()} == {*CONFIG_KEYS}
    schema = yaml.safe_load((REPO / "config/config.schema.yaml").read_text("utf-8"))
    for key in CONFIG_KEYS.values():
        section, name = key.split(".")
        keys = {*schema["properties"][section]["properties"]}
        if section == "cnn":
            keys |= {*schema["$defs"]["unet"]["properties"]}
            keys |= {*schema["$defs"]["tile_cnn"]["properties"]}
        assert name in keys
