"""How well training images are mapped by CNNs that did not see them.

A river's labelled images are cut, in order of their numbers, into folds of neighbours, and each
fold is mapped by a campaign that learns from the others. Each campaign has one of the cores.
"""

import argparse
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd
import yaml
from workflow import link_images, run_workflow

from ssc.campaign import read_campaign
from ssc.classes import LandClass
from ssc.evaluation.boundaries import EDGE_COUNTS
from ssc.evaluation.scores import score_table
from ssc.io.tables import read_table


def main():
    parser = argparse.ArgumentParser(
        description=__doc__.partition("\n")[0], epilog="Other arguments are Snakemake's."
    )
    parser.add_argument("folder", help="labelled images of one river")
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--out", type=Path, default=Path("results/leave_images_out"))
    parser.add_argument("--cores", type=int, default=2)
    parser.add_argument("--config", type=Path, help="settings other than campaign and results")
    args, arguments = parser.parse_known_args()
    settings = yaml.safe_load(args.config.read_text()) if args.config else {}
    campaign = {"train": "train", "predict": "predict", "groups": "per_river"}
    config = settings | {"campaign": campaign | {"images_per_job": 10}}

    def run_fold(folder: Path) -> Path:
        return run_workflow(folder, config, ["--cores", "1", *arguments])

    with ThreadPoolExecutor(args.cores) as pool:
        folds = link_folds(args.folder, args.out, args.folds)
        print(sum_folds(list(pool.map(run_fold, folds))).to_string())


def link_folds(folder: str, target: Path, folds: int) -> list[Path]:
    """A campaign for each fold: links to the images of the others to learn from, its own to map."""
    images = list(read_campaign(folder, folder, "per_river").train.values())
    campaigns = []
    for number, left_out in enumerate(np.array_split(np.arange(len(images)), folds), start=1):
        campaigns.append(target / f"fold{number}")
        for role in ("train", "predict"):
            part = [i for n, i in enumerate(images) if (n in left_out) == (role == "predict")]
            link_images(campaigns[-1] / role, [(image.name, image) for image in part])
    return campaigns


def sum_folds(results: list[Path]) -> pd.DataFrame:
    """Scores over all left-out pixels, by stage and class, from summed counts."""
    stages = {}
    for stage in ("CNN", "MLP"):
        tables = [
            read_table(path)
            for folder in results
            for path in folder.glob(f"*/scores/{stage}_*.csv")
        ]
        names = tables[0]["class"][:-2]
        classes = [LandClass(i, name) for i, name in enumerate(names, 1)]
        columns = [f"mapped_{name}" for name in names]
        confusion = sum(t[columns].to_numpy()[:-2] for t in tables)
        boundary = sum(t[EDGE_COUNTS].to_numpy()[:-2] for t in tables)
        scores = score_table(
            np.pad(confusion, ((1, 0), (1, 0))), classes, np.pad(boundary, ((1, 0), (0, 0)))
        ).set_index("class")
        stages[stage] = scores[["precision", "recall", "f1_score", "support", "boundary_f1"]]
    return pd.concat(stages)


if __name__ == "__main__":
    main()
