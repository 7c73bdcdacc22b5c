"""Areas of true classes with intervals: from check points, or from labelled images."""

import numpy as np
import pandas as pd

from .areas import CLASS

# Quantile of the normal distribution for intervals of 95 %.
Z = 1.96
DRAWS = 1000
MIN_LABELLED_IMAGES = 5
# Share by which the pixels of a group's images may differ in area.
PIXEL_SIZE_TOLERANCE = 0.01
BY_CHECK_POINTS = "stratified check points"
BY_BOOTSTRAP = "bootstrap over labelled images"
BY_NOTHING = f"no interval: fewer than {MIN_LABELLED_IMAGES} labelled images"
ACCURACIES = [f"{kind}_accuracy{of}" for kind in ("users", "producers") for of in ("", "_se")]
ESTIMATES = ["", "_se", "_low", "_high"]
COLUMNS = [
    *("method", *CLASS, "points", "mapped_percent"),
    *(f"{unit}{of}" for unit in ("percent", "hectares") for of in ESTIMATES),
    *(*ACCURACIES, "overall_accuracy", "overall_accuracy_se"),
]


def estimate_stratified(
    counts: np.ndarray, shares: np.ndarray
) -> tuple[pd.DataFrame, tuple[float, float]]:
    """Estimate areas and accuracies from a stratified random sample.

    Parameters
    ----------
    counts : numpy.ndarray
        Check points by mapped class (row; these are the strata) and true class (column), (n, n).
    shares : numpy.ndarray
        Share of each mapped class in the map, (n,). A class with a share above 0 needs two points
        or more, or all its pixels.

    Returns
    -------
    classes : pandas.DataFrame
        A row for each class, shares from 0 to 1 and their standard errors (`_se`): area, of the
        true class in the map; users_accuracy (precision), NaN for a class that is not mapped;
        producers_accuracy (recall), NaN for a class that no point shows.
    overall : tuple of float
        Overall accuracy and its standard error.

    Notes
    -----
    Olofsson et al. 2014, Remote Sensing of Environment 148, 42-57, equations 1 to 11: with n_ij
    points of mapped class i and true class j and shares W_i, p_ij = W_i n_ij / n_i. The area of j
    is sum_i p_ij, with the variance sum_i W_i^2 (n_ij / n_i) (1 - n_ij / n_i) / (n_i - 1).
    """
    points = counts.sum(axis=1)
    found = counts / np.maximum(points, 1)[:, np.newaxis]
    # 0 for a class of one pixel: its share of points is 0 or 1.
    variances = found * (1 - found) / np.maximum(points - 1, 1)[:, np.newaxis]
    correct, correct_variance = found.diagonal(), variances.diagonal()
    area = shares @ found
    area_variances = shares[:, np.newaxis] ** 2 * variances
    area_variance = area_variances.sum(axis=0)
    with np.errstate(invalid="ignore"):
        producers = shares * correct / area
        own = (shares * (1 - producers)) ** 2 * correct_variance
        others = producers**2 * (area_variance - area_variances.diagonal())
        producers_se = np.sqrt(own + others) / area
    classes = pd.DataFrame(
        {
            "area": area,
            "area_se": np.sqrt(area_variance),
            "users_accuracy": np.where(points > 0, correct, np.nan),
            "users_accuracy_se": np.where(points > 0, np.sqrt(correct_variance), np.nan),
            "producers_accuracy": producers,
            "producers_accuracy_se": producers_se,
        }
    )
    return classes, (float(shares @ correct), float(np.sqrt(shares**2 @ correct_variance)))


