"""Label these next: the images whose labels would add most, and where in them the doubt is.

The doubt about a pixel is 100 % less the probability of its class: least confidence (Settles
2009, Active learning literature survey, section 3.1).
"""

from collections.abc import Mapping

import cv2
import numpy as np
import pandas as pd

from .tiles import tile_starts

# Crops of one image that are offered for labelling, so that several places are.
PER_IMAGE = 3
# Images that are ranked one after the other: the work grows with their number times all images.
IN_TURN = 1000
AREA = "area_"


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


def describe_doubt(
    name: str, codes: np.ndarray, confidence: np.ndarray, areas: Mapping[int, float], side: int
) -> pd.DataFrame:
    """What a job writes down of one image's map, for the images of a group to be ranked by.

    Parameters
    ----------
    codes, confidence, side
        As for `doubtful_crops`.
    areas
        Pixels that are expected to be of each class: the sums of their probabilities.

    Returns
    -------
    Up to `PER_IMAGE` rows of `doubtful_crops`, after the columns Image, confidence (the mean of
    the pixels with a class, in percent) and area_<code> (pixels) for each of `areas`.
    """
    crops = doubtful_crops(confidence, codes, side, PER_IMAGE)
    mean = confidence.mean(where=codes > 0) if codes.any() else 0
    of_image = {"Image": name, "confidence": round(float(mean), 2)}
    of_image |= {f"{AREA}{code}": round(float(area)) for code, area in areas.items()}
    return pd.concat([pd.DataFrame(of_image, index=crops.index), crops], axis=1)


def rank_images(images: pd.DataFrame, labelled: np.ndarray) -> pd.DataFrame:
    """The images that have no labels yet, in the order in which their labels would add most.

    Labelled pixels of a class are worth the square root of their number: the first of a class
    teach most. So the worth of a set of images is the sum over classes of sqrt(L_c + A_c), of L_c
    pixels that are labelled already and A_c that the set is expected to have; each next image is
    the one that raises it most (feature-based submodular function with a greedy search: Wei,
    Iyer & Bilmes 2015, Submodularity in data subset selection and active learning, ICML). After
    `IN_TURN` images the others follow as they would at that point.

    Parameters
    ----------
    images
        A row for each image: Image, RiverName, labelled (bool), confidence, the mean of its
        pixels in percent, and the area_<code> of `describe_doubt`.
    labelled
        Pixels by class code that the CNN learned from, int64 (256,).

    Returns
    -------
    rank, from 1, Image, RiverName, labelled, confidence and adds, the code of the class that the
    image adds most worth of; of equals the first by name leads. If all images have labels, all
    are ranked.
    """
    new = _new(images).sort_values("Image")
    columns = new.columns[new.columns.str.startswith(AREA)]
    codes = columns.str.removeprefix(AREA).astype(int).to_numpy()
    areas = new[columns].to_numpy(float)
    known = labelled[codes].astype(float)
    order, adds, left = [], np.empty(len(new), int), np.ones(len(new), bool)
    for _ in range(min(IN_TURN, len(new))):
        gains = np.sqrt(known + areas) - np.sqrt(known)
        best = np.where(left, gains.sum(axis=1), -1).argmax()
        order.append(best)
        adds[best], left[best] = codes[gains[best].argmax()], False
        known += areas[best]
    rest = np.flatnonzero(left)
    if len(rest):
        gains = (np.sqrt(known + areas) - np.sqrt(known))[rest]
        adds[rest] = codes[gains.argmax(axis=1)]
        order += rest[np.argsort(-gains.sum(axis=1), kind="stable")].tolist()
    return _numbered(new.drop(columns=columns).assign(adds=adds).iloc[order])


def rank_crops(crops: pd.DataFrame, images: pd.DataFrame) -> pd.DataFrame:
    """The crops of ranked images, image by image, the most doubtful of each first.

    Parameters
    ----------
    crops
        Rows of `describe_doubt`.
    images
        From `rank_images`.

    Returns
    -------
    rank, from 1, and the columns of `crops` without areas, with RiverName after Image; of equals
    the topmost and then the leftmost leads.
    """
    of_image = images.set_index("Image")
    table = crops[crops["Image"].isin(of_image.index)]
    table = table.drop(columns=table.columns[table.columns.str.startswith(AREA)])
    table.insert(1, "RiverName", table["Image"].map(of_image["RiverName"]))
    place = table["Image"].map(of_image["rank"])
    order = ["place", "doubt", "row", "column"]
    table = table.assign(place=place).sort_values(order, ascending=[True, False, True, True])
    return _numbered(table.drop(columns="place"))


def _numbered(table: pd.DataFrame) -> pd.DataFrame:
    """Its rows with their rank, from 1, as the first column."""
    table = table.reset_index(drop=True)
    table.insert(0, "rank", table.index + 1)
    return table


def _new(table: pd.DataFrame) -> pd.DataFrame:
    """Its rows of images without labels, or all of them where there are none."""
    return table if table["labelled"].all() else table[~table["labelled"]]
