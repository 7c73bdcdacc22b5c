"""How far the confidence of a map can be believed."""

import numpy as np
import pandas as pd

from .scores import count_pairs


def reliability_counts(
    labels: np.ndarray, codes: np.ndarray, confidence: np.ndarray
) -> pd.DataFrame:
    """Count labelled pixels, and those mapped as labelled, by the confidence of their class.

    The tables of several maps below each other (`pandas.concat`), or summed by percent, are one
    of all their pixels to the functions below.

    Parameters
    ----------
    labels, codes
        Labels and map: class codes, uint8 (height, width); 0 is no class.
    confidence
        Probability of the mapped class in percent, uint8 (height, width), 0 to 100.

    Returns
    -------
    101 rows with the columns, all int64

    percent
        Confidence, 0 to 100.
    pixels
        Labelled pixels of that confidence.
    right
        How many of these the map gives to the class of the label.
    """
    # 0 is unlabelled, 1 mapped otherwise than labelled, 2 mapped as labelled.
    verdict = (labels == codes).view(np.uint8) + np.uint8(1)
    verdict *= labels > 0
    _, wrong, right = count_pairs(verdict, confidence, 3, 101)
    return pd.DataFrame({"percent": np.arange(101), "pixels": wrong + right, "right": right})


def reliability(counts: pd.DataFrame, bins: int = 10) -> pd.DataFrame:
    """Accuracy against confidence, in bins of equal width.

    Parameters
    ----------
    counts
        From `reliability_counts`, of one map or more.
    bins
        Number M of bins, up to 100; bin m holds the confidences above (m - 1) / M, up to m / M,
        and the first one also 0.

    Returns
    -------
    A row for each bin, the least confident first, with the columns

    confidence
        Mean over the labelled pixels of the bin, share from 0 to 1; NaN without any.
    accuracy
        Share of these pixels that are mapped as labelled, from 0 to 1; NaN without any.
    pixels
        How many they are, int64.

    Notes
    -----
    conf(B_m) and acc(B_m) of Guo et al. 2017, On calibration of modern neural networks, ICML,
    section 2 (reliability diagrams).
    """
    which = np.maximum(counts["percent"].to_numpy() * bins - 1, 0) // 100
    sums = counts.assign(percent=counts["percent"] * counts["pixels"]).groupby(which).sum()
    return pd.DataFrame(
        {
            "confidence": sums["percent"] / (100 * sums["pixels"]),
            "accuracy": sums["right"] / sums["pixels"],
            "pixels": sums["pixels"],
        }
    )


def expected_calibration_error(counts: pd.DataFrame, bins: int = 10) -> float:
    """How far accuracy and confidence are apart in the mean, share from 0 to 1; NaN for no pixels.

    Parameters
    ----------
    counts, bins
        As for `reliability`.

    Notes
    -----
    ECE = sum over bins of |B_m| / n |acc(B_m) - conf(B_m)| (Naeini et al. 2015, Obtaining well
    calibrated probabilities using Bayesian binning, AAAI; Guo et al. 2017, On calibration of
    modern neural networks, ICML, eq. 3).
    """
    table = reliability(counts, bins)
    share = table["pixels"] / table["pixels"].sum()
    return (share * (table["accuracy"] - table["confidence"]).abs()).sum(min_count=1)
