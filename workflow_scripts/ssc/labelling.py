"""Label these next: the images, and the places in them, of which the model is least sure.

The doubt about a pixel is 100 % less the probability of its class: least confidence (Settles
2009, Active learning literature survey, section 3.1).
"""

import cv2
import numpy as np
import pandas as pd

from .tiles import tile_starts

# Crops of one image that are offered for labelling, so that several places are.
PER_IMAGE = 3


def doubtful_crops(confidence: np.ndarray, codes: np.ndarray, side: int, most: int) -> pd.DataFrame:
    """The squares of one image with the highest mean doubt, none overlapping another.

    They are taken one after the other, always the most doubtful that overlaps none before it (of
    equals the topmost, then the leftmost), from a grid of squares an eighth of a side apart, the
    last ones flush with the right and bottom edge: greedy non-maximum suppression (Felzenszwalb
    et al. 2010, Object detection with discriminatively trained part-based models, section 7.2).

    Parameters
    ----------
    confidence
        Probability of the mapped class in percent, uint8 (height, width), 0 to 100.
    codes
        Class codes of the map, uint8 (height, width). Where it has no class, 0, there is nothing
        to doubt: such pixels count as sure.
    side
        Of a square in pixels; a side of the image that is shorter takes its place.
    most
        Squares to find; fewer are found where no more have room.

    Returns
    -------
    A row for each square, the most doubtful first, with the columns

    row, column, height, width
        Top left pixel and size in pixels, int64.
    doubt
        Mean of 100 - confidence in percent, rounded to 2 decimals, float64.
    mapped_as
        Code that the map has most often there, the lowest of equals, int64.
    """
    height, width = np.minimum(side, confidence.shape).tolist()
    step = max(1, side // 8)
    rows = tile_starts(confidence.shape[0], height, step, cover=True)
    columns = tile_starts(confidence.shape[1], width, step, cover=True)
    # Summed-area table: the sum of a square is four look-ups. Its doubles are exact.
    table = cv2.integral(np.where(codes > 0, 100 - confidence, 0), sdepth=cv2.CV_64F)
    top, bottom = table[rows], table[rows + height]
    left, right = columns, columns + width
    sums = bottom[:, right] - bottom[:, left] - top[:, right] + top[:, left]
    found = []
    while len(found) < most and sums.max() >= 0:
        y, x = np.unravel_index(sums.argmax(), sums.shape)
        row, column = rows[y], columns[x]
        crop = codes[row : row + height, column : column + width]
        doubt = (sums[y, x] / crop.size).round(2)
        found.append((row, column, height, width, doubt, np.bincount(crop.ravel()).argmax()))
        sums[np.ix_(abs(rows - row) < height, abs(columns - column) < width)] = -1
    names = ["row", "column", "height", "width", "doubt", "mapped_as"]
    return pd.DataFrame(found, columns=names)


def describe_doubt(name: str, codes: np.ndarray, confidence: np.ndarray, side: int) -> pd.DataFrame:
    """What a job writes down of one image's map, for the images of a group to be ranked by.

    Returns
    -------
    Up to `PER_IMAGE` rows of `doubtful_crops`, after the columns Image and confidence: the mean
    confidence of the pixels with a class, in percent.
    """
    crops = doubtful_crops(confidence, codes, side, PER_IMAGE)
    crops.insert(0, "Image", name)
    mean = confidence.mean(where=codes > 0) if codes.any() else 0
    crops.insert(1, "confidence", round(float(mean), 2))
    return crops


def rank_images(images: pd.DataFrame) -> pd.DataFrame:
    """The images that have no labels yet, the least sure first; all, if all have labels.

    Parameters
    ----------
    images
        A row for each image: Image, RiverName, labelled (bool) and confidence, the mean of its
        pixels in percent.

    Returns
    -------
    The same columns after `rank`, from 1; of equals the first by name leads.
    """
    return _ranked(_new(images).sort_values(["confidence", "Image"]))


def rank_crops(crops: pd.DataFrame) -> pd.DataFrame:
    """The crops of images that have no labels yet, the most doubtful first.

    If all images have labels, the crops of all are ranked.

    Parameters
    ----------
    crops
        Rows of `describe_doubt` with the columns RiverName and labelled (bool) added.

    Returns
    -------
    The same columns after `rank`, from 1; of equals the first by name, the topmost and the
    leftmost leads.
    """
    order = ["doubt", "Image", "row", "column"]
    ordered = _new(crops).sort_values(order, ascending=[False, True, True, True])
    return _ranked(ordered)


def _new(table: pd.DataFrame) -> pd.DataFrame:
    """Its rows of images without labels, or all of them where there are none."""
    return table if table["labelled"].all() else table[~table["labelled"]]


def _ranked(table: pd.DataFrame) -> pd.DataFrame:
    ranks = pd.RangeIndex(1, len(table) + 1, name="rank")
    return table.set_index(ranks).reset_index()
