"""Scores of training images, each mapped by a CNN that did not learn from it."""

import numpy as np
import pandas as pd
import PIL.Image
import pytest
import rasterio

from run import REPO, run_snakemake

POOL = "Clearbrook_cross_validation"
FOLDS = {"Clearbrook_fold_1": [1, 2], "Clearbrook_fold_2": [3, 4]}
CAMPAIGN = {"train": "train", "groups": "cross_validation", "folds": 2, "images_per_job": 10}


@pytest.fixture(scope="module")
def folder(tmp_path_factory, small):
    folder = tmp_path_factory.mktemp("folds")
    (folder / "train").mkdir()
    for path in (REPO / "sample_data/train").glob("*Clearbrook*"):
        (folder / "train" / path.name).symlink_to(path)
    config = small | {"campaign": CAMPAIGN}
    run = run_snakemake(folder, "--cores", 2, "--resources", "gpu=2", config=config)
    assert run.returncode == 0, run.stdout[-5000:]
    return folder


def test_the_folds_of_a_river_are_scored_as_one(folder):
    report = folder / "results/report"
    compiled = pd.read_csv(report / "compiled.csv")
    assert set(compiled["design"]) == {"cross_validation"}
    images = compiled[compiled["class"] == "ALL"]
    for stage in ("CNN", "MLP"):
        of_stage = images[images["type"] == stage]
        assert of_stage[["model", "Image"]].to_numpy().tolist() == [
            [fold, f"Clearbrook_{n:04}"] for fold, numbers in FOLDS.items() for n in numbers
        ]
    labelled = 0
    for path in (folder / "train").glob("*.tif"):
        with rasterio.open(path) as raster:
            labelled += int((raster.read(1) > 0).sum())
    totals = pd.read_csv(report / "totals.csv")
    columns = ["design", "model", "in_sample", "type", "images", "support"]
    assert totals[columns].to_numpy().tolist() == [
        ["cross_validation", POOL, True, stage, 4, labelled] for stage in ("CNN", "MLP")
    ]
    confusion = pd.read_csv(report / "confusion.csv").set_index(["model", "type", "label"])
    matrix = confusion.loc[(POOL, "MLP")].drop(columns=["design", "in_sample", "seed"]).to_numpy()
    assert matrix.sum() == labelled
    correct = 100 * matrix.diagonal().sum() / labelled
    assert totals["accuracy"].iloc[1] == pytest.approx(correct, abs=0.005)
    experiments = pd.read_csv(report / "experiments.csv")
    weighted = experiments.set_index("F1").loc["weighted"]
    assert (weighted["design"], weighted["images"]) == ("cross_validation", 4)
    assert weighted["MLP"] == totals["weighted_f1"].iloc[1]
    with PIL.Image.open(report / f"violins/{POOL}/Clearbrook.png") as image:
        violins = np.asarray(image.convert("RGB"))
    # All is grey but the images.
    assert np.ptp(violins, axis=2).max() > 50
    figures = {f"Clearbrook_{n:04}.png" for numbers in FOLDS.values() for n in numbers}
    assert {path.name for path in (report / f"panels/{POOL}/Clearbrook").glob("*.png")} == figures
    assert not list(folder.glob("results/*/suggest_labels"))


def test_results_of_folds_that_are_gone_are_removed(folder, small):
    config = small | {"campaign": {"train": "train", "predict": "train"}}
    run = run_snakemake(folder, "results/logs/config.yaml", "--cores", 1, config=config)
    assert run.returncode == 0, run.stdout[-5000:]
    for fold in FOLDS:
        left = {path.name for path in (folder / "results" / fold).rglob("*.*")}
        assert left == {
            f"{fold}{e}"
            for e in (".h5", ".csv", ".onnx", "_qgis.onnx")
            + ("_training.csv", "_training.png", "_training.pdf")
        }
    assert not list(folder.glob("results/report/*/*/*"))
