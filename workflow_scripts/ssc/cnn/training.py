"""Train a CNN: one loop for all architectures."""

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

import cv2
import keras
import numpy as np
import pandas as pd

from ..io.rasters import open_class_raster, open_image
from ..io.windows import WINDOW_SIDE, MaskedRaster, Raster, block_of, whole, windows
from .patches import PatchSequence

# Images of more pixels are read by windows, of this side.
MAX_WHOLE_PIXELS = 4 * WINDOW_SIDE**2
LABEL_WINDOW_SIDE = 1024
# The last ninth of the steps makes up about two thirds of the average of weights.
AVERAGING_ETA = 8

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class TrainingImages:
    """What a CNN learns from.

    Attributes
    ----------
    images : list of numpy.ndarray
        RGB, uint8 (height, width, 3).
    labels : list of numpy.ndarray
        Class codes, uint8 (height, width); 0 is unlabelled.
    rivers : list of str
        River of each image.
    """

    images: list[np.ndarray]
    labels: list[np.ndarray]
    rivers: list[str]


def read_training_images(
    images: Sequence[str],
    labels: Sequence[str],
    rivers: Sequence[str],
    white: int,
    margin: int,
    curves: Sequence[np.ndarray | None],
    held_out: tuple[int, int] | None = None,
) -> TrainingImages:
    """Read training images and labels; of large images only the windows that have labels.

    Parameters
    ----------
    images, labels : sequence of str
        Paths.
    rivers : sequence of str
        Of each image.
    white : int
        As of `open_image`.
    margin : int
        Pixels about such a window that are read with it; their labels are left out.
    curves : sequence of numpy.ndarray or None
        Of each image, of `matching_curves`; an image with curves gets other colours.
    held_out : tuple of int, optional
        Number and count of the blocks of each image, as of `block_of`, where the labels of one are
        left out.

    Returns
    -------
    TrainingImages
        A window counts as an image.

    Raises
    ------
    InputError
        When a file cannot be read.
    """
    parts = TrainingImages([], [], [])
    for path, label_path, river, curve in zip(images, labels, rivers, curves, strict=True):
        with open_image(path, white) as image, open_class_raster(label_path) as source:
            codes: Raster = source
            if held_out:
                codes = MaskedRaster(source, block_of(source.shape, *held_out), inside=True)
            height, width = codes.shape
            large = height * width > MAX_WHOLE_PIXELS
            for window in (
                windows(codes.shape, LABEL_WINDOW_SIDE) if large else [whole(codes.shape)]
            ):
                of_window = codes[window.slices]
                if large and not of_window.any():
                    continue
                outer = window.grown(margin if large else 0, codes.shape)
                masked = np.zeros(outer.shape, np.uint8)
                masked[window.within(outer)] = of_window
                pixels = image[outer.slices]
                parts.images.append(pixels if curve is None else cv2.LUT(pixels, curve))
                parts.labels.append(masked)
                parts.rivers.append(river)
    return parts


class Trainer(Protocol):
    """How a CNN of one architecture is made and what it learns from.

    Attributes
    ----------
    key : pandas.DataFrame
        Class key of the CNN.
    epochs : int
        How long to train.
    seed : int
        Of weights and patches.
    averages_weights : bool
        Whether the trained CNN gets the average of the weights of all steps.
    """

    key: pd.DataFrame
    epochs: int
    seed: int
    averages_weights: bool

    def build(self) -> keras.Model:
        """Make the CNN, with its initial weights, in the global dtype policy."""

    def compile(self, model: keras.Model, n_steps: int) -> None:
        """Set the optimizer, for so many steps, and the loss."""

    def sequence(self) -> PatchSequence:
        """Patches to learn from."""


