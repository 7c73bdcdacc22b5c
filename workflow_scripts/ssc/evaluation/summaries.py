"""Scores of a campaign: the compiled table, the totals and the comparison of experiments."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from ..classes import LandClass
from .boundaries import EDGE_COUNTS
from .scores import score_table


def compile_scores(tables: Sequence[tuple[dict, pd.DataFrame]]) -> pd.DataFrame:
    """Put the score tables of a campaign into one tidy table.

    Parameters
    ----------
    tables : sequence of tuple
        Pairs of a description (RiverName, Image, type, experiment, model, design, in_sample,
        learned_from, confidence) and its score table. `design` is that of a `Group`; `in_sample`
        is True where the CNN learned from images of the river, and `learned_from` where it
        learned from this very image; confidence is the mean of the image's
        pixels in percent, or None.

    Returns
    -------
    pandas.DataFrame
        For each image and type a row for each class with support, and an `ALL` row; f1_score and
        boundary_f1 in percent, the latter NaN where `score_table` has none.
    """
    columns = ["class", "f1_score", "support", "RiverName", "Image", "type", "experiment", "model"]
    columns += ["design", "in_sample", "learned_from", "boundary_f1", "confidence"]
    parts = [
        table.loc[(table["class"] != "MACRO") & (table["support"] > 0)].assign(**description)
        for description, table in tables
    ]
    if not parts:
        return pd.DataFrame(columns=columns)
    compiled = pd.concat(parts, ignore_index=True)[columns]
    percent = ["f1_score", "boundary_f1"]
    compiled[percent] = (compiled[percent] * 100).round(3)
    return compiled


def total_scores(
    tables: Sequence[tuple[dict, pd.DataFrame]], classes: Sequence[LandClass], by: Sequence[str]
) -> pd.DataFrame:
    """Compute the scores of all labelled pixels of several images, from summed counts.

    Parameters
    ----------
    tables : sequence of tuple
        As for `compile_scores`.
    classes : sequence of LandClass
    by : sequence of str
        Parts of the descriptions, such as model and type: images that share them are summed.

    Returns
    -------
    pandas.DataFrame
        A row for each combination of `by`: these, images (number), support (pixels), and in
        percent accuracy, weighted_f1, macro_f1, boundary_f1 (of all classes, NaN without edges)
        and f1_<class> for each class (NaN without support).
    """
    groups: dict[tuple, list[np.ndarray]] = {}
    for description, table in tables:
        of_classes = table.iloc[: len(classes)]
        mapped = of_classes[[f"mapped_{c.name}" for c in classes]].to_numpy()
        unmapped = of_classes["support"].to_numpy() - mapped.sum(axis=1)
        counted = np.column_stack([unmapped, mapped, of_classes[EDGE_COUNTS].to_numpy()])
        groups.setdefault(tuple(description[part] for part in by), []).append(counted)
    contiguous = [LandClass(i + 1, c.name, c.colour) for i, c in enumerate(classes)]
    rows = []
    for values, counts in groups.items():
        pooled = np.pad(np.sum(counts, axis=0), ((1, 0), (0, 0)))
        confusion, boundary = pooled[:, : len(classes) + 1], pooled[:, len(classes) + 1 :]
        table = score_table(confusion, contiguous, boundary).set_index("class")
        shares = table[["recall", "f1_score", "boundary_f1"]]
        accuracy, weighted_f1, boundary_f1 = (100 * shares.loc["ALL"]).round(2)
        per_class = (100 * table["f1_score"]).where(table["support"] > 0).round(2)
        rows.append(
            {
                **dict(zip(by, values, strict=True)),
                "images": len(counts),
                "support": table.loc["ALL", "support"],
                "accuracy": accuracy,
                "weighted_f1": weighted_f1,
                "macro_f1": per_class["MACRO"],
                "boundary_f1": boundary_f1,
                **{f"f1_{c.name}": per_class[c.name] for c in classes},
            }
        )
    measures = ["images", "support", "accuracy", "weighted_f1", "macro_f1", "boundary_f1"]
    return pd.DataFrame(rows, columns=[*by, *measures, *(f"f1_{c.name}" for c in classes)])


def compare_experiments(
    tables: Sequence[tuple[dict, pd.DataFrame]], classes: Sequence[LandClass]
) -> pd.DataFrame:
    """Compare experiments in the shape of the published tables: classifiers across.

    Parameters
    ----------
    tables : sequence of tuple
        As for `compile_scores`.
    classes : sequence of LandClass

    Returns
    -------
    pandas.DataFrame
        Two rows for each design and `in_sample`: F1 weighted by pixels over all images, and the
        median over rivers of the same, in percent; columns design, in_sample, rivers, images, F1
        (which of the two) and one for each type.
    """
    rows = []
    by = ["design", "in_sample", "type"]
    columns = list(dict.fromkeys(description["type"] for description, _ in tables))
    if not tables:
        return pd.DataFrame(columns=["design", "in_sample", "rivers", "images", "F1"])
    rivers = total_scores(tables, classes, [*by, "RiverName"])
    pooled = total_scores(tables, classes, by)
    for (design, in_sample), part in pooled.groupby(["design", "in_sample"], sort=False):
        own = rivers[(rivers["design"] == design) & (rivers["in_sample"] == in_sample)]
        common = {
            "design": design,
            "in_sample": in_sample,
            "rivers": own["RiverName"].nunique(),
            "images": part["images"].max(),
        }
        median = own.groupby("type")["weighted_f1"].median().round(2)
        rows.append(common | {"F1": "weighted"} | part.set_index("type")["weighted_f1"].to_dict())
        rows.append(common | {"F1": "median of rivers"} | median.to_dict())
    return pd.DataFrame(rows)[["design", "in_sample", "rivers", "images", "F1", *columns]]
