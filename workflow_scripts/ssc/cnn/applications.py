"""Models of keras.applications as the base of a tile CNN."""

import sys
from collections.abc import Sequence

import keras
import numpy as np
from keras import layers

from ..errors import SettingError


def apply_pretrained(
    architecture: str, weights: str | None, trainable: str | Sequence[str], inputs
) -> keras.KerasTensor:
    """Apply a model of keras.applications, without its top, to colours of 0..255.

    Parameters
    ----------
    architecture : str
        Name in keras.applications.
    weights : str or None
        `imagenet`, the path of a file, or None for a random start.
    trainable : str or sequence of str
        With weights: parts of the names of the layers that learn, or `all`.
    inputs : keras.KerasTensor
        Colours, float32 (n, size, size, 3).

    Returns
    -------
    keras.KerasTensor
        Features.

    Raises
    ------
    SettingError
        When there is no such architecture, or it takes no such weights, layers or tile size.
    """
    family = _application_family(architecture)
    try:
        base = getattr(keras.applications, architecture)(
            include_top=False, weights=weights, input_shape=tuple(inputs.shape[1:])
        )
    except Exception as error:
        message = f"{architecture} with weights {weights}: {error}"
        if weights == "imagenet":
            message += (
                ". Without a network, set weights to the file of weights without top that was "
                "downloaded elsewhere, or to null"
            )
        raise SettingError("architecture", message) from error
    if weights is None:
        _set_batch_norm_momentum(base, 0.9)
    elif trainable != "all":
        _freeze(base, trainable, architecture)
    scaling = _unit_range if architecture.startswith("NASNet") else family.preprocess_input
    return base(input_scaling(scaling)(inputs))


def _application_family(architecture: str):
    """The module of keras.applications that has the architecture and its input scaling."""
    builder = getattr(keras.applications, architecture, None)
    if not callable(builder):
        raise SettingError(
            "architecture",
            f"no {architecture} in keras.applications; give unet, compact or a name from "
            "https://keras.io/api/applications",
        )
    return sys.modules[builder.__module__]


def _set_batch_norm_momentum(base: keras.Model, momentum: float) -> None:
    """Let batch normalisation forget its start within the steps that a river's tiles give.

    NASNet keeps 99.97 % of the moving mean and variance at each step: after 1000 steps three
    quarters of them are still what they were before training, and the CNN that was trained on
    the statistics of batches is useless with them.
    """
    for layer in base.layers:
        if isinstance(layer, layers.BatchNormalization):
            layer.momentum = momentum


def _freeze(base: keras.Model, trainable: Sequence[str], architecture: str) -> None:
    for layer in base.layers:
        layer.trainable = any(part in layer.name for part in trainable)
    if not base.trainable_weights:
        last = ", ".join(layer.name for layer in base.layers if layer.weights)[-200:]
        raise SettingError(
            "trainable_layers",
            f"no layer of {architecture} has {' or '.join(trainable)} in its name; set it to all, "
            f"or to parts of names such as those of its last block: {last}",
        )


def _unit_range(colours: np.ndarray, data_format: str) -> np.ndarray:
    """The input of the published NASNet: 0..1, where that of Keras takes -1..1."""
    return colours / 255


def input_scaling(preprocess_input) -> layers.Layer:
    """The input scaling of a model family as a fixed layer that ONNX and safe loading take.

    All of them are affine in the colours, so that four of their values define them.
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
