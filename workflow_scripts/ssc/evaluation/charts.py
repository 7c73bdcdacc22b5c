"""Charts of scores and of training."""

from collections.abc import Mapping, Sequence
from itertools import cycle
from typing import Any

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from .calibration import LEAST_SHARE, expected_calibration_error, reliability
from .figures import DPI, PAGE, style

# With fewer images a violin has no shape of its own.
MIN_VIOLIN = 5
# Of colours that stay apart for colour-blind readers (Okabe & Ito 2008), without black and yellow.
COLOURS = [c for n, c in enumerate(matplotlib.color_sequences["okabe_ito"]) if n not in (0, 4)]


@style()
def draw_training(
    title: str, history: pd.DataFrame, note: str, mark: tuple[int, str] | None = None
) -> Figure:
    """Draw loss and accuracy against epoch.

    Parameters
    ----------
    title : str
    history : pandas.DataFrame
        Column epoch, and a curve for each column whose name ends in loss or accuracy (percent);
        `val_` before it stands for validation.
    note : str
        What the curves are of, below them.
    mark : tuple of int and str, optional
        An epoch to mark and its caption.

    Returns
    -------
    matplotlib.figure.Figure
    """
    figure = Figure(figsize=(PAGE, 3.1), dpi=DPI, layout="constrained")
    axes = figure.subplots(1, 2)
    for ax, name, unit in zip(axes, ("loss", "accuracy"), ("", " (%)"), strict=True):
        for column in history.columns[history.columns.str.endswith(name)]:
            validation = column.startswith("val_")
            ax.plot(
                history["epoch"],
                history[column],
                color=COLOURS[validation],
                marker="s" if validation else "o",
                markersize=3,
                linewidth=1.2,
                label="validation" if validation else "training",
            )
        ax.set(xlabel="epoch", ylabel=name + unit)
        ax.xaxis.set_major_locator(MaxNLocator(integer=True))
        ax.grid(alpha=0.4)
        if mark:
            ax.axvline(mark[0], color="black", linestyle="--", linewidth=0.8, label=mark[1])
        ax.legend()
    axes[0].set_ylim(bottom=0)
    axes[1].set_ylim(top=100)
    figure.suptitle(title, fontsize=9)
    figure.supxlabel(note, fontsize=7)
    return figure


@style()
def draw_violins(title: str, compiled: pd.DataFrame, order: Sequence[str]) -> Figure:
    """Draw the F1 of every image as points with their median, for each class and stage.

    Where a class has `MIN_VIOLIN` images or more, a violin shows how they are distributed.

    Parameters
    ----------
    title : str
    compiled : pandas.DataFrame
        Rows of `compile_scores`.
    order : sequence of str
        Classes from above to below; those that `compiled` lacks are left out.

    Returns
    -------
    matplotlib.figure.Figure
        The axis of F1 begins a little below the lowest one.
    """
    # Slow to import.
    import seaborn

    shown = [name for name in order if name in set(compiled["class"])]
    stages = list(compiled["type"].unique())
    images = compiled.groupby("class")["Image"].nunique()
    of_class = max(0.5, 0.2 * len(stages))
    figure = Figure(figsize=(PAGE, 1.1 + of_class * len(shown)), dpi=DPI, layout="constrained")
    ax = figure.subplots()
    colours = dict(zip(stages, cycle(COLOURS), strict=False))
    common: dict[str, Any] = dict(
        x="f1_score", y="class", hue="type", order=shown, hue_order=stages, ax=ax
    )
    common |= dict(palette=colours, legend=False, orient="y")
    many = compiled[compiled["class"].map(images) >= MIN_VIOLIN]
    if len(many):
        form = dict(inner=None, cut=0, density_norm="width", linewidth=0.6, alpha=0.35)
        seaborn.violinplot(many, **common, **form)
    seaborn.stripplot(
        compiled, **common, dodge=True, jitter=0.1, size=3, linewidth=0.3, edgecolor="black"
    )
    medians = compiled.groupby(["class", "type"])["f1_score"].median()
    height = 0.8 / len(stages)
    for row, name in enumerate(shown):
        for number, stage in enumerate(stages):
            median = medians.get((name, stage), np.nan)
            middle = row - 0.4 + height * (number + 0.5)
            ax.vlines(median, middle - 0.4 * height, middle + 0.4 * height, "black", linewidth=1.8)
    ax.set_yticks(range(len(shown)), [f"{name} ({images[name]})" for name in shown])
    ax.set(xlabel="F1 of an image (%)", ylabel="class (number of images)")
    ax.set_ylim(len(shown) - 0.5, -0.5)
    ax.set_xlim(_lower_end(compiled.loc[compiled["class"].isin(shown), "f1_score"]), 100.5)
    ax.grid(axis="x", alpha=0.4)
    ax.set_axisbelow(True)
    for border in np.arange(0.5, len(shown) - 1):
        ax.axhline(border, color="0.8", linewidth=0.5)
    point: dict[str, Any] = dict(linestyle="", marker="o", markersize=4, markeredgecolor="black")
    keys = [Line2D([], [], color=colours[s], markeredgewidth=0.3, label=s, **point) for s in stages]
    bar: dict[str, Any] = dict(linestyle="", marker="|", markersize=8, markeredgewidth=1.8)
    keys.append(Line2D([], [], color="black", label="median", **bar))
    figure.suptitle(title, fontsize=9)
    figure.legend(handles=keys, loc="outside lower center", ncols=len(keys), frameon=False)
    return figure


