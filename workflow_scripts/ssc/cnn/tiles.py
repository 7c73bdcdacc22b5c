"""Tiles: where they lie, which of them are pure, and how their classes make a map."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from ..io.windows import Window


@dataclass(frozen=True)
class TilePositions:
    """Where n tiles of several images lie.

    Attributes
    ----------
    images : numpy.ndarray
        Index of the image of each tile, int64 (n,).
    rows, columns : numpy.ndarray
        Top left pixel of each tile, int64 (n,).
    codes : numpy.ndarray
        Class code of each tile, uint8 (n,).
    """

    images: np.ndarray
    rows: np.ndarray
    columns: np.ndarray
    codes: np.ndarray


def tile_starts(length: int, size: int, stride: int, cover: bool = False) -> np.ndarray:
    """First pixels of the tiles along one axis.

    Parameters
    ----------
    length, size, stride : int
        Of the axis, of a tile, and from one tile to the next, in pixels.
    cover : bool
        Add a last tile flush with the end where the others leave a strip.

    Returns
    -------
    numpy.ndarray
        int64 (n,); empty where the axis is shorter than a tile.
    """
    starts = np.arange(0, length - size + 1, stride)
    if cover and len(starts) and starts[-1] + size < length:
        starts = np.append(starts, length - size)
    return starts


def pure_tiles(
    labels: np.ndarray, class_codes: Sequence[int], size: int, stride: int, purity: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Find the tiles of one image of which at least the share `purity` has one class.

    Parameters
    ----------
    labels : numpy.ndarray
        Class codes, uint8 (height, width); unlabelled pixels (0) count against purity.
    class_codes : sequence of int
        Classes to look for.
    size, stride : int
        Of a tile, and from one tile to the next, in pixels.
    purity : float
        Share, above 0.5 and up to 1.

    Returns
    -------
    rows, columns : numpy.ndarray
        Top left pixels, int64 (n,), in reading order.
    codes : numpy.ndarray
        Class codes, uint8 (n,).
    """
    rows = tile_starts(labels.shape[0], size, stride)
    columns = tile_starts(labels.shape[1], size, stride)
    pure = np.zeros((len(rows), len(columns)), np.uint8)
    required = round(purity * size * size, 6)
    for code in class_codes:
        # Summed-area table: the count of a window is four look-ups.
        area = cv2.integral((labels == code).view(np.uint8))
        top, bottom, left, right = rows, rows + size, columns, columns + size
        count = area[np.ix_(bottom, right)] - area[np.ix_(top, right)]
        count += area[np.ix_(top, left)] - area[np.ix_(bottom, left)]
        pure[count >= required] = code
    i, j = np.nonzero(pure)
    return rows[i], columns[j], pure[i, j]


def find_training_tiles(
    labels: Sequence[np.ndarray], class_codes: Sequence[int], size: int, stride: int, purity: float
) -> TilePositions:
    """Find the pure tiles of several images; parameters as for `pure_tiles`."""
    parts = [pure_tiles(raster, class_codes, size, stride, purity) for raster in labels]
    rows, columns, codes = (np.concatenate(part) for part in zip(*parts, strict=True))
    images = np.repeat(np.arange(len(parts)), [len(part[2]) for part in parts])
    return TilePositions(images, rows, columns, codes)


def extract_tiles(
    image: np.ndarray, rows: np.ndarray, columns: np.ndarray, size: int
) -> np.ndarray:
    """Copy the tiles at the given top left pixels, uint8 (n, size, size, 3)."""
    windows = np.lib.stride_tricks.sliding_window_view(image, (size, size), axis=(0, 1))
    return np.ascontiguousarray(windows[rows, columns].transpose(0, 2, 3, 1))


def mosaic(
    probabilities: np.ndarray,
    class_codes: np.ndarray,
    rows: np.ndarray,
    columns: np.ndarray,
    size: int,
    window: Window,
) -> tuple[np.ndarray, np.ndarray]:
    """Make the map of a grid of tiles, or a part of it.

    Each pixel takes the class of highest mean probability over the tiles that cover it.

    Parameters
    ----------
    probabilities : numpy.ndarray
        float32 (len(rows), len(columns), k), of the tile at each row and column start.
    class_codes : numpy.ndarray
        The k class codes, uint8.
    rows, columns : numpy.ndarray
        Starts of the tiles, from `tile_starts`; together the tiles cover the image.
    size : int
        Side of a tile in pixels.
    window : Window
        The pixels to map.

    Returns
    -------
    class_map : numpy.ndarray
        Class codes, uint8 (height, width) of the window.
    confidence : numpy.ndarray
        That mean probability in percent, uint8 (height, width).
    """
    near = (rows < window.bottom) & (rows + size > window.top)
    beside = (columns < window.right) & (columns + size > window.left)
    rows, columns, probabilities = rows[near], columns[beside], probabilities[near][:, beside]
    down, heights = _cells(rows, size)
    across, widths = _cells(columns, size)
    total, tiles = _sum_over_tiles(probabilities, down, across)
    codes = class_codes[total.argmax(axis=0)]
    percent = np.rint(100 * total.max(axis=0) / tiles).astype(np.uint8)
    top, left = rows[0], columns[0]
    part = window.within(Window(top, left, top + heights.sum(), left + widths.sum()))
    class_map, confidence = (
        np.repeat(np.repeat(grid, heights, axis=0), widths, axis=1)[part]
        for grid in (codes, percent)
    )
    return class_map, confidence


def coarse_mosaic(
    probabilities: np.ndarray, rows: np.ndarray, columns: np.ndarray, size: int, stride: int
) -> np.ndarray:
    """Mean probabilities of a grid of tiles in square cells of one stride.

    Parameters
    ----------
    probabilities, rows, columns, size
        As for `mosaic`.
    stride : int
        Side of a cell in pixels.

    Returns
    -------
    numpy.ndarray
        float32 (k, n, m): the means over the part of each cell that lies in the image.
    """
    down, heights = _cells(rows, size)
    across, widths = _cells(columns, size)
    total, tiles = _sum_over_tiles(probabilities, down, across)
    shares = _overlap(heights, stride), _overlap(widths, stride)
    return np.einsum("yi,kij,xj->kyx", shares[0], total / tiles, shares[1], optimize=True)


def _sum_over_tiles(
    probabilities: np.ndarray, down: np.ndarray, across: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Sum the probabilities of the tiles that cover each cell; float32 (k, n, m) and (n, m)."""
    total = np.einsum("yi,ijk,xj->kyx", down, probabilities, across, optimize=True)
    return total, np.outer(down.sum(axis=1), across.sum(axis=1))


def _cells(starts: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Cut an axis at every tile edge: which tile covers which cell, and the cells' lengths."""
    edges = np.unique(np.concatenate([starts, starts + size]))
    first = edges[:-1, None]
    covers = (starts[None] <= first) & (first < starts[None] + size)
    return covers.astype(np.float32), np.diff(edges)


def _overlap(lengths: np.ndarray, stride: int) -> np.ndarray:
    """Share of each regular cell that each irregular cell fills, float32 (n, len(lengths))."""
    ends = np.cumsum(lengths)
    starts = np.arange(0, ends[-1], stride)[:, None]
    shared = np.minimum(ends, starts + stride) - np.maximum(ends - lengths, starts)
    shared = np.maximum(shared, 0).astype(np.float32)
    return shared / shared.sum(axis=1, keepdims=True)
