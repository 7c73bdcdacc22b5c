"""Bad input: one clear message that names the file, status 1, no traceback, nothing computed."""

import shutil

import cv2
import numpy as np
import pytest
import rasterio

from run import REPO, run_snakemake

CONFIG = {"campaign": {"train": "train", "predict": "predict"}}
OF_TILES = CONFIG | {"cnn": {"architecture": "compact"}, "tiles": {"train_stride": 25}}


@pytest.fixture
def river(tmp_path):
    """Two training images and three to classify of a sample river."""
    numbers = {"train": ("0001", "0002"), "predict": ("0005", "0006", "0007")}
    for folder in numbers:
        (tmp_path / folder).mkdir()
        for number in numbers[folder]:
            for path in (REPO / "sample_data" / folder).glob(f"*Clearbrook_{number}.*"):
                shutil.copy(path, tmp_path / folder)
    return tmp_path


def write_labels(path, labels):
    height, width = labels.shape
    with rasterio.open(
        path, "w", driver="GTiff", height=height, width=width, count=1, dtype=labels.dtype
    ) as target:
        target.write(labels, 1)


def read_labels(path):
    with rasterio.open(path) as source:
        return source.read(1)


def computed(folder):
    """What was made besides the checks, the logs and the description of the methods."""
    made = (path.relative_to(folder / "results") for path in (folder / "results").rglob("*.*"))
    made = (path for path in made if path.name != "methods.txt")
    return [path for path in made if path.parts[0] not in ("check", "labels", "logs")]


def test_faults_of_names_stop_the_plan_all_at_once(river):
    (river / "train/SCLS_Clearbrook_0001.tif").unlink()
    (river / "predict/Clearbrook_0006.jpg").rename(river / "predict/Clearbrook_006.jpg")
    shutil.copy(river / "predict/Clearbrook_0007.jpg", river / "predict/Clearbrook_0007.JPEG")
    run = run_snakemake(river, "--cores", 2, config=CONFIG)
    assert run.returncode == 1
    for message in (
        "train/Clearbrook_0001.jpg: training image without labels",
        "predict/Clearbrook_006.jpg: not named RiverName_NNNN.jpg",
        "predict/SCLS_Clearbrook_0006.tif: labels of an image that is not among",
        "two files for one image; remove one",
    ):
        assert message in run.stdout
    assert "Traceback" not in run.stdout
    assert computed(river) == []


def test_faults_in_files_are_all_listed_at_the_end(river):
    path = river / "train/SCLS_Clearbrook_0001.tif"
    write_labels(path, read_labels(path)[:, :-1])
    path = river / "predict/SCLS_Clearbrook_0005.tif"
    labels = read_labels(path)
    labels[0, 0] = 9
    write_labels(path, labels)
    path = river / "predict/SCLS_Clearbrook_0006.tif"
    write_labels(path, read_labels(path) / 2)
    image = river / "predict/Clearbrook_0007.jpg"
    image.write_bytes(image.read_bytes()[:30000])
    # A grey PNG of 16 bits under the name of a JPEG, as renaming by hand makes them.
    other = river / "predict/Clearbrook_0008.jpg"
    other.write_bytes(cv2.imencode(".png", np.zeros((400, 600), np.uint16))[1])
    cv2.imwrite(str(river / "predict/Clearbrook_0009.jpg"), np.zeros((49, 600, 3), np.uint8))
    run = run_snakemake(river, "--cores", 2, config=OF_TILES)
    assert run.returncode == 1
    last_lines = "\n".join(run.stdout.splitlines()[-12:])
    for message in (
        "train/SCLS_Clearbrook_0001.tif: 599 x 400 px, but its image is 600 x 400",
        "predict/SCLS_Clearbrook_0005.tif: code(s) 9 not among the classes 1, 2, 3, 4, 5",
        "predict/SCLS_Clearbrook_0006.tif: holds values that are not whole class codes",
        "predict/Clearbrook_0007.jpg: truncated or damaged; copy it anew",
        "predict/Clearbrook_0008.jpg: 1 band(s) of uint16, not red, green and blue",
        "predict/Clearbrook_0009.jpg: 600 x 49 px, smaller than a tile of 50 px",
    ):
        assert message in last_lines
    assert "Traceback" not in run.stdout
    assert computed(river) == []


def test_a_job_refuses_images_that_failed_their_check(river):
    """On a cluster jobs may begin before all checks are done."""
    path = river / "train/SCLS_Clearbrook_0001.tif"
    write_labels(path, read_labels(path)[:, :-1])
    # Self-training reads images to map as well.
    image = river / "predict/Clearbrook_0007.jpg"
    image.write_bytes(image.read_bytes()[:30000])
    model = "results/Clearbrook/model/Clearbrook.h5"
    config = CONFIG | {"cnn": {"self_training_steps": 50}}
    run = run_snakemake(river, model, "--cores", 1, config=config)
    assert run.returncode == 1
    log = (river / "results/logs/train_cnn/Clearbrook.log").read_text().splitlines()
    assert log[0].startswith("ERROR: train/SCLS_Clearbrook_0001.tif: 599 x 400 px, but its image")
    assert log[1].startswith("ERROR: predict/Clearbrook_0007.jpg: truncated or damaged")
    assert len(log) == 2
    assert computed(river) == []


@pytest.mark.parametrize(
    ("config", "problem", "warning"),
    [
        (CONFIG, "labels of 1 class(es) only", "no labelled pixel"),
        (OF_TILES, "pure tiles of 1 class(es) only", "no pure tile"),
    ],
)
def test_a_class_without_labels_is_a_warning_and_one_class_alone_an_error(
    river, config, problem, warning
):
    for path in (river / "train").glob("SCLS*"):
        labels = read_labels(path)
        write_labels(path, np.where(labels == 5, 0, labels).astype(np.uint8))
    run = run_snakemake(river, "check_campaign", "--cores", 1, config=config)
    assert run.returncode == 0, run.stdout
    assert f"{warning}: the CNN Clearbrook cannot map Paved road" in run.stdout
    assert "cannot map Paved road" in (river / "results/training_labels.csv").read_text()
    for path in (river / "train").glob("SCLS*"):
        write_labels(path, (read_labels(path) == 1).astype(np.uint8))
    run = run_snakemake(river, "--cores", 2, config=config)
    assert run.returncode == 1
    assert f"group Clearbrook: {problem}" in run.stdout


# Imported before all else, this Keras is one that a broken installation leaves.
BROKEN_KERAS = 'raise ImportError("libcudart.so.12: cannot open shared object file")\n'


def test_a_failed_import_is_in_the_log_of_the_rule(river, monkeypatch):
    (river / "broken").mkdir()
    (river / "broken/keras.py").write_text(BROKEN_KERAS)
    monkeypatch.setenv("PYTHONPATH", str(river / "broken"))
    model = "results/Clearbrook/model/Clearbrook.h5"
    run = run_snakemake(river, model, "--cores", 1, config=CONFIG)
    assert run.returncode == 1
    log = (river / "results/logs/train_cnn/Clearbrook.log").read_text()
    assert "libcudart.so.12: cannot open shared object file" in log
