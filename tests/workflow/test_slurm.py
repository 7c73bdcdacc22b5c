"""One campaign on a real SLURM through profiles/slurm, with one accident after the other."""

import os
import signal
import subprocess
import time
from types import SimpleNamespace

import pytest
import yaml
from slurm_node import SlurmNode, shell, wait_for, why_not

from run import REPO, run_snakemake, snakemake_command

pytest.importorskip("snakemake_executor_plugin_slurm", reason="make .venv/slurm installs it")
if reason := why_not():
    pytest.skip(reason, allow_module_level=True)

PROFILE = REPO / "profiles/slurm"
WANTED = ("results/preflight.csv", "results/report/compiled.csv")


@pytest.fixture(scope="module")
def slurm(tmp_path_factory):
    node = SlurmNode(tmp_path_factory.mktemp("slurm"))
    try:
        yield node.start_all()
    finally:
        node.stop_all()


class Head:
    """A Snakemake that sends jobs to SLURM, as `snakemake --profile` does."""

    def __init__(self, folder, config, profile, *arguments):
        command = snakemake_command(folder, *arguments, "--profile", profile, config=config)
        command[1:3] = [str(REPO / "tests/fast_polling.py")]
        self.log = folder / "head.log"
        with self.log.open("a") as log:
            self.process = subprocess.Popen(
                command, cwd=folder, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
            )

    def kill(self):
        assert self.process.poll() is None, self.log.read_text()[-5000:]
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def end(self, status=0):
        assert self.process.wait(300) == status, self.log.read_text()[-5000:]


@pytest.fixture(scope="module")
def campaign(slurm, tmp_path_factory, small, copy_river):
    """Two CNNs learn the same river, so both ought to end with the maps of an undisturbed run."""
    folder = copy_river(tmp_path_factory.mktemp("cluster"))
    groups = {name: {"train": ["Clearbrook"], "predict": ["Clearbrook"]} for name in "AB"}
    paths = small["campaign"] | {"groups": groups, "images_per_job": 50}
    config = small | {"campaign": paths, "allow_cpu_fallback": True}
    # The summary is given too little memory at its first try.
    profile = yaml.safe_load((PROFILE / "profile.yaml").read_text())
    profile["set-resources"]["compile_scores"] = {"mem_mb": "20 * 100 ** (attempt - 1)"}
    (folder / "profile.yaml").write_text(yaml.safe_dump(profile))

    head = Head(folder, config, folder, *WANTED)
    # The check of images hangs until its time is up.
    hung = wait_for(lambda: slurm.jobs("check_campaign", "RUNNING"))[0]["JobId"]
    wait_for(lambda: slurm.suspend(hung))
    shell(f"scontrol update jobid={hung} EndTime=now")

    logs = [folder / f"results/logs/train_cnn/{name}.log" for name in "AB"]
    wait_for(lambda: all(log.is_file() for log in logs))
    at_once = slurm.jobs("train_cnn", "RUNNING")

    # The controller is away for a while, then the node.
    slurm.stop("slurmctld")
    wait_for(lambda: "SLURM does not answer" in head.log.read_text())
    slurm.start("slurmctld")
    slurm.stop("slurmd")
    time.sleep(3)
    slurm.start("slurmd")

    # A training is cancelled.
    shell(f"scancel {slurm.jobs('train_cnn_wildcards_A')[0]['JobId']}")

    # SLURM looks for jobs over their time once a minute; the check was sent anew since.
    wait_for(lambda: len(slurm.jobs("check_campaign")) > 1, 240)

    # Snakemake is killed, and its jobs are cancelled, once it knows that both CNNs are there.
    wait_for(lambda: all(slurm.jobs(f"classify_images_wildcards_{name}") for name in "AB"), 240)
    head.kill()
    trained = training_times(folder)
    shell("scancel --user root")
    wait_for(lambda: not shell("squeue -h"))
    assert run_snakemake(folder, "--unlock", config=config).returncode == 0
    head = Head(folder, config, folder, *WANTED)
    head.end()
    return SimpleNamespace(folder=folder, at_once=at_once, trained=trained)


def training_times(folder):
    return {path.name: path.stat().st_mtime_ns for path in folder.glob("results/?/model/?.*")}


def values(jobs, key):
    return [job[key] for job in jobs]


