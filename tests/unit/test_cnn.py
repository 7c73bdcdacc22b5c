import importlib
import os
from dataclasses import replace

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import keras
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ssc.class_key import class_key
from ssc.cnn import (
    Batches,
    Training,
    _scaling,
    augment_tiles,
    balance_weights,
    build_cnn,
    enough_epochs,
    export_onnx,
    take_colours,
    train_cnn,
)
from ssc.errors import InputError
from ssc.tile_classifier import TileClassifier

TRAINING = Training(
    epochs=1,
    batch_size=8,
    learning_rate=0.01,
    schedule="cosine",
    augment=True,
    balance=True,
    seed=42,
)


def flat_tiles(n, size=8):
    """Tiles of two flat colours in turn, and their outputs 1 and 2."""
    tiles = np.empty((n, size, size, 3), np.uint8)
    tiles[::2] = (40, 90, 160)
    tiles[1::2] = (200, 170, 120)
    return tiles, np.arange(n) % 2 + 1


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
    training = replace(TRAINING, batch_size=4, augment=augment)
    batches = Batches(tiles, outputs, training)
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
        batches = Batches(*flat_tiles(50), replace(TRAINING, seed=seed))
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
    model = build_cnn("MobileNetV2", None, "all", 32, 3)
    pixels = np.random.default_rng(1).uniform(0, 255, (2, 32, 32, 3)).astype(np.float32)
    scaled = keras.Model(model.input, model.get_layer("input_scaling").output)(pixels)
    np.testing.assert_allclose(scaled, pixels / 127.5 - 1, atol=1e-5)
    probabilities = np.asarray(model(pixels))
    assert probabilities.shape == (2, 3)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-5)


def test_published_nasnet_gets_colours_from_0_to_1():
    model = build_cnn("NASNetMobile", None, "all", 32, 3)
    pixels = np.array([0, 51, 255], np.float32).repeat(32 * 32 * 3).reshape(3, 32, 32, 3)
    scaled = keras.Model(model.input, model.get_layer("input_scaling").output)(pixels)
    np.testing.assert_allclose(np.unique(scaled), [0, 0.2, 1], atol=1e-6)


def base_of(model):
    return next(layer for layer in model.layers if isinstance(layer, keras.Model))


def test_batch_normalisation_from_a_random_start_settles_within_a_river_of_steps():
    base = base_of(build_cnn("NASNetMobile", None, "all", 32, 3))
    momenta = [m.momentum for m in base.layers if isinstance(m, keras.layers.BatchNormalization)]
    # NASNet's own 0.9997 would leave 0.9997 ** 1000 = 74 % of the start after 1000 steps.
    assert len(momenta) > 100
    assert max(momenta) ** 100 < 1e-4


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
    model = build_cnn("MobileNetV2", str(folder / name), ["block_16", "Conv_1"], 32, 3)
    base = base_of(model)
    for found, expected in zip(base.get_weights(), weights, strict=True):
        np.testing.assert_array_equal(found, expected)
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
    model = build_cnn("NASNetMobile", str(tmp_path / "base.keras"), parts, 50, 3)
    learning = [layer.name for layer in base_of(model).layers if layer.trainable_weights]
    # NASNet Mobile has three blocks of four normal cells (Zoph et al. 2018).
    assert learning == [
        f"{part}_{cell}" for cell in [*range(4), *range(5, 9), *range(9, 13)] for part in parts
    ]


def test_layers_that_the_base_does_not_have_are_refused(base_file):
    folder, _ = base_file
    with pytest.raises(InputError, match=r"cnn.trainable_layers: no layer of MobileNetV2 has xy"):
        build_cnn("MobileNetV2", str(folder / "base.h5"), ["xy"], 32, 3)


def test_imagenet_weights_without_a_network_are_explained(monkeypatch):
    monkeypatch.setattr(
        "keras.src.utils.file_utils.urlretrieve",
        lambda *_, **__: (_ for _ in ()).throw(OSError("no route")),
    )
    monkeypatch.setattr("os.path.exists", lambda _: False)
    with pytest.raises(InputError, match=r"cnn.weights imagenet: .*Without a network, set cnn"):
        build_cnn("MobileNetV2", "imagenet", "all", 96, 3)


@pytest.mark.parametrize("name", ["NASNetTiny", "nasnet", "preprocess_input", "keras", ""])
def test_unknown_architecture_is_refused(name):
    with pytest.raises(InputError, match=f"cnn.architecture: no {name} in keras.applications"):
        build_cnn(name, None, "all", 50, 3)


def test_weights_file_that_does_not_fit_is_refused(tmp_path):
    file = tmp_path / "wrong.weights.h5"
    file.write_bytes(b"no weights")
    with pytest.raises(InputError, match=r"cnn.architecture MobileNetV2, cnn.weights .*wrong"):
        build_cnn("MobileNetV2", str(file), "all", 32, 3)


def test_tile_too_small_for_an_architecture_is_refused():
    with pytest.raises(InputError, match="cnn.architecture VGG16, cnn.weights None: .*32"):
        build_cnn("VGG16", None, "all", 16, 3)


def test_compact_cnn_takes_no_weights():
    with pytest.raises(InputError, match="cnn.weights: the compact CNN has none to load"):
        build_cnn("compact", "imagenet", "all", 50, 3)


@pytest.fixture(scope="module")
def trained():
    """A CNN that has learned two flat colours, and its history."""
    keras.utils.set_random_seed(42)
    model = build_cnn("compact", None, "all", 8, 3)
    tiles, outputs = flat_tiles(64)
    training = replace(TRAINING, epochs=8, batch_size=16)
    return model, train_cnn(model, tiles, outputs, training)


