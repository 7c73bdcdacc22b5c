"""Every option of the published method in one campaign on the sample images."""

import json
import shutil

import numpy as np
import pandas as pd
import pytest
import rasterio

from run import REPO, run_snakemake
from ssc.cnn.tuning import plateau_epoch

CONFIG = {
    "campaign": {
        "train": "sample_data/train",
        "predict": "sample_data/predict",
        "groups": [
            {
                "both": {
                    "train": ["Ambervale", "Clearbrook"],
                    "predict": ["Ambervale"],
                }
            },
            {"old": {"model": "old.h5", "predict": ["Clearbrook"]}},
        ],
        "images_per_job": 10,
    },
    "tiles": {"train_stride": 16, "predict_stride": 25},
    "cnn": {
        "architecture": "compact",
        "epochs": "auto",
        "local_classes": True,
        "schedule": "constant",
        "tuning": {"epochs": 6},
    },
    "refine": {
        "method": "rf",
        "pixel_fraction": 0.5,
        "min_pixels": 50000,
        "smote_enn": True,
        "min_probability": 0.4,
        "min_tiles": 2,
        "entropy": True,
        "majority_radius": 1,
        "n_samples": 5000,
        "cnn_weight": 0,
        "colour_weight": 1,
        "max_changed_fraction": 1,
    },
    "baselines": ["ML", "PixelMLP", "PixelRF"],
}


def save_keras_2_model(folder):
    """A CNN of the published code's time: tiles of 0..1 in, local classes of two rivers out.

    It takes blue tiles for water of either river, by their light, and the others for green
    vegetation.
    """
    import tf_keras

    layers = tf_keras.layers
    model = tf_keras.Sequential(
        [
            layers.BatchNormalization(input_shape=(50, 50, 3)),
            layers.GlobalAveragePooling2D(),
            layers.Dense(5, activation="softmax"),
        ]
    )
    kernel = np.zeros((3, 5))
    kernel[:, 1] = kernel[:, 3] = (-100, 0, 100)
    model.layers[-1].set_weights([kernel, np.array([-50, 0, 0, 0, 0])])
    model.save(folder / "old.h5")
    (folder / "old.csv").write_text(
        ",LocalClass,HierarchClass,River,ClassName\n"
        "0,0.0,0.0,,\n"
        "1,1.0,1.0,Ouse,water\n"
        "2,2.0,3.0,Ouse,green_vegetation\n"
        "3,3.0,1.0,Trent,water\n"
        "4,4.0,3.0,Trent,green_vegetation\n"
    )


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    folder = tmp_path_factory.mktemp("options")
    shutil.copytree(REPO / "sample_data", folder / "sample_data")
    save_keras_2_model(folder)
    run = run_snakemake(folder, "--cores", 2, config=CONFIG)
    assert run.returncode == 0, run.stdout[-5000:]
    return folder / "results"


def test_tuning_decides_the_number_of_epochs(results):
    tuning = pd.read_csv(results / "both/model/both_tuning.csv")
    assert list(tuning.columns) == ["epoch", "loss", "accuracy", "val_loss", "val_accuracy"]
    assert len(tuning) == 6
    trained = pd.read_csv(results / "both/model/both_training.csv")
    # Tiles are so few that cnn.min_steps, 300 by default, would ask for more epochs.
    assert len(trained) == plateau_epoch(tuning)[0]
    assert (results / "both/model/both_tuning.png").stat().st_size > 10_000


def test_local_classes_of_two_rivers_become_the_classes_of_the_config(results):
    key = pd.read_csv(results / "both/model/both.csv")
    assert key["LocalClass"].tolist() == list(range(1, 11))
    assert key["HierarchClass"].tolist() == [1, 2, 3, 4, 5] * 2
    assert key["River"].tolist() == ["Ambervale"] * 5 + ["Clearbrook"] * 5
    totals = pd.read_csv(results / "report/totals.csv").set_index(["model", "type"])
    assert totals.loc[("both", "CNN"), "macro_f1"] > 60


def test_all_phase_2_options_work_together(results):
    totals = pd.read_csv(results / "report/totals.csv").set_index(["model", "type"])
    assert totals.loc[("both", "RF"), "macro_f1"] > totals.loc[("both", "CNN"), "macro_f1"]


def test_baselines_are_scored_beside_the_cnn_in_the_order_of_the_paper(results):
    compared = pd.read_csv(results / "report/experiments.csv")
    assert list(compared.columns[-5:]) == ["ML", "PixelMLP", "PixelRF", "CNN", "RF"]
    both = compared[(compared["design"] == "both") & (compared["F1"] == "weighted")]
    assert (both[["ML", "PixelMLP", "PixelRF"]].to_numpy() > 75).all()


def test_model_of_keras_2_maps_a_river_that_it_never_saw(results):
    compiled = pd.read_csv(results / "report/compiled.csv")
    assert compiled.groupby("model")["in_sample"].unique().map(list).to_dict() == {
        "both": [True],
        "old": [False],
    }
    assert set(compiled.loc[compiled["model"] == "old", "type"]) == {"CNN", "RF"}
    for path in (results / "old/cnn").glob("CNN_*.tif"):
        with rasterio.open(path) as raster:
            codes, tags = raster.read(1), raster.tags()
        assert json.loads(tags["CNN_SETTINGS"])["tile_stride"] == 25
        name = path.stem.removeprefix("CNN_")
        with rasterio.open(REPO / f"sample_data/predict/{name}.jpg") as source:
            red, _, blue = source.read().astype(float)
        # Tiles 25 px apart: what one says alone is seen in the corners.
        for corner in (np.s_[:25, :25], np.s_[-25:, -25:]):
            rows = np.s_[:50] if corner[0].stop else np.s_[-50:]
            tile = (rows, rows)
            expected = 1 if (blue[tile] - red[tile]).mean() > 0 else 3
            assert (codes[corner] == expected).all()
