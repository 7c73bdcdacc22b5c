"""Several seeds in one campaign: each CNN once with each, and the spread of the scores."""

import numpy as np
import pandas as pd

from run import run_snakemake

BY = ["design", "model", "in_sample", "type"]


def test_seeds_repeat_cnns_and_their_spread_is_reported(
    undisturbed, small, copy_river, map_digests, tmp_path
):
    copy_river(tmp_path)
    groups = {"groups": ["per_river", "cross_validation"], "folds": 2, "images_per_job": 10}
    config = small | {"campaign": small["campaign"] | groups, "seed": [42, 43]}
    run = run_snakemake(tmp_path, "--cores", 2, "--resources", "gpu=2", config=config)
    assert run.returncode == 0, run.stdout[-5000:]
    results = tmp_path / "results"
    report = results / "report"

    # The first seed makes the files that it makes alone.
    alone = map_digests(undisturbed / "results/Clearbrook")
    repeated = map_digests(results / "Clearbrook_seed_43")
    assert map_digests(results / "Clearbrook") == alone
    assert repeated.keys() == alone.keys()
    assert all(repeated[name] != alone[name] for name in alone if name[1].startswith("CNN"))

    totals = pd.read_csv(report / "totals.csv")
    pools = {"Clearbrook": 2, "Clearbrook_cross_validation": 4}
    assert totals[["model", "seed", "type", "images"]].to_numpy().tolist() == [
        [model, seed, stage, images]
        for seed in (42, 43)
        for model, images in pools.items()
        for stage in ("CNN", "MLP")
    ]
    spread = pd.read_csv(report / "seeds.csv").set_index(BY)
    assert (spread["seeds"] == 2).all()
    first, second = (totals[totals["seed"] == seed].set_index(BY) for seed in (42, 43))
    assert spread.index.equals(first.index)
    for measure in totals.columns.drop([*BY, "seed", "images", "support"]):
        difference = first[measure] - second[measure]
        means = (first[measure] + second[measure]) / 2
        np.testing.assert_allclose(spread[measure], means, atol=0.001)
        # Of two values.
        deviations = difference.abs() / np.sqrt(2)
        np.testing.assert_allclose(spread[f"{measure}_sd"], deviations, atol=0.001)
    assert spread["accuracy_sd"].max() > 0

    areas = pd.read_csv(report / "areas.csv")
    of_groups = areas[areas["level"] == "group"].groupby(["group", "seed"])["pixels"].sum()
    assert [*of_groups.index] == [("Clearbrook", 42), ("Clearbrook_seed_43", 43)]
    assert of_groups.nunique() == 1
    experiments = pd.read_csv(report / "experiments.csv")
    assert experiments.loc[
        experiments["F1"] == "weighted", ["seed", "images"]
    ].to_numpy().tolist() == [
        [42, 2],
        [42, 4],
        [43, 2],
        [43, 4],
    ]
    assert {path.parts[-3] for path in results.glob("*/suggest_labels/*.png")} == {"Clearbrook"}

    # With one seed again, only its results stay, and the trained CNNs.
    run = run_snakemake(
        *(tmp_path, "results/logs/config.yaml", "--cores", 1), config=config | {"seed": 42}
    )
    assert run.returncode == 0, run.stdout[-5000:]
    assert not (report / "seeds.csv").exists()
    assert not map_digests(results / "Clearbrook_seed_43")
    assert (results / "Clearbrook_seed_43/model/Clearbrook_seed_43.h5").exists()
