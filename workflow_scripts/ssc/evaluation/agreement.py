"""Agreement of maps with labels, from summed confusion counts."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from ..classes import LandClass


def sum_confusions(
    tables: Sequence[tuple[dict, pd.DataFrame]], classes: Sequence[LandClass], by: Sequence[str]
) -> pd.DataFrame:
    """Sum the confusion counts of several images.

    Parameters
    ----------
    tables : sequence of tuple
        Pairs of a description and its score table, as for `compile_scores`.
    classes : sequence of LandClass
    by : sequence of str
        Parts of the descriptions: images that share them are summed.

    Returns
    -------
    pandas.DataFrame
        A row for each combination of `by`, class (of the labels) and mapped (class of the map):
        these and pixels.
    """
    names = [c.name for c in classes]
    sums: dict[tuple, np.ndarray] = {}
    for description, table in tables:
        key = tuple(description[part] for part in by)
        counts = table[[f"mapped_{name}" for name in names]].iloc[: len(names)].to_numpy()
        sums[key] = sums.get(key, 0) + counts
    rows = [
        (*key, label, mapped, counts[i, j])
        for key, counts in sums.items()
        for i, label in enumerate(names)
        for j, mapped in enumerate(names)
    ]
    return pd.DataFrame(rows, columns=[*by, "class", "mapped", "pixels"])


def accuracies(confusion: np.ndarray) -> tuple[np.ndarray, np.ndarray, float, float]:
    """Compute the accuracies that remote sensing reports, and Cohen's kappa.

    Parameters
    ----------
    confusion : numpy.ndarray
        Pixels by class of the labels (row) and of the map (column), int64 (n, n).

    Returns
    -------
    users : numpy.ndarray
        Share of the pixels of each mapped class that are right (precision), (n,); NaN for a class
        that is not mapped.
    producers : numpy.ndarray
        Share of the labelled pixels of each class that are mapped right (recall), (n,); NaN for a
        class without labels.
    overall : float
        Overall accuracy; NaN without pixels.
    kappa : float
        NaN where chance alone agrees everywhere.

    Notes
    -----
    kappa = (p_o - p_e) / (1 - p_e), with the overall accuracy p_o and the agreement by chance
    p_e = sum_i p_i. p_.i (Cohen 1960, Educational and Psychological Measurement 20, 37-46).
    """
    counts = confusion.astype(float)
    hits, total = counts.diagonal(), counts.sum()
    with np.errstate(invalid="ignore"):
        users, producers = hits / counts.sum(axis=0), hits / counts.sum(axis=1)
        overall = hits.sum() / total
        chance = (counts.sum(axis=0) * counts.sum(axis=1)).sum() / total**2
    kappa = (overall - chance) / (1 - chance) if chance < 1 else np.nan
    return users, producers, float(overall), float(kappa)