def train(
    trainer: Trainer,
    dtype_policy: str,
    sequence: PatchSequence,
    validation: PatchSequence | None = None,
    start: Callable[[keras.Model], None] | None = None,
) -> tuple[keras.Model, pd.DataFrame]:
    """Train a CNN.

    Parameters
    ----------
    trainer : Trainer
        Of the architecture.
    dtype_policy : str
        Keras dtype policy to compute in, such as `float32` or `mixed_float16`.
    sequence : PatchSequence
        Patches to learn from.
    validation : PatchSequence, optional
        Patches to judge each epoch by.
    start : callable, optional
        Gives the CNN other weights to start with.

    Returns
    -------
    model : keras.Model
        The trained CNN.
    history : pandas.DataFrame
        epoch (from 1), loss and accuracy on the augmented patches; with `validation` also
        val_loss and val_accuracy. Accuracies are in percent.
    """
    model = build(trainer, dtype_policy)
    if start:
        start(model)
    return model, fit(trainer, model, sequence, validation)


def fit(
    trainer: Trainer,
    model: keras.Model,
    sequence: PatchSequence,
    validation: PatchSequence | None = None,
) -> pd.DataFrame:
    """Let a CNN learn, from the weights that it has.

    Parameters
    ----------
    trainer : Trainer
        Of the architecture.
    model : keras.Model
    sequence, validation
        As for `train`.

    Returns
    -------
    pandas.DataFrame
        History, as of `train`.
    """
    trainer.compile(model, len(sequence) * trainer.epochs)
    # Variables that Keras makes as it traces the training step have it traced twice.
    model.optimizer.build(model.trainable_variables)
    callbacks: list[keras.callbacks.Callback] = [LogProgress()]
    if trainer.averages_weights:
        callbacks.append(AverageWeights())
    fitted = model.fit(
        sequence,
        validation_data=validation,
        epochs=trainer.epochs,
        shuffle=False,
        verbose=0,
        callbacks=callbacks,
    ).history
    columns = [c for c in ("loss", "accuracy", "val_loss", "val_accuracy") if c in fitted]
    history = pd.DataFrame({column: fitted[column] for column in columns})
    accuracies = [column for column in columns if column.endswith("accuracy")]
    history[accuracies] *= 100
    history.insert(0, "epoch", range(1, trainer.epochs + 1))
    return history


def build(trainer: Trainer, dtype_policy: str) -> keras.Model:
    """Make the CNN of a trainer with its initial weights; the random ones are those of its seed."""
    keras.utils.set_random_seed(trainer.seed)
    with use_dtype_policy(dtype_policy):
        return trainer.build()


def rebuild_in_float32(trainer: Trainer, weights: list[np.ndarray]) -> keras.Model:
    """Make a trained CNN anew from its weights, to compute in 32 bits.

    The memory of its training is free once the caller has dropped the trained model.
    """
    keras.utils.clear_session(free_memory=True)
    model = build(trainer, "float32")
    model.set_weights(weights)
    return model


@contextmanager
def use_dtype_policy(policy: str) -> Iterator[None]:
    """Set the dtype policy of Keras, and set it back afterwards."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


class AverageWeights(keras.callbacks.Callback):
    """Give the trained CNN the average of the weights of all steps, late ones counting most.

    The statistics of batch normalisation are averaged too. After step t the average is
    (1 - a) average + a weights with a = (eta + 1) / (t + eta): polynomial-decay averaging (Shamir &
    Zhang 2013, ICML, section 4).
    """

    def on_train_begin(self, logs=None):
        self.average = self.model.get_weights()
        self.steps = 0

    def on_train_batch_end(self, batch, logs=None):
        self.steps += 1
        share = np.float32((AVERAGING_ETA + 1) / (self.steps + AVERAGING_ETA))
        pairs = zip(self.average, self.model.get_weights(), strict=True)
        self.average = [average + share * (weights - average) for average, weights in pairs]

    def on_train_end(self, logs=None):
        self.model.set_weights(self.average)


class LogProgress(keras.callbacks.Callback):
    """Log each epoch and the time that is left."""

    def on_train_begin(self, logs=None):
        self.start = time.monotonic()

    def on_epoch_end(self, epoch, logs=None):
        spent, total = time.monotonic() - self.start, self.params["epochs"]
        scores = ", ".join(
            f"{name} {100 * value:.1f} %" if name.endswith("accuracy") else f"{name} {value:.3f}"
            for name, value in (logs or {}).items()
        )
        left = spent / (epoch + 1) * (total - epoch - 1)
        log.info("epoch %d of %d: %s, %.0f s left", epoch + 1, total, scores, left)
