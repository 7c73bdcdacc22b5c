"""How well a map agrees with labels."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from .classes import LandClass


def confusion_matrix(labels: np.ndarray, codes: np.ndarray, n_codes: int) -> np.ndarray:
    """Count pixels by label (row) and mapped class (column), int64 (n_codes, n_codes).

    Rows and columns stand for the codes 0..n_codes-1; unlabelled pixels are left out, so
    row 0 is empty.
    """
    pair = labels.ravel() * np.uint16(n_codes) + codes.ravel()
    counts = np.bincount(pair, minlength=n_codes * n_codes).reshape(n_codes, n_codes)
    counts[0] = 0
    return counts


def score_table(confusion: np.ndarray, classes: Sequence[LandClass]) -> pd.DataFrame:
    """Scores of one map, from the counts of `confusion_matrix`.

    Returns
    -------
    One row a class, then `ALL` (means weighted by support; its recall is the accuracy) and
    `MACRO` (plain means over the classes that have support), with the columns

    class, precision, recall, f1_score
        Shares from 0 to 1. Precision is 0 where nothing was mapped as the class.
    support
        Labelled pixels of the class.
    mapped_<name>
        How many of these pixels the map gives to each class.

    Notes
    -----
    F1 = 2 PR / (P + R) with P = TP / (TP + FP) and R = TP / (TP + FN) (van Rijsbergen 1979,
    Information Retrieval, ch. 7).
    """
    codes = [c.code for c in classes]
    hits = confusion.diagonal()[codes].astype(float)
    support = confusion.sum(axis=1)[codes]
    mapped = confusion.sum(axis=0)[codes]
    table = pd.DataFrame(
        {
            "class": [c.name for c in classes],
            "precision": hits / np.maximum(mapped, 1),
            "recall": hits / np.maximum(support, 1),
            "f1_score": 2 * hits / np.maximum(mapped + support, 1),
            "support": support,
        }
    )
    for c in classes:
        table[f"mapped_{c.name}"] = confusion[codes, c.code]
    shares = ["precision", "recall", "f1_score"]
    seen = table[table["support"] > 0]
    sums = table.drop(columns=["class", *shares]).sum()
    weighted = (seen[shares].mul(seen["support"], axis=0)).sum() / max(support.sum(), 1)
    rows = [{"class": "ALL", **weighted, **sums}, {"class": "MACRO", **seen[shares].mean(), **sums}]
    return pd.concat([table, pd.DataFrame(rows)], ignore_index=True).astype(
        dict.fromkeys(sums.index, int)
    )


def compile_scores(tables: Sequence[tuple[dict, pd.DataFrame]]) -> pd.DataFrame:
    """The tidy table of a campaign, from score tables and what each is of.

    Parameters
    ----------
    tables
        Pairs of a description (RiverName, Image, type, experiment, model, sample) and its score
        table. Sample is `in` where the CNN learned from other images of the river, else `out`.

    Returns
    -------
    A row for each class with support and one `ALL` row an image and type; f1_score in percent.
    """
    columns = ["class", "f1_score", "support", "RiverName", "Image", "type", "experiment", "model"]
    columns.append("sample")
    parts = [
        table.loc[(table["class"] != "MACRO") & (table["support"] > 0)].assign(**description)
        for description, table in tables
    ]
    if not parts:
        return pd.DataFrame(columns=columns)
    compiled = pd.concat(parts, ignore_index=True)[columns]
    compiled["f1_score"] = (compiled["f1_score"] * 100).round(3)
    return compiled


def total_scores(
    tables: Sequence[tuple[dict, pd.DataFrame]], classes: Sequence[LandClass], by: Sequence[str]
) -> pd.DataFrame:
    """Scores over all labelled pixels that descriptions have in common, from summed counts.

    Parameters
    ----------
    tables
        As for `compile_scores`.
    by
        The parts of the descriptions that tell the rows apart, such as model and type.

    Returns
    -------
    `by`, images, support, accuracy, weighted_f1 and macro_f1 in percent, then the F1 of each
    class in percent (empty without support).
    """
    sums: dict[tuple, list[np.ndarray]] = {}
    for description, table in tables:
        counts = table.iloc[: len(classes)][[f"mapped_{c.name}" for c in classes]].to_numpy()
        missed = table["support"].to_numpy()[: len(classes)] - counts.sum(axis=1)
        whole = np.column_stack([missed, counts])
        sums.setdefault(tuple(description[part] for part in by), []).append(whole)
    dense = [LandClass(i + 1, c.name, c.colour) for i, c in enumerate(classes)]
    rows = []
    for found, counts in sums.items():
        confusion = np.vstack([np.zeros(len(classes) + 1, int), sum(counts)])
        table = score_table(confusion, dense).set_index("class")
        seen = table["support"].where(table["support"] > 0)
        per_class = (100 * table["f1_score"]).where(seen.notna()).round(2)
        rows.append(
            {
                **dict(zip(by, found, strict=True)),
                "images": len(counts),
                "support": table.loc["ALL", "support"],
                "accuracy": round(100 * table.loc["ALL", "recall"], 2),
                "weighted_f1": round(100 * table.loc["ALL", "f1_score"], 2),
                "macro_f1": round(100 * table.loc["MACRO", "f1_score"], 2),
                **{c.name: per_class[c.name] for c in classes},
            }
        )
    return pd.DataFrame(rows)


def compare_experiments(
    tables: Sequence[tuple[dict, pd.DataFrame]], classes: Sequence[LandClass]
) -> pd.DataFrame:
    """The campaign in the shape of the published tables: experiments down, classifiers across.

    Parameters
    ----------
    tables
        As for `compile_scores`; the descriptions also have the `design` that a CNN is part of.

    Returns
    -------
    Two rows a design and sample: F1 weighted by pixels over all images, and the median over
    rivers of the same, in percent; columns experiment, sample, rivers, images, F1 (which of the
    two) and one a type.
    """
    rows = []
    by = ["design", "sample", "type"]
    columns = list(dict.fromkeys(description["type"] for description, _ in tables))
    if not tables:
        return pd.DataFrame(columns=["experiment", "sample", "rivers", "images", "F1"])
    rivers = total_scores(tables, classes, [*by, "RiverName"])
    pooled = total_scores(tables, classes, by)
    for (design, sample), part in pooled.groupby(["design", "sample"], sort=False):
        own = rivers[(rivers["design"] == design) & (rivers["sample"] == sample)]
        common = {
            "experiment": design,
            "sample": sample,
            "rivers": own["RiverName"].nunique(),
            "images": part["images"].max(),
        }
        median = own.groupby("type")["weighted_f1"].median().round(2)
        rows.append(common | {"F1": "weighted"} | part.set_index("type")["weighted_f1"].to_dict())
        rows.append(common | {"F1": "median of rivers"} | median.to_dict())
    return pd.DataFrame(rows)[["experiment", "sample", "rivers", "images", "F1", *columns]]
