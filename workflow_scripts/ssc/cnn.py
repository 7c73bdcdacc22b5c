"""Phase 1: the tile CNN, in plain Keras 3 for whichever backend is installed."""

import importlib
import json
import logging
import pkgutil
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from math import ceil
from pathlib import Path
from unittest.mock import patch

import keras
import numpy as np
import onnx
import pandas as pd
from keras import layers

from .errors import InputError

log = logging.getLogger(__name__)

# The name of the input tells a CNN of this workflow, which scales colours by itself.
OWN_INPUT = "tiles"


@dataclass(frozen=True)
class Training:
    """How to train: see config/README.md, section cnn."""

    epochs: int
    batch_size: int
    learning_rate: float
    schedule: str
    augment: bool
    balance: bool
    seed: int

    @classmethod
    def of(cls, settings: Mapping, seed: int, **changes) -> "Training":
        """From the section `cnn` of the config, with some of its settings changed."""
        names = {field.name for field in fields(cls)} - {"seed", *changes}
        return cls(**{name: settings[name] for name in names}, **changes, seed=seed)


def build_cnn(
    architecture: str,
    weights: str | None,
    trainable_layers: str | Sequence[str],
    tile_size: int,
    n_outputs: int,
    half: bool = False,
) -> keras.Model:
    """A CNN from RGB tiles, float32 (n, size, size, 3) of 0..255, to class probabilities.

    Parameters
    ----------
    architecture
        `compact`, or the name of a model of keras.applications, which gets the published head
        (Carbonneau et al. 2020) and its own input scaling.
    weights
        Of the base: `imagenet`, the path of a weights or model file, or None for a random start.
    trainable_layers
        Parts of the names of the layers of a base with weights that go on learning, or `all`.
    half
        Compute in 16 bits (weights stay in 32), for GPUs.

    Raises
    ------
    InputError
        When there is no such architecture, or it takes no such weights, layers or tile size.
    """
    keras.config.set_dtype_policy("mixed_float16" if half else "float32")
    inputs = keras.Input((tile_size, tile_size, 3), name=OWN_INPUT)
    if architecture == "compact":
        if weights is not None:
            raise InputError("cnn.weights: the compact CNN has none to load; set it to null")
        features = _compact(inputs)
    else:
        features = _published_head(_application(architecture, weights, trainable_layers, inputs))
    outputs = layers.Dense(n_outputs, activation="softmax", dtype="float32")(features)
    return keras.Model(inputs, outputs)


def enough_epochs(epochs: int, n_tiles: int, batch_size: int, min_steps: int) -> int:
    """As many epochs, or as many more as `min_steps` steps take with so few tiles."""
    return max(epochs, ceil(min_steps / ceil(n_tiles / batch_size)))


def train_cnn(
    model: keras.Model,
    tiles: np.ndarray,
    outputs: np.ndarray,
    training: Training,
    learn: np.ndarray | None = None,
    validate: np.ndarray | None = None,
) -> pd.DataFrame:
    """Fit the CNN.

    Parameters
    ----------
    tiles
        uint8 (n, size, size, 3).
    outputs
        Index of the right output for each tile, (n,).
    learn, validate
        Which tiles to learn from (default: all) and to judge each epoch by (default: none).

    Returns
    -------
    epoch (from 1), loss and accuracy on the tiles learned from as augmented; with `validate`
    also val_loss and val_accuracy.
    """
    data = Batches(tiles, outputs, training, learn)
    check = None
    if validate is not None:
        check = Batches(tiles, outputs, replace(training, augment=False), validate)
    rate = training.learning_rate
    if training.schedule == "cosine":
        steps = len(data) * training.epochs
        rate = keras.optimizers.schedules.CosineDecay(rate, decay_steps=steps)
    model.compile(
        optimizer=keras.optimizers.Adam(rate, amsgrad=True),
        loss="sparse_categorical_crossentropy",
        weighted_metrics=["accuracy"],
    )
    history = model.fit(
        data,
        validation_data=check,
        epochs=training.epochs,
        shuffle=False,
        verbose=0,
        callbacks=[Progress()],
    ).history
    columns = [c for c in ("loss", "accuracy", "val_loss", "val_accuracy") if c in history]
    curves = pd.DataFrame({column: history[column] for column in columns})
    curves.insert(0, "epoch", range(1, training.epochs + 1))
    return curves


