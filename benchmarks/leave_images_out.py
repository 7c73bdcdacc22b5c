"""How well training images are mapped by CNNs that did not see them.

A river's labelled images are cut, in order of their numbers, into folds of neighbours. Links
give each fold the name of a river, and the workflow leaves one river out at a time.
"""

import argparse
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import yaml
from workflow import ROOT, link, run_workflow

sys.path.insert(0, str(ROOT / "workflow_scripts"))

from ssc.campaign import read_campaign
from ssc.classes import LandClass
from ssc.scores import EDGES, score_table


def main():
    parser = argparse.ArgumentParser(
        description=__doc__.partition("\n")[0], epilog="Other arguments are Snakemake's."
    )
    parser.add_argument("folder", help="labelled images of one river")
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--out", type=Path, default=Path("results/leave_images_out"))
    parser.add_argument("--cores", default="2")
    parser.add_argument("--config", type=Path, help="settings other than campaign")
    args, arguments = parser.parse_known_args()
    settings = yaml.safe_load(args.config.read_text()) if args.config else {}
    config = settings | {
        "campaign": {
            "train": "images",
            "predict": "images",
            "groups": "leave_one_river_out",
            "images_per_job": 10,
        },
        "results": "results",
        "experiment": "leave_images_out",
    }
    link_folds(args.folder, args.out / "images", args.folds)
    results = run_workflow(args.out, config, ["--cores", args.cores, *arguments])
    print(sum_folds(results).to_string())


def link_folds(folder: str, target: Path, folds: int) -> None:
    """Link the images of a folder and their labels under the names fold1_..., fold2_..."""
    images = list(read_campaign(folder, folder, "per_river").train.values())
    sources, targets = [], []
    for number, part in enumerate(np.array_split(np.arange(len(images)), folds), start=1):
        for image in (images[i] for i in part):
            name = f"fold{number}_{image.number}"
            sources += [image.path, image.label]
            targets += [target / f"{name}.jpg", target / f"SCLS_{name}.tif"]
    link(sources, targets)


def sum_folds(results: Path) -> pd.DataFrame:
    """Scores over all left-out pixels, by stage and class, from summed counts."""
    stages = {}
    for stage in ("CNN", "MLP"):
        tables = [pd.read_csv(path) for path in results.rglob(f"{stage}_*.csv")]
        names = tables[0]["class"][:-2]
        classes = [LandClass(i, name) for i, name in enumerate(names, 1)]
        columns = [f"mapped_{name}" for name in names]
        confusion = sum(t[columns].to_numpy()[:-2] for t in tables)
        boundary = sum(t[EDGES].to_numpy()[:-2] for t in tables)
        scores = score_table(
            np.pad(confusion, ((1, 0), (1, 0))), classes, np.pad(boundary, ((1, 0), (0, 0)))
        ).set_index("class")
        stages[stage] = scores[["precision", "recall", "f1_score", "support", "boundary_f1"]]
    return pd.concat(stages)


if __name__ == "__main__":
    main()
