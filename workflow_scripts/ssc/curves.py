"""The figure of a training, apart from all others: their changes need train nothing anew."""

from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import pandas as pd

DPI = 100


def plot_curves(
    path: Path, title: str, history: pd.DataFrame, mark: tuple[int, str] | None = None
) -> None:
    """Draw loss and accuracy against epoch, one curve for each column of `history`.

    `mark` is an epoch to be marked and what to say of it.
    """
    figure, axes = plt.subplots(1, 2, figsize=(10, 4), dpi=DPI, layout="constrained")
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
    plt.close(figure)
