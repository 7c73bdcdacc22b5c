import importlib
import os
from dataclasses import replace

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import keras
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ssc.cnn import (
    Training,
    _Batches,
    _scaling,
    augment_tiles,
    balance_weights,
    build_cnn,
    class_key,
    export_onnx,
    train_cnn,
)
from ssc.errors import InputError
from ssc.tile_classifier import TileClassifier

TRAINING = Training(epochs=1, batch_size=8, learning_rate=0.01, augment=True, balance=True, seed=42)


def flat_tiles(n, size=8):
    """Tiles of two flat colours in turn, and their outputs 1 and 2."""
    tiles = np.empty((n, size, size, 3), np.uint8)
    tiles[::2] = (40, 90, 160)
    tiles[1::2] = (200, 170, 120)
    return tiles, np.arange(n) % 2 + 1


def test_class_key_has_the_columns_and_indices_of_the_published_code(classes):
    assert class_key(classes, "Ure Wye").to_csv(index=False).splitlines() == [
        "LocalClass,HierarchClass,River,ClassName",
        "1,1,Ure Wye,Water",
        "2,2,Ure Wye,Sediment",
        "3,4,Ure Wye,Road",
    ]


@given(st.integers(0, 1000))
def test_augmented_tile_is_a_symmetry_of_the_tile_times_one_factor_a_band(seed):
    rng = np.random.default_rng(seed)
    # Too dark to be clipped.
    tiles = rng.integers(1, 190, (5, 4, 4, 3)).astype(np.uint8)
    found = augment_tiles(tiles, rng)
    assert found.dtype == np.float32
    before, after = (np.sort(t.reshape(5, 16, 3), axis=1) for t in (tiles, found))
    factors = after / before
    np.testing.assert_allclose(factors, factors[:, :1].repeat(16, axis=1), rtol=1e-5)
    assert factors.min() >= 0.8 * 0.9 - 1e-6
    assert factors.max() <= 1.2 * 1.1 + 1e-6


def test_light_spans_its_range_and_tints_bands_less_than_it_lights_tiles():
    tiles = np.full((4000, 1, 1, 3), 100, np.uint8)
    factors = augment_tiles(tiles, np.random.default_rng(0)).reshape(4000, 3) / 100
    spread = factors.max(axis=1) / factors.min(axis=1)
    assert 1.1 < spread.max() <= 1.1 / 0.9 + 1e-6
    assert (factors.min(), factors.max()) == pytest.approx((0.72, 1.32), abs=0.03)
    assert factors.mean() == pytest.approx(1, abs=0.01)


def test_augmented_tiles_stay_within_the_range_of_colours():
    tiles = np.repeat(np.array([0, 255], np.uint8), 48 * 50).reshape(100, 4, 4, 3)
    found = augment_tiles(tiles, np.random.default_rng(0))
    assert (found.min(), found.max()) == (0, 255)


def test_augmentation_reaches_the_eight_symmetries_alike():
    corner = np.zeros((1, 2, 3, 3), np.uint8)[:, :, :2]
    corner[0, :, :, 0] = [[1, 2], [3, 4]]
    found = augment_tiles(np.repeat(corner, 4000, axis=0), np.random.default_rng(0))
    # One factor a tile leaves the order of its pixels.
    orders, counts = np.unique(
        found[..., 0].reshape(-1, 4).argsort(axis=1), axis=0, return_counts=True
    )
    square = corner[0, :, :, 0]
    turned = [np.rot90(side, k) for side in (square, square.T) for k in range(4)]
    assert orders.tolist() == sorted(side.argsort(axis=None).tolist() for side in turned)
    assert counts.min() > 400


def test_balance_weights_by_hand():
    weights = balance_weights(np.array([1, 1, 1, 4]))
    assert weights.tolist() == pytest.approx([2 / 3, 2 / 3, 2 / 3, 2])


@given(st.lists(st.integers(0, 6), min_size=1).map(np.array))
def test_balance_weights_make_classes_weigh_the_same(outputs):
    weights = balance_weights(outputs)
    sums = [weights[outputs == k].sum() for k in np.unique(outputs)]
    assert sums == pytest.approx([sums[0]] * len(sums), rel=1e-4)
    assert weights.mean() == pytest.approx(1, rel=1e-4)


@pytest.mark.parametrize("augment", [False, True])
def test_epoch_shows_every_tile_once_with_its_output_and_weight(augment):
    # Each tile has a brightness of its own that tells its output.
    values = np.arange(11) * 20
    tiles = values[:, None, None, None].repeat(3, axis=3).astype(np.uint8)
    outputs = np.where(np.arange(11) < 8, 1, 2)
    training = Training(1, 4, 0.01, augment, True, seed=1)
    batches = _Batches(tiles, outputs, training)
    assert len(batches) == 3
    shown = [batches[i] for i in range(3)]
    assert [len(b[0]) for b in shown] == [4, 4, 3]
    pixels, labels, weights = (np.concatenate(part) for part in zip(*shown, strict=True))
    assert pixels.dtype == np.float32
    order = batches.order
    assert sorted(order) == list(range(11))
    np.testing.assert_array_equal(labels, outputs[order])
    np.testing.assert_allclose(weights, np.where(labels == 1, 11 / 16, 11 / 6), rtol=1e-6)
    lit = pixels[:, 0, 0, 0] / np.maximum(values[order], 1)
    assert (lit[values[order] > 0].std() > 0.01) == augment
    assert abs(lit[values[order] > 0] - 1).max() < 0.33


