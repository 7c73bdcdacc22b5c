"""What to label next: images that would add most, and the places where their maps are uncertain.

The uncertainty of a pixel is 100 % less the probability of its class: least confidence (Settles
2009, Active learning literature survey, section 3.1).
"""

from collections.abc import Collection, Mapping

import numpy as np
import pandas as pd

from ..cnn.tiles import tile_starts
from ..io.windows import Raster, Window, windows

# Crops of one image that are offered for labelling, so that several places are.
CROPS_PER_IMAGE = 3
# Images that are ranked one after the other: the work grows with their number times all images.
MAX_GREEDY = 1000
AREA = "area_"


class UncertaintyGrid:
    """Uncertainty of a map, summed over the cells of a grid, window by window.

    Squares of the map are looked for on the grid: they begin an eighth of a side apart, the last
    ones flush with the right and bottom edge.

    Parameters
    ----------
    shape : tuple of int
        Height and width of the map.
    side : int
        Of a square in pixels; a side of the map that is shorter takes its place.
    """

    def __init__(self, shape: tuple[int, ...], side: int):
        self.height, self.width = np.minimum(side, shape[:2]).tolist()
        step = max(1, side // 8)
        self.rows = tile_starts(shape[0], self.height, step, cover=True)
        self.columns = tile_starts(shape[1], self.width, step, cover=True)
        self.row_edges = np.union1d(self.rows, self.rows + self.height)
        self.column_edges = np.union1d(self.columns, self.columns + self.width)
        self.sums = np.zeros((len(self.row_edges) - 1, len(self.column_edges) - 1), np.int64)
        self.n_mapped = self.sum_of_confidence = 0

    def add(self, window: Window, class_map: np.ndarray, confidence: np.ndarray) -> None:
        """Add a window of the map.

        Parameters
        ----------
        window : Window
        class_map : numpy.ndarray
            Class codes, uint8 (height, width). Pixels without a class, 0, have no uncertainty.
        confidence : numpy.ndarray
            Probability of the mapped class in percent, uint8 (height, width), 0 to 100.
        """
        mapped = class_map > 0
        uncertainty = (100 - confidence) * mapped
        n_mapped = int(np.count_nonzero(mapped))
        self.n_mapped += n_mapped
        self.sum_of_confidence += 100 * n_mapped - int(uncertainty.sum())
        first_row, rows = _cell_starts(self.row_edges, window.top, window.bottom)
        first_column, columns = _cell_starts(self.column_edges, window.left, window.right)
        sums = np.add.reduceat(uncertainty, rows, axis=0, dtype=np.int32)
        sums = np.add.reduceat(sums, columns, axis=1, dtype=np.int64)
        height, width = sums.shape
        self.sums[first_row : first_row + height, first_column : first_column + width] += sums

    def most_uncertain(self, class_map: Raster, n_crops: int) -> pd.DataFrame:
        """Find the squares of the highest mean uncertainty, none overlapping another.

        They are taken one after the other, always the most uncertain that overlaps none before it
        (of equals the topmost, then the leftmost): greedy non-maximum suppression (Felzenszwalb
        et al. 2010, Object detection with discriminatively trained part-based models, section
        7.2).

        Parameters
        ----------
        class_map : Raster
            The map, of which the squares are read.
        n_crops : int
            Squares to find; fewer are found where no more have room.

        Returns
        -------
        pandas.DataFrame
            A row for each square, the most uncertain first: row, column, height and width (top
            left pixel and size in pixels, int64); uncertainty (mean in percent, two decimals,
            float64); majority_class (the code that the map has most often there, the lowest of
            equals, int64).
        """
        height, width = self.height, self.width
        # Summed-area table: the sum of a square is four look-ups.
        table = np.zeros((len(self.row_edges), len(self.column_edges)), np.int64)
        table[1:, 1:] = self.sums.cumsum(axis=0).cumsum(axis=1)
        top, bottom = (np.searchsorted(self.row_edges, self.rows + n) for n in (0, height))
        left, right = (np.searchsorted(self.column_edges, self.columns + n) for n in (0, width))
        sums = table[np.ix_(bottom, right)] - table[np.ix_(top, right)]
        sums += table[np.ix_(top, left)] - table[np.ix_(bottom, left)]
        crops: list[tuple] = []
        while len(crops) < n_crops and sums.max() >= 0:
            y, x = np.unravel_index(sums.argmax(), sums.shape)
            row, column = self.rows[y], self.columns[x]
            crop = class_map[row : row + height, column : column + width]
            uncertainty = (sums[y, x] / crop.size).round(2)
            majority = np.bincount(crop.ravel()).argmax()
            crops.append((row, column, height, width, uncertainty, majority))
            near = abs(self.rows - row) < height, abs(self.columns - column) < width
            sums[np.ix_(*near)] = -1
        names = ["row", "column", "height", "width", "uncertainty", "majority_class"]
        return pd.DataFrame(crops, columns=names)


def _cell_starts(edges: np.ndarray, start: int, stop: int) -> tuple[int, np.ndarray]:
    """The first cell of a window, and where in the window each of its cells begins."""
    first = np.searchsorted(edges, start, side="right") - 1
    last = np.searchsorted(edges, stop)
    return int(first), np.maximum(edges[first:last] - start, 0)


def summarise_uncertainty(
    name: str,
    river: str,
    class_map: Raster,
    confidence: Raster,
    areas: Mapping[int, float],
    crop_size: int,
) -> pd.DataFrame:
    """Summarise the map of one image, for the images of a group to be ranked by.

    Parameters
    ----------
    name, river : str
        Of the image.
    class_map : Raster
        Class codes, uint8 (height, width). Pixels without a class, 0, have no uncertainty.
    confidence : Raster
        Probability of the mapped class in percent, uint8 (height, width), 0 to 100.
    areas : mapping of int to float
        Expected pixels by class code: the sums of the probabilities.
    crop_size : int
        Side of a square in pixels.

    Returns
    -------
    pandas.DataFrame
        Up to `CROPS_PER_IMAGE` rows of `UncertaintyGrid.most_uncertain`, after the columns Image,
        RiverName, confidence (the mean of the pixels with a class, in percent) and area_<code>
        (pixels) for each of `areas`.
    """
    grid = UncertaintyGrid(class_map.shape, crop_size)
    for window in windows(class_map.shape):
        grid.add(window, class_map[window.slices], confidence[window.slices])
    crops = grid.most_uncertain(class_map, CROPS_PER_IMAGE)
    mean = grid.sum_of_confidence / max(grid.n_mapped, 1)
    summary = {"Image": name, "RiverName": river, "confidence": round(mean, 2)}
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
    images = images[["Image", "RiverName", "confidence"]]
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
