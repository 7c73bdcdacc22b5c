import os

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import keras
import numpy as np
import pytest

from ssc.cnn.encoders import ENCODER, apply_encoder
from ssc.cnn.unet import build_unet
from ssc.errors import SettingError


@pytest.mark.parametrize("encoder", ["plain", "efficientnet_lite0", "MobileNetV3Small"])
def test_levels_begin_at_a_quarter_of_the_resolution(encoder):
    colours = keras.Input((None, None, 3))
    model = keras.Model(colours, apply_encoder(encoder, None, [8, 12, 16], colours))
    features = model(np.zeros((1, 64, 128, 3), np.float32))
    assert [tuple(f.shape) for f in features] == [(1, 16, 32, 8), (1, 8, 16, 12), (1, 4, 8, 16)]


@pytest.mark.parametrize(
    ("encoder", "channels", "message"),
    [
        ("EfficientNetX", [8, 8], "encoder: no EfficientNetX in keras.applications"),
        ("Xception", [8, 8], "encoder: Xception has no features at a quarter"),
        ("NASNetMobile", [8, 8], "encoder: NASNetMobile has no features at a quarter"),
        ("efficientnet_lite0", [8] * 5, "channels: efficientnet_lite0 has features of 4 levels"),
    ],
)
def test_what_cannot_be_an_encoder_is_said(encoder, channels, message):
    with pytest.raises(SettingError, match=message):
        build_unet(encoder, None, channels, 3)


def test_batch_normalisation_keeps_the_statistics_of_its_weights(tmp_path):
    path = str(tmp_path / "base.weights.h5")
    keras.utils.set_random_seed(1)
    keras.applications.MobileNetV3Small(include_top=False, weights=None).save_weights(path)
    model = build_unet("MobileNetV3Small", path, [8, 8], 3)
    trained = {v.path for v in model.get_layer(ENCODER).trainable_variables}
    assert any("conv" in name for name in trained)
    assert not any("gamma" in name or "moving" in name for name in trained)
