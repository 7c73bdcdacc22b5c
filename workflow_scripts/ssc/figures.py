"""Figures for people: four-part panels, violins of scores, contact sheets."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import cv2
import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.colors import to_rgb
from matplotlib.patches import Patch

from .calibration import expected_calibration_error, reliability
from .classes import LandClass
from .curves import DPI


def plot_panel(
    path: Path,
    title: str,
    image: np.ndarray,
    panels: Sequence[tuple[str, np.ndarray | None]],
    classes: Sequence[LandClass],
    width: int,
) -> None:
    """Draw an image and its class rasters side by side, with one legend.

    Parameters
    ----------
    image
        RGB, uint8 (height, width, 3).
    panels
        Caption and class codes, uint8 (height, width), or None for a part that has nothing
        to show.
    width
        Of the figure, in pixels.
    """
    margin, heading, caption_height, legend = 10, 40, 26, 50
    cell = (width - 3 * margin) // 2
    size = (cell, max(1, round(cell * image.shape[0] / image.shape[1])))
    down = -(-(1 + len(panels)) // 2)
    height = heading + down * (caption_height + size[1]) + legend
    figure = plt.figure(figsize=(width / DPI, height / DPI), dpi=DPI)
    figure.suptitle(title, fontsize=14, y=1 - 8 / height, va="top")
    palette = _palette(classes)
    for number, (caption, codes) in enumerate([("Image", None), *panels]):
        y, x = divmod(number, 2)
        left = margin + x * (cell + margin)
        top = height - heading - y * (caption_height + size[1])
        middle = (left + cell / 2) / width
        figure.text(middle, (top - 7) / height, caption, ha="center", va="top", fontsize=12)
        if number == 0:
            drawn = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
        elif codes is None:
            place = (top - caption_height - size[1] / 2) / height
            grey = dict(ha="center", va="center", fontsize=14, color="grey")
            figure.text(middle, place, "no labels", **grey)
            continue
        else:
            drawn = palette[cv2.resize(codes, size, interpolation=cv2.INTER_NEAREST)]
        # Pixel for pixel: axes would resample, and take most of the time.
        figure.figimage(drawn, left, top - caption_height - size[1])
    figure.legend(
        handles=[
            Patch(facecolor=c.colour, edgecolor="black", linewidth=0.5, label=c.name)
            for c in classes
        ]
        + [Patch(facecolor="black", label="Unlabelled")],
        loc="lower center",
        ncols=len(classes) + 1,
        fontsize=11,
        frameon=False,
    )
    # Half the time of the usual 6, and a tenth larger.
    figure.savefig(path, pil_kwargs={"compress_level": 3})
    plt.close(figure)


def plot_violins(path: Path, title: str, compiled: pd.DataFrame, order: Sequence[str]) -> None:
    """Draw the F1 of every image as violins, a pair (or more) of stages for each class.

    Parameters
    ----------
    compiled
        Rows of the compiled table; `order` gives the classes from left to right.
    """
    import seaborn

    shown = [name for name in order if name in set(compiled["class"])]
    stages = list(compiled["type"].unique())
    figure, ax = plt.subplots(figsize=(12, 6), dpi=DPI, layout="constrained")
    common = dict(
        data=compiled, x="class", y="f1_score", hue="type", order=shown, hue_order=stages, ax=ax
    )
    seaborn.violinplot(**common, inner=None, cut=0, density_norm="width", linewidth=0.8, alpha=0.5)
    seaborn.stripplot(
        **common, dodge=True, jitter=0.15, size=4, linewidth=0.5, edgecolor="black", legend=False
    )
    images = compiled.groupby("class")["Image"].nunique()
    ax.set_xticks(range(len(shown)), [f"{n}\n{images[n]} image(s)" for n in shown])
    ax.set(xlabel="", ylabel="F1 of an image (%)", ylim=(-2, 102))
    ax.set_title(title, fontsize=14)
    ax.legend(title="Stage", loc="lower left")
    ax.grid(axis="y", alpha=0.4)
    ax.set_axisbelow(True)
    figure.savefig(path)
    plt.close(figure)


def plot_contact_sheet(
    path: Path,
    title: str,
    crops: pd.DataFrame,
    pictures: Sequence[np.ndarray],
    maps: Sequence[np.ndarray],
    classes: Sequence[LandClass],
    width: int,
) -> None:
    """Draw crops of images, each beside its map, four across, with one legend.

    Parameters
    ----------
    crops
        A row for each crop, from left to right and down: rank, Image, row and column (pixel) of
        the crop in its image, doubt (percent).
    pictures
        The crops, RGB, uint8 (height, width, 3); they may differ in size.
    maps
        Their class codes, uint8 (height, width).
    width
        Of the figure, in pixels.
    """
    across, margin, seam, gap, captions = 4, 16, 4, 20, 44
    heading, legend = 40, 50
    side = ((width - 2 * margin - (across - 1) * gap) // across - seam) // 2
    down = -(-len(crops) // across)
    height = heading + down * (captions + side + gap) + legend
    figure = plt.figure(figsize=(width / DPI, height / DPI), dpi=DPI)
    figure.suptitle(title, fontsize=14, y=1 - 8 / height, va="top")
    palette = _palette(classes)
    cells = zip(crops.itertuples(), pictures, maps, strict=True)
    for number, (crop, picture, codes) in enumerate(cells):
        y, x = divmod(number, across)
        left = margin + x * (2 * side + seam + gap)
        top = height - heading - y * (captions + side + gap)
        name = f"{crop.rank}  {crop.Image}"
        place = f"row {crop.row}, column {crop.column}, doubt {crop.doubt:.1f} %"
        figure.text(left / width, (top - 4) / height, name, va="top", fontsize=11, weight="bold")
        figure.text(left / width, (top - 22) / height, place, va="top", fontsize=10)
        scale = side / max(codes.shape)
        size = [max(1, round(scale * length)) for length in codes.shape[::-1]]
        shown = (
            cv2.resize(picture, size, interpolation=cv2.INTER_AREA),
            palette[cv2.resize(codes, size, interpolation=cv2.INTER_NEAREST)],
        )
        for part, drawn in enumerate(shown):
            # Pixel for pixel: axes would resample.
            figure.figimage(drawn, left + part * (side + seam), top - captions - size[1])
    figure.legend(
        handles=[
            Patch(facecolor=c.colour, edgecolor="black", linewidth=0.5, label=c.name)
            for c in classes
        ],
        loc="lower center",
        ncols=len(classes),
        fontsize=11,
        frameon=False,
    )
    figure.savefig(path)
    plt.close(figure)


def plot_reliability(path: Path, tables: Mapping[str, pd.DataFrame]) -> None:
    """Draw accuracy against confidence, and below it the share of pixels of each confidence.

    Parameters
    ----------
    tables
        Counts from `reliability_counts` by name of the map or CNN: a line each, up to 10 of
        distinct colours, and none without labelled pixels. The legend gives the expected
        calibration error (ECE).
    """
    figure, (ax, below) = plt.subplots(
        2, 1, figsize=(7, 8), dpi=DPI, layout="constrained", sharex=True, height_ratios=(3, 1)
    )
    ax.plot([0, 100], [0, 100], color="black", linestyle="--", linewidth=1, label="as it should be")
    for name, counts in tables.items():
        table = reliability(counts)
        filled = table[table["pixels"] > 0]
        if filled.empty:
            continue
        label = f"{name}, ECE {100 * expected_calibration_error(counts):.1f} %"
        (line,) = ax.plot(
            100 * filled["confidence"], 100 * filled["accuracy"], marker="o", label=label
        )
        share = 100 * table["pixels"] / table["pixels"].sum()
        edges = np.linspace(0, 100, len(table) + 1)
        below.stairs(share, edges, color=line.get_color(), linewidth=1.5)
    ax.set(ylabel="labelled pixels mapped right (%)", xlim=(-2, 102), ylim=(-2, 102))
    ax.set_title("How far confidence can be believed", fontsize=14)
    ax.legend(loc="upper left")
    below.set(xlabel="confidence (%)", ylabel="labelled pixels (%)")
    for part in (ax, below):
        part.grid(alpha=0.4)
    figure.savefig(path)
    plt.close(figure)


def _palette(classes: Sequence[LandClass]) -> np.ndarray:
    """Colour of each code, uint8 (256, 3); black for codes without a class."""
    palette = np.zeros((256, 3), np.uint8)
    for c in classes:
        palette[c.code] = np.round(255 * np.array(to_rgb(c.colour)))
    return palette
