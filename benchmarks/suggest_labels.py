"""Whether labelling the images that the workflow ranks first beats labelling any.

Of a folder of labelled images some are taken at random to learn from. The workflow maps the
others and ranks them; then the labels of those that it ranks first are added, or of as many at
random, and a CNN that learns from all of them maps the test images. Each is a run of the workflow
in a folder of its own under --out, where a finished run is not repeated.
"""

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from workflow import link_images, run_workflow

from ssc.campaign import read_campaign
from ssc.io.tables import read_table


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("train", help="labelled images of one river to choose from")
    parser.add_argument("test", help="labelled images of it to score")
    parser.add_argument("--start", type=int, default=8, help="images labelled at first")
    parser.add_argument("--add", type=int, default=8, help="images labelled next")
    parser.add_argument("--steps", type=int, default=200, help="of each training")
    parser.add_argument("--seeds", type=int, nargs="+", default=[42, 43, 44])
    parser.add_argument("--out", type=Path, default=Path("results/suggest_labels"))
    parser.add_argument("--cores", default="2")
    args = parser.parse_args()
    arguments = ["--cores", args.cores]
    campaign = read_campaign(args.train, args.test, "per_river")
    test = list(campaign.predict.values())
    rows = []
    for seed in args.seeds:
        names = np.random.default_rng(seed).permutation(list(campaign.train)).tolist()
        start, pool = names[: args.start], names[args.start :]
        folder = args.out.resolve() / str(seed)
        settings = {"cnn": {"steps": args.steps}, "seed": seed}
        to_rank = [replace(campaign.train[name], label=None) for name in pool]
        train = [campaign.train[name] for name in start]
        first = run(folder / "first", train, test + to_rank, settings, arguments)
        (ranking,) = first.glob("*/suggest_labels/*_images.csv")
        ranked = read_table(ranking)["Image"].tolist()
        assert sorted(ranked) == sorted(pool)
        for choice, added in (("random", pool), ("ranked first", ranked)):
            train = [campaign.train[name] for name in start + added[: args.add]]
            results = run(folder / choice.replace(" ", "_"), train, test, settings, arguments)
            rows.append({"seed": seed, "added": choice, **read_scores(results)})
        rows.append({"seed": seed, "added": "none", **read_scores(first)})
    table = pd.DataFrame(rows)
    print(table.round(2).to_string(index=False))
    print(table.groupby("added")[["weighted_f1", "macro_f1"]].agg(["mean", "std"]).round(2))


def run(folder: Path, train, predict, settings: dict, arguments: list[str]) -> Path:
    """Map the images `predict` by a CNN that learns from `train`; the folder of results."""
    for role, images in (("train", train), ("predict", predict)):
        link_images(folder / role, [(image.name, image) for image in images])
    campaign = {"train": "train", "predict": "predict", "images_per_job": 10}
    return run_workflow(folder, settings | {"campaign": campaign}, arguments)


def read_scores(results: Path) -> dict:
    """F1 of the final map over the test images, percent."""
    totals = pd.read_csv(results / "report/totals.csv").set_index("type").loc["MLP"]
    return {"weighted_f1": totals["weighted_f1"], "macro_f1": totals["macro_f1"]}


if __name__ == "__main__":
    main()
