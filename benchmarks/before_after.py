"""Maps of the published method and of the default side by side, drawn from runs of accuracy.py."""

import argparse
import os
import sys
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import yaml
from matplotlib.colors import ListedColormap
from matplotlib.patches import Patch
from workflow import ROOT

sys.path.insert(0, str(ROOT / "workflow_scripts"))

from ssc.campaign import read_campaign
from ssc.classes import read_classes
from ssc.raster import read_class_raster

# Site, group, image, and the rows and columns to show.
PLACES = [
    ("stmarguerite", "StMarg", "StMarg_31162", slice(None), slice(None)),
    ("stmarguerite", "StMarg", "StMarg_31162", slice(1200, 1700), slice(650, 1400)),
    ("monterey", "Monterey", "Monterey_0038", slice(None), slice(None)),
    ("monterey", "Monterey", "Monterey_0063", slice(None), slice(None)),
]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=Path, default=Path("results/accuracy"))
    parser.add_argument("--seed", default="42")
    parser.add_argument("--figure", type=Path, default=Path("docs/before_after.png"))
    args = parser.parse_args()
    schema = yaml.safe_load((ROOT / "config/config.schema.yaml").read_text())
    classes = read_classes(schema["properties"]["classes"]["default"])
    colours = ListedColormap(["black", *(c.colour for c in classes)])
    data = os.environ["SSC_DATA"]
    parts = []
    for site, group, image, rows, columns in PLACES:
        found = read_campaign(f"{data}/{site}/train", f"{data}/{site}/predict", "per_river")
        maps = {"labels": found.predict[image].label}
        for method in ("published", "default"):
            results = args.runs / method / f"{site}_{args.seed}" / "results" / site / group
            if method == "published":
                maps["published: tiles"] = results / "tiles" / image / f"CNN_{image}.tif"
            maps[f"{method}: final map"] = results / "maps" / image / f"MLP_{image}.tif"
        parts.append([(k, read_class_raster(str(p))[rows, columns]) for k, p in maps.items()])
    heights = [np.divide(*part[0][1].shape) for part in parts]
    figure, axes = plt.subplots(
        *(len(parts), len(parts[0])),
        figsize=(12, 3 * sum(heights) + 0.3 * len(parts) + 0.4),
        height_ratios=heights,
        layout="constrained",
    )
    for row, part, place in zip(axes, parts, PLACES, strict=True):
        for ax, (caption, codes) in zip(row, part, strict=True):
            ax.imshow(codes, cmap=colours, vmin=0, vmax=len(classes), interpolation="nearest")
            ax.set(xticks=[], yticks=[])
            ax.set_title(caption, fontsize=10)
        row[0].set_ylabel(place[2], fontsize=10)
    figure.legend(
        handles=[
            Patch(facecolor="black", label="no label, no data"),
            *(Patch(facecolor=c.colour, label=c.name) for c in classes),
        ],
        loc="outside lower center",
        ncols=len(classes) + 1,
        frameon=False,
    )
    figure.savefig(args.figure, dpi=90)


if __name__ == "__main__":
    main()
