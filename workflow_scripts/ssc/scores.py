"""How well a map agrees with labels."""

from collections.abc import Sequence

import cv2
import numpy as np
import pandas as pd

from .classes import LandClass

# Columns of `boundary_counts`, and of the same counts in a score table.
EDGES = ["edges", "edges_found", "edges_mapped", "edges_right"]
# Whole numbers up to it are exact as float32.
EXACT = 2**24


def confusion_matrix(labels: np.ndarray, codes: np.ndarray, n_codes: int) -> np.ndarray:
    """Count pixels by label (row) and mapped class (column), int64 (n_codes, n_codes).

    Rows and columns stand for the codes 0..n_codes-1; unlabelled pixels are left out, so
    row 0 is empty.
    """
    counts = count_pairs(labels, codes, n_codes, n_codes)
    counts[0] = 0
    return counts


def count_pairs(first: np.ndarray, second: np.ndarray, n_first: int, n_second: int) -> np.ndarray:
    """Count pixels by the values of two rasters, int64 (n_first, n_second).

    Parameters
    ----------
    first, second
        uint8, of one shape. Values of `n_first` or `n_second` and above are not counted.
    """
    counts = np.zeros((n_first, n_second), np.int64)
    # Many times faster than NumPy's bincount, but its floats are exact up to 2^24 only.
    for start in range(0, first.size, EXACT):
        parts = [raster.ravel()[start : start + EXACT] for raster in (first, second)]
        found = cv2.calcHist(parts, [0, 1], None, counts.shape, [0, n_first, 0, n_second])
        counts += found.astype(np.int64)
    return counts


def boundary_counts(
    labels: np.ndarray, maps: Sequence[np.ndarray], n_codes: int, tolerance: int = 3
) -> list[np.ndarray]:
    """Count the edge pixels of each class that labels and each map have in common.

    A pixel is an edge pixel of its class where one of its 4 neighbours has another class; a
    border with unlabelled ground (0), or of the image, is no edge. It matches when an edge pixel
    of the same class lies within `tolerance` in the other raster, whatever is on the far side.

    Polygons are often drawn with a seam between them, which would hide the true banks. So gaps in
    the labels are first closed where they are too narrow to hold a disk of radius `tolerance`
    (seams up to twice as wide; strips up to `tolerance` along the border of the image): their
    pixels take the nearest label. A label edge then runs along the middle of the seam, and a map
    edge anywhere in the seam matches it. Wider gaps stay as they are, with no edge of their own.

    Labels are sparse, so they judge a map edge only where no label edge could hide from them:
    where every pixel within `tolerance` + 1 is labelled, closed or beyond the image, as a label
    edge just within `tolerance` shows only by its neighbour. Whether a map edge is judged thus
    does not depend on whether it is right. A map is complete, so that all label edges count, and
    any map edge finds them, judged or not.

    Parameters
    ----------
    labels, maps
        Labels, and maps of the same ground: class codes, uint8 (height, width); 0 is no class.
    n_codes
        Codes are below it.
    tolerance
        Farthest match in pixels, straight between pixel centres (Euclidean); half the width of
        the widest seam that is closed.

    Returns
    -------
    Of each map int64 (n_codes, 4), with a row for each code and the columns

    edges, edges_found
        Edge pixels of the labels, and those of them that the map matches.
    edges_mapped, edges_right
        Edge pixels of the map that the labels judge, and those of them that the labels match.

    Notes
    -----
    Precision and recall of the class-wise boundary measure BF (Csurka et al. 2013, What is a good
    evaluation measure for semantic segmentation?, BMVC, section on contour-based measures), as
    counts, so that images can be summed. BF is for labels without gaps; the closing of seams and
    the judging are ours.
    """
    labels = _close_seams(labels, tolerance)
    drawn = _edge_pixels(labels)
    judging = cv2.erode((labels > 0).view(np.uint8), _disk(tolerance + 1))
    found = []
    for codes in maps:
        mapped = _edge_pixels(codes)
        counts = np.zeros((n_codes, 4), np.int64)
        for total, pixels, others in ((0, drawn, mapped), (2, mapped * judging, drawn)):
            at = np.flatnonzero(pixels > 0)
            of_class = pixels.ravel()[at]
            counts[:, total] = np.bincount(of_class, minlength=n_codes)
            for code in np.flatnonzero(counts[:, 0]):
                near = cv2.dilate((others == code).view(np.uint8), _disk(tolerance))
                counts[code, total + 1] = np.count_nonzero(near.ravel()[at[of_class == code]])
        found.append(counts)
    return found


