"""Phase 1: the tile CNN, in plain Keras 3 for whichever backend is installed."""

import importlib
import logging
import pkgutil
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
import pandas as pd
from keras import layers

from .classes import LandClass
from .errors import InputError

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Training:
    """How to train: see config/README.md, section cnn."""

    epochs: int
    batch_size: int
    learning_rate: float
    augment: bool
    balance: bool
    seed: int


def class_key(classes: Sequence[LandClass], river: str) -> pd.DataFrame:
    """Which output of the CNN stands for which class, in the columns of the published code.

    `LocalClass` is the index of the output (0 is unused), `HierarchClass` the class code.
    """
    return pd.DataFrame(
        {
            "LocalClass": range(1, len(classes) + 1),
            "HierarchClass": [c.code for c in classes],
            "River": river,
            "ClassName": [c.name for c in classes],
        }
    )


def build_cnn(
    architecture: str, weights: str | None, tile_size: int, n_outputs: int
) -> keras.Model:
    """A CNN from RGB tiles, float32 (n, size, size, 3) of 0..255, to class probabilities.

    Parameters
    ----------
    architecture
        `compact`, or the name of a model of keras.applications, which gets the published head
        (Carbonneau et al. 2020) and its own input scaling.
    weights
        Of the base: `imagenet`, the path of a weights file, or None for a random start.

    Raises
    ------
    InputError
        When there is no such architecture, or it takes no such weights or tile size.
    """
    inputs = keras.Input((tile_size, tile_size, 3), name="tiles")
    if architecture == "compact":
        if weights is not None:
            raise InputError("cnn.weights: the compact CNN has none to load; set it to null")
        features = _compact(inputs)
    else:
        features = _published_head(_application(architecture, weights, inputs))
    outputs = layers.Dense(n_outputs, activation="softmax", dtype="float32")(features)
    return keras.Model(inputs, outputs)


def train_cnn(
    model: keras.Model, tiles: np.ndarray, outputs: np.ndarray, training: Training
) -> pd.DataFrame:
    """Fit the CNN.

    Parameters
    ----------
    tiles
        uint8 (n, size, size, 3).
    outputs
        Index of the right output for each tile, (n,).

    Returns
    -------
    epoch (from 1), loss and accuracy on the training tiles as augmented.
    """
    data = _Batches(tiles, outputs, training)
    schedule = keras.optimizers.schedules.CosineDecay(
        training.learning_rate, decay_steps=len(data) * training.epochs
    )
    model.compile(
        optimizer=keras.optimizers.Adam(schedule, amsgrad=True),
        loss="sparse_categorical_crossentropy",
        weighted_metrics=["accuracy"],
    )
    history = model.fit(
        data, epochs=training.epochs, shuffle=False, verbose=0, callbacks=[_Progress()]
    ).history
    return pd.DataFrame(
        {
            "epoch": range(1, training.epochs + 1),
            "loss": history["loss"],
            "accuracy": history["accuracy"],
        }
    )


def export_onnx(model: keras.Model, path: str | Path) -> None:
    """Write the CNN for ONNX Runtime: float32 tiles of 0..255 in, probabilities out."""
    base = [inner for layer in model.layers for inner in getattr(layer, "layers", [])]
    for layer in base:
        # As tensors these would become inputs of the exported graph (EfficientNet has them).
        if isinstance(layer, layers.Normalization):
            layer.mean = keras.ops.convert_to_numpy(layer.mean)
            layer.variance = keras.ops.convert_to_numpy(layer.variance)
    model.export(path, format="onnx", verbose=False)


