"""The comparison of experiments as a table of a paper."""

from pathlib import Path

import pandas as pd

from .summaries import DESIGNS

HEADERS = {"design": "experiment", "in_sample": "in sample"}
KEYS = ["design", "in_sample", "rivers", "images", "F1"]


def write_latex_experiments(path: Path, experiments: pd.DataFrame) -> None:
    r"""Write a table for LaTeX, with the rules of its package booktabs.

    Parameters
    ----------
    path : pathlib.Path
    experiments : pandas.DataFrame
        Of `compare_experiments`. Where it has several seeds, a cell is the mean and the standard
        deviation of a sample.
    """
    types = experiments.columns.drop([*KEYS, "seed"])
    seeds = experiments["seed"].nunique()
    rows = experiments.groupby(KEYS, sort=False)[list(types)]
    means, deviations = rows.mean(), rows.std()
    cells = means.map("{:.1f}".format)
    caption = "F1 in percent"
    if seeds > 1:
        cells += deviations.map(r" $\pm$ {:.1f}".format)
        caption += f", mean and standard deviation of {seeds} seeds"
    table = cells.mask(means.isna(), "--").reset_index()
    table["design"] = table["design"].replace(DESIGNS)
    table["in_sample"] = table["in_sample"].map({True: "yes", False: "no"})
    style = table.rename(columns=HEADERS).style.hide(axis="index")
    style = style.format(escape="latex", subset=["experiment"])
    text = style.format_index(escape="latex", axis="columns").to_latex(
        hrules=True,
        position_float="centering",
        column_format="ll" + "r" * 2 + "l" + "r" * len(types),
        caption=caption,
        label="tab:experiments",
    )
    path.write_text(f"% Needs \\usepackage{{booktabs}}.\n{text}", "utf-8")
