"""Phase 1 of the dense method applied: the trained network, by ONNX Runtime, on whole images."""

import json
import logging

import cv2
import numpy as np
import pandas as pd

from .class_key import key_rivers
from .colour_match import LEARNED_COLOURS, in_other_light, match_colours
from .raster import no_data
from .tile_classifier import open_session

# Pixels about a pixel that its probabilities can depend on, and more.
MARGIN = 128
# Pixels of the strips that an image is classified in: what 1 GB of memory is enough for.
STRIP = 3_000_000
# Side that the network's input has to be a multiple of.
UNIT = 64


class DenseClassifier:
    """A trained dense network and what its outputs stand for.

    Parameters
    ----------
    model
        Path of the ONNX file: float32 images (1, height, width, 3) of 0..255 to
        probabilities at a coarser resolution (1, height / s, width / s, outputs).
    key
        Class key: output index `LocalClass` and class code `HierarchClass`.
    match_colours
        Whether images of a river that the network did not learn from, and images much darker or
        brighter than all that it learned from, are classified in the colours that it learned
        from, where the file tells these (`export_onnx`).
    river
        Of the images; None, like a key without rivers, for one that the network learned from.
    """

    def __init__(
        self,
        model: str,
        key: pd.DataFrame,
        threads: int,
        match_colours: bool = True,
        river: str | None = None,
    ):
        self.session = open_session(model, threads)
        told = self.session.get_modelmeta().custom_metadata_map.get(LEARNED_COLOURS)
        self.learned = json.loads(told) if told and match_colours else None
        rivers = key_rivers(key)
        self.unseen = bool(river and rivers) and river not in rivers
        if self.learned and self.unseen:
            logging.warning(
                "WARNING: the CNN did not learn from %s: its images are classified with their "
                "colours brought to those that it learned from (dense.match_colours)",
                river,
            )
        self.outputs = key["LocalClass"].to_numpy()
        self.codes, self.code_of = np.unique(
            key["HierarchClass"].to_numpy(np.uint8), return_inverse=True
        )
        (self.input,) = self.session.get_inputs()

    def probabilities(self, image: np.ndarray) -> np.ndarray:
        """Class probabilities of the pixels of an RGB image, uint8 (height, width, 3).

        Strips of the image overlap by as much as a pixel's surroundings count, so that there
        are no seams.

        Returns
        -------
        float32 (k, height, width), of the k classes `self.codes`; 0 where the image has no data.
        Outputs that stand for the same class are summed.
        """
        empty = no_data(image)
        if self.learned:
            image = self._matched(image)
        height, width = image.shape[:2]
        rows = max(UNIT, STRIP // width // UNIT * UNIT)
        found = np.empty((len(self.codes), height, width), np.float32)
        for top in range(0, height, rows):
            bottom = min(top + rows, height)
            above = min(top, MARGIN)
            strip = image[top - above : bottom + MARGIN]
            below, right = (-side % UNIT for side in strip.shape[:2])
            padded = cv2.copyMakeBorder(strip, 0, below, 0, right, cv2.BORDER_REFLECT)
            (coarse,) = self.session.run(None, {self.input.name: padded[None].astype(np.float32)})
            # Output 0 stands for unlabelled, which nothing is.
            summed = np.zeros((len(self.codes), *coarse.shape[1:3]), np.float32)
            for number, output in zip(self.code_of, self.outputs, strict=True):
                summed[number] += coarse[0, ..., output]
            for plane, of_class in zip(found, summed, strict=True):
                fine = cv2.resize(of_class, padded.shape[1::-1])
                plane[top:bottom] = fine[above : above + bottom - top, :width]
        found[:, empty] = 0
        return found

    def _matched(self, image: np.ndarray) -> np.ndarray:
        if not self.unseen:
            if not in_other_light(image, self.learned):
                return image
            logging.warning(
                "WARNING: much darker or brighter than all images that the CNN learned from: "
                "classified in the colours that it learned from (dense.match_colours)"
            )
        return match_colours(image, self.learned)
