"""Real rivers with their published labels: the figures that the method must reach."""

import os
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest
import yaml

from run import REPO, run_snakemake


@pytest.fixture
def run_site(tmp_path):
    """A function that runs a committed config with changes.

    It returns the results folder, the totals by stage (percent), and the largest resident memory
    of any job (MiB).
    """
    data = os.environ.get("SSC_DATA")
    if not data or not Path(data).is_dir():
        pytest.skip("real images absent: set SSC_DATA to their folder")

    def run(site, **changes):
        config = yaml.safe_load((REPO / f"config/{site}.yaml").read_text()) | changes
        # Else most of the time would go into starting jobs.
        config["campaign"]["images_per_job"] = 10
        run = run_snakemake(tmp_path, "--cores", 2, config=config)
        assert run.returncode == 0, run.stdout[-5000:]
        results = tmp_path / f"results/{site}"
        jobs = [pd.read_csv(p, sep="\t")["max_rss"].max() for p in results.glob("logs/**/*.tsv")]
        totals = pd.read_csv(results / "report/totals.csv").set_index("type")
        return SimpleNamespace(results=results, totals=totals, peak_memory=max(jobs))

    return run
