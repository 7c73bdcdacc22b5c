"""A way for the tests to run the workflow of this repository."""

import subprocess
import sys
from pathlib import Path

import yaml

REPO = Path(__file__).parents[1]


def snakemake_command(folder, *arguments, config=None, repo=REPO):
    """The command that runs the workflow; `config` is written to a file in `folder` and used."""
    command = [sys.executable, "-m", "snakemake", *arguments, "--snakefile", repo / "Snakefile"]
    if config is not None:
        file = folder / "config.yaml"
        file.write_text(yaml.safe_dump(config, allow_unicode=True))
        command += ["--configfile", file]
    return [str(part) for part in command]


def run_snakemake(folder, *arguments, **options):
    """Run the workflow in `folder` to its end."""
    return subprocess.run(
        snakemake_command(folder, *arguments, **options),
        cwd=folder,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