def export_onnx(model: keras.Model, path: str | Path, notes: Mapping | None = None) -> None:
    """Write the CNN for ONNX Runtime: float32 tiles of 0..255 in, probabilities out.

    `notes` are kept in the file, by name, as JSON.
    """
    for layer in _all_layers(model):
        # As tensors these would become inputs of the exported graph (EfficientNet has them).
        if isinstance(layer, layers.Normalization):
            layer.mean = keras.ops.convert_to_numpy(layer.mean)
            layer.variance = keras.ops.convert_to_numpy(layer.variance)
    # The exporter wants a CNN that has been called.
    model(np.zeros([side or 64 for side in model.input_shape], np.float32))
    # tf2onnx would spend as much time and memory again (12 GB for NASNetLarge) on improvements
    # that ONNX Runtime makes by itself when it loads the file.
    with patch("tf2onnx.optimizer.optimize_graph", lambda graph, *_, **__: graph):
        model.export(path, format="onnx", verbose=False)
    if notes:
        exported = onnx.load(path)
        onnx.helper.set_model_props(exported, {k: json.dumps(v) for k, v in notes.items()})
        onnx.save(exported, path)


def take_colours(model: keras.Model) -> keras.Model:
    """A CNN, whoever trained it, as one that takes colours of 0..255.

    CNNs of this workflow do, those of the published code take 0..1 (Carbonneau et al. 2020).
    """
    if model.inputs[0].name == OWN_INPUT:
        return model
    inputs = keras.Input(model.input_shape[1:], name=OWN_INPUT)
    return keras.Model(inputs, model(layers.Rescaling(1 / 255)(inputs)))