@style()
def draw_reliability(tables: Mapping[str, pd.DataFrame]) -> Figure:
    """Draw accuracy against confidence, and below it the share of pixels of each confidence.

    Parameters
    ----------
    tables : mapping of str to pandas.DataFrame
        Counts from `reliability_counts` by name of the map or CNN: a line each, and none without
        labelled pixels. Bins with less than `LEAST_SHARE` of the labelled pixels have no point. The
        legend gives the expected calibration error (ECE), of all bins.

    Returns
    -------
    matplotlib.figure.Figure
    """
    tables = {name: counts for name, counts in tables.items() if counts["pixels"].any()}
    figure = Figure(figsize=(4.7, 5.6 + 0.17 * len(tables)), dpi=DPI, layout="constrained")
    ax, below = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    diagonal: dict[str, Any] = dict(
        color="black", linestyle="--", linewidth=0.8, label="perfectly calibrated"
    )
    ax.plot([0, 100], [0, 100], **diagonal)
    # As many pairs as both lengths have no common divisor.
    styles = zip(cycle(COLOURS), cycle("osD^v"))
    for (name, counts), (colour, marker) in zip(tables.items(), styles, strict=False):
        table = reliability(counts)
        share = table["pixels"] / table["pixels"].sum()
        enough = table[share >= LEAST_SHARE]
        ax.plot(
            100 * enough["confidence"],
            100 * enough["accuracy"],
            color=colour,
            marker=marker,
            markersize=4,
            linewidth=1.2,
            label=f"{name}, ECE {100 * expected_calibration_error(counts):.1f} %",
        )
        edges = np.linspace(0, 100, len(table) + 1)
        below.stairs(100 * share, edges, color=colour, linewidth=1.2)
    ax.set(ylabel="labelled pixels mapped correctly (%)", xlim=(-2, 102), ylim=(-2, 102))
    ax.set_title("Reliability of the confidence", fontsize=9)
    below.set(xlabel="confidence (%)", ylabel="labelled pixels (%)")
    for part in (ax, below):
        part.grid(alpha=0.4)
    figure.legend(*ax.get_legend_handles_labels(), loc="outside lower center", frameon=False)
    return figure


def _lower_end(scores: pd.Series) -> float:
    """Percent, a multiple of 5, below all scores, and at least 10 below the end of the axis."""
    lowest = scores.min()
    return float(np.clip(5 * np.floor((lowest - 0.02 * (100 - lowest)) / 5), -1, 90))
