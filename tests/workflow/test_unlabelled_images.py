"""Self-training: the CNN learns from the images to map as well."""

import re
import shutil

import pandas as pd
import pytest

from run import run_snakemake


def test_a_cnn_learns_from_the_images_to_map(copy_river, small, tmp_path, plan):
    copy_river(tmp_path)
    config = small | {"cnn": small["cnn"] | {"self_training_steps": 50}}
    target = "results/Clearbrook/model/Clearbrook_training.csv"
    run = run_snakemake(tmp_path, target, "--cores", 2, config=config)
    assert run.returncode == 0, run.stdout
    # 50 steps with labels, and 50 with pseudo-labels too.
    assert pd.read_csv(tmp_path / target)["epoch"].tolist() == [1, 2]
    log = (tmp_path / "results/logs/train_cnn/Clearbrook.log").read_text()
    assert re.search(r"self-training on \d\d windows of images without labels", log)
    assert "train_cnn" not in plan(tmp_path, config)
    # Another image to learn from makes another CNN.
    images = tmp_path / "sample_data/predict"
    shutil.copy2(images / "Clearbrook_0005.jpg", images / "Clearbrook_0008.jpg")
    assert plan(tmp_path, config)["train_cnn"] == 1


@pytest.mark.parametrize(
    ("folder", "warning"),
    [
        ("train", "the CNN maps no images of its rivers"),
        ("predict", "in all images to map the CNN is"),
    ],
)
def test_without_pseudo_labels_there_is_a_warning_and_a_cnn(
    copy_river, small, tmp_path, folder, warning
):
    copy_river(tmp_path)
    # A CNN that learns hardly anything is confident nowhere.
    cnn = small["cnn"] | {"steps": 20, "learning_rate": 1e-6, "self_training_steps": 20}
    paths = small["campaign"] | {"predict": f"sample_data/{folder}"}
    target = "results/Clearbrook/model/Clearbrook_training.csv"
    run = run_snakemake(
        tmp_path, target, "--cores", 2, config=small | {"cnn": cnn, "campaign": paths}
    )
    assert run.returncode == 0, run.stdout
    assert pd.read_csv(tmp_path / target)["epoch"].tolist() == [1]
    log = (tmp_path / "results/logs/train_cnn/Clearbrook.log").read_text()
    assert f"WARNING: no self-training: {warning}" in log
