"""Phase 1 applied: a trained CNN, run by ONNX Runtime, maps whole images."""

import json
import logging
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import onnxruntime
import pandas as pd

from ..errors import InputError, SettingError
from ..io.files import name_damaged_result
from ..io.windows import SIDE_MULTIPLE, Image, Window, windows
from ..probabilities import (
    CoarseProbabilities,
    argmax_map,
    expected_areas,
    round_probabilities,
)
from .class_key import key_rivers
from .colour_matching import (
    COLOUR_STATS,
    colour_histogram,
    is_exposure_outlier,
    matching_curves,
)
from .tiles import coarse_mosaic, extract_tiles, mosaic, tile_starts

# Pixels of the tiles that are classified at a time: 256 tiles of 50 px.
BATCH_PIXELS = 256 * 50 * 50
# Pixels about a pixel that its probabilities in a U-Net depend on: those farther away change no
# class in a thousand pixels.
OVERLAP = 256


@dataclass(frozen=True)
class ClassifierSettings:
    """How a CNN is applied.

    Attributes
    ----------
    threads : int
        Of ONNX Runtime.
    tile_stride : int
        Pixels from one tile to the next; tile CNNs only.
    match_colours : bool
        Whether images of a river without training images, and images much darker or brighter
        than all training images, are mapped in the colours of the training images.
    """

    threads: int
    tile_stride: int = 50
    match_colours: bool = True


class Classification:
    """The map of one image, made window by window.

    Parameters
    ----------
    image : Image
    probabilities : CoarseProbabilities
    read : callable
        Makes the map of a window, whether or not the image has data there.

    Attributes
    ----------
    probabilities : CoarseProbabilities
        Of all classes, also where the image has no data.
    """

    def __init__(
        self,
        image: Image,
        probabilities: CoarseProbabilities,
        read: Callable[[Window], tuple[np.ndarray, np.ndarray]],
    ):
        self.image, self.probabilities, self._read = image, probabilities, read

    def read(self, window: Window) -> tuple[np.ndarray, np.ndarray]:
        """Map a window.

        Parameters
        ----------
        window : Window

        Returns
        -------
        class_map : numpy.ndarray
            Class codes, uint8 (height, width); 0 where the image has no data.
        confidence : numpy.ndarray
            Probability of the class in percent, uint8 (height, width); 0 there.
        """
        class_map, confidence = self._read(window)
        empty = self.image.no_data(window)
        class_map[empty] = confidence[empty] = 0
        return class_map, confidence

    def expected_areas(self) -> dict[int, float]:
        """Expected pixels of each class, by class code, where the image has data."""
        codes = self.probabilities.class_codes
        sums, n_mapped = np.zeros(len(codes)), 0
        for window in windows(self.image.shape):
            has_data = ~self.image.no_data(window)
            sums += self.probabilities.sums(window, has_data)
            n_mapped += int(np.count_nonzero(has_data))
        return expected_areas(sums, codes, n_mapped)