def test_two_flat_colours_are_learned(trained):
    model, history = trained
    assert list(history.columns) == ["epoch", "loss", "accuracy"]
    assert history["epoch"].tolist() == list(range(1, 9))
    assert history["accuracy"].iloc[-1] == 1
    assert history["loss"].iloc[-1] < history["loss"].iloc[0]
    tiles, outputs = flat_tiles(2)
    assert np.asarray(model(tiles.astype(np.float32))).argmax(axis=1).tolist() == outputs.tolist()


def test_validation_judges_by_tiles_that_are_not_learned_from():
    keras.utils.set_random_seed(42)
    model = build_cnn("compact", None, "all", 8, 3)
    tiles, outputs = flat_tiles(64)
    # The last eight tiles have their outputs swapped: who learns the others gets them wrong.
    outputs[56:] = 3 - outputs[56:]
    training = replace(TRAINING, epochs=8, batch_size=16)
    history = train_cnn(model, tiles, outputs, training, np.arange(56), np.arange(56, 64))
    assert list(history.columns) == ["epoch", "loss", "accuracy", "val_loss", "val_accuracy"]
    assert history["accuracy"].iloc[-1] == 1
    assert history["val_accuracy"].iloc[-1] == 0
    assert history["val_loss"].iloc[-1] > 1 > history["loss"].iloc[-1]


@pytest.mark.parametrize(
    ("n_tiles", "expected"),
    # Of 64 tiles a step: 1 step an epoch, 5, 38 (8 of them are 304) and 100.
    [(10, 300), (300, 60), (2401, 8), (6400, 8)],
)
def test_few_tiles_are_seen_more_often(n_tiles, expected):
    assert enough_epochs(8, n_tiles, batch_size=64, min_steps=300) == expected


def rates(schedule):
    """Learning rate after each of two steps."""
    model = build_cnn("compact", None, "all", 8, 3)
    training = replace(TRAINING, epochs=2, batch_size=64, schedule=schedule)
    train_cnn(model, *flat_tiles(8), training)
    rate = model.optimizer._learning_rate
    return [float(rate(step)) if callable(rate) else float(rate) for step in (0, 1, 2)]


def test_learning_rate_falls_along_a_cosine_or_stays():
    assert rates("cosine") == pytest.approx([0.01, 0.005, 0], abs=1e-6)
    assert rates("constant") == pytest.approx([0.01] * 3)


def test_cnn_trained_in_16_bits_is_the_same_in_32():
    keras.utils.set_random_seed(42)
    half = build_cnn("compact", None, "all", 8, 3, half=True)
    assert half.get_layer(index=2).compute_dtype == "float16"
    tiles, outputs = flat_tiles(32)
    train_cnn(half, tiles, outputs, replace(TRAINING, epochs=4))
    plain = build_cnn("compact", None, "all", 8, 3)
    assert plain.get_layer(index=2).compute_dtype == "float32"
    plain.set_weights(half.get_weights())
    tiles = tiles.astype(np.float32)
    np.testing.assert_allclose(plain(tiles), np.asarray(half(tiles)), atol=5e-3)


def test_cnn_of_others_takes_colours_from_0_to_255():
    other = keras.Sequential([keras.Input((4, 4, 3)), keras.layers.GlobalMaxPooling2D()])
    tile = np.full((1, 4, 4, 3), 51, np.float32)
    np.testing.assert_allclose(take_colours(other)(tile), 0.2)


def test_cnn_of_this_workflow_is_taken_as_it_is(trained, tmp_path):
    trained[0].save(tmp_path / "model.h5")
    again = keras.models.load_model(tmp_path / "model.h5", compile=False)
    assert take_colours(again) is again


@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_onnx_gives_the_probabilities_of_keras(tmp_path, trained, classes):
    model, _ = trained
    path = tmp_path / "model.onnx"
    export_onnx(model, path)
    classifier = TileClassifier(str(path), class_key(classes[1:], ["Ure"], False), threads=1)
    tiles = np.random.default_rng(1).integers(0, 256, (20, 8, 8, 3)).astype(np.uint8)
    expected = np.asarray(model(tiles.astype(np.float32)))
    assert classifier.size == 8
    assert classifier.codes.tolist() == [2, 4]
    np.testing.assert_allclose(classifier.probabilities(tiles), expected[:, 1:], atol=1e-5)
    blue, yellow = flat_tiles(2)[0]
    tile_map, _ = classifier.classify(np.concatenate([blue, yellow], axis=1), 8)
    assert tile_map.tolist() == [[2] * 8 + [4] * 8] * 8


@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_onnx_of_a_family_with_constants_in_its_scaling_has_one_input(tmp_path, classes):
    model = build_cnn("EfficientNetV2B0", None, "all", 32, 4)
    tiles = np.random.default_rng(1).integers(0, 256, (3, 32, 32, 3)).astype(np.uint8)
    expected = np.asarray(model(tiles.astype(np.float32)))
    export_onnx(model, tmp_path / "model.onnx")
    classifier = TileClassifier(
        str(tmp_path / "model.onnx"), class_key(classes, ["Ure"], False), threads=1
    )
    np.testing.assert_allclose(classifier.probabilities(tiles), expected[:, 1:], atol=1e-5)


def test_same_seed_gives_the_same_weights():
    weights = []
    for _ in range(2):
        keras.utils.set_random_seed(1)
        model = build_cnn("compact", None, "all", 8, 3)
        train_cnn(model, *flat_tiles(24), TRAINING)
        weights.append(np.concatenate([w.ravel() for w in model.get_weights()]))
    np.testing.assert_array_equal(*weights)
