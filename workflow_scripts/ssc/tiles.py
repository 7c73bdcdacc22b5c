"""Tiles: where they lie, which of them are pure, and how their classes make a map."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np


@dataclass(frozen=True)
class TrainingTiles:
    """Pure tiles to learn from.

    tiles
        RGB, uint8 (n, size, size, 3).
    codes
        Class codes, uint8 (n,).
    images
        Which image each tile is of, int32 (n,), from 0 in the order of the files read.
    files
        Which file each tile was read from, int32 (n,).
    """

    tiles: np.ndarray
    codes: np.ndarray
    images: np.ndarray
    files: np.ndarray


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
        area = cv2.integral((labels == code).view(np.uint8))
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


def write_training_tiles(path: str | Path, tiles: np.ndarray, codes: Sequence[np.ndarray]) -> None:
    """Write the tiles of a batch of images, in order, and their class codes, an array an image."""
    images = np.repeat(np.arange(len(codes), dtype=np.int32), [len(c) for c in codes])
    with open(path, "wb") as file:
        np.savez(file, tiles=tiles, codes=np.concatenate(codes), images=images)


def read_training_tiles(paths: Sequence[str]) -> TrainingTiles:
    """Tiles of all files, in one array that is allocated once."""
    codes, images, before = [], [], 0
    for path in paths:
        with np.load(path) as part:
            codes.append(part["codes"])
            of_file = part["images"]
        images.append(of_file + np.int32(before))
        before += of_file.max(initial=-1) + 1
    tiles, at = None, 0
    for path in paths:
        with np.load(path) as part:
            cut = part["tiles"]
        if tiles is None:
            tiles = np.empty((sum(map(len, codes)), *cut.shape[1:]), np.uint8)
        tiles[at : at + len(cut)] = cut
        at += len(cut)
    files = np.repeat(np.arange(len(paths), dtype=np.int32), [len(c) for c in codes])
    return TrainingTiles(tiles, np.concatenate(codes), np.concatenate(images), files)


def mosaic(
    probabilities: np.ndarray,
    codes: np.ndarray,
    rows: np.ndarray,
    columns: np.ndarray,
    size: int,
    shape: tuple[int, int],
) -> tuple[np.ndarray, np.ndarray]:
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
    map
        Class codes, uint8 (height, width); 0 where tiles further apart than their size leave gaps.
    confidence
        That mean probability in percent, uint8 (height, width); 0 in gaps.
    """
    down, heights = _cells(rows, size)
    across, widths = _cells(columns, size)
    total = np.einsum("yi,ijk,xj->yxk", down, probabilities, across, optimize=True)
    tiles = np.outer(down.sum(axis=1), across.sum(axis=1))
    cells = np.where(tiles > 0, codes[total.argmax(axis=2)], 0).astype(np.uint8)
    percent = np.rint(100 * total.max(axis=2) / np.maximum(tiles, 1)).astype(np.uint8)
    assert (heights.sum(), widths.sum()) == shape, (heights.sum(), widths.sum(), shape)
    return tuple(
        np.repeat(np.repeat(grid, heights, axis=0), widths, axis=1) for grid in (cells, percent)
    )


def _cells(starts: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Cut an axis at every tile edge: which tile covers which cell, and the cells' lengths."""
    edges = np.unique(np.concatenate([starts, starts + size]))
    first = edges[:-1, None]
    covers = (starts[None] <= first) & (first < starts[None] + size)
    return covers.astype(np.float32), np.diff(edges)
