"""A way for the tests to run the workflow of this repository."""

import subprocess
import sys
from pathlib import Path

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
