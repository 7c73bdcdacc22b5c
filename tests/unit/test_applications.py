import importlib
import os

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import keras
import numpy as np
import pytest

from ssc.cnn.applications import input_scaling
from ssc.cnn.tile_cnn import build_tile_cnn
from ssc.errors import SettingError


def base_of(model):
    return next(layer for layer in model.layers if isinstance(layer, keras.Model))


def scaled(model, pixels):
    return keras.Model(model.input, model.get_layer("input_scaling").output)(pixels)


@pytest.mark.parametrize(
    "family",
    [
        *("convnext", "densenet", "efficientnet", "efficientnet_v2", "inception_resnet_v2"),
        *("inception_v3", "mobilenet", "mobilenet_v2", "mobilenet_v3", "nasnet", "resnet"),
        *("resnet_v2", "vgg16", "vgg19", "xception"),
    ],
)
def test_scaling_layer_does_what_the_family_does(family):
    preprocess = importlib.import_module(f"keras.applications.{family}").preprocess_input
    pixels = np.random.default_rng(1).uniform(0, 255, (2, 3, 4, 3)).astype(np.float32)
    expected = preprocess(pixels.copy(), data_format="channels_last")
    layer = input_scaling(preprocess)
    np.testing.assert_allclose(layer(pixels), expected, rtol=1e-5, atol=1e-4)
    assert layer.trainable_weights == []


@pytest.mark.parametrize(
    ("architecture", "family"), [("MobileNetV2", "mobilenet_v2"), ("ResNet50V2", "resnet_v2")]
)
def test_application_gets_tiles_in_its_scaling_and_gives_probabilities(architecture, family):
    preprocess = importlib.import_module(f"keras.applications.{family}").preprocess_input
    model = build_tile_cnn(architecture, None, "all", 32, 3)
    pixels = np.random.default_rng(1).uniform(0, 255, (2, 32, 32, 3)).astype(np.float32)
    np.testing.assert_allclose(scaled(model, pixels), preprocess(pixels.copy()), atol=1e-5)
    probabilities = np.asarray(model(pixels))
    assert probabilities.shape == (2, 3)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-5)


def test_published_nasnet_gets_colours_from_0_to_1_and_settles_within_a_river_of_steps():
    model = build_tile_cnn("NASNetMobile", None, "all", 32, 3)
    pixels = np.array([0, 51, 255], np.float32).repeat(32 * 32 * 3).reshape(3, 32, 32, 3)
    np.testing.assert_allclose(np.unique(scaled(model, pixels)), [0, 0.2, 1], atol=1e-6)
    norms = [n for n in base_of(model).layers if isinstance(n, keras.layers.BatchNormalization)]
    # NASNet's own 0.9997 would leave 0.9997 ** 1000 = 74 % of the start after 1000 steps.
    assert len(norms) > 100
    assert max(n.momentum for n in norms) ** 100 < 1e-4


@pytest.fixture(scope="module")
def base_file(tmp_path_factory):
    """A model file and a weights file of one MobileNetV2 without its top."""
    folder = tmp_path_factory.mktemp("base")
    keras.utils.set_random_seed(3)
    base = keras.applications.MobileNetV2(include_top=False, weights=None, input_shape=(96, 96, 3))
    for suffix in (".h5", ".keras"):
        base.save(folder / f"base{suffix}")
    base.save_weights(folder / "base.weights.h5")
    return folder, base.get_weights()


@pytest.mark.parametrize("name", ["base.h5", "base.keras", "base.weights.h5"])
def test_base_starts_from_a_file_and_only_named_layers_learn(base_file, name):
    folder, weights = base_file
    model = build_tile_cnn("MobileNetV2", str(folder / name), ["block_16", "Conv_1"], 32, 3)
    base = base_of(model)
    for loaded, expected in zip(base.get_weights(), weights, strict=True):
        np.testing.assert_array_equal(loaded, expected)
    learning = {layer.name for layer in base.layers if layer.trainable_weights}
    assert learning == {
        *("block_16_expand", "block_16_expand_BN", "block_16_depthwise", "block_16_depthwise_BN"),
        *("block_16_project", "block_16_project_BN", "Conv_1", "Conv_1_bn"),
    }
    # The published head learns too.
    assert len(model.trainable_weights) == len(base.trainable_weights) + 6


def test_published_choice_of_layers_is_two_in_each_nasnet_cell(tmp_path):
    base = keras.applications.NASNetMobile(include_top=False, weights=None, input_shape=(50, 50, 3))
    base.save(tmp_path / "base.keras")
    parts = ["separable_conv_2_normal_left2", "separable_conv_2_normal_right2"]
    model = build_tile_cnn("NASNetMobile", str(tmp_path / "base.keras"), parts, 50, 3)
    learning = [layer.name for layer in base_of(model).layers if layer.trainable_weights]
    # NASNet Mobile has three blocks of four normal cells (Zoph et al. 2018).
    assert learning == [
        f"{part}_{cell}" for cell in [*range(4), *range(5, 9), *range(9, 13)] for part in parts
    ]


def test_layers_that_the_base_does_not_have_are_refused(base_file):
    folder, _ = base_file
    with pytest.raises(SettingError, match=r"^trainable_layers: no layer of MobileNetV2 has xy"):
        build_tile_cnn("MobileNetV2", str(folder / "base.h5"), ["xy"], 32, 3)


def test_imagenet_weights_without_a_network_are_explained(monkeypatch):
    def no_network(**options):
        assert options["weights"] == "imagenet"
        raise OSError("no route")

    monkeypatch.setattr(keras.applications, "MobileNetV2", no_network)
    with pytest.raises(SettingError, match=r"imagenet: no route.*Without a network, set weights"):
        build_tile_cnn("MobileNetV2", "imagenet", "all", 96, 3)


@pytest.mark.parametrize("name", ["NASNetTiny", "nasnet", "preprocess_input", "keras", ""])
def test_unknown_architecture_is_refused(name):
    with pytest.raises(SettingError, match=f"^architecture: no {name} in keras.applications"):
        build_tile_cnn(name, None, "all", 50, 3)


def test_weights_file_or_tile_size_that_does_not_fit_is_refused(tmp_path):
    file = tmp_path / "wrong.weights.h5"
    file.write_bytes(b"no weights")
    with pytest.raises(SettingError, match=r"^architecture: MobileNetV2 with weights .*wrong"):
        build_tile_cnn("MobileNetV2", str(file), "all", 32, 3)
    with pytest.raises(SettingError, match="^architecture: VGG16 with weights None: .*32"):
        build_tile_cnn("VGG16", None, "all", 16, 3)
