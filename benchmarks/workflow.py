"""What the benchmarks share: runs of the workflow, each in a folder of its own, and the library.

Importing this module makes the modules of workflow_scripts/ importable.
"""

import os
import subprocess
import sys
import warnings
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

if TYPE_CHECKING:
    import pandas as pd

    from ssc.campaign import Image

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "workflow_scripts"))
# For the other benchmarks.
from config_reading import complete_config as complete_config

# Few photographs have a georeference.
warnings.filterwarnings("ignore", "Dataset has no geotransform")

# The published method (Carbonneau et al. 2020) with our compact CNN: tiles, then colours alone.
PUBLISHED = {
    "cnn": {"architecture": "compact", "match_colours": False},
    "refine": {"cnn_weight": 0, "colour_weight": 1, "max_changed_fraction": 1},
}


def snakemake_command(*arguments: str, snakefile: Path = ROOT / "Snakefile") -> list[str]:
    """The command that runs the workflow by `config.yaml` of the working directory."""
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(snakefile)]
    return [*command, "--configfile", "config.yaml", *arguments]


def run_workflow(folder: Path, config: dict, arguments: Sequence[str]) -> Path:
    """Run the workflow in a folder.

    What an earlier run finished is not made again.

    Parameters
    ----------
    folder : Path
        Where to run it; made if need be.
    config : dict
        Without `results`.
    arguments : sequence of str
        For Snakemake.

    Returns
    -------
    Path
        Folder of the results.
    """
    folder.mkdir(parents=True, exist_ok=True)
    write_config(folder, config | {"results": "results"})
    command = snakemake_command("--quiet", "rules", *arguments)
    subprocess.run(command, cwd=folder, check=True)
    return folder / "results"


def write_config(folder: Path, config: dict) -> None:
    """Write the config that `snakemake_command` reads."""
    (folder / "config.yaml").write_text(yaml.safe_dump(config))


def job_times(results: Path) -> "pd.DataFrame":
    """Read Snakemake's benchmark files: a row for each job, with its rule."""
    import pandas as pd

    logs = results / "logs"
    tables = [
        pd.read_csv(path, sep="\t").assign(rule=path.relative_to(logs).parts[0])
        for path in logs.rglob("*.tsv")
    ]
    jobs = pd.concat(tables)
    # The only job of a rule has no folder of its own.
    return jobs.assign(rule=jobs["rule"].str.removesuffix(".tsv"))


def link_images(folder: Path, images: "Iterable[tuple[str, Image]]") -> None:
    """Fill a folder with links to images, and to their labels if they have some.

    Parameters
    ----------
    folder : Path
        Made if need be; links of an earlier run to anything else are removed.
    images : iterable of tuple
        Pairs of a new name and an image.
    """
    targets = {}
    for name, image in images:
        targets[folder / f"{name}.jpg"] = Path(image.path).resolve()
        if image.label:
            targets[folder / f"SCLS_{name}.tif"] = Path(image.label).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    for path in folder.iterdir():
        if path.is_symlink() and path.readlink() != targets.get(path):
            path.unlink()
    for target, source in targets.items():
        if not target.is_symlink():
            os.symlink(source, target)
