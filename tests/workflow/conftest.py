"""A campaign of one river that several tests compare with."""

import hashlib
import re
import shutil

import pytest
import yaml

from run import REPO, run_snakemake

SAMPLE = yaml.safe_load((REPO / "config/config.yaml").read_text())


@pytest.fixture(scope="session")
def small():
    """A config that trains in seconds."""
    return SAMPLE | {
        "cnn": {"encoder": "plain", "steps": 50, "patch_size": 64, "channels": [16, 32]},
        "refine": {"epochs": 2, "n_samples": 5000},
    }


@pytest.fixture(scope="session")
def copy_river():
    def copy(folder):
        for part in ("train", "predict"):
            target = folder / "sample_data" / part
            target.mkdir(parents=True)
            for path in (REPO / "sample_data" / part).glob("*Clearbrook*"):
                shutil.copy2(path, target)
        return folder

    return copy


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory, small, copy_river):
    """The river mapped on this machine, without any accident, and what the terminal showed."""
    folder = copy_river(tmp_path_factory.mktemp("undisturbed"))
    run = run_snakemake(folder, "--cores", 2, config=small)
    assert run.returncode == 0, run.stdout[-5000:]
    (folder / "terminal.txt").write_text(run.stdout)
    return folder


@pytest.fixture(scope="session")
def map_digests():
    """Digests of the maps, confidences and probabilities of a group, by folder and name."""

    def digests(group):
        return {
            (path.parent.name, path.name): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in group.rglob("*.tif")
        }

    return digests


@pytest.fixture(scope="session")
def plan():
    """Planned jobs by rule, `all` and `total` left out."""

    def plan(folder, config, repo=REPO):
        run = run_snakemake(folder, "-n", config=config, repo=repo)
        assert run.returncode == 0, run.stdout
        jobs = re.findall(r"^(\w+) +(\d+)$", run.stdout, re.MULTILINE)
        return {rule: int(n) for rule, n in jobs if rule not in ("all", "total")}

    return plan
