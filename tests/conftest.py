"""What the tests share: where the repository and the real images are, and a way to run it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

REPO = Path(__file__).parents[1]


def run_snakemake(folder, *arguments, config=None, repo=REPO):
    """Run the workflow in `folder`; `config` is written to a file there and used."""
    command = [sys.executable, "-m", "snakemake", *arguments, "--snakefile", repo / "Snakefile"]
    if config is not None:
        file = folder / "config.yaml"
        file.write_text(yaml.safe_dump(config, allow_unicode=True))
        command += ["--configfile", file]
    return subprocess.run(
        [*map(str, command)],
        cwd=folder,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )


@pytest.fixture(scope="session")
def real_data():
    """The folder with the St Marguerite and Monterey images."""
    folder = os.environ.get("SSC_DATA")
    if not folder or not Path(folder).is_dir():
        pytest.skip("real images absent: set SSC_DATA to their folder")
    return Path(folder)
