"""Real rivers with their published labels: the figures that the method must reach."""

import os
from pathlib import Path

import pandas as pd
import pytest

from run import REPO, run_snakemake


@pytest.fixture(scope="session")
def real_data():
    """The folder with the St Marguerite and Monterey images."""
    folder = os.environ.get("SSC_DATA")
    if not folder or not Path(folder).is_dir():
        pytest.skip("real images absent: set SSC_DATA to their folder")
    return Path(folder)


def run_site(site, folder):
    """Run a committed config; the scores of each stage, in percent."""
    config = REPO / f"config/{site}.yaml"
    run = run_snakemake(folder, "--cores", 2, "--configfile", config)
    assert run.returncode == 0, run.stdout[-5000:]
    return pd.read_csv(folder / f"results/{site}/report/totals.csv").set_index("type")


def peak_memory(folder):
    """Largest resident memory of any job, in MiB."""
    return max(pd.read_csv(p, sep="\t")["max_rss"].max() for p in (folder / "logs").rglob("*.tsv"))


@pytest.mark.usefixtures("real_data")
def test_st_marguerite(tmp_path):
    totals = run_site("stmarguerite", tmp_path)
    assert totals.loc["MLP", "support"] == 29071185
    assert totals.loc["MLP", "weighted_f1"] >= 97
    assert totals.loc["MLP", "weighted_f1"] >= totals.loc["CNN", "weighted_f1"]
    preflight = pd.read_csv(tmp_path / "results/stmarguerite/preflight.csv")
    pure = preflight[[f"pure_tiles_{code}" for code in range(1, 6)]].sum()
    assert pure.tolist() == [3698, 263, 3784, 0, 0]
    assert peak_memory(tmp_path) < 3000


@pytest.mark.usefixtures("real_data")
def test_monterey(tmp_path):
    totals = run_site("monterey", tmp_path)
    compiled = pd.read_csv(tmp_path / "results/monterey/report/compiled.csv")
    assert compiled["class"].nunique() == 6  # five classes and ALL
    # The best that a compact tile CNN reached here with tiles 25 px apart.
    assert (totals["weighted_f1"] >= 75.1).all()
    assert (totals["macro_f1"] >= 69.2).all()
    assert peak_memory(tmp_path) < 3000
