"""How well the class edges of a map agree with those of the labels."""

from collections.abc import Sequence

import cv2
import numpy as np

# Columns of `boundary_counts`, and of the same counts in a score table.
EDGE_COUNTS = ["label_edges", "label_edges_matched", "map_edges", "map_edges_matched"]
# Pixels about a window that its edges depend on, for a tolerance of up to 5.
BOUNDARY_MARGIN = 32


def boundary_counts(
    labels: np.ndarray,
    maps: Sequence[np.ndarray],
    n_codes: int,
    tolerance: int = 3,
    counted: tuple[slice, slice] = np.s_[:, :],
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

    Labels are sparse, so they judge a map edge only where no label edge can be missing: where
    every pixel within `tolerance` + 1 is labelled, closed or beyond the image. (A label edge just
    within `tolerance` shows only by its neighbour.) So whether a map edge is judged does not
    depend on whether it is correct. A map is complete, so all label edges count, and any map edge
    matches them, judged or not.

    Parameters
    ----------
    labels : numpy.ndarray
        Class codes, uint8 (height, width); 0 is no class.
    maps : sequence of numpy.ndarray
        Maps of the same ground, like `labels`.
    n_codes : int
        All codes are below it.
    tolerance : int
        Farthest match in pixels, straight between pixel centres (Euclidean); half the width of
        the widest seam that is closed.
    counted : tuple of slice
        Rows and columns of the edge pixels that are counted. A window of a large image is counted
        as in the whole where the rasters reach `BOUNDARY_MARGIN` pixels farther.

    Returns
    -------
    list of numpy.ndarray
        For each map int64 (n_codes, 4), with a row for each code and the columns of `EDGE_COUNTS`:
        edge pixels of the labels, and those of them that the map matches; edge pixels of the map
        that the labels judge, and those of them that the labels match.

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
    result = []
    for codes in maps:
        mapped = _edge_pixels(codes)
        counts = np.zeros((n_codes, 4), np.int64)
        for total, pixels, others in ((0, drawn, mapped), (2, mapped * judging, drawn)):
            inside = np.zeros_like(pixels)
            inside[counted] = pixels[counted]
            at = np.flatnonzero(inside)
            of_class = inside.ravel()[at]
            counts[:, total] = np.bincount(of_class, minlength=n_codes)
            for code in np.flatnonzero(counts[:, 0]):
                near = cv2.dilate((others == code).view(np.uint8), _disk(tolerance))
                counts[code, total + 1] = np.count_nonzero(near.ravel()[at[of_class == code]])
        result.append(counts)
    return result


def boundary_f1(counts: np.ndarray) -> np.ndarray:
    """Compute the boundary F1.

    Parameters
    ----------
    counts : numpy.ndarray
        int64 (..., 4), in the order of `EDGE_COUNTS`.

    Returns
    -------
    numpy.ndarray
        float64 (...), from 0 to 1; NaN where the labels have no edges, or the map has matched some
        of them but has none that the labels can judge.

    Notes
    -----
    F1 = 2 PR / (P + R) with P = map_edges_matched / map_edges and R = label_edges_matched /
    label_edges (Csurka et al. 2013, see `boundary_counts`).
    """
    label_edges, label_matched, map_edges, map_matched = np.moveaxis(counts, -1, 0)
    with np.errstate(invalid="ignore"):
        precision, recall = map_matched / map_edges, label_matched / label_edges
        f1 = 2 * precision * recall / (precision + recall)
    # Nothing matched is 0 whatever the precision.
    return np.where(recall == 0, 0, f1)


def _close_seams(labels: np.ndarray, radius: int) -> np.ndarray:
    """Fill gaps of the labels that are too narrow for a disk of this radius with the nearest."""
    labelled = (labels > 0).view(np.uint8)
    # Closing, not growing: labels that grew into wide gaps would judge edges they cannot know.
    gaps = cv2.morphologyEx(labelled, cv2.MORPH_CLOSE, _disk(radius)) - labelled
    _, nearest = cv2.distanceTransformWithLabels(
        1 - labelled, cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    beside = np.flatnonzero(cv2.bitwise_and(cv2.dilate(gaps, _disk(radius + 1)), labelled))
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
