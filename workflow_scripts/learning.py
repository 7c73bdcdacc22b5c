"""What the jobs that train have in common: their tiles, and the CNN as configured."""

import logging

import keras
import numpy as np

from ssc.class_key import class_key, key_outputs
from ssc.classes import read_classes
from ssc.cnn import build_cnn
from ssc.tiles import read_training_tiles


class Learning:
    """The tiles of a training job, the right output for each, and the CNN as configured."""

    def __init__(self, snakemake):
        params, classes = snakemake.params, read_classes(snakemake.params.classes)
        self.cnn, self.seed = params.cnn, params.seed
        self.data = read_training_tiles(snakemake.input.tiles)
        rivers, river_of_file = np.unique(params.rivers, return_inverse=True)
        self.key = class_key(classes, list(rivers), self.cnn["local_classes"])
        river = river_of_file[self.data.files]
        self.outputs = key_outputs(self.key, rivers)[river, self.data.codes]
        counts = ", ".join(f"{(self.data.codes == c.code).sum()} {c.name}" for c in classes)
        logging.info("%d tiles: %s", len(self.outputs), counts)
        self.half = self.cnn["mixed_precision"] and bool(keras.distribution.list_devices("gpu"))

    def build(self, half):
        """The CNN before training."""
        keras.utils.set_random_seed(self.seed)
        return build_cnn(
            self.cnn["architecture"],
            self.cnn["weights"],
            self.cnn["trainable_layers"],
            self.data.tiles.shape[1],
            len(self.key) + 1,
            half,
        )
