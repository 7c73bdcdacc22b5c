"""Runs of the workflow for the benchmarks, each in a folder of its own."""

import os
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[1]


def run_workflow(folder: Path, config: dict, arguments: Sequence[str]) -> Path:
    """Run the workflow in a folder, with arguments for Snakemake; the folder of its results.

    What an earlier run finished is not made again.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "Snakefile")]
    command += ["--configfile", "config.yaml", "--quiet", "rules", *arguments]
    subprocess.run(command, cwd=folder, check=True)
    return folder / config["results"]


def link(sources: Iterable[str | Path], targets: Iterable[Path]) -> None:
    """Make the targets links to the sources, and the only ones in their folders."""
    wanted = {
        target: Path(source).resolve() for source, target in zip(sources, targets, strict=True)
    }
    for folder in {target.parent for target in wanted}:
        folder.mkdir(parents=True, exist_ok=True)
        for path in folder.iterdir():
            if path.is_symlink() and path.readlink() != wanted.get(path):
                path.unlink()
    for target, source in wanted.items():
        if not target.is_symlink():
            os.symlink(source, target)
