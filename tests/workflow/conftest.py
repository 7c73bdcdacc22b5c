"""A campaign of one river that several tests compare with."""

import shutil

import pytest
import yaml

from run import REPO, run_snakemake

SAMPLE = yaml.safe_load((REPO / "config/config.yaml").read_text())


@pytest.fixture(scope="session")
def small():
    """A config that trains in seconds."""
    return SAMPLE | {
        "dense": {"steps": 50, "window": 64, "channels": [16, 32]},
        "refine": {"epochs": 2, "sample": 5000},
    }


@pytest.fixture(scope="session")
def copy_river():
    def copy(folder):
        for part in ("train", "predict"):
            target = folder / "sample_data" / part
            target.mkdir(parents=True)
            for path in (REPO / "sample_data" / part).glob("*Clearbrook*"):
                shutil.copy(path, target)
        return folder

    return copy


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory, small, copy_river):
    """The river mapped on this machine, without any accident."""
    folder = copy_river(tmp_path_factory.mktemp("undisturbed"))
    run = run_snakemake(folder, "--cores", 2, config=small)
    assert run.returncode == 0, run.stdout[-5000:]
    return folder