def bootstrap_areas(
    confusions: np.ndarray, shares: np.ndarray, seed: int, draws: int = DRAWS
) -> tuple[np.ndarray, np.ndarray]:
    """Estimate areas from labelled images, and how they vary with the choice of images.

    Parameters
    ----------
    confusions : numpy.ndarray
        Labelled pixels of each image by mapped class (row) and label (column), int64
        (images, n, n).
    shares : numpy.ndarray
        Share of each mapped class in all maps, (n,).
    seed : int
    draws : int

    Returns
    -------
    area : numpy.ndarray
        Share of each true class in the maps, float64 (n,).
    drawn : numpy.ndarray
        The same from sets of as many images, drawn with replacement, float64 (draws, n).

    Notes
    -----
    The bootstrap of Efron 1979, Annals of Statistics 7, 1-26. Labelled pixels take the place of
    check points in `estimate_stratified`; a mapped class without any counts as mapped right.
    """
    chosen = np.random.default_rng(seed).integers(len(confusions), size=(draws, len(confusions)))
    sums = np.array([confusions[own].sum(axis=0) for own in [np.arange(len(confusions)), *chosen]])
    pixels = sums.sum(axis=2, keepdims=True)
    areas = shares @ np.where(pixels > 0, sums / np.maximum(pixels, 1), np.eye(len(shares)))
    return areas[0], areas[1:]


def estimate_areas(
    areas: pd.DataFrame, answers: pd.DataFrame, confusions: np.ndarray, seed: int
) -> pd.DataFrame:
    """Tabulate the areas of true classes in the maps of a group, as well as its data allow.

    Parameters
    ----------
    areas : pandas.DataFrame
        The rows of the group's images of `compile_areas`.
    answers : pandas.DataFrame
        Class codes of each answered check point: class_code (mapped) and true_code.
    confusions : numpy.ndarray
        As for `bootstrap_areas`, which serves where there are no answers; from fewer images than
        `MIN_LABELLED_IMAGES` there are no estimates.
    seed : int
        Of the bootstrap.

    Returns
    -------
    pandas.DataFrame
        A row for each class and, from check points, a row `ALL` with the overall accuracy; columns
        `COLUMNS`. `_se` is a standard error; `_low` and `_high` are the ends of an interval of
        95 %. Hectares are NaN where an image has no square metres or where the pixels differ in
        area by more than `PIXEL_SIZE_TOLERANCE`: points are drawn by pixels.
    """
    mapped = areas.groupby(CLASS, as_index=False)["pixels"].sum()
    shares = (mapped["pixels"] / mapped["pixels"].sum()).to_numpy()
    table = mapped[CLASS].assign(mapped_percent=100 * shares)
    if len(answers):
        codes = mapped["class_code"]
        pairs = pd.crosstab(answers["class_code"], answers["true_code"])
        counts = pairs.reindex(index=codes, columns=codes, fill_value=0).to_numpy()
        classes, overall = estimate_stratified(counts, shares)
        area, error = classes["area"].to_numpy(), classes["area_se"].to_numpy()
        estimates = [area, error, area - Z * error, area + Z * error]
        table = table.assign(method=BY_CHECK_POINTS, points=counts.sum(axis=1))
        table[ACCURACIES] = 100 * classes[ACCURACIES]
    elif len(confusions) >= MIN_LABELLED_IMAGES:
        area, drawn = bootstrap_areas(confusions, shares, seed)
        estimates = [area, drawn.std(axis=0, ddof=1), *np.percentile(drawn, [2.5, 97.5], axis=0)]
        table = table.assign(method=BY_BOOTSTRAP)
    else:
        return table.assign(method=BY_NOTHING).reindex(columns=COLUMNS)
    for unit, whole in (("percent", 100.0), ("hectares", _total_hectares(areas))):
        for of, estimate in zip(ESTIMATES, estimates, strict=True):
            table[f"{unit}{of}"] = whole * estimate
    table = table.reindex(columns=COLUMNS)
    if len(answers):
        row = {"method": BY_CHECK_POINTS, "class": "ALL", "points": len(answers)}
        row |= dict(zip(COLUMNS[-2:], (100 * value for value in overall), strict=True))
        table.loc[len(table)] = row
    return table


def _total_hectares(areas: pd.DataFrame) -> float:
    """Hectares of images whose pixels have one size, NaN for others."""
    shown = areas[areas["pixels"] > 0]
    sizes = (shown["square_metres"] / shown["pixels"]).to_numpy()
    # NaN is not smaller.
    if not len(sizes) or not sizes.max() <= (1 + PIXEL_SIZE_TOLERANCE) * sizes.min():
        return np.nan
    return float(shown["square_metres"].sum()) / 1e4
