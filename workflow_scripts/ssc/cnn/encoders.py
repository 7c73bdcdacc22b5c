"""Encoders of the U-Net: what gives it features at ever coarser resolutions."""

from collections.abc import Sequence

import keras
from keras import layers

from ..errors import SettingError
from .applications import apply_levels
from .efficientnet_lite import DEPTHS, apply_efficientnet_lite

PLAIN = "plain"
# Name of the layer that holds a pretrained encoder.
ENCODER = "encoder"
STEM_CHANNELS = 24


def apply_encoder(
    encoder: str, weights: str | None, channels: Sequence[int], colours: keras.KerasTensor
) -> list[keras.KerasTensor]:
    """Apply an encoder to colours.

    Parameters
    ----------
    encoder : str
        `plain`, one of `efficientnet_lite.DEPTHS`, or the name of a model of keras.applications.
    weights : str or None
        Of a model of keras.applications: `imagenet`, the path of a file, or None for a random
        start.
    channels : sequence of int
        Of the levels of the U-Net, from fine to coarse.
    colours : keras.KerasTensor
        0..255, float32 (n, height, width, 3).

    Returns
    -------
    list of keras.KerasTensor
        Features of the levels at 1/4 of the resolution, 1/8 and so on, in as many channels.

    Raises
    ------
    SettingError
        When the encoder does not exist, or has fewer levels.
    """
    if encoder == PLAIN:
        return _apply_plain(channels, colours)
    inputs = keras.Input((None, None, 3))
    if encoder in DEPTHS:
        _, *features = apply_efficientnet_lite(encoder, inputs)
    else:
        features = apply_levels(encoder, weights, inputs)
    if len(features) < len(channels):
        raise SettingError(
            "channels", f"{encoder} has features of {len(features)} levels; give no more channels"
        )
    # A model of its own: it is trained at a rate of its own.
    pretrained = keras.Model(inputs, features[: len(channels)], name=ENCODER)
    return [
        _lateral(feature, filters)
        for feature, filters in zip(pretrained(colours), channels, strict=True)
    ]


def convolution(x: keras.KerasTensor, filters: int, strides: int = 1) -> keras.KerasTensor:
    """Apply a convolution of 3 x 3, batch normalisation and a rectifier."""
    x = layers.Conv2D(filters, 3, strides=strides, padding="same", use_bias=False)(x)
    # The usual 0.99 needs more steps to settle than a small river gives.
    x = layers.BatchNormalization(momentum=0.95)(x)
    return layers.ReLU()(x)


def _apply_plain(channels: Sequence[int], colours: keras.KerasTensor) -> list[keras.KerasTensor]:
    """Strided convolutions, at random to begin with.

    Two of them quarter the resolution at once, for at full resolution most of the time would go
    into few and shallow features.
    """
    x = layers.Rescaling(1 / 128, offset=-1)(colours)
    x = convolution(x, STEM_CHANNELS, strides=2)
    features = []
    for level, filters in enumerate(channels):
        x = convolution(x, filters, strides=2)
        for _ in range(1 if level == 0 else 2):
            x = convolution(x, filters)
        features.append(x)
    return features


def _lateral(feature: keras.KerasTensor, filters: int) -> keras.KerasTensor:
    x = layers.Conv2D(filters, 1, use_bias=False)(feature)
    return layers.BatchNormalization(momentum=0.95)(x)