def test_every_epoch_has_an_order_of_its_own_that_the_seed_gives_again():
    def orders(seed):
        batches = _Batches(*flat_tiles(50), replace(TRAINING, seed=seed))
        found = []
        for _ in range(2):
            batches.on_epoch_begin()
            found.append(batches.order.tolist())
            batches.on_epoch_end()
        return found

    first, second = orders(1)
    assert orders(1) == [first, second]
    assert len({str(o) for o in [first, second, *orders(2)]}) == 4


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
    layer = _scaling(preprocess)
    np.testing.assert_allclose(layer(pixels), expected, rtol=1e-5, atol=1e-4)
    assert layer.trainable_weights == []


def test_application_gets_scaled_tiles_and_gives_probabilities():
    model = build_cnn("MobileNetV2", None, 32, 3)
    pixels = np.random.default_rng(1).uniform(0, 255, (2, 32, 32, 3)).astype(np.float32)
    scaled = keras.Model(model.input, model.get_layer("input_scaling").output)(pixels)
    np.testing.assert_allclose(scaled, pixels / 127.5 - 1, atol=1e-5)
    probabilities = np.asarray(model(pixels))
    assert probabilities.shape == (2, 3)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-5)


@pytest.mark.parametrize("name", ["NASNetTiny", "nasnet", "preprocess_input", "keras", ""])
def test_unknown_architecture_is_refused(name):
    with pytest.raises(InputError, match=f"cnn.architecture: no {name} in keras.applications"):
        build_cnn(name, None, 50, 3)


def test_weights_file_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"cnn.weights: no file .*absent.h5; give imagenet"):
        build_cnn("MobileNetV2", str(tmp_path / "absent.h5"), 50, 3)


def test_weights_file_that_does_not_fit_is_refused(tmp_path):
    file = tmp_path / "wrong.weights.h5"
    file.write_bytes(b"no weights")
    with pytest.raises(InputError, match=r"cnn.architecture MobileNetV2, cnn.weights .*wrong"):
        build_cnn("MobileNetV2", str(file), 32, 3)


def test_tile_too_small_for_an_architecture_is_refused():
    with pytest.raises(InputError, match="cnn.architecture VGG16, cnn.weights None: .*32"):
        build_cnn("VGG16", None, 16, 3)


def test_compact_cnn_takes_no_weights():
    with pytest.raises(InputError, match="cnn.weights: the compact CNN has none to load"):
        build_cnn("compact", "imagenet", 50, 3)


@pytest.fixture(scope="module")
def trained():
    """A CNN that has learned two flat colours, and its history."""
    keras.utils.set_random_seed(42)
    model = build_cnn("compact", None, 8, 3)
    tiles, outputs = flat_tiles(64)
    training = Training(8, 16, 0.01, augment=True, balance=True, seed=42)
    return model, train_cnn(model, tiles, outputs, training)


def test_two_flat_colours_are_learned(trained):
    model, history = trained
    assert list(history.columns) == ["epoch", "loss", "accuracy"]
    assert history["epoch"].tolist() == list(range(1, 9))
    assert history["accuracy"].iloc[-1] == 1
    assert history["loss"].iloc[-1] < history["loss"].iloc[0]
    tiles, outputs = flat_tiles(2)
    assert np.asarray(model(tiles.astype(np.float32))).argmax(axis=1).tolist() == outputs.tolist()


@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_onnx_gives_the_probabilities_of_keras(tmp_path, trained, classes):
    model, _ = trained
    path = tmp_path / "model.onnx"
    export_onnx(model, path)
    classifier = TileClassifier(str(path), class_key(classes[1:], "Ure"), threads=1)
    tiles = np.random.default_rng(1).integers(0, 256, (20, 8, 8, 3)).astype(np.uint8)
    expected = np.asarray(model(tiles.astype(np.float32)))
    assert classifier.size == 8
    assert classifier.codes.tolist() == [2, 4]
    np.testing.assert_allclose(classifier.probabilities(tiles), expected[:, 1:], atol=1e-5)
    blue, yellow = flat_tiles(2)[0]
    tile_map = classifier.classify(np.concatenate([blue, yellow], axis=1), 8)
    assert tile_map.tolist() == [[2] * 8 + [4] * 8] * 8


@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_onnx_of_a_family_with_constants_in_its_scaling_has_one_input(tmp_path, classes):
    model = build_cnn("EfficientNetV2B0", None, 32, 4)
    tiles = np.random.default_rng(1).integers(0, 256, (3, 32, 32, 3)).astype(np.uint8)
    expected = np.asarray(model(tiles.astype(np.float32)))
    export_onnx(model, tmp_path / "model.onnx")
    classifier = TileClassifier(str(tmp_path / "model.onnx"), class_key(classes, "Ure"), threads=1)
    np.testing.assert_allclose(classifier.probabilities(tiles), expected[:, 1:], atol=1e-5)


def test_same_seed_gives_the_same_weights():
    weights = []
    for _ in range(2):
        keras.utils.set_random_seed(1)
        model = build_cnn("compact", None, 8, 3)
        train_cnn(model, *flat_tiles(24), TRAINING)
        weights.append(np.concatenate([w.ravel() for w in model.get_weights()]))
    np.testing.assert_array_equal(*weights)
