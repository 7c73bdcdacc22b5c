"""How well a map agrees with labels."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import pandas as pd

from ..classes import LandClass
from .boundaries import EDGE_COUNTS, boundary_f1

# Whole numbers up to it are exact as float32.
FLOAT32_MAX_INT = 2**24


def confusion_matrix(labels: np.ndarray, codes: np.ndarray, n_codes: int) -> np.ndarray:
    """Count pixels by label (row) and mapped class (column).

    Parameters
    ----------
    labels, codes : numpy.ndarray
        Labels and map: class codes, uint8, of one shape; 0 is no class.
    n_codes : int
        All codes are below it.

    Returns
    -------
    numpy.ndarray
        int64 (n_codes, n_codes). Row 0 is empty: unlabelled pixels are not counted.
    """
    counts = count_pairs(labels, codes, n_codes, n_codes)
    counts[0] = 0
    return counts


def count_pairs(first: np.ndarray, second: np.ndarray, n_first: int, n_second: int) -> np.ndarray:
    """Count pixels by the values of two rasters.

    Parameters
    ----------
    first, second : numpy.ndarray
        uint8, of one shape.
    n_first, n_second : int
        Values of these and above are not counted.

    Returns
    -------
    numpy.ndarray
        int64 (n_first, n_second).
    """
    counts = np.zeros((n_first, n_second), np.int64)
    # Many times faster than NumPy's bincount, but its floats are exact up to 2^24 only.
    for start in range(0, first.size, FLOAT32_MAX_INT):
        parts = [raster.ravel()[start : start + FLOAT32_MAX_INT] for raster in (first, second)]
        part = cv2.calcHist(parts, [0, 1], None, counts.shape, [0, n_first, 0, n_second])
        counts += part.astype(np.int64)
    return counts


@dataclass(frozen=True)
class Accuracies:
    """How well a map agrees with labels, in shares from 0 to 1 (kappa from -1 to 1).

    Attributes
    ----------
    overall : float
        Share of the labelled pixels that are mapped right.
    kappa : float
        The same beyond what chance alone would give; NaN where chance alone gives all.
    users : numpy.ndarray
        User's accuracy of each class: how much of what is mapped as the class is the class
        (precision); NaN where nothing is. float64 (n,).
    producers : numpy.ndarray
        Producer's accuracy of each class: how much of the class is mapped as it (recall); NaN
        without labels. float64 (n,).
    """

    overall: float
    kappa: float
    users: np.ndarray
    producers: np.ndarray


def accuracies(confusion: np.ndarray) -> Accuracies:
    """Compute the accuracies of a map from its confusion matrix.

    Parameters
    ----------
    confusion : numpy.ndarray
        Pixels by label (row) and mapped class (column), (n, n) or more columns: these count pixels
        that are mapped as none of the n classes.

    Returns
    -------
    Accuracies

    Notes
    -----
    User's and producer's accuracy: Congalton 1991, Remote Sensing of Environment 37, 35-46. Kappa:
    (p_o - p_e) / (1 - p_e) with the overall accuracy p_o and p_e = sum_k p_k. p_.k, the shares of
    class k in labels and map (Cohen 1960, Educational and Psychological Measurement 20, 37-46).
    """
    n = len(confusion)
    hits, support = confusion.diagonal().astype(float), confusion.sum(axis=1)
    mapped, total = confusion[:, :n].sum(axis=0), confusion.sum()
    with np.errstate(divide="ignore", invalid="ignore"):
        overall = hits.sum() / total
        by_chance = (support / total) @ (mapped / total)
        kappa = (overall - by_chance) / (1 - by_chance)
        return Accuracies(float(overall), float(kappa), hits / mapped, hits / support)


def score_table(
    confusion: np.ndarray, classes: Sequence[LandClass], boundary: np.ndarray
) -> pd.DataFrame:
    """Compute the scores of one map.

    Parameters
    ----------
    confusion : numpy.ndarray
        Of `confusion_matrix`, int64 (n_codes, n_codes).
    classes : sequence of LandClass
    boundary : numpy.ndarray
        Of `boundary_counts`, int64 (n_codes, 4).

    Returns
    -------
    pandas.DataFrame
        A row for each class, then `ALL` (means weighted by support; its recall is the accuracy)
        and `MACRO` (plain means over the classes that have support). Columns: class; precision (0
        where nothing was mapped as the class), recall, f1_score (from 0 to 1); support (labelled
        pixels of the class); boundary_f1 (see `boundary_f1`; in `ALL` of the counts of all
        classes); mapped_<name> (how many of these pixels the map gives to each class); and those
        of `EDGE_COUNTS`.

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
            "boundary_f1": boundary_f1(boundary[codes]),
        }
    )
    for c in classes:
        table[f"mapped_{c.name}"] = confusion[codes, c.code]
    table[EDGE_COUNTS] = boundary[codes]
    shares = ["precision", "recall", "f1_score"]
    seen = table[table["support"] > 0]
    sums = table.drop(columns=["class", *shares, "boundary_f1"]).sum()
    weighted = (seen[shares].mul(seen["support"], axis=0)).sum() / max(support.sum(), 1)
    weighted["boundary_f1"] = float(boundary_f1(boundary[codes].sum(axis=0)))
    plain = seen[shares].mean()
    plain["boundary_f1"] = table["boundary_f1"].mean()
    rows = [{"class": "ALL", **weighted, **sums}, {"class": "MACRO", **plain, **sums}]
    return pd.concat([table, pd.DataFrame(rows)], ignore_index=True).astype(
        dict.fromkeys(sums.index, int)
    )
