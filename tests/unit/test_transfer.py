import os

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import keras
import numpy as np
import pandas as pd
import pytest

from ssc.cnn.transfer import copy_weights
from ssc.cnn.unet import LOGITS, build_unet
from ssc.errors import InputError


def key(codes):
    return pd.DataFrame({"LocalClass": range(1, len(codes) + 1), "HierarchClass": codes})


def unet(seed, n_outputs, channels=(8, 16)):
    keras.utils.set_random_seed(seed)
    return build_unet("plain", None, channels, n_outputs)


def test_classes_that_both_know_start_with_the_outputs_of_the_trained_cnn():
    source, target = unet(1, 4), unet(2, 3)
    before = [w.copy() for w in target.get_layer(LOGITS).get_weights()]
    # Class 3 is output 2 of the trained CNN and output 1 of the new one; class 9 is new.
    copy_weights(source, key([1, 3, 5]), target, key([3, 9]))
    for trained, start, random in zip(
        source.get_layer(LOGITS).get_weights(),
        target.get_layer(LOGITS).get_weights(),
        before,
        strict=True,
    ):
        np.testing.assert_array_equal(start[..., 1], trained[..., 2])
        np.testing.assert_array_equal(start[..., [0, 2]], random[..., [0, 2]])
    features = [
        keras.Model(model.input, model.get_layer(LOGITS).input) for model in (source, target)
    ]
    pixels = np.random.default_rng(1).uniform(0, 255, (1, 64, 64, 3)).astype(np.float32)
    np.testing.assert_array_equal(*(np.asarray(model(pixels)) for model in features))


@pytest.mark.parametrize("channels", [(8, 8), (8, 16, 16)])
def test_another_architecture_is_refused(channels):
    with pytest.raises(InputError, match="encoder and channels"):
        copy_weights(unet(1, 3), key([1, 2]), unet(1, 3, channels), key([1, 2]))
