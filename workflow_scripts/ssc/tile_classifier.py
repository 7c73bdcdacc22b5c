"""Phase 1 applied: the trained CNN, by ONNX Runtime, gives an image its tile map."""

import numpy as np
import onnxruntime
import pandas as pd

from .errors import InputError
from .raster import no_data
from .tiles import cut_tiles, mosaic, tile_starts

# What is classified at a time: 256 tiles of 50 px.
PIXELS_AT_ONCE = 256 * 50 * 50


def open_session(model: str, threads: int) -> onnxruntime.InferenceSession:
    """A CNN to be run by so many threads, on a GPU where ONNX Runtime can use it."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    # Idle threads would otherwise spin on cores that other jobs have been given.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return onnxruntime.InferenceSession(
        model, options, providers=onnxruntime.get_available_providers()
    )


class TileClassifier:
    """A trained CNN and what its outputs stand for.

    Parameters
    ----------
    model
        Path of the ONNX file: float32 tiles (n, size, size, 3) of 0..255 to probabilities.
    key
        Class key: output index `LocalClass` and class code `HierarchClass`.
    """

    def __init__(self, model: str, key: pd.DataFrame, threads: int):
        self.model = model
        self.session = open_session(model, threads)
        self.outputs = key["LocalClass"].to_numpy()
        self.codes, self.code_of = np.unique(
            key["HierarchClass"].to_numpy(np.uint8), return_inverse=True
        )
        (self.input,) = self.session.get_inputs()
        self.size = self.input.shape[1]

    def probabilities(self, tiles: np.ndarray) -> np.ndarray:
        """Class probabilities of tiles, uint8 (n, size, size, 3), as float32 (n, k).

        The k classes are `self.codes`; outputs that stand for the same class are summed.
        """
        (found,) = self.session.run(None, {self.input.name: tiles.astype(np.float32)})
        summed = np.zeros((len(tiles), len(self.codes)), np.float32)
        np.add.at(summed.T, self.code_of, found[:, self.outputs].T)
        return summed

    def classify(
        self, image: np.ndarray, stride: int, name: str = "image"
    ) -> tuple[np.ndarray, np.ndarray]:
        """The tile map of an RGB image and the probability of its classes.

        Tiles lie `stride` pixels apart, the last ones flush with the right and bottom edge. Errors
        call the image by its `name`.

        Returns
        -------
        map
            Class codes, uint8 (height, width); 0 where the image has no data.
        confidence
            Probability of the class in percent, uint8 (height, width); 0 there.

        Raises
        ------
        InputError
            When the image is smaller than a tile, or the stride leaves gaps between tiles.
        """
        if stride > self.size:
            raise InputError(
                f"tiles.predict_stride: {stride} px leaves gaps between the tiles of "
                f"{self.size} px of {self.model}; set it to {self.size} or less"
            )
        shape = image.shape[:2]
        if min(shape) < self.size:
            raise InputError(
                f"{name}: {shape[1]} x {shape[0]} px, smaller than the tiles of {self.size} px of "
                f"{self.model}; remove it, or take a CNN of smaller tiles"
            )
        rows, columns = (tile_starts(n, self.size, stride, cover=True) for n in shape)
        at = np.stack(np.meshgrid(rows, columns, indexing="ij"), axis=-1).reshape(-1, 2)
        chunks = np.array_split(at, -(-len(at) * self.size**2 // PIXELS_AT_ONCE))
        found = [self.probabilities(cut_tiles(image, *c.T, self.size)) for c in chunks]
        grid = np.concatenate(found).reshape(len(rows), len(columns), -1)
        codes, confidence = mosaic(grid, self.codes, rows, columns, self.size, shape)
        empty = no_data(image)
        codes[empty] = confidence[empty] = 0
        return codes, confidence