def score_table(
    confusion: np.ndarray, classes: Sequence[LandClass], boundary: np.ndarray
) -> pd.DataFrame:
    """Scores of one map, from the counts of `confusion_matrix` and `boundary_counts`.

    Returns
    -------
    One row a class, then `ALL` (means weighted by support; its recall is the accuracy) and
    `MACRO` (plain means over the classes that have support), with the columns

    class, precision, recall, f1_score
        Shares from 0 to 1. Precision is 0 where nothing was mapped as the class.
    support
        Labelled pixels of the class.
    boundary_f1
        Share from 0 to 1; of the counts of all classes in `ALL`. NaN where the labels have no
        edges of the class, or the map has found some of them but none that the labels judge.
    mapped_<name>
        How many of these pixels the map gives to each class.
    edges, edges_found, edges_mapped, edges_right
        The counts of `boundary_counts`.

    Notes
    -----
    F1 = 2 PR / (P + R) with P = TP / (TP + FP) and R = TP / (TP + FN) (van Rijsbergen 1979,
    Information Retrieval, ch. 7). Boundary F1 is the same of P = edges_right /
    edges_mapped and R = edges_found / edges (Csurka et al. 2013, see `boundary_counts`).
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
            "boundary_f1": _boundary_f1(boundary[codes]),
        }
    )
    for c in classes:
        table[f"mapped_{c.name}"] = confusion[codes, c.code]
    table[EDGES] = boundary[codes]
    shares = ["precision", "recall", "f1_score"]
    seen = table[table["support"] > 0]
    sums = table.drop(columns=["class", *shares, "boundary_f1"]).sum()
    weighted = (seen[shares].mul(seen["support"], axis=0)).sum() / max(support.sum(), 1)
    weighted["boundary_f1"] = float(_boundary_f1(boundary[codes].sum(axis=0)))
    plain = seen[shares].mean()
    plain["boundary_f1"] = table["boundary_f1"].mean()
    rows = [{"class": "ALL", **weighted, **sums}, {"class": "MACRO", **plain, **sums}]
    return pd.concat([table, pd.DataFrame(rows)], ignore_index=True).astype(
        dict.fromkeys(sums.index, int)
    )


def compile_scores(tables: Sequence[tuple[dict, pd.DataFrame]]) -> pd.DataFrame:
    """The tidy table of a campaign, from score tables and what each is of.

    Parameters
    ----------
    tables
        Pairs of a description (RiverName, Image, type, experiment, model, sample, confidence) and
        its score table. Sample is `in` where the CNN learned from other images of the river, else
        `out`; confidence is the mean of the image's pixels in percent, or None.

    Returns
    -------
    A row for each class with support and one `ALL` row an image and type; f1_score and
    boundary_f1 in percent, the latter empty where `score_table` has none.
    """
    columns = ["class", "f1_score", "support", "RiverName", "Image", "type", "experiment", "model"]
    columns += ["sample", "boundary_f1", "confidence"]
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
    """Scores over all labelled pixels that descriptions have in common, from summed counts.

    Parameters
    ----------
    tables
        As for `compile_scores`.
    by
        The parts of the descriptions that tell the rows apart, such as model and type.

    Returns
    -------
    `by`, images, support, accuracy, weighted_f1, macro_f1 and boundary_f1 (of all classes, empty
    without edges) in percent, then the F1 of each class in percent (empty without support).
    """
    sums: dict[tuple, list[np.ndarray]] = {}
    for description, table in tables:
        counts = table.iloc[: len(classes)][[f"mapped_{c.name}" for c in classes]].to_numpy()
        missed = table["support"].to_numpy()[: len(classes)] - counts.sum(axis=1)
        whole = np.column_stack([missed, counts, table[EDGES].to_numpy()[: len(classes)]])
        sums.setdefault(tuple(description[part] for part in by), []).append(whole)
    dense = [LandClass(i + 1, c.name, c.colour) for i, c in enumerate(classes)]
    rows = []
    for found, counts in sums.items():
        pooled = np.pad(sum(counts), ((1, 0), (0, 0)))
        confusion, boundary = np.split(pooled, [len(classes) + 1], axis=1)
        table = score_table(confusion, dense, boundary).set_index("class")
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
                "boundary_f1": round(100 * table.loc["ALL", "boundary_f1"], 2),
                **{c.name: per_class[c.name] for c in classes},
            }
        )
    measures = ["images", "support", "accuracy", "weighted_f1", "macro_f1", "boundary_f1"]
    return pd.DataFrame(rows, columns=[*by, *measures, *(c.name for c in classes)])


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


def _close_seams(labels: np.ndarray, radius: int) -> np.ndarray:
    """Labels whose gaps too narrow for a disk of this radius have the nearest label."""
    labelled = (labels > 0).view(np.uint8)
    # Closing, not growing: labels that grew into wide gaps would judge edges they cannot know.
    gaps = cv2.morphologyEx(labelled, cv2.MORPH_CLOSE, _disk(radius)) - labelled
    _, nearest = cv2.distanceTransformWithLabels(
        1 - labelled, cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    beside = np.flatnonzero(cv2.dilate(gaps, _disk(radius + 1)) & labelled > 0)
    code = np.zeros(nearest.max() + 1, np.uint8)
    code[nearest.ravel()[beside]] = labels.ravel()[beside]
    closed = labels.copy()
    within = np.flatnonzero(gaps > 0)
    closed.ravel()[within] = code[nearest.ravel()[within]]
    return closed


def _disk(radius: int) -> np.ndarray:
    """Pixels within this distance of the middle one, uint8 (2 radius + 1, 2 radius + 1)."""
    # OpenCV's is wider, and scikit-image takes longer to import than an image to score.
    y, x = np.ogrid[-radius : radius + 1, -radius : radius + 1]
    return (y**2 + x**2 <= radius**2).astype(np.uint8)


def _edge_pixels(codes: np.ndarray) -> np.ndarray:
    """Codes of the pixels that have a 4-neighbour of another class, else 0; uint8 (h, w)."""
    edge = np.zeros(codes.shape, bool)
    for here, there in ((np.s_[:-1], np.s_[1:]), (np.s_[:, :-1], np.s_[:, 1:])):
        differ = (codes[here] != codes[there]) & (codes[here] > 0) & (codes[there] > 0)
        edge[here] |= differ
        edge[there] |= differ
    return codes * edge


def _boundary_f1(counts: np.ndarray) -> np.ndarray:
    """Boundary F1 of counts (..., 4) in the order of `EDGES`, float64 (...); NaN if unknown."""
    edges, found, mapped, right = np.moveaxis(counts, -1, 0)
    with np.errstate(invalid="ignore"):
        precision, recall = right / mapped, found / edges
        f1 = 2 * precision * recall / (precision + recall)
    # Nothing found is 0 whatever the precision.
    return np.where(recall == 0, 0, f1)