class CnnClassifier(ABC):
    """A trained CNN and what its outputs stand for; made by `open_classifier`.

    Parameters
    ----------
    session : onnxruntime.InferenceSession
        Of the CNN.
    model : str
        Path of its file, for messages.
    key, settings, river
        As for `open_classifier`.

    Attributes
    ----------
    class_codes : numpy.ndarray
        The k classes that the CNN can map, uint8; outputs of the same class are summed.
    """

    def __init__(
        self,
        session: onnxruntime.InferenceSession,
        model: str,
        key: pd.DataFrame,
        settings: ClassifierSettings,
        river: str | None,
    ):
        self.session, self.model, self.settings = session, model, settings
        self.input = session.get_inputs()[0]
        self.outputs = key["LocalClass"].to_numpy()
        self.class_codes, self.class_of_output = np.unique(
            key["HierarchClass"].to_numpy(np.uint8), return_inverse=True
        )
        stats = session.get_modelmeta().custom_metadata_map.get(COLOUR_STATS)
        self.colour_stats = json.loads(stats) if stats and settings.match_colours else None
        rivers = key_rivers(key)
        self.unseen_river = bool(river and rivers) and river not in rivers
        if self.colour_stats and self.unseen_river:
            logging.warning(
                "WARNING: the CNN has no training images of %s: its images are mapped with their "
                "colours brought to those of the training images (match_colours); check the maps, "
                "and label an image of it if they are poor",
                river,
            )

    def classify(self, image: Image) -> Classification:
        """Map one image.

        Parameters
        ----------
        image : Image

        Returns
        -------
        Classification

        Raises
        ------
        InputError
            When the image is smaller than a tile.
        """
        return self._classify(image, self._colour_curves(image))

    def _colour_curves(self, image: Image) -> np.ndarray | None:
        """The lookup table that brings the image's colours to those of the training images."""
        if not self.colour_stats:
            return None
        histogram = colour_histogram(image)
        if not self.unseen_river:
            if not is_exposure_outlier(histogram, self.colour_stats):
                return None
            logging.warning(
                "WARNING: %s is much darker or brighter than all training images: it is mapped "
                "with its colours brought to those of the training images (match_colours); check "
                "the map, and label an image like it if it is poor",
                image.name,
            )
        return matching_curves(histogram, self.colour_stats)

    @abstractmethod
    def _classify(self, image: Image, curves: np.ndarray | None) -> Classification:
        """Map an image in other colours where there are `curves`."""


