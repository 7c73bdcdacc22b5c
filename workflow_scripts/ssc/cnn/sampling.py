"""Which patches a CNN learns from: pure tiles in turn, or patches about labelled pixels."""

from collections.abc import Sequence

import numpy as np

from .patches import (
    PatchBatch,
    cut_patches,
    draw_brightness_jitter,
    draw_rectangles,
    pad_to_size,
)
from .tiles import TilePositions

# Brightness and colour jitter of the tiles of a tile CNN.
TILE_JITTER = (0.2, 0.1)
# Labelled pixels kept of each class in each image; patches about them overlap many times over.
MAX_POSITIONS = 4096
# Exponent of a class's pixels: 1 draws classes as often as they occur, 0 all equally often.
SAMPLING_EXPONENT = 0.25


class TileSampler:
    """Every pure tile once an epoch, in an order of its own.

    Parameters
    ----------
    tiles : TilePositions
        n tiles.
    outputs : numpy.ndarray
        Index of the output that the CNN is to give each tile, integers (n,).
    batch_size : int
        Tiles in a batch; the last batch of an epoch may have fewer.
    augment : bool
        Turn and flip the tiles, and make them brighter and darker.
    balance : bool
        Weigh the tiles so that every class weighs the same.
    selected : numpy.ndarray, optional
        Indices of the tiles to use; by default all.
    """

    def __init__(
        self,
        tiles: TilePositions,
        outputs: np.ndarray,
        batch_size: int,
        augment: bool,
        balance: bool,
        selected: np.ndarray | None = None,
    ):
        self.tiles, self.outputs = tiles, outputs
        self.batch_size, self.augment = batch_size, augment
        self.selected = np.arange(len(outputs)) if selected is None else selected
        self.weights = np.ones(len(outputs), np.float32)
        if balance:
            self.weights[self.selected] = balance_weights(outputs[self.selected])
        self.n_batches = -(-len(self.selected) // batch_size)

    def start_epoch(self, rng: np.random.Generator) -> None:
        """Shuffle the tiles."""
        self.order = rng.permutation(self.selected)

    def draw(self, batch: int, rng: np.random.Generator) -> PatchBatch:
        """Take the next tiles in the order of the epoch."""
        examples = self.order[batch * self.batch_size : (batch + 1) * self.batch_size]
        n = len(examples)
        if self.augment:
            jitter = draw_brightness_jitter(n, *TILE_JITTER, rng)
            symmetries = rng.integers(8, size=n)
        else:
            jitter = np.ones((n, 1, 1, 3), np.float32)
            symmetries = np.zeros(n, np.int64)
        tiles = self.tiles
        places = tiles.images[examples], tiles.rows[examples], tiles.columns[examples]
        return PatchBatch(examples, *places, symmetries, jitter)

    def targets(self, patches: PatchBatch) -> tuple[np.ndarray, np.ndarray]:
        """Outputs, integers (n,), and weights, float32 (n,), of the tiles of a batch."""
        return self.outputs[patches.examples], self.weights[patches.examples]


class LabelledPixelSampler:
    """Patches about labelled pixels, rare classes more often than they occur.

    Each patch lies about a pixel of a class that is drawn in proportion to the fourth root of the
    class's pixels.

    Parameters
    ----------
    outputs : sequence of numpy.ndarray
        Index of the output that the CNN is to give each pixel of each image, uint8 (height,
        width); 0 is unlabelled.
    patch_size : int
        Side of a patch in pixels.
    batch_size, n_batches : int
        Patches in a batch, and batches in an epoch.
    brightness_jitter : float
        Largest change of brightness, as a share; each band also changes by up to a third of it.
    cutmix : float
        Share of the patches that get a rectangle of another one, with its labels.
    seed : int
        Of the labelled pixels that are kept.
    """

    def __init__(
        self,
        outputs: Sequence[np.ndarray],
        patch_size: int,
        batch_size: int,
        n_batches: int,
        brightness_jitter: float,
        cutmix: float,
        seed: int,
    ):
        self.size, self.batch_size, self.n_batches = patch_size, batch_size, n_batches
        self.brightness_jitter, self.cutmix = brightness_jitter, cutmix
        self.outputs = [pad_to_size(raster, patch_size, mode="constant") for raster in outputs]
        counts = np.array([np.bincount(o.ravel(), minlength=256) for o in self.outputs])
        counts[:, 0] = 0
        self.counts = counts
        frequency = counts.sum(axis=0) ** SAMPLING_EXPONENT
        self.frequency = frequency / frequency.sum()
        rng = np.random.default_rng(seed)
        self.positions: dict[tuple[int, int], np.ndarray] = {}
        for number, raster in enumerate(self.outputs):
            for output in np.flatnonzero(counts[number]).tolist():
                pixels = np.flatnonzero(raster == output)
                kept = rng.choice(pixels, min(MAX_POSITIONS, len(pixels)), replace=False)
                self.positions[number, output] = kept.astype(np.int32)

    def start_epoch(self, rng: np.random.Generator) -> None:
        """Nothing to prepare: every batch is drawn by itself."""

    def draw(self, batch: int, rng: np.random.Generator) -> PatchBatch:
        """Draw patches about labelled pixels."""
        places = [(*self._draw_position(rng), rng.integers(8)) for _ in range(self.batch_size)]
        images, rows, columns, symmetries = np.array(places).T
        jitter = self.brightness_jitter
        factors = draw_brightness_jitter(self.batch_size, jitter, jitter / 3, rng)
        rectangles = draw_rectangles(self.batch_size, self.size, self.cutmix, rng)
        examples = np.empty(0, np.int64)
        return PatchBatch(examples, images, rows, columns, symmetries, factors, rectangles)

    def targets(self, patches: PatchBatch) -> tuple[np.ndarray, np.ndarray]:
        """Outputs, uint8 (n, size, size), and weights, float32: 0 where a pixel is unlabelled."""
        outputs = cut_patches(self.outputs, patches, self.size, np.uint8)
        return outputs, (outputs > 0).astype(np.float32)

    def _draw_position(self, rng: np.random.Generator) -> tuple[int, int, int]:
        """Image, row and column of a patch."""
        output = rng.choice(len(self.frequency), p=self.frequency)
        in_image = self.counts[:, output]
        number = rng.choice(len(in_image), p=in_image / in_image.sum())
        shape = self.outputs[number].shape
        pixel = np.unravel_index(rng.choice(self.positions[number, output]), shape)
        row, column = (
            int(np.clip(at - rng.integers(self.size), 0, side - self.size))
            for at, side in zip(pixel, shape, strict=True)
        )
        return number, row, column


def balance_weights(outputs: np.ndarray) -> np.ndarray:
    """Weigh examples so that every class weighs the same in sum, and their mean is 1.

    Parameters
    ----------
    outputs : numpy.ndarray
        Class of each example, integers (n,).

    Returns
    -------
    numpy.ndarray
        float32 (n,).
    """
    counts = np.bincount(outputs)
    return (len(outputs) / np.count_nonzero(counts) / counts[outputs]).astype(np.float32)
