"""Scores of a campaign: the compiled table, the totals and the comparison of experiments."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from ..classes import LandClass
from .boundaries import EDGE_COUNTS
from .scores import accuracies, score_table

# By what images are mapped, in words; other designs are groups of the user.
DESIGNS = {
    "per_river": "one CNN for each river",
    "leave_one_river_out": "CNNs of all other rivers",
    "cross_validation": "cross-validation",
}
# What totals have of each class, in this order.
OF_CLASSES = ["f1", "users_accuracy", "producers_accuracy"]


def compile_scores(tables: Sequence[tuple[dict, pd.DataFrame]]) -> pd.DataFrame:
    """Put the score tables of a campaign into one tidy table.

    Parameters
    ----------
    tables : sequence of tuple
        Pairs of a description (RiverName, Image, type, experiment, model, seed, design, in_sample,
        learned_from, confidence) and its score table. `seed` and `design` are those of a `Group`;
        `in_sample` is True where the CNN learned from images of the river, and `learned_from`
        where it learned from this very image; confidence is the mean of the image's pixels in
        percent, or None.

    Returns
    -------
    pandas.DataFrame
        For each image and type a row for each class with support, and an `ALL` row; f1_score and
        boundary_f1 in percent, the latter NaN where `score_table` has none.
    """
    columns = ["class", "f1_score", "support", "RiverName", "Image", "type", "experiment", "model"]
    columns += ["seed", "design", "in_sample", "learned_from", "boundary_f1", "confidence"]
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


def sum_confusion(
    tables: Sequence[tuple[dict, pd.DataFrame]], classes: Sequence[LandClass], by: Sequence[str]
) -> pd.DataFrame:
    """Sum the confusion matrices of several images.

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
        For each combination of `by` a row for each class of the labels: these, label,
        mapped_<class> for each class and unmapped, in pixels.
    """
    mapped = [f"mapped_{c.name}" for c in classes]
    parts = [
        pd.DataFrame(counts[:, : len(classes) + 1], columns=[*mapped, "unmapped"]).assign(
            **dict(zip(by, values, strict=True)), label=[c.name for c in classes]
        )
        for values, (counts, _) in _pool(tables, classes, by).items()
    ]
    columns = [*by, "label", *mapped, "unmapped"]
    return pd.concat(parts, ignore_index=True)[columns] if parts else pd.DataFrame(columns=columns)


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
        As for `sum_confusion`.

    Returns
    -------
    pandas.DataFrame
        A row for each combination of `by`: these, images (number), support (pixels), and in
        percent accuracy (overall), kappa, weighted_f1, macro_f1, boundary_f1 (of all classes, NaN
        without edges), and for each class f1_<class> (NaN without support),
        users_accuracy_<class> and producers_accuracy_<class> (see `Accuracies`).
    """
    contiguous = [LandClass(i + 1, c.name, c.colour) for i, c in enumerate(classes)]
    rows = []
    for values, (counts, images) in _pool(tables, classes, by).items():
        confusion, boundary = counts[:, : len(classes) + 1], counts[:, len(classes) + 1 :]
        # `score_table` has pixels of no class first.
        by_code = np.pad(np.roll(confusion, 1, axis=1), ((1, 0), (0, 0)))
        of_codes = np.pad(boundary, ((1, 0), (0, 0)))
        table = score_table(by_code, contiguous, of_codes).set_index("class")
        weighted_f1, boundary_f1 = 100 * table.loc["ALL", ["f1_score", "boundary_f1"]]
        f1 = (100 * table["f1_score"]).where(table["support"] > 0)
        agreement = accuracies(confusion)
        measures = {
            "accuracy": 100 * agreement.overall,
            "kappa": 100 * agreement.kappa,
            "weighted_f1": weighted_f1,
            "macro_f1": f1["MACRO"],
            "boundary_f1": boundary_f1,
            **{f"f1_{c.name}": f1[c.name] for c in classes},
        }
        for kind in ("users", "producers"):
            for c, share in zip(classes, getattr(agreement, kind), strict=True):
                measures[f"{kind}_accuracy_{c.name}"] = 100 * share
        rows.append(
            dict(zip(by, values, strict=True))
            | {"images": images, "support": confusion.sum()}
            | {name: round(value, 2) for name, value in measures.items()}
        )
    columns = [*by, "images", "support", "accuracy", "kappa"]
    columns += ["weighted_f1", "macro_f1", "boundary_f1"]
    columns += [f"{of}_{c.name}" for of in OF_CLASSES for c in classes]
    return pd.DataFrame(rows, columns=columns)