class UNetClassifier(CnnClassifier):
    """A U-Net: from images (1, height, width, 3) to probabilities (1, height / s, width / s, n)."""

    def _classify(self, image: Image, curves: np.ndarray | None) -> Classification:
        cells: np.ndarray | None = None
        parts = windows(image.shape)
        # Of one size for all windows, or ONNX Runtime would keep memory for each.
        size = np.max([window.grown(OVERLAP, image.shape).shape for window in parts], axis=0)
        size += -size % SIDE_MULTIPLE
        for window in parts:
            of_window, step = self._map_window(image, window, size.tolist(), curves)
            if cells is None:
                # The pixels at the image's edge may lie between its last cell and the next one.
                n_cells = (
                    min(-(-side // step) + 1, (side + -side % SIDE_MULTIPLE) // step)
                    for side in image.shape[:2]
                )
                cells = np.zeros((len(of_window), *n_cells), np.uint16)
            top, left = window.top // step, window.left // step
            height, width = of_window.shape[1:]
            cells[:, top : top + height, left : left + width] = of_window
        assert cells is not None
        height, width = image.shape[:2]
        probabilities = CoarseProbabilities(cells, self.class_codes, step, (height, width))

        def read(window):
            return argmax_map(probabilities.enlarge(window), self.class_codes)

        return Classification(image, probabilities, read)

    def _map_window(
        self, image: Image, window: Window, size: Sequence[int], curves: np.ndarray | None
    ) -> tuple[np.ndarray, int]:
        """Probabilities of the cells of a window, and their side in pixels.

        The pixels about the window are mapped with it, so that there are no seams: `size`,
        multiples of 64. An image is mirrored to such a size.
        """
        start = [
            max(0, min(first - OVERLAP, side + -side % SIDE_MULTIPLE - full))
            for first, side, full in zip(window[:2], image.shape[:2], size, strict=True)
        ]
        outer = Window(*start, *np.minimum(np.add(start, size), image.shape[:2]).tolist())
        pixels = image[outer.slices]
        if curves is not None:
            pixels = cv2.LUT(pixels, curves)
        below, right = (full - side for full, side in zip(size, outer.shape, strict=True))
        padded = cv2.copyMakeBorder(pixels, 0, below, 0, right, cv2.BORDER_REFLECT)
        (outputs,) = self.session.run(None, {self.input.name: padded[None].astype(np.float32)})
        step = padded.shape[0] // outputs.shape[1]
        rows, columns = window.within(outer)
        # At the far edges of the image one more cell is kept.
        extra = window.bottom == image.shape[0], window.right == image.shape[1]
        part = tuple(
            slice(side.start // step, -(-side.stop // step) + more)
            for side, more in zip((rows, columns), extra, strict=True)
        )
        return round_probabilities(self._sum_by_class(outputs[0][part])), step

    def _sum_by_class(self, outputs: np.ndarray) -> np.ndarray:
        # Output 0 stands for unlabelled, which nothing is.
        summed = np.zeros((len(self.class_codes), *outputs.shape[:2]), np.float32)
        for number, output in zip(self.class_of_output, self.outputs, strict=True):
            summed[number] += outputs[..., output]
        return summed


class TileClassifier(CnnClassifier):
    """A tile CNN: from tiles (n, size, size, 3) to probabilities (n, outputs)."""

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.size, stride = self.input.shape[1], self.settings.tile_stride
        if stride > self.size:
            raise SettingError(
                "tile_stride",
                f"{stride} px leaves gaps between the tiles of {self.size} px of {self.model}; set "
                f"it to {self.size} or less",
            )

    def tile_probabilities(self, tiles: np.ndarray) -> np.ndarray:
        """Compute the class probabilities of tiles.

        Parameters
        ----------
        tiles : numpy.ndarray
            RGB, uint8 (n, size, size, 3).

        Returns
        -------
        numpy.ndarray
            float32 (n, k), of the k `class_codes`.
        """
        (outputs,) = self.session.run(None, {self.input.name: tiles.astype(np.float32)})
        summed = np.zeros((len(tiles), len(self.class_codes)), np.float32)
        np.add.at(summed.T, self.class_of_output, outputs[:, self.outputs].T)
        return summed

    def _classify(self, image: Image, curves: np.ndarray | None) -> Classification:
        shape = image.shape[0], image.shape[1]
        size, stride = self.size, self.settings.tile_stride
        if min(shape) < size:
            raise InputError(
                f"{image.name}: {shape[1]} x {shape[0]} px, smaller than the tiles of {size} px of "
                f"{self.model}; remove it, or take a CNN of smaller tiles"
            )
        rows, columns = (tile_starts(n, size, stride, cover=True) for n in shape)
        rows_at_once = max(1, BATCH_PIXELS // (size * size * len(columns)))
        parts = []
        for first in range(0, len(rows), rows_at_once):
            of_strip = rows[first : first + rows_at_once]
            strip = image[of_strip[0] : of_strip[-1] + size, 0 : shape[1]]
            if curves is not None:
                strip = cv2.LUT(strip, curves)
            starts = np.stack(np.meshgrid(of_strip - of_strip[0], columns, indexing="ij"), axis=-1)
            starts = starts.reshape(-1, 2)
            chunks = np.array_split(starts, -(-len(starts) * size**2 // BATCH_PIXELS))
            parts += [
                self.tile_probabilities(extract_tiles(strip, c[:, 0], c[:, 1], size))
                for c in chunks
            ]
        grid = np.concatenate(parts).reshape(len(rows), len(columns), -1)
        cells = coarse_mosaic(grid, rows, columns, size, stride)
        coarse = CoarseProbabilities.of_cells(cells, self.class_codes, stride, shape)

        def read(window):
            return mosaic(grid, self.class_codes, rows, columns, size, window)

        return Classification(image, coarse, read)


def open_classifier(
    model: str, key: pd.DataFrame, settings: ClassifierSettings, river: str | None = None
) -> CnnClassifier:
    """Open a CNN, on a GPU where ONNX Runtime can use it.

    Parameters
    ----------
    model : str
        Path of an ONNX file: float32 colours of 0..255 to probabilities, of tiles or of pixels.
    key : pandas.DataFrame
        Class key: output index `LocalClass` and class code `HierarchClass`.
    settings : ClassifierSettings
    river : str, optional
        Of the images; None, like a key without rivers, for one with training images.

    Returns
    -------
    CnnClassifier

    Raises
    ------
    InputError
        When the file was damaged after it was made.
    SettingError
        When the stride leaves gaps between the tiles of the CNN.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = settings.threads
    # Idle threads would otherwise spin on cores that other jobs have been given.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    with name_damaged_result(model):
        session = onnxruntime.InferenceSession(
            model, options, providers=onnxruntime.get_available_providers()
        )
    maps_pixels = len(session.get_outputs()[0].shape) == 4
    kind = UNetClassifier if maps_pixels else TileClassifier
    return kind(session, model, key, settings, river)
