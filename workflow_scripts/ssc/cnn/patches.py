"""Patches of images that a CNN learns from: cut where a sampler says, and augmented."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

import keras
import numpy as np


@dataclass(frozen=True)
class PatchBatch:
    """Where the n patches of a batch lie, and how each is augmented.

    Attributes
    ----------
    examples : numpy.ndarray
        Index of each patch among the sampler's examples, int64 (n,); empty where it has none.
    images, rows, columns : numpy.ndarray
        Index of the image, and top left pixel, of each patch, int64 (n,).
    symmetries : numpy.ndarray
        Number of one of the eight symmetries of the square for each patch, int64 (n,).
    jitter : numpy.ndarray
        Factors of the colours, float32 (n, 1, 1, 3).
    rectangles : numpy.ndarray
        Of `draw_rectangles`, int64 (m, 6).
    """

    examples: np.ndarray
    images: np.ndarray
    rows: np.ndarray
    columns: np.ndarray
    symmetries: np.ndarray
    jitter: np.ndarray
    rectangles: np.ndarray = field(default_factory=lambda: np.empty((0, 6), np.int64))


class Sampler(Protocol):
    """Chooses the patches of each batch, and gives their targets.

    Attributes
    ----------
    n_batches : int
        Batches in an epoch.
    """

    n_batches: int

    def start_epoch(self, rng: np.random.Generator) -> None:
        """Prepare the draws of an epoch."""

    def draw(self, batch: int, rng: np.random.Generator) -> PatchBatch:
        """Choose the patches of one batch of an epoch."""

    def targets(self, patches: PatchBatch) -> tuple[np.ndarray, np.ndarray]:
        """Outputs that the CNN is to give the patches, and their weights in the loss."""


class PatchSequence(keras.utils.PyDataset):
    """Batches of augmented patches, the same from the same seed.

    Parameters
    ----------
    images : sequence of numpy.ndarray
        RGB, uint8 (height, width, 3). One smaller than a patch is mirrored at its edges.
    sampler : Sampler
        Chooses the patches.
    patch_size : int
        Side of a patch in pixels.
    seed : int
        Of all draws.
    """

    def __init__(self, images: Sequence[np.ndarray], sampler: Sampler, patch_size: int, seed: int):
        super().__init__()
        self.images = [pad_to_size(image, patch_size, mode="symmetric") for image in images]
        self.sampler, self.size, self.seed = sampler, patch_size, seed
        self.epoch = 0
        self.on_epoch_begin()

    def on_epoch_begin(self):
        self.sampler.start_epoch(np.random.default_rng([self.seed, self.epoch]))

    def on_epoch_end(self):
        self.epoch += 1

    def __len__(self) -> int:
        return self.sampler.n_batches

    def __getitem__(self, batch: int):
        patches = self.sampler.draw(batch, np.random.default_rng([self.seed, self.epoch, batch]))
        pixels = cut_patches(self.images, patches, self.size, np.float32)
        apply_brightness_jitter(pixels, patches.jitter)
        rasters = pixels, *self.sampler.targets(patches)
        paste_rectangles(rasters, patches.rectangles)
        return rasters


class JointSequence(keras.utils.PyDataset):
    """Batches that are joined of one batch of each of several sequences of equal length.

    Parameters
    ----------
    sequences : sequence of PatchSequence
    """

    def __init__(self, sequences: Sequence[PatchSequence]):
        super().__init__()
        self.sequences = sequences

    def on_epoch_begin(self):
        for sequence in self.sequences:
            sequence.on_epoch_begin()

    def on_epoch_end(self):
        for sequence in self.sequences:
            sequence.on_epoch_end()

    def __len__(self) -> int:
        return len(self.sequences[0])

    def __getitem__(self, batch: int):
        parts = zip(*(sequence[batch] for sequence in self.sequences), strict=True)
        return tuple(np.concatenate(part) for part in parts)


def cut_patches(
    rasters: Sequence[np.ndarray], patches: PatchBatch, size: int, dtype: type
) -> np.ndarray:
    """Cut the patches of a batch out of rasters, each in its symmetry.

    Parameters
    ----------
    rasters : sequence of numpy.ndarray
        (height, width, ...), at least as large as a patch.
    patches : PatchBatch
        n patches.
    size : int
        Side of a patch in pixels.
    dtype : type
        Of the result.

    Returns
    -------
    numpy.ndarray
        `dtype` (n, size, size, ...).
    """
    cut = np.empty((len(patches.images), size, size, *rasters[0].shape[2:]), dtype)
    places = zip(patches.images, patches.rows, patches.columns, patches.symmetries, strict=True)
    for patch, (image, row, column, symmetry) in zip(cut, places, strict=True):
        patch[:] = apply_symmetry(
            rasters[image][row : row + size, column : column + size], symmetry
        )
    return cut


def pad_to_size(
    raster: np.ndarray, size: int, mode: Literal["symmetric", "constant"]
) -> np.ndarray:
    """Pad a raster (height, width, ...) below and right to `size` pixels, where it is smaller."""
    short = [(0, max(0, size - side)) for side in raster.shape[:2]]
    if not np.any(short):
        return raster
    return np.pad(raster, short + [(0, 0)] * (raster.ndim - 2), mode=mode)


def apply_symmetry(patch: np.ndarray, symmetry: int) -> np.ndarray:
    """Turn and flip a square patch (size, size, ...) by one of its eight symmetries, as a view."""
    view = np.rot90(patch, symmetry % 4)
    return view[:, ::-1] if symmetry >= 4 else view


def draw_brightness_jitter(
    n: int, brightness: float, tint: float, rng: np.random.Generator
) -> np.ndarray:
    """Draw factors that make patches brighter and darker.

    Parameters
    ----------
    n : int
        Number of patches.
    brightness, tint : float
        Each patch gets a factor of 1 - `brightness` to 1 + `brightness`, and each of its bands
        another of 1 - `tint` to 1 + `tint`.
    rng : numpy.random.Generator

    Returns
    -------
    numpy.ndarray
        float32 (n, 1, 1, 3).
    """
    factors = rng.uniform(1 - brightness, 1 + brightness, (n, 1, 1, 1))
    factors = factors * rng.uniform(1 - tint, 1 + tint, (n, 1, 1, 3))
    return factors.astype(np.float32)


def apply_brightness_jitter(patches: np.ndarray, factors: np.ndarray) -> None:
    """Multiply the colours of patches, float32 (n, height, width, 3), in place, up to 255."""
    n, height, width, _ = patches.shape
    rows = patches.reshape(n, height, -1)
    # NumPy multiplies whole rows several times as fast as three colours at a time.
    rows *= np.tile(factors[:, 0], (1, width, 1)).reshape(n, 1, -1)
    np.minimum(rows, 255, out=rows)


def draw_rectangles(n: int, size: int, share: float, rng: np.random.Generator) -> np.ndarray:
    """Draw rectangles that patches get from other ones: CutMix (Yun et al. 2019, ICCV).

    Parameters
    ----------
    n : int
        Number of patches.
    size : int
        Side of a patch in pixels; those of a rectangle are a quarter to three quarters of it.
    share : float
        Share of the patches that get a rectangle.
    rng : numpy.random.Generator

    Returns
    -------
    numpy.ndarray
        For each rectangle the index of its patch and of the patch that it is cut from; its top,
        left, bottom and right; int64 (m, 6).
    """
    patches = np.flatnonzero(rng.random(n) < share)
    sources = rng.integers(n, size=len(patches))
    sides = rng.integers(size // 4, 3 * size // 4 + 1, (len(patches), 2))
    corners = rng.integers(size - sides + 1)
    return np.column_stack([patches, sources, corners, corners + sides])


def paste_rectangles(rasters: Sequence[np.ndarray], rectangles: np.ndarray) -> None:
    """Copy rectangles of `draw_rectangles` in rasters of patches (n, size, size, ...), in place."""
    for patch, source, top, left, bottom, right in rectangles:
        for raster in rasters:
            raster[patch, top:bottom, left:right] = raster[source, top:bottom, left:right]
