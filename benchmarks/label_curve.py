"""How many images to label: F1 of the maps against the number of labelled images.

Of a folder of labelled images of a new river some are learned from: 1, 2, 4 and so on, each set a
part of the next. CNNs begin with random weights, with those of ImageNet, or with those of another
river; one curve is with self-training on the images to score. Images are drawn at random, or the
one image that all sets share is, and the workflow ranks the others (suggest_labels). Each is a run
of the workflow in a folder of its own under --out, where a finished run is not repeated.
"""

import argparse
from dataclasses import replace
from itertools import cycle
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from workflow import link_images, run_workflow

from ssc.campaign import read_campaign
from ssc.io.tables import read_table

CURVES = {
    "random_weights": "random weights",
    "imagenet": "ImageNet",
    "other_river": "ImageNet, then another river",
    "suggest_labels": "ImageNet, images by suggest_labels",
    "self_training": "ImageNet and self-training",
}
CONFIGS = {
    # As long as the U-Net with random weights learns from few images before it overfits.
    "random_weights": {"cnn": {"encoder": "plain", "steps": 600}},
    # As many steps in all as by default.
    "self_training": {"cnn": {"steps": 100, "self_training_steps": 100}},
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("train", help="labelled images of the new river to choose from")
    parser.add_argument("test", help="labelled images of it to score")
    parser.add_argument("other", help="labelled images of another river")
    parser.add_argument("--counts", type=int, nargs="+", default=[1, 2, 4, 8])
    parser.add_argument("--seeds", type=int, nargs="+", default=[42, 43, 44])
    parser.add_argument("--curves", nargs="+", choices=CURVES, default=[*CURVES])
    parser.add_argument("--out", type=Path, default=Path("results/label_curve"))
    parser.add_argument("--cores", default="2")
    args = parser.parse_args()
    new = read_campaign(args.train, args.test, "per_river")
    other = list(read_campaign(args.other, args.test, []).train.values())
    runs = Runs(args.out.resolve(), list(new.predict.values()), ["--cores", args.cores])
    rows = []
    for seed in args.seeds:
        order = np.random.default_rng(seed).permutation(list(new.train)).tolist()
        for curve in args.curves:
            start = runs.train_other(other, seed) if curve == "other_river" else None
            config = {"seed": seed} | CONFIGS.get(curve, {})
            chosen: list[str] = []
            ranking = order
            for count in args.counts:
                chosen = chosen + ranking[: count - len(chosen)]
                left = [name for name in order if name not in chosen]
                to_rank = left if curve == "suggest_labels" else []
                train, ranked = ([new.train[name] for name in names] for names in (chosen, to_rank))
                results = runs.run(f"{seed}/{curve}/{count}", train, ranked, config, start)
                ranking = read_ranking(results) if to_rank else left
                rows.append({"curve": curve, "images": count, "seed": seed, **read_scores(results)})
                print(rows[-1], flush=True)
    table = pd.DataFrame(rows)
    args.out.mkdir(parents=True, exist_ok=True)
    table.to_csv(args.out / "label_curve.csv", index=False)
    scores = table.groupby(["curve", "images"], sort=False)[["weighted_f1", "macro_f1"]]
    print(scores.agg(["mean", "std", "min"]).round(1).to_string())
    plot_curves(args.out / "label_curve.png", table)


class Runs:
    """Runs of the workflow that map the same test images."""

    def __init__(self, out: Path, test, arguments: list[str]):
        self.out, self.test, self.arguments = out, test, arguments

    def run(self, folder: str, train, to_rank, config: dict, start: Path | None = None) -> Path:
        """Map the test images, and those to rank, by a CNN of some images; folder of results."""
        place = self.out / folder
        unlabelled = [replace(image, label=None) for image in to_rank]
        for role, images in (("train", train), ("predict", [*self.test, *unlabelled])):
            link_images(place / role, [(image.name, image) for image in images])
        rivers = sorted({image.river for image in train})
        group: dict = {"train": rivers, "predict": sorted({image.river for image in self.test})}
        if start:
            group["start_from"] = str(start)
        campaign = {"train": "train", "predict": "predict", "images_per_job": 100}
        campaign["groups"] = {"cnn": group}
        return run_workflow(place, config | {"campaign": campaign}, self.arguments)

    def train_other(self, images, seed: int) -> Path:
        """Train the CNN of another river."""
        results = self.run(f"{seed}/other", images, [], {"seed": seed})
        return results / "cnn/model/cnn.h5"


def read_ranking(results: Path) -> list[str]:
    """Names of images without labels, those to label first at first."""
    (ranking,) = results.glob("*/suggest_labels/*_images.csv")
    return read_table(ranking)["Image"].tolist()


def read_scores(results: Path) -> dict:
    """F1 of the final map over the test images, percent."""
    totals = pd.read_csv(results / "report/totals.csv").set_index("type").loc["MLP"]
    return {"weighted_f1": totals["weighted_f1"], "macro_f1": totals["macro_f1"]}


def plot_curves(path: Path, table: pd.DataFrame) -> None:
    """Draw a line for each curve and draw of images: solid for the first draw, then dashed ..."""
    figure, axes = plt.subplots(1, 2, figsize=(9, 3.8), layout="constrained")
    titles = {"weighted_f1": "Weighted F1 (%)", "macro_f1": "Macro F1 (%)"}
    counts, seeds = (sorted(table[column].unique()) for column in ("images", "seed"))
    styles = dict(zip(seeds, cycle(("-", "--", ":", "-.")), strict=False))
    for axis, (score, title) in zip(axes, titles.items(), strict=True):
        for curve, of_curve in table.groupby("curve"):
            label: str | None = CURVES[curve]
            for seed, rows in of_curve.groupby("seed"):
                style = dict(color=f"C{[*CURVES].index(curve)}", linestyle=styles[seed])
                axis.plot(rows["images"], rows[score], label=label, marker=".", alpha=0.8, **style)
                label = None
        axis.set_xscale("log")
        axis.set_xticks(counts, counts)
        axis.minorticks_off()
        axis.set_xlabel("labelled images")
        axis.set_title(title)
        axis.grid(alpha=0.3)
    axes[1].legend(fontsize="small")
    figure.savefig(path, dpi=150)


if __name__ == "__main__":
    main()
