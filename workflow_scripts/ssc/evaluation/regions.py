"""Regions of a class map: connected pixels of one class, also where the map is read by strips.

Each strip is labelled by itself into pieces. Pieces of one class that touch at the edge of a strip
are of one region (connected-component labelling with equivalences: Rosenfeld & Pfaltz 1966,
Sequential operations in digital picture processing). So only strips and the tables of pieces and
regions are held, and the regions do not depend on the strips.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from skimage.measure import label

from ..io.windows import Raster

# Pixels of a strip.
STRIP_PIXELS = 1 << 22


@dataclass(frozen=True)
class Regions:
    """Regions of a class map, in the order of their first pixels.

    Attributes
    ----------
    class_codes : numpy.ndarray
        uint8 (n,).
    pixels : numpy.ndarray
        Number of pixels, int64 (n,).
    square_metres : numpy.ndarray
        Area on the ground, float64 (n,); NaN where it is not known.
    mean_confidence : numpy.ndarray
        Mean of the pixels in percent, float64 (n,).
    of_pieces : numpy.ndarray
        The region, from 1, of each piece of a strip, int32 (number of pieces + 1,); the first, 0,
        stands for no data.
    strip_rows : int
        Rows of a strip.
    """

    class_codes: np.ndarray
    pixels: np.ndarray
    square_metres: np.ndarray
    mean_confidence: np.ndarray
    of_pieces: np.ndarray
    strip_rows: int

    def strips(self, class_map: Raster) -> Iterator[tuple[slice, np.ndarray]]:
        """Give the regions of the pixels of the map that they were found in.

        Yields
        ------
        slice
            Rows of the strip.
        numpy.ndarray
            Region of each pixel, from 1, int32 (height, width); 0 is no data.
        """
        for rows, _, pieces in _label_strips(class_map, self.strip_rows):
            yield rows, self.of_pieces[pieces]


def find_regions(
    class_map: Raster,
    confidence: Raster,
    pixel_areas: np.ndarray | None = None,
    unit: str = "pixels",
    minimum: float = 0,
    strip_rows: int | None = None,
) -> Regions:
    """Find the regions of a class map, pixels connected by their sides.

    Regions below a minimum mapping unit take the class of a neighbour: each joins the region with
    which it shares the longest border, of equals the larger one. What is joined takes the class of
    its largest region. This is repeated until no region below the unit has a neighbour.

    Parameters
    ----------
    class_map : Raster
        Class codes, uint8 (height, width). 0, no data, is of no region.
    confidence : Raster
        Percent, uint8 (height, width).
    pixel_areas : numpy.ndarray, optional
        Square metres of a pixel of each row, float64 (height,), from `pixel_areas`.
    unit : {"pixels", "square_metres"}
        Of `minimum`.
    minimum : float
        Minimum mapping unit, 0 for none.
    strip_rows : int, optional
        Rows that are read at a time; by default about `STRIP_PIXELS`.

    Returns
    -------
    Regions
    """
    height, width = class_map.shape
    strip_rows = strip_rows or max(1, STRIP_PIXELS // width)
    if pixel_areas is None:
        pixel_areas = np.full(height, np.nan)
    codes, sums, borders = [np.zeros(1, np.uint8)], [np.zeros((1, 3))], []
    above = np.zeros((1, width), np.int64)
    for rows, classes, pieces in _label_strips(class_map, strip_rows):
        first = sum(map(len, codes))
        own = np.where(pieces > 0, pieces - first + 1, 0).ravel()
        of_pieces = np.zeros(own.max(initial=0) + 1, np.uint8)
        of_pieces[own] = classes.ravel()
        codes.append(of_pieces[1:])
        weights = (None, confidence[rows, slice(0, width)], np.repeat(pixel_areas[rows], width))
        columns = [np.bincount(own, None if w is None else w.ravel())[1:] for w in weights]
        sums.append(np.stack(columns, axis=1))
        sides = [(above, pieces[:1]), (pieces[:-1], pieces[1:]), (pieces[:, :-1], pieces[:, 1:])]
        # Within a strip, pieces of one class are whole.
        borders += [_measure_borders(*side) for side in sides[: 3 if minimum else 1]]
        above = pieces[-1:]
    merged = _Merging(np.concatenate(codes), np.concatenate(sums), np.concatenate(borders))
    if minimum:
        merged.join_below(minimum, ("pixels", "confidence", "square_metres").index(unit))
    pixels, confidences, areas = merged.sums[1:].T
    return Regions(
        merged.codes[1:],
        pixels.astype(np.int64),
        areas,
        confidences / pixels,
        merged.of_pieces.astype(np.int32),
        strip_rows,
    )


def _label_strips(
    class_map: Raster, strip_rows: int
) -> Iterator[tuple[slice, np.ndarray, np.ndarray]]:
    """Rows, class codes and pieces: numbered through all strips by first pixels, from 1."""
    height, width = class_map.shape
    n_pieces = 0
    for top in range(0, height, strip_rows):
        rows = slice(top, min(top + strip_rows, height))
        codes = class_map[rows, slice(0, width)]
        pieces, n = label(codes, background=0, return_num=True, connectivity=1)
        pieces[pieces > 0] += n_pieces
        n_pieces += n
        yield rows, codes, pieces


def _measure_borders(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Pairs of pieces that lie side by side, and the length of their border: int64 (n, 3)."""
    is_border = (one != other) & (one > 0) & (other > 0)
    one, other = one[is_border], other[is_border]
    return _sum_borders(np.stack([one, other, np.ones_like(one)], axis=1))


