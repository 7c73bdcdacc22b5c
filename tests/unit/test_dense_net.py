import os

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import cv2
import keras
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keras_job import dense_policy
from ssc.dense_net import (
    LOGITS,
    Windows,
    build_dense_net,
    coarse_network,
    train_dense_net,
)

SETTINGS = dict(
    steps=100,
    batch_size=4,
    window=64,
    channels=[8, 16],
    learning_rate=0.01,
    light=0.1,
)

BLUE, YELLOW = (40, 90, 160), (200, 170, 120)


@pytest.fixture(autouse=True)
def float32_afterwards():
    """Keras keeps the policy of the last network for all that follow."""
    yield
    keras.config.set_dtype_policy("float32")


def windows_of(images, labels, seed=42, steps=1, **changes):
    return Windows(images, labels, SETTINGS | changes, seed, steps)


def coded_image(labels):
    """An image whose colour tells each pixel's label."""
    return np.stack([20 * labels, 255 - 20 * labels, labels], axis=-1).astype(np.uint8)


@given(st.integers(0, 10**6))
def test_windows_hold_a_labelled_pixel_and_show_it_in_its_own_colour(seed):
    rng = np.random.default_rng(seed)
    size = int(rng.integers(1, 9))
    labels = []
    for _ in range(2):
        shape = rng.integers(1, 25, 2)
        of_image = np.zeros(shape, np.uint8)
        # One to three pixels, so that a window laid by chance mostly has none.
        for _ in range(rng.integers(1, 4)):
            of_image[tuple(rng.integers(shape))] = rng.integers(1, 10)
        labels.append(of_image)
    images = [coded_image(of_image) for of_image in labels]
    windows = windows_of(images, labels, seed, window=size, batch_size=6, light=0)
    pixels, outputs, weights = windows[0]
    assert pixels.shape == (6, size, size, 3)
    assert (pixels.dtype, outputs.dtype, weights.dtype) == (np.float32, np.uint8, np.float32)
    assert outputs.any(axis=(1, 2)).all()
    np.testing.assert_array_equal(weights, np.where(outputs == 0, 0, 1))
    # What mirroring adds is unlabelled, whatever its colour.
    labelled = outputs > 0
    np.testing.assert_array_equal(pixels[labelled], coded_image(outputs)[labelled])


def coded_image_of(labels, size):
    return windows_of([coded_image(labels)], [labels], window=size, batch_size=200, light=0)[0]


def test_windows_come_in_the_eight_symmetries_image_and_labels_alike():
    labels = np.array([[1, 2, 0], [3, 4, 5], [6, 7, 8]], np.uint8)
    pixels, outputs, _ = coded_image_of(labels, 3)
    np.testing.assert_array_equal(pixels, coded_image(outputs))
    turned = {np.rot90(side, k).tobytes() for side in (labels, labels.T) for k in range(4)}
    assert {window.tobytes() for window in outputs} == turned


def test_image_smaller_than_a_window_is_mirrored_and_unlabelled_there():
    pixels, outputs, _ = coded_image_of(np.array([[1, 2, 3]], np.uint8), 5)
    mirrored = np.array([[1, 2, 3, 3, 2]] * 5, np.uint8)
    labels = np.zeros((5, 5), np.uint8)
    labels[0, :3] = (1, 2, 3)
    expected = {
        (np.rot90(a, k).tobytes(), np.rot90(b, k).tobytes())
        for a, b in ((mirrored, labels), (mirrored.T, labels.T))
        for k in range(4)
    }
    # The third band of a coded image is the label itself.
    found = zip(pixels[..., 2].astype(np.uint8), outputs, strict=True)
    assert {(a.tobytes(), b.tobytes()) for a, b in found} == expected


def test_classes_are_drawn_by_the_fourth_root_of_their_pixels_and_images_by_their_share():
    # 256 pixels of class 1, 192 of them in the first image; 16 of class 3, all in the second.
    first, second = np.zeros((20, 20), np.uint8), np.zeros((20, 20), np.uint8)
    first.flat[:192] = 1
    second.flat[:64] = 1
    second.flat[-16:] = 3
    images = [np.full((20, 20, 3), value, np.uint8) for value in (10, 20)]
    windows = windows_of(images, [first, second], window=1, batch_size=4000, light=0)
    # The roots are 4 and 2.
    assert windows.share[[1, 3]] == pytest.approx([2 / 3, 1 / 3])
    assert np.count_nonzero(windows.share) == 2
    # Windows of one pixel are what was drawn.
    pixels, outputs, _ = windows[0]
    outputs, in_first = outputs.ravel(), pixels[..., 0].ravel() == 10
    assert (outputs == 1).mean() == pytest.approx(2 / 3, abs=0.03)
    assert (outputs == 3).mean() == pytest.approx(1 / 3, abs=0.03)
    assert in_first[outputs == 1].mean() == pytest.approx(3 / 4, abs=0.03)
    assert not in_first[outputs == 3].any()