def augment_tiles(tiles: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Tiles turned, mirrored and in another light, float32 (n, size, size, 3) of 0..255.

    Each tile gets one of the eight symmetries of the square, a brightness factor of 0.8..1.2
    and a factor of 0.9..1.1 on each colour.
    """
    n = len(tiles)
    lit = rng.uniform(0.8, 1.2, (n, 1, 1, 1)) * rng.uniform(0.9, 1.1, (n, 1, 1, 3))
    turned = np.empty(tiles.shape, np.float32)
    symmetry = rng.integers(8, size=n)
    for k in range(8):
        chosen = symmetry == k
        view = np.rot90(tiles[chosen], k % 4, axes=(1, 2))
        turned[chosen] = view[:, :, ::-1] if k >= 4 else view
    turned *= lit.astype(np.float32)
    return np.minimum(turned, 255, out=turned)


def balance_weights(outputs: np.ndarray) -> np.ndarray:
    """A weight for each tile such that every class weighs the same in sum; their mean is 1."""
    counts = np.bincount(outputs)
    return (len(outputs) / np.count_nonzero(counts) / counts[outputs]).astype(np.float32)


class _Batches(keras.utils.PyDataset):
    """Batches of tiles, shuffled and augmented anew in each epoch, from one seed."""

    def __init__(self, tiles: np.ndarray, outputs: np.ndarray, training: Training):
        super().__init__()
        self.tiles, self.outputs, self.training = tiles, outputs, training
        balanced = training.balance
        self.weights = balance_weights(outputs) if balanced else np.ones(len(outputs), np.float32)
        self.epoch = 0
        self.on_epoch_begin()

    def on_epoch_begin(self):
        rng = np.random.default_rng([self.training.seed, self.epoch])
        self.order = rng.permutation(len(self.tiles))

    def on_epoch_end(self):
        self.epoch += 1

    def __len__(self) -> int:
        return -(-len(self.tiles) // self.training.batch_size)

    def __getitem__(self, batch: int):
        size = self.training.batch_size
        chosen = self.order[batch * size : (batch + 1) * size]
        tiles = self.tiles[chosen]
        if self.training.augment:
            rng = np.random.default_rng([self.training.seed, self.epoch, batch])
            tiles = augment_tiles(tiles, rng)
        return tiles.astype(np.float32, copy=False), self.outputs[chosen], self.weights[chosen]


class _Progress(keras.callbacks.Callback):
    def on_train_begin(self, logs=None):
        self.start = time.monotonic()

    def on_epoch_end(self, epoch, logs=None):
        spent, total = time.monotonic() - self.start, self.params["epochs"]
        log.info(
            "epoch %d of %d: loss %.3f, accuracy %.3f, %.0f s left",
            *(epoch + 1, total, logs["loss"], logs["accuracy"]),
            spent / (epoch + 1) * (total - epoch - 1),
        )


def _compact(inputs):
    x = layers.Rescaling(1 / 255)(inputs)
    for filters in (32, 64, 128):
        x = layers.Conv2D(filters, 3, padding="same", use_bias=False)(x)
        # The usual 0.99 needs more steps to settle than a small river gives.
        x = layers.BatchNormalization(momentum=0.9)(x)
        x = layers.ReLU()(x)
        if filters < 128:
            x = layers.MaxPooling2D()(x)
    x = layers.GlobalAveragePooling2D()(x)
    return layers.Dropout(0.3)(x)


def _published_head(x):
    l2 = keras.regularizers.L2(1e-3)
    x = layers.Flatten()(x)
    x = layers.Dense(256, activation="relu", kernel_regularizer=l2)(x)
    x = layers.Dropout(0.5)(x)
    return layers.Dense(128, activation="relu", kernel_regularizer=l2)(x)


def _application(architecture: str, weights: str | None, inputs):
    module = _application_module(architecture)
    if weights not in (None, "imagenet") and not Path(weights).is_file():
        raise InputError(f"cnn.weights: no file {weights}; give imagenet, null or a weights file")
    try:
        base = getattr(module, architecture)(
            include_top=False, weights=weights, input_shape=tuple(inputs.shape[1:])
        )
    except Exception as error:
        message = f"cnn.architecture {architecture}, cnn.weights {weights}: {error}"
        raise InputError(message) from error
    return base(_scaling(module.preprocess_input)(inputs))


def _application_module(architecture: str):
    for found in pkgutil.iter_modules(keras.applications.__path__):
        module = importlib.import_module(f"keras.applications.{found.name}")
        if architecture in vars(module) and architecture[0].isupper():
            return module
    raise InputError(
        f"cnn.architecture: no {architecture} in keras.applications; give compact or a name "
        "from https://keras.io/api/applications"
    )


def _scaling(preprocess_input) -> layers.Layer:
    """The input scaling of a model family as a fixed layer that ONNX and safe loading take.

    All of them are affine in the colours, so that five of their values tell all.
    """
    colours = np.vstack([np.zeros(3), np.eye(3)]).astype(np.float32).reshape(4, 1, 1, 3)
    offset, *columns = preprocess_input(colours.copy(), data_format="channels_last").reshape(4, 3)
    kernel = np.stack([c - offset for c in columns]).reshape(1, 1, 3, 3)
    return layers.Conv2D(
        3,
        1,
        trainable=False,
        kernel_initializer=keras.initializers.Constant(kernel.tolist()),
        bias_initializer=keras.initializers.Constant(offset.tolist()),
        name="input_scaling",
    )
