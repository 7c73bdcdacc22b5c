"""Models of keras.applications: as the base of a tile CNN, or as the encoder of the U-Net."""

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
    try:
        base, scaling = _load_application(architecture, weights, inputs.shape[1:])
    except ValueError as error:
        raise SettingError("architecture", str(error)) from error
    if weights is not None and trainable != "all":
        _freeze(base, trainable, architecture)
    return base(scaling(inputs))


def apply_levels(encoder: str, weights: str | None, colours) -> list[keras.KerasTensor]:
    """Apply a model of keras.applications to colours, for its features at several resolutions.

    With weights, batch normalisation keeps their statistics.

    Parameters
    ----------
    encoder : str
        Name in keras.applications.
    weights : str or None
        As for `apply_pretrained`.
    colours : keras.KerasTensor
        0..255, float32 (n, height, width, 3).

    Returns
    -------
    list of keras.KerasTensor
        The last features at 1/4 of the resolution, at 1/8 and so on.

    Raises
    ------
    SettingError
        When there is no such model, it takes no such weights or has no features at 1/4.
    """
    try:
        base, scaling = _load_application(encoder, weights, (None, None, 3))
    except ValueError as error:
        raise SettingError("encoder", str(error)) from error
    if weights is not None:
        for layer in base.layers:
            layer.trainable = not isinstance(layer, layers.BatchNormalization)
    candidates = [layer.output for layer in base.layers if len(layer.output.shape) == 4]
    side = 1024
    try:
        shapes = keras.Model(base.input, candidates).compute_output_shape((1, side, side, 3))
    except ValueError:
        # Such as NASNet: its cells join features that fit at some sizes of the input only.
        shapes = []
    last = {shape[1:3]: output for shape, output in zip(shapes, candidates, strict=False)}
    levels = []
    for stride in (4, 8, 16, 32):
        if (size := (side // stride,) * 2) not in last:
            break
        levels.append(last[size])
    if not levels:
        raise SettingError(
            "encoder",
            f"{encoder} has no features at a quarter of the resolution, for it cuts the edges of "
            "its input; take another, such as ResNet50 or MobileNetV2",
        )
    outputs = keras.Model(base.input, levels)(scaling(colours))
    return outputs if isinstance(outputs, list) else [outputs]


def _load_application(
    name: str, weights: str | None, shape: Sequence[int | None]
) -> tuple[keras.Model, layers.Layer]:
    """A model of keras.applications without its top, and the layer that scales its input."""
    family = _application_family(name)
    try:
        base = getattr(keras.applications, name)(
            include_top=False, weights=weights, input_shape=tuple(shape)
        )
    except Exception as error:
        message = f"{name} with weights {weights}: {error}"
        if weights == "imagenet":
            message += (
                ". Without a network, set weights to the file of weights without top that was "
                "downloaded elsewhere, or to null"
            )
        raise ValueError(message) from error
    if weights is None:
        _set_batch_norm_momentum(base, 0.9)
    scaling = _unit_range if name.startswith("NASNet") else family.preprocess_input
    return base, input_scaling(scaling)


def _application_family(name: str):
    """The module of keras.applications that has the model and its input scaling."""
    builder = getattr(keras.applications, name, None)
    if not callable(builder):
        raise ValueError(
            f"no {name} in keras.applications; its models are listed at "
            "https://keras.io/api/applications"
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