def test_every_labelled_pixel_can_be_anywhere_in_a_window():
    labels = np.zeros((40, 40), np.uint8)
    labels[20, 20] = 1
    _, outputs, _ = windows_of([coded_image(labels)], [labels], window=4, batch_size=1000)[0]
    # One in 16 at each place, but for chance.
    assert outputs.sum() == 1000
    assert outputs.mean(axis=0).min() > 0.03


def test_light_is_one_factor_a_window_and_band_within_its_bounds():
    labels = np.ones((8, 8), np.uint8)
    grey = np.full((8, 8, 3), 100, np.uint8)
    pixels, _, _ = windows_of([grey], [labels], window=8, batch_size=2000, light=0.3)[0]
    np.testing.assert_array_equal(pixels, pixels[:, :1, :1].repeat(8, axis=1).repeat(8, axis=2))
    factors = pixels[:, 0, 0] / 100
    # Brightness by 0.3, and each band's own by a third of that.
    assert factors.min() == pytest.approx(0.7 * 0.9, abs=0.02)
    assert factors.max() == pytest.approx(1.3 * 1.1, abs=0.02)
    assert (factors.max(axis=1) / factors.min(axis=1)).max() <= 1.1 / 0.9 + 1e-5
    white = np.full((8, 8, 3), 255, np.uint8)
    pixels, _, _ = windows_of([white], [labels], window=8, batch_size=20, light=0.3)[0]
    assert pixels.min() < pixels.max() == 255


def test_the_seed_gives_the_same_batches_and_each_epoch_others():
    # One pixel of each class: what else the seed decides, the kept positions, is the same.
    labels = np.array([[1, 2], [3, 4]], np.uint8)

    def batches(seed):
        windows = windows_of([coded_image(labels)], [labels], seed, steps=2, window=2)
        assert len(windows) == 2
        found = []
        for _ in range(2):
            found += [b"".join(part.tobytes() for part in windows[n]) for n in (0, 1)]
            windows.on_epoch_end()
        return found

    assert batches(1) == batches(1)
    assert len({*batches(1), *batches(2)}) == 8


@pytest.mark.parametrize("channels", [[8, 16], [8, 8, 16, 16, 24]])
def test_network_gives_probabilities_of_each_pixel(channels):
    model = build_dense_net(channels, 3, "mixed_bfloat16")
    unit = 4 * 2 ** (len(channels) - 1)
    pixels = np.random.default_rng(1).uniform(0, 255, (2, 2 * unit, unit, 3)).astype(np.float32)
    found = model(pixels)
    assert keras.backend.standardize_dtype(found.dtype) == "float32"
    found = np.asarray(found)
    assert found.shape == (2, 2 * unit, unit, 3)
    assert found.min() >= 0
    np.testing.assert_allclose(found.sum(axis=3), 1, atol=1e-5)


def test_deeper_levels_see_farther():
    def reach(channels):
        keras.utils.set_random_seed(1)
        coarse = coarse_network(build_dense_net(channels, 3, "float32"))
        pixels = np.random.default_rng(1).uniform(0, 255, (1, 512, 64, 3)).astype(np.float32)
        other = pixels.copy()
        other[:, 256] = 255 - other[:, 256]
        rows = np.flatnonzero(np.any(np.asarray(coarse(pixels) != coarse(other)), axis=(0, 2, 3)))
        return max(64 - rows.min(), rows.max() - 64) * 4

    # In pixels; the third level's two convolutions, of 16 pixels a step, alone add 32.
    two, three = reach([8, 8]), reach([8, 8, 8])
    assert 16 < two < three - 32


def strong_network(channels=(8, 16), n_outputs=3):
    """A network of chance weights whose probabilities differ much from pixel to pixel."""
    keras.utils.set_random_seed(1)
    model = build_dense_net(channels, n_outputs, "float32")
    layer = model.get_layer(LOGITS)
    kernel, bias = layer.get_weights()
    layer.set_weights([20 * kernel, bias])
    return model


def test_coarse_network_is_the_network_at_a_quarter_of_the_resolution():
    model = strong_network()
    pixels = np.random.default_rng(1).uniform(0, 255, (1, 64, 96, 3)).astype(np.float32)
    full, coarse = np.asarray(model(pixels)[0]), np.asarray(coarse_network(model)(pixels)[0])
    assert coarse.shape == (16, 24, 3)
    assert full.std(axis=(0, 1)).min() > 0.01
    # Logarithms of probabilities are logits, but for a sum that softmax takes out again. OpenCV
    # has to enlarge them as Keras does, for it makes the maps.
    enlarged = np.exp(cv2.resize(np.log(coarse), (96, 64)))
    np.testing.assert_allclose(enlarged / enlarged.sum(axis=2, keepdims=True), full, atol=1e-5)


def test_where_all_is_alike_enlarged_probabilities_are_those_of_the_network():
    model = strong_network()
    pixels = np.full((1, 192, 192, 3), BLUE, np.float32)
    full, coarse = np.asarray(model(pixels)[0]), np.asarray(coarse_network(model)(pixels)[0])
    # Far from the edges, about which the network sees that there is nothing.
    inside = full[80:112, 80:112]
    np.testing.assert_allclose(inside, np.broadcast_to(coarse[24, 24], inside.shape), atol=1e-5)