def spread_over_seeds(totals: pd.DataFrame) -> pd.DataFrame:
    """Compute the mean and standard deviation of totals over seeds.

    Parameters
    ----------
    totals : pandas.DataFrame
        Of `total_scores` by design, model, in_sample, seed and type, and perhaps further measures.

    Returns
    -------
    pandas.DataFrame
        A row for each design, model, in_sample and type: these, seeds (number), images and
        support (of one seed), and for each measure its mean, and <measure>_sd, the standard
        deviation of a sample (divided by the number of seeds less one). Both are NaN where the
        measure of a seed is.
    """
    by = ["design", "model", "in_sample", "type"]
    rows = totals.groupby(by, sort=False)
    spread = rows[["images", "support"]].first()
    spread.insert(0, "seeds", rows["seed"].nunique())
    for measure in totals.columns.drop([*by, *spread.columns[1:], "seed"]):
        spread[measure] = rows[measure].mean(skipna=False).round(3)
        spread[f"{measure}_sd"] = rows[measure].std(skipna=False).round(3)
    return spread.reset_index()


def _pool(
    tables: Sequence[tuple[dict, pd.DataFrame]], classes: Sequence[LandClass], by: Sequence[str]
) -> dict[tuple, tuple[np.ndarray, int]]:
    """Summed counts, and the number of images, of each combination of `by`.

    Counts have a row for each class of the labels; columns: pixels mapped as each class, pixels
    not mapped, `EDGE_COUNTS`.
    """
    pools: dict[tuple, tuple[np.ndarray, int]] = {}
    for description, table in tables:
        of_classes = table.iloc[: len(classes)]
        mapped = of_classes[[f"mapped_{c.name}" for c in classes]].to_numpy()
        unmapped = of_classes["support"].to_numpy() - mapped.sum(axis=1)
        counts = np.column_stack([mapped, unmapped, of_classes[EDGE_COUNTS].to_numpy()])
        values = tuple(description[part] for part in by)
        summed, images = pools.get(values, (0, 0))
        pools[values] = summed + counts, images + 1
    return pools


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
        Two rows for each design, `in_sample` and seed: F1 weighted by pixels over all images, and
        the median over rivers of the same, in percent; columns design, in_sample, seed, rivers,
        images, F1 (which of the two) and one for each type.
    """
    rows = []
    parts = ["design", "in_sample", "seed"]
    by = [*parts, "type"]
    columns = list(dict.fromkeys(description["type"] for description, _ in tables))
    if not tables:
        return pd.DataFrame(columns=[*parts, "rivers", "images", "F1"])
    rivers = total_scores(tables, classes, [*by, "RiverName"])
    pooled = total_scores(tables, classes, by)
    for values, part in pooled.groupby(parts, sort=False):
        own = rivers[(rivers[parts] == list(values)).all(axis=1)]
        common = {
            **dict(zip(parts, values, strict=True)),
            "rivers": own["RiverName"].nunique(),
            "images": part["images"].max(),
        }
        median = own.groupby("type")["weighted_f1"].median().round(2)
        rows.append(common | {"F1": "weighted"} | part.set_index("type")["weighted_f1"].to_dict())
        rows.append(common | {"F1": "median of rivers"} | median.to_dict())
    return pd.DataFrame(rows)[[*parts, "rivers", "images", "F1", *columns]]