def test_trainings_have_a_gpu_each_at_the_same_time_and_the_rest_has_none(slurm, campaign):
    assert sorted(values(campaign.at_once, "GRES")) == ["gpu:1(IDX:0)", "gpu:1(IDX:1)"]
    for job in slurm.jobs():
        training = "train_cnn" in job["Comment"]
        assert job["Partition"] == ("gpu" if training else "cpu")
        assert job.get("TresPerJob") == ("gres:gpu:1" if training else None)


def test_trainings_begin_after_the_check_of_their_images(slurm, campaign):
    check = slurm.jobs("check_images_wildcards_train_Clearbrook", "COMPLETED")[-1]
    for job in slurm.jobs("train_cnn"):
        assert job["StartTime"] >= check["EndTime"]


def test_memory_follows_the_size_of_the_images(slurm, campaign):
    # 1500 MB and 80 MB for each of the 0.24 megapixels of an image.
    assert {*values(slurm.jobs("classify_images"), "MinMemoryNode")} == {"1519M"}


def test_a_cancelled_job_is_tried_again_with_more_memory_and_time(slurm, campaign):
    jobs = slurm.jobs("train_cnn_wildcards_A")
    assert values(jobs, "JobState") == ["CANCELLED", "COMPLETED"]
    assert values(jobs, "TimeLimit") == ["04:00:00", "08:00:00"]
    first, second = (int(memory.strip("M")) for memory in values(jobs, "MinMemoryNode"))
    assert second == 2 * first
    assert values(slurm.jobs("train_cnn_wildcards_B"), "JobState") == ["COMPLETED"]


def test_a_job_over_its_time_is_tried_again(slurm, campaign):
    first, second, *_ = slurm.jobs("check_campaign")
    assert first["JobState"] == "TIMEOUT"
    assert second["TimeLimit"] == "01:00:00"
    # The second may have been cancelled with all jobs after it had written its file.
    assert (campaign.folder / "results/preflight.csv").is_file()


def test_a_job_over_its_memory_is_tried_again_with_more(slurm, campaign):
    jobs = slurm.jobs("compile_scores")
    assert values(jobs, "MinMemoryNode") == ["20M", "2000M"]
    # Without cgroups SLURM calls it FAILED.
    assert values(jobs, "JobState") in (["FAILED", "COMPLETED"], ["OUT_OF_MEMORY", "COMPLETED"])
    (log,) = campaign.folder.glob(f".snakemake/slurm_logs/*/{jobs[0]['JobId']}.log")
    assert "exceeded memory limit" in log.read_text()


def test_nothing_complete_is_computed_twice_after_snakemake_was_killed(campaign):
    assert training_times(campaign.folder) == campaign.trained


def test_the_maps_are_those_of_an_undisturbed_run(campaign, undisturbed, map_digests):
    expected = map_digests(undisturbed / "results/Clearbrook")
    # Three images: map of the CNN, final map, a confidence of each, and probabilities.
    assert len(expected) == 15
    assert map_digests(campaign.folder / "results/A") == expected
    assert map_digests(campaign.folder / "results/B") == expected
    assert not list(campaign.folder.rglob(".part-*"))


def test_a_site_with_account_and_gres_finds_its_lines(
    slurm, tmp_path, monkeypatch, small, copy_river
):
    """The lines that the profile has commented out, as sbatch gets them."""
    profile = (PROFILE / "profile.yaml").read_text()
    for line in ("slurm_account: account", 'gres: "gpu:1"', "gpu: 0"):
        assert f"# {line}" in profile
        profile = profile.replace(f"# {line}", line)
    (tmp_path / "profile.yaml").write_text(profile)
    commands = {"sbatch": f'echo "$@" >> {tmp_path}/submitted; exit 1', "sacctmgr": "echo account"}
    for name, command in commands.items():
        file = tmp_path / "bin" / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(f"#!/bin/sh\n{command}\n")
        file.chmod(0o755)
    folder = copy_river(tmp_path)
    # The first job to submit is then a training.
    check = "results/check/train/Clearbrook.csv"
    assert run_snakemake(folder, check, "--cores", 1, config=small).returncode == 0
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:{os.environ['PATH']}")
    model = "results/Clearbrook/model/Clearbrook.onnx"
    Head(folder, small, tmp_path, model, "--retries", 0).end(status=1)
    (line,) = (tmp_path / "submitted").read_text().splitlines()
    words = line.split()
    assert "-A account -p gpu " in line
    assert "--gres=gpu:1" in words
    assert "--gpus=1" not in words