def two_colours(shape=(96, 96)):
    """Blocks of two colours, every eighth of their pixels labelled, and the whole truth."""
    rows, columns = np.indices(shape)
    truth = ((rows // 32 + columns // 32) % 2 + 1).astype(np.uint8)
    image = np.array([BLUE, YELLOW], np.uint8)[truth - 1]
    labels = np.where(np.random.default_rng(1).random(shape) < 1 / 8, truth, 0).astype(np.uint8)
    return image, labels, truth


@pytest.fixture(scope="module")
def trained():
    """A network that has learned two colours in 16 bits, and its curves."""
    keras.utils.set_random_seed(42)
    model = build_dense_net(SETTINGS["channels"], 3, "mixed_bfloat16")
    image, labels, _ = two_colours()
    return model, train_dense_net(model, [image], [labels], SETTINGS, 42)


def test_two_colours_are_learned_from_few_labelled_pixels(trained):
    model, curves = trained
    assert list(curves.columns) == ["epoch", "loss", "accuracy"]
    assert curves["epoch"].tolist() == [1, 2]
    assert curves["loss"].iloc[1] < curves["loss"].iloc[0] / 2
    # Of the labelled: were the others counted, it would be 1 in 8.
    assert 0.9 < curves["accuracy"].iloc[1] <= 1
    image, _, truth = two_colours((128, 128))
    found = np.asarray(model(image[None].astype(np.float32)))[0]
    # Not even as output 0, that of the seven unlabelled pixels in eight.
    assert (found.argmax(axis=2) == truth).mean() > 0.95


def test_learning_rate_rises_over_a_twentieth_of_the_steps_and_then_falls(trained):
    optimizer = trained[0].optimizer
    assert optimizer.iterations == 100
    found = [float(optimizer._learning_rate(step)) for step in (0, 1, 5, 52, 100)]
    assert found == pytest.approx([0, 0.002, 0.01, 0.005, 0], abs=0.0005)


def test_network_trained_in_16_bits_is_the_same_in_32(trained):
    model, _ = trained
    assert model.get_layer(LOGITS).compute_dtype == "bfloat16"
    plain = build_dense_net(SETTINGS["channels"], 3, "float32")
    plain.set_weights(model.get_weights())
    assert plain.get_layer(LOGITS).compute_dtype == "float32"
    image = two_colours()[0][None].astype(np.float32)
    difference = np.abs(np.asarray(plain(image)) - np.asarray(model(image)))
    # bfloat16 has 8 bits; at an edge between blocks that may count.
    assert difference.mean() < 0.02


def train_short(labels, image, silent=False, **changes):
    """A network trained from one seed, its outputs alike at first if `silent`; its curves."""
    keras.utils.set_random_seed(1)
    model = build_dense_net([8, 8], 3, "float32")
    if silent:
        layer = model.get_layer(LOGITS)
        layer.set_weights([np.zeros_like(w) for w in layer.get_weights()])
    return model, train_dense_net(model, [image], [labels], SETTINGS | changes, 1)


def test_what_is_unlabelled_teaches_nothing():
    # Right of column 64 the colours are swapped, and nothing is labelled.
    image, _, truth = two_colours((128, 128))
    labels = truth.copy()
    labels[:, 64:] = 0
    wrong = image.copy()
    wrong[:, 64:] = np.where(truth[:, 64:, None] == 1, YELLOW, BLUE)
    model, _ = train_short(labels, wrong, steps=80)
    found = np.asarray(model(image[None].astype(np.float32)))[0]
    assert (found.argmax(axis=2) == truth).mean() > 0.95


def test_loss_is_the_mean_over_labelled_pixels_however_few():
    image, labels, _ = two_colours()
    _, curves = train_short(labels, image, silent=True, steps=2, learning_rate=0.0)
    # Of three outputs alike.
    assert curves["loss"].tolist() == pytest.approx([np.log(3)], rel=1e-5)


def test_same_seed_gives_the_same_weights():
    image, labels, _ = two_colours()
    first, second = (train_short(labels, image, steps=4)[0].get_weights() for _ in range(2))
    for found, expected in zip(first, second, strict=True):
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize(
    ("mixed", "gpus", "flags", "expected"),
    [
        (False, ["gpu:0"], "avx512_bf16", "float32"),
        (True, ["gpu:0"], "avx512_bf16", "mixed_float16"),
        (True, [], "flags : avx512f avx512_bf16 amx", "mixed_bfloat16"),
        (True, [], "flags : avx512f", "float32"),
        (True, [], None, "float32"),
    ],
)
def test_dense_cnn_computes_in_16_bits_where_asked_and_the_hardware_does(
    mixed, gpus, flags, expected, tmp_path, monkeypatch
):
    cpu = tmp_path / "cpuinfo"
    if flags is not None:
        cpu.write_text(flags)
    monkeypatch.setattr("keras_job.Path", lambda _: cpu)
    monkeypatch.setattr(keras.distribution, "list_devices", lambda kind: gpus)
    assert dense_policy(mixed) == expected