def _sum_borders(borders: np.ndarray) -> np.ndarray:
    """Add up the lengths of borders of the same two, int64 (n, 3)."""
    lower, upper = np.sort(borders[:, :2], axis=1).T
    pairs, of_pair = np.unique(lower << 32 | upper, return_inverse=True)
    lengths = np.bincount(of_pair, borders[:, 2], len(pairs)).astype(np.int64)
    return np.stack([pairs >> 32, pairs & 0xFFFFFFFF, lengths], axis=1)


class _Merging:
    """Regions as they are joined. Number 0 is no data.

    Attributes
    ----------
    codes : class of each region, uint8 (n,)
    sums : pixels, sum of confidence and area of each region, float64 (n, 3)
    borders : pairs of regions and the length of their border, int64 (n_borders, 3)
    of_pieces : region of each piece
    """

    def __init__(self, codes: np.ndarray, sums: np.ndarray, borders: np.ndarray):
        self.codes, self.sums, self.borders = codes, sums, borders
        self.of_pieces = np.arange(len(codes))
        self._join_same_class()

    def join_below(self, minimum: float, column: int) -> None:
        """Join regions below the minimum mapping unit, by a column of the sums."""
        while True:
            sizes = self.sums[:, column]
            one, other, lengths = np.concatenate([self.borders, self.borders[:, [1, 0, 2]]]).T
            order = np.lexsort((other, -sizes[other], -lengths, one))
            one, other = one[order], other[order]
            best = (sizes[one] < minimum) & np.diff(one, prepend=0).astype(bool)
            if not best.any():
                return
            self._join(one[best], other[best])
            self._join_same_class()

    def _join_same_class(self) -> None:
        one, other, _ = self.borders.T
        same = self.codes[one] == self.codes[other]
        self._join(one[same], other[same])

    def _join(self, one: np.ndarray, other: np.ndarray) -> None:
        """Join pairs of regions, in the class of the largest of those that are joined."""
        n = len(self.codes)
        graph = coo_array((np.ones(len(one), bool), (one, other)), shape=(n, n))
        # Numbered by the first of them, so in the order of first pixels.
        n, joined = connected_components(graph, directed=False)
        # The largest, of equals the first, is written last.
        order = np.lexsort((-np.arange(len(joined)), self.sums[:, 0]))
        codes = np.empty(n, np.uint8)
        codes[joined[order]] = self.codes[order]
        self.codes = codes
        self.sums = np.stack([np.bincount(joined, s, n) for s in self.sums.T], axis=1)
        self.of_pieces = joined[self.of_pieces]
        borders = np.column_stack([joined[self.borders[:, :2]], self.borders[:, 2]])
        self.borders = _sum_borders(borders[borders[:, 0] != borders[:, 1]])
