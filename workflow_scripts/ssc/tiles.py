"""Tiles: where they lie, which of them are pure, and how their classes make a map."""

from collections.abc import Sequence

import numpy as np


def tile_starts(length: int, size: int, stride: int, cover: bool = False) -> np.ndarray:
    """First pixels of the tiles along one axis, int64 (n,).

    With `cover`, a last tile flush with the end is added where the others leave a strip.
    An axis shorter than a tile has none.
    """
    starts = np.arange(0, length - size + 1, stride)
    if cover and len(starts) and starts[-1] + size < length:
        starts = np.append(starts, length - size)
    return starts


def pure_tiles(
    labels: np.ndarray, codes: Sequence[int], size: int, stride: int, purity: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Tiles of which at least the share `purity` carries one class.

    Parameters
    ----------
    labels
        Class codes, uint8 (height, width); unlabelled pixels (0) count against purity.

    Returns
    -------
    rows, columns, classes
        Top left pixels, int64 (n,), in reading order, and class codes, uint8 (n,).
    """
    rows = tile_starts(labels.shape[0], size, stride)
    columns = tile_starts(labels.shape[1], size, stride)
    found = np.zeros((len(rows), len(columns)), np.uint8)
    needed = round(purity * size * size, 6)
    for code in codes:
        # Summed-area table: the count of a window is four look-ups.
        area = np.zeros((labels.shape[0] + 1, labels.shape[1] + 1), np.int32)
        np.cumsum(labels == code, axis=0, dtype=np.int32, out=area[1:, 1:])
        np.cumsum(area[1:, 1:], axis=1, out=area[1:, 1:])
        top, bottom, left, right = rows, rows + size, columns, columns + size
        count = area[np.ix_(bottom, right)] - area[np.ix_(top, right)]
        count += area[np.ix_(top, left)] - area[np.ix_(bottom, left)]
        found[count >= needed] = code
    i, j = np.nonzero(found)
    return rows[i], columns[j], found[i, j]


def cut_tiles(image: np.ndarray, rows: np.ndarray, columns: np.ndarray, size: int) -> np.ndarray:
    """Copies of the tiles at the given top left pixels, uint8 (n, size, size, 3)."""
    windows = np.lib.stride_tricks.sliding_window_view(image, (size, size), axis=(0, 1))
    return np.ascontiguousarray(windows[rows, columns].transpose(0, 2, 3, 1))


def mosaic(
    probabilities: np.ndarray,
    codes: np.ndarray,
    rows: np.ndarray,
    columns: np.ndarray,
    size: int,
    shape: tuple[int, int],
) -> np.ndarray:
    """The map of a grid of tiles: each pixel takes the class of highest mean probability
    over the tiles that cover it.

    Parameters
    ----------
    probabilities
        float32 (len(rows), len(columns), k), of the tile at each row and column start.
    codes
        The k class codes, uint8.
    shape
        Height and width of the map in pixels, from the first tile's start to the last one's end.

    Returns
    -------
    Class codes, uint8 (height, width); 0 where tiles further apart than their size leave gaps.
    """
    down, heights = _cells(rows, size)
    across, widths = _cells(columns, size)
    # The number of tiles over a cell is the same for all its classes: no need to divide.
    total = np.einsum("yi,ijk,xj->yxk", down, probabilities, across, optimize=True)
    cells = codes[total.argmax(axis=2)]
    cells[~np.outer(down.any(axis=1), across.any(axis=1))] = 0
    full = np.repeat(np.repeat(cells, heights, axis=0), widths, axis=1)
    assert full.shape == shape, (full.shape, shape)
    return full


def _cells(starts: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Cut an axis at every tile edge: which tile covers which cell, and the cells' lengths."""
    edges = np.unique(np.concatenate([starts, starts + size]))
    first = edges[:-1, None]
    covers = (starts[None] <= first) & (first < starts[None] + size)
    return covers.astype(np.float32), np.diff(edges)
