"""Charts of scores and of training."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from .calibration import expected_calibration_error, reliability
from .panels import DPI


def plot_training(
    path: Path, title: str, history: pd.DataFrame, mark: tuple[int, str] | None = None
) -> None:
    """Draw loss and accuracy against epoch.

    Parameters
    ----------
    path : pathlib.Path
    title : str
    history : pandas.DataFrame
        Column epoch, and a curve for each column whose name ends in loss or accuracy; `val_`
        before it stands for validation.
    mark : tuple of int and str, optional
        An epoch to mark and its caption.
    """
    figure = Figure(figsize=(10, 4), dpi=DPI, layout="constrained")
    axes = figure.subplots(1, 2)
    for ax, name in zip(axes, ("loss", "accuracy"), strict=True):
        for column in history.columns[history.columns.str.endswith(name)]:
            label = "validation" if column.startswith("val_") else "training"
            ax.plot(history["epoch"], history[column], marker="o", markersize=4, label=label)
        ax.set(xlabel="epoch", ylabel=name)
        ax.xaxis.get_major_locator().set_params(integer=True)
        ax.grid(alpha=0.4)
        if mark:
            ax.axvline(mark[0], color="black", linestyle="--", label=mark[1])
            ax.legend()
    axes[0].set_ylim(bottom=0)
    axes[1].set_ylim(top=1)
    figure.suptitle(title, fontsize=14)
    figure.savefig(path)


def plot_violins(path: Path, title: str, compiled: pd.DataFrame, order: Sequence[str]) -> None:
    """Draw the F1 of every image as violins, one for each stage and class.

    Parameters
    ----------
    path : pathlib.Path
    title : str
    compiled : pandas.DataFrame
        Rows of `compile_scores`.
    order : sequence of str
        Classes from left to right; those that `compiled` lacks are left out.
    """
    # Slow to import.
    import seaborn

    shown = [name for name in order if name in set(compiled["class"])]
    stages = list(compiled["type"].unique())
    figure = Figure(figsize=(12, 6), dpi=DPI, layout="constrained")
    ax = figure.subplots()
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


def plot_reliability(path: Path, tables: Mapping[str, pd.DataFrame]) -> None:
    """Draw accuracy against confidence, and below it the share of pixels of each confidence.

    Parameters
    ----------
    path : pathlib.Path
    tables : mapping of str to pandas.DataFrame
        Counts from `reliability_counts` by name of the map or CNN: a line each, up to 10 of
        distinct colours, and none without labelled pixels. The legend gives the expected
        calibration error (ECE).
    """
    figure = Figure(figsize=(7, 8), dpi=DPI, layout="constrained")
    ax, below = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    ax.plot(
        [0, 100], [0, 100], color="black", linestyle="--", linewidth=1, label="perfectly calibrated"
    )
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
    ax.set(ylabel="labelled pixels mapped correctly (%)", xlim=(-2, 102), ylim=(-2, 102))
    ax.set_title("Reliability of the confidence", fontsize=14)
    ax.legend(loc="upper left")
    below.set(xlabel="confidence (%)", ylabel="labelled pixels (%)")
    for part in (ax, below):
        part.grid(alpha=0.4)
    figure.savefig(path)
