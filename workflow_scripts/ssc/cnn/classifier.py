"""Phase 1 applied: a trained CNN, run by ONNX Runtime, maps whole images."""

import json
import logging
from dataclasses import dataclass

import cv2
import numpy as np
import onnxruntime
import pandas as pd

from ..errors import InputError, SettingError
from ..io.rasters import no_data_mask
from ..probabilities import CoarseProbabilities, argmax_map
from .class_key import key_rivers
from .colour_matching import COLOUR_STATS, is_exposure_outlier, match_colours
from .tiles import coarse_mosaic, extract_tiles, mosaic, tile_starts

# Pixels of the tiles that are classified at a time: 256 tiles of 50 px.
BATCH_PIXELS = 256 * 50 * 50
# Pixels of the strips that the U-Net maps an image in: what 1 GB of memory is enough for.
STRIP_PIXELS = 3_000_000
# Pixels about a pixel that its probabilities in a U-Net depend on: those farther away change no
# class in a thousand pixels.
OVERLAP = 256
# Side that the U-Net's input has to be a multiple of.
SIZE_MULTIPLE = 64


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


@dataclass(frozen=True)
class Classification:
    """The map of one image.

    Attributes
    ----------
    class_map : numpy.ndarray
        Class codes, uint8 (height, width); 0 where the image has no data.
    confidence : numpy.ndarray
        Probability of the class in percent, uint8 (height, width); 0 there.
    probabilities : CoarseProbabilities
        Of all classes, also where the image has no data.
    """

    class_map: np.ndarray
    confidence: np.ndarray
    probabilities: CoarseProbabilities


class CnnClassifier:
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
                "colours brought to those of the training images (match_colours)",
                river,
            )

    def classify(
        self, image: np.ndarray, name: str = "image", outside: np.ndarray | None = None
    ) -> Classification:
        """Map one image.

        Parameters
        ----------
        image : numpy.ndarray
            RGB, uint8 (height, width, 3).
        name : str
            What messages call the image.
        outside : numpy.ndarray, optional
            Where nothing is to be mapped, bool (height, width).

        Returns
        -------
        Classification

        Raises
        ------
        InputError
            When the image is smaller than a tile.
        """
        empty = no_data_mask(image)
        if outside is not None:
            empty |= outside
        result = self._classify(self._match_colours(image, name), name)
        result.class_map[empty] = result.confidence[empty] = 0
        return result

    def _match_colours(self, image: np.ndarray, name: str) -> np.ndarray:
        if not self.colour_stats:
            return image
        if not self.unseen_river:
            if not is_exposure_outlier(image, self.colour_stats):
                return image
            logging.warning(
                "WARNING: %s is much darker or brighter than all training images: it is mapped "
                "with its colours brought to those of the training images (match_colours)",
                name,
            )
        return match_colours(image, self.colour_stats)

    def _classify(self, image: np.ndarray, name: str) -> Classification:
        raise NotImplementedError


class UNetClassifier(CnnClassifier):
    """A U-Net: from images (1, height, width, 3) to probabilities (1, height / s, width / s, n)."""

    def _classify(self, image: np.ndarray, name: str) -> Classification:
        probabilities = self._map_strips(image)
        class_map, confidence = argmax_map(probabilities.enlarge(), self.class_codes)
        return Classification(class_map, confidence, probabilities)

    def _map_strips(self, image: np.ndarray) -> CoarseProbabilities:
        """Map an image in strips that overlap, so that there are no seams."""
        height, width = image.shape[:2]
        n_strips = -(-height * width // STRIP_PIXELS)
        rows = -(-height // n_strips // SIZE_MULTIPLE) * SIZE_MULTIPLE
        strips = []
        for top in range(0, height, rows):
            bottom = min(top + rows, height)
            above = min(top, OVERLAP)
            strip = image[top - above : bottom + OVERLAP]
            below, right = (-side % SIZE_MULTIPLE for side in strip.shape[:2])
            padded = cv2.copyMakeBorder(strip, 0, below, 0, right, cv2.BORDER_REFLECT)
            (outputs,) = self.session.run(None, {self.input.name: padded[None].astype(np.float32)})
            step = padded.shape[0] // outputs.shape[1]
            first, last = above // step, -(-(above + bottom - top) // step)
            # The pixels at the image's edge may lie between its last cell and the next one.
            last += bottom == height
            strips.append(self._sum_by_class(outputs[0, first:last, : -(-width // step) + 1]))
        cells = np.concatenate(strips, axis=1)
        return CoarseProbabilities.of_cells(cells, self.class_codes, step, (height, width))

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

    def _classify(self, image: np.ndarray, name: str) -> Classification:
        shape, size, stride = image.shape[:2], self.size, self.settings.tile_stride
        if min(shape) < size:
            raise InputError(
                f"{name}: {shape[1]} x {shape[0]} px, smaller than the tiles of {size} px of "
                f"{self.model}; remove it, or take a CNN of smaller tiles"
            )
        rows, columns = (tile_starts(n, size, stride, cover=True) for n in shape)
        starts = np.stack(np.meshgrid(rows, columns, indexing="ij"), axis=-1).reshape(-1, 2)
        chunks = np.array_split(starts, -(-len(starts) * size**2 // BATCH_PIXELS))
        parts = [
            self.tile_probabilities(extract_tiles(image, c[:, 0], c[:, 1], size)) for c in chunks
        ]
        grid = np.concatenate(parts).reshape(len(rows), len(columns), -1)
        class_map, confidence = mosaic(grid, self.class_codes, rows, columns, size)
        cells = coarse_mosaic(grid, rows, columns, size, stride)
        coarse = CoarseProbabilities.of_cells(cells, self.class_codes, stride, shape)
        return Classification(class_map, confidence, coarse)


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
    SettingError
        When the stride leaves gaps between the tiles of the CNN.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = settings.threads
    # Idle threads would otherwise spin on cores that other jobs have been given.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    session = onnxruntime.InferenceSession(
        model, options, providers=onnxruntime.get_available_providers()
    )
    maps_pixels = len(session.get_outputs()[0].shape) == 4
    kind = UNetClassifier if maps_pixels else TileClassifier
    return kind(session, model, key, settings, river)