def augment_tiles(tiles: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Tiles turned, mirrored and in another light, float32 (n, size, size, 3) of 0..255.

    Each tile gets one of the eight symmetries of the square and a light of its own.
    """
    lit = light(len(tiles), 0.2, 0.1, rng)
    turned = np.empty(tiles.shape, np.float32)
    symmetry = rng.integers(8, size=len(tiles))
    for k in range(8):
        turned[symmetry == k] = turn(tiles[symmetry == k], k)
    relight(turned, lit)
    return turned


def turn(tiles: np.ndarray, symmetry: int) -> np.ndarray:
    """Tiles (n, size, size, ...) in one of the eight symmetries of the square, 0 to 7; a view."""
    view = np.rot90(tiles, symmetry % 4, axes=(1, 2))
    return view[:, :, ::-1] if symmetry >= 4 else view


def light(n: int, brightness: float, colour: float, rng: np.random.Generator) -> np.ndarray:
    """Factors that put n tiles in another light, float32 (n, 1, 1, 3).

    Each tile gets a factor of 1 - `brightness` to 1 + `brightness`, and likewise each of its
    colours.
    """
    factors = rng.uniform(1 - brightness, 1 + brightness, (n, 1, 1, 1))
    factors = factors * rng.uniform(1 - colour, 1 + colour, (n, 1, 1, 3))
    return factors.astype(np.float32)


def relight(tiles: np.ndarray, factors: np.ndarray) -> None:
    """Put tiles, float32 (n, height, width, 3), in another light, in place, up to 255."""
    n, height, width, _ = tiles.shape
    rows = tiles.reshape(n, height, -1)
    # NumPy multiplies whole rows several times as fast as three colours at a time.
    rows *= np.tile(factors[:, 0], (1, width, 1)).reshape(n, 1, -1)
    np.minimum(rows, 255, out=rows)


def balance_weights(outputs: np.ndarray) -> np.ndarray:
    """A weight for each tile such that every class weighs the same in sum; their mean is 1."""
    counts = np.bincount(outputs)
    return (len(outputs) / np.count_nonzero(counts) / counts[outputs]).astype(np.float32)


class Batches(keras.utils.PyDataset):
    """Batches of the chosen tiles, shuffled and augmented anew in each epoch, from one seed."""

    def __init__(
        self,
        tiles: np.ndarray,
        outputs: np.ndarray,
        training: Training,
        chosen: np.ndarray | None = None,
    ):
        super().__init__()
        self.tiles, self.outputs, self.training = tiles, outputs, training
        self.chosen = np.arange(len(tiles)) if chosen is None else chosen
        self.weights = np.ones(len(outputs), np.float32)
        if training.balance:
            self.weights[self.chosen] = balance_weights(outputs[self.chosen])
        self.epoch = 0
        self.on_epoch_begin()

    def on_epoch_begin(self):
        rng = np.random.default_rng([self.training.seed, self.epoch])
        self.order = rng.permutation(self.chosen)

    def on_epoch_end(self):
        self.epoch += 1

    def __len__(self) -> int:
        return -(-len(self.chosen) // self.training.batch_size)

    def __getitem__(self, batch: int):
        size = self.training.batch_size
        chosen = self.order[batch * size : (batch + 1) * size]
        tiles = self.tiles[chosen]
        if self.training.augment:
            rng = np.random.default_rng([self.training.seed, self.epoch, batch])
            tiles = augment_tiles(tiles, rng)
        return tiles.astype(np.float32, copy=False), self.outputs[chosen], self.weights[chosen]


class Progress(keras.callbacks.Callback):
    """Log each epoch and the time that is left."""

    def on_train_begin(self, logs=None):
        self.start = time.monotonic()

    def on_epoch_end(self, epoch, logs=None):
        spent, total = time.monotonic() - self.start, self.params["epochs"]
        scores = ", ".join(f"{name} {value:.3f}" for name, value in logs.items())
        left = spent / (epoch + 1) * (total - epoch - 1)
        log.info("epoch %d of %d: %s, %.0f s left", epoch + 1, total, scores, left)


def _all_layers(model) -> Iterator[layers.Layer]:
    for layer in getattr(model, "layers", []):
        yield layer
        yield from _all_layers(layer)


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


def _application(architecture: str, weights: str | None, trainable: str | Sequence[str], inputs):
    module = _application_module(architecture)
    try:
        base = getattr(module, architecture)(
            include_top=False, weights=weights, input_shape=tuple(inputs.shape[1:])
        )
    except Exception as error:
        message = f"cnn.architecture {architecture}, cnn.weights {weights}: {error}"
        if weights == "imagenet":
            message += (
                ". Without a network, set cnn.weights to the file of weights without top that was "
                "downloaded elsewhere, or to null"
            )
        raise InputError(message) from error
    if weights is None:
        _settle_statistics(base)
    elif trainable != "all":
        _freeze(base, trainable, architecture)
    scaling = _unit_range if architecture.startswith("NASNet") else module.preprocess_input
    return base(_scaling(scaling)(inputs))


def _settle_statistics(base: keras.Model) -> None:
    """Let batch normalisation forget its start within the steps that a river's tiles give.

    NASNet keeps 99.97 % of the moving mean and variance at each step: after 1000 steps three
    quarters of them are still what they were before training, and the CNN that was trained on
    the statistics of batches is useless with them.
    """
    for layer in base.layers:
        if isinstance(layer, layers.BatchNormalization):
            layer.momentum = 0.9


def _freeze(base: keras.Model, trainable: Sequence[str], architecture: str) -> None:
    for layer in base.layers:
        layer.trainable = any(part in layer.name for part in trainable)
    if not base.trainable_weights:
        raise InputError(
            f"cnn.trainable_layers: no layer of {architecture} has {' or '.join(trainable)} in its "
            "name; set it to all, or to parts of names such as those of its last block: "
            + ", ".join(layer.name for layer in base.layers if layer.weights)[-200:]
        )


def _unit_range(colours: np.ndarray, data_format: str) -> np.ndarray:
    """The input of the published NASNet: 0..1, where that of Keras takes -1..1."""
    return colours / 255


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
