"""A CNN that starts from a trained one."""

import pandas as pd

from run import run_snakemake


def test_training_goes_on_where_the_trained_cnn_ended(undisturbed, small, copy_river, tmp_path):
    copy_river(tmp_path)
    model = undisturbed / "results/Clearbrook/model/Clearbrook.h5"
    own = {"train": ["Clearbrook"], "predict": ["Clearbrook"], "start_from": str(model)}
    campaign = small["campaign"] | {"groups": {"again": own}}
    history = "results/again/model/again_training.csv"
    run = run_snakemake(
        *(tmp_path, history, "--cores", 2, "--resources", "gpu=1"),
        config=small | {"campaign": campaign},
    )
    assert run.returncode == 0, run.stdout[-5000:]
    first = pd.read_csv(model.with_name("Clearbrook_training.csv"))["loss"]
    again = pd.read_csv(tmp_path / history)["loss"]
    # Both are the mean over the same 50 batches.
    assert len(first) == len(again) == 1
    assert again[0] < 0.8 * first[0]
