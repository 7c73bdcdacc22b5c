"""What to label next: images that would add most, and the places where their maps are uncertain.

The uncertainty of a pixel is 100 % less the probability of its class: least confidence (Settles
2009, Active learning literature survey, section 3.1).
"""

from collections.abc import Collection, Mapping

import cv2
import numpy as np
import pandas as pd

from ..cnn.tiles import tile_starts

# Crops of one image that are offered for labelling, so that several places are.
CROPS_PER_IMAGE = 3
# Images that are ranked one after the other: the work grows with their number times all images.
MAX_GREEDY = 1000
AREA = "area_"


def uncertain_crops(
    confidence: np.ndarray, class_map: np.ndarray, side: int, n_crops: int
) -> pd.DataFrame:
    """Find the squares of one image of the highest mean uncertainty, none overlapping another.

    They are taken one after the other, always the most uncertain that overlaps none before it (of
    equals the topmost, then the leftmost), from a grid of squares an eighth of a side apart, the
    last ones flush with the right and bottom edge: greedy non-maximum suppression (Felzenszwalb
    et al. 2010, Object detection with discriminatively trained part-based models, section 7.2).

    Parameters
    ----------
    confidence : numpy.ndarray
        Probability of the mapped class in percent, uint8 (height, width), 0 to 100.
    class_map : numpy.ndarray
        Class codes, uint8 (height, width). Pixels without a class, 0, have no uncertainty.
    side : int
        Of a square in pixels; a side of the image that is shorter takes its place.
    n_crops : int
        Squares to find; fewer are found where no more have room.

    Returns
    -------
    pandas.DataFrame
        A row for each square, the most uncertain first: row, column, height and width (top left
        pixel and size in pixels, int64); uncertainty (mean in percent, two decimals, float64);
        majority_class (the code that the map has most often there, the lowest of equals, int64).
    """
    height, width = np.minimum(side, confidence.shape).tolist()
    step = max(1, side // 8)
    rows = tile_starts(confidence.shape[0], height, step, cover=True)
    columns = tile_starts(confidence.shape[1], width, step, cover=True)
    # Summed-area table: the sum of a square is four look-ups. Its doubles are exact.
    table = cv2.integral(np.where(class_map > 0, 100 - confidence, 0), sdepth=cv2.CV_64F)
    top, bottom = table[rows], table[rows + height]
    left, right = columns, columns + width
    sums = bottom[:, right] - bottom[:, left] - top[:, right] + top[:, left]
    crops: list[tuple] = []
    while len(crops) < n_crops and sums.max() >= 0:
        y, x = np.unravel_index(sums.argmax(), sums.shape)
        row, column = rows[y], columns[x]
        crop = class_map[row : row + height, column : column + width]
        uncertainty = (sums[y, x] / crop.size).round(2)
        majority = np.bincount(crop.ravel()).argmax()
        crops.append((row, column, height, width, uncertainty, majority))
        sums[np.ix_(abs(rows - row) < height, abs(columns - column) < width)] = -1
    names = ["row", "column", "height", "width", "uncertainty", "majority_class"]
    return pd.DataFrame(crops, columns=names)


def summarise_uncertainty(
    name: str,
    class_map: np.ndarray,
    confidence: np.ndarray,
    areas: Mapping[int, float],
    crop_size: int,
) -> pd.DataFrame:
    """Summarise the map of one image, for the images of a group to be ranked by.

    Parameters
    ----------
    name : str
        Of the image.
    class_map, confidence, crop_size
        As for `uncertain_crops`.
    areas : mapping of int to float
        Expected pixels by class code: the sums of the probabilities.

    Returns
    -------
    pandas.DataFrame
        Up to `CROPS_PER_IMAGE` rows of `uncertain_crops`, after the columns Image, confidence (the
        mean of the pixels with a class, in percent) and area_<code> (pixels) for each of `areas`.
    """
    crops = uncertain_crops(confidence, class_map, crop_size, CROPS_PER_IMAGE)
    mean = confidence.mean(where=class_map > 0) if class_map.any() else 0
    summary = {"Image": name, "confidence": round(float(mean), 2)}
    summary |= {f"{AREA}{code}": round(float(area)) for code, area in areas.items()}
    return pd.concat([pd.DataFrame(summary, index=crops.index), crops], axis=1)


def summarise_images(crops: pd.DataFrame, labelled: Collection[str]) -> pd.DataFrame:
    """Make a row for each image from those of its crops.

    Parameters
    ----------
    crops : pandas.DataFrame
        Rows of `summarise_uncertainty`.
    labelled : collection of str
        Names of the images that have labels.

    Returns
    -------
    pandas.DataFrame
        Image, RiverName, labelled (bool), confidence, area_<code>.
    """
    images = crops.drop_duplicates("Image")
    areas = images.filter(like=AREA)
    images = images[["Image", "confidence"]]
    images.insert(1, "RiverName", images["Image"].str.rsplit("_", n=1).str[0])
    images.insert(2, "labelled", images["Image"].isin(labelled))
    return images.join(areas)


def rank_images(images: pd.DataFrame, labelled: np.ndarray) -> pd.DataFrame:
    """Rank images without labels by how much their labels would add.

    Labelled pixels of a class are worth the square root of their number: the first of a class
    are worth most. The worth of a set of images is the sum over classes of sqrt(L_c + A_c): L_c
    pixels are labelled already, and the set is expected to have A_c. Each next image is the one
    that raises the worth most (feature-based submodular function with a greedy search: Wei, Iyer
    & Bilmes 2015, Submodularity in data subset selection and active learning, ICML). After
    `MAX_GREEDY` images the others follow in the order that they have at that point.

    Parameters
    ----------
    images : pandas.DataFrame
        From `summarise_images`.
    labelled : numpy.ndarray
        Labelled training pixels by class code, int64 (256,).

    Returns
    -------
    pandas.DataFrame
        rank, from 1, Image, RiverName, labelled, confidence and gained_class, the code of the
        class whose worth the image raises most; of equals the first by name leads. If all images
        have labels, all are ranked.
    """
    new = _without_labels(images).sort_values("Image")
    columns = new.columns[new.columns.str.startswith(AREA)]
    codes = columns.str.removeprefix(AREA).astype(int).to_numpy()
    areas = new[columns].to_numpy(float)
    known = labelled[codes].astype(float)
    order: list[int] = []
    gained, left = np.empty(len(new), int), np.ones(len(new), bool)
    for _ in range(min(MAX_GREEDY, len(new))):
        gains = np.sqrt(known + areas) - np.sqrt(known)
        best = int(np.where(left, gains.sum(axis=1), -1).argmax())
        order.append(best)
        gained[best], left[best] = codes[gains[best].argmax()], False
        known += areas[best]
    rest = np.flatnonzero(left)
    if len(rest):
        gains = (np.sqrt(known + areas) - np.sqrt(known))[rest]
        gained[rest] = codes[gains.argmax(axis=1)]
        order += rest[np.argsort(-gains.sum(axis=1), kind="stable")].tolist()
    return _number_rows(new.drop(columns=columns).assign(gained_class=gained).iloc[order])


def rank_crops(crops: pd.DataFrame, images: pd.DataFrame) -> pd.DataFrame:
    """Rank the crops of ranked images: image by image, the most uncertain of each first.

    Parameters
    ----------
    crops : pandas.DataFrame
        Rows of `summarise_uncertainty`.
    images : pandas.DataFrame
        From `rank_images`.

    Returns
    -------
    pandas.DataFrame
        rank, from 1, and the columns of `crops` without areas, with RiverName after Image; of
        equals the topmost and then the leftmost leads.
    """
    of_image = images.set_index("Image")
    table = crops[crops["Image"].isin(of_image.index)]
    table = table.drop(columns=table.columns[table.columns.str.startswith(AREA)])
    table.insert(1, "RiverName", table["Image"].map(of_image["RiverName"]))
    place = table["Image"].map(of_image["rank"])
    order = ["place", "uncertainty", "row", "column"]
    table = table.assign(place=place).sort_values(order, ascending=[True, False, True, True])
    return _number_rows(table.drop(columns="place"))


def _number_rows(table: pd.DataFrame) -> pd.DataFrame:
    """Add the rank of each row, from 1, as the first column."""
    table = table.reset_index(drop=True)
    table.insert(0, "rank", table.index + 1)
    return table


def _without_labels(table: pd.DataFrame) -> pd.DataFrame:
    """Rows of images without labels, or all of them where there are none."""
    return table if table["labelled"].all() else table[~table["labelled"]]
