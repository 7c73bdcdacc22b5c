"""Calibration: how well the confidence of a map tells the share of its pixels that are correct."""

import numpy as np
import pandas as pd

from .scores import count_pairs

# Figures leave out bins of confidence with a smaller share of the pixels: they are mostly chance.
LEAST_SHARE = 0.001


def reliability_counts(
    labels: np.ndarray, codes: np.ndarray, confidence: np.ndarray
) -> pd.DataFrame:
    """Count labelled pixels, and those mapped as labelled, by the confidence of their class.

    The tables of several maps below each other (`pandas.concat`), or summed by percent, are one
    of all their pixels to the functions below.

    Parameters
    ----------
    labels, codes : numpy.ndarray
        Labels and map: class codes, uint8 (height, width); 0 is no class.
    confidence : numpy.ndarray
        Probability of the mapped class in percent, uint8 (height, width), 0 to 100.

    Returns
    -------
    pandas.DataFrame
        101 rows, all int64: percent (confidence, 0 to 100); pixels (labelled pixels of that
        confidence); correct (how many of these the map gives to the class of the label).
    """
    # 0 is unlabelled, 1 mapped otherwise than labelled, 2 mapped as labelled.
    verdict = (labels == codes).view(np.uint8) + np.uint8(1)
    verdict *= labels > 0
    _, wrong, correct = count_pairs(verdict, confidence, 3, 101)
    return pd.DataFrame({"percent": np.arange(101), "pixels": wrong + correct, "correct": correct})


def reliability(counts: pd.DataFrame, bins: int = 10) -> pd.DataFrame:
    """Compute the accuracy and the confidence in bins of equal width.

    Parameters
    ----------
    counts : pandas.DataFrame
        From `reliability_counts`, of one map or more.
    bins : int
        Number M of bins, up to 100; bin m holds the confidences above (m - 1) / M, up to m / M,
        and the first one also 0.

    Returns
    -------
    pandas.DataFrame
        A row for each bin, the least confident first: confidence (mean over the labelled pixels
        of the bin, from 0 to 1, NaN without any); accuracy (share of these pixels that are mapped
        as labelled, NaN without any); pixels (their number, int64).

    Notes
    -----
    conf(B_m) and acc(B_m) of Guo et al. 2017, On calibration of modern neural networks, ICML,
    section 2 (reliability diagrams).
    """
    bin_of_row = np.maximum(counts["percent"].to_numpy() * bins - 1, 0) // 100
    sums = counts.assign(percent=counts["percent"] * counts["pixels"]).groupby(bin_of_row).sum()
    return pd.DataFrame(
        {
            "confidence": sums["percent"] / (100 * sums["pixels"]),
            "accuracy": sums["correct"] / sums["pixels"],
            "pixels": sums["pixels"],
        }
    )


def expected_calibration_error(counts: pd.DataFrame, bins: int = 10) -> float:
    """Compute the mean difference of accuracy and confidence.

    Parameters
    ----------
    counts, bins
        As for `reliability`.

    Returns
    -------
    float
        From 0 to 1; NaN for no pixels.

    Notes
    -----
    ECE = sum over bins of |B_m| / n |acc(B_m) - conf(B_m)| (Naeini et al. 2015, Obtaining well
    calibrated probabilities using Bayesian binning, AAAI; Guo et al. 2017, On calibration of
    modern neural networks, ICML, eq. 3).
    """
    table = reliability(counts, bins)
    share = table["pixels"] / table["pixels"].sum()
    return (share * (table["accuracy"] - table["confidence"]).abs()).sum(min_count=1)
