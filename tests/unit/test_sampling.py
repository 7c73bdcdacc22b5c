import os
from collections import Counter

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ssc.cnn.patches import PatchSequence
from ssc.cnn.sampling import LabelledPixelSampler, TileSampler, balance_weights
from ssc.cnn.tiles import TilePositions


def test_balance_weights_by_hand():
    weights = balance_weights(np.array([1, 1, 1, 4]))
    assert weights.tolist() == pytest.approx([2 / 3, 2 / 3, 2 / 3, 2])


@given(st.lists(st.integers(0, 6), min_size=1).map(np.array))
def test_balance_weights_make_classes_weigh_the_same(outputs):
    weights = balance_weights(outputs)
    sums = [weights[outputs == k].sum() for k in np.unique(outputs)]
    assert sums == pytest.approx([sums[0]] * len(sums), rel=1e-4)
    assert weights.mean() == pytest.approx(1, rel=1e-4)


# Eleven tiles of one pixel in two images; each has a brightness of its own.
VALUES = np.arange(11) * 20
OUTPUTS = np.where(np.arange(11) < 8, 1, 2)
IMAGES = [np.repeat(v[None, :, None], 3, axis=2).astype(np.uint8) for v in np.split(VALUES, [4])]
TILES = TilePositions(
    np.repeat([0, 1], [4, 7]), np.zeros(11, int), np.r_[0:4, 0:7], OUTPUTS.astype(np.uint8)
)


def one_epoch(sampler, seed=42):
    """Pixels, outputs and weights of the tiles of an epoch, and the sizes of its batches."""
    sequence = PatchSequence(IMAGES, sampler, 1, seed)
    batches = [sequence[i] for i in range(len(sequence))]
    pixels, outputs, weights = (np.concatenate(part) for part in zip(*batches, strict=True))
    return pixels[:, 0, 0, 0], outputs, weights, [len(b[0]) for b in batches]


@pytest.mark.parametrize("augment", [False, True])
def test_epoch_has_every_tile_once_with_its_output_and_weight(augment):
    sampler = TileSampler(TILES, OUTPUTS, 4, augment, balance=True)
    pixels, outputs, weights, sizes = one_epoch(sampler)
    assert sizes == [4, 4, 3]
    order = sampler.order
    assert sorted(order) == list(range(11))
    np.testing.assert_array_equal(outputs, OUTPUTS[order])
    np.testing.assert_allclose(weights, np.where(outputs == 1, 11 / 16, 11 / 6), rtol=1e-6)
    factors = pixels[VALUES[order] > 0] / VALUES[order][VALUES[order] > 0]
    assert (factors.std() > 0.01) == augment
    assert abs(factors - 1).max() < 0.33


def test_selected_tiles_alone_are_used_and_balanced():
    # Of class 1 three tiles, of class 2 one.
    selected = np.array([1, 4, 6, 9])
    sampler = TileSampler(TILES, OUTPUTS, 3, False, True, selected)
    pixels, outputs, weights, sizes = one_epoch(sampler)
    assert sizes == [3, 1]
    assert sorted(pixels) == VALUES[selected].tolist()
    np.testing.assert_allclose(weights, np.where(outputs == 1, 2 / 3, 2), rtol=1e-6)
    plain = TileSampler(TILES, OUTPUTS, 3, False, False, selected)
    assert (one_epoch(plain)[2] == 1).all()


def test_every_epoch_has_an_order_of_its_own_that_the_seed_repeats():
    def orders(seed):
        sampler = TileSampler(TILES, OUTPUTS, 4, True, True)
        sequence = PatchSequence(IMAGES, sampler, 1, seed)
        orders = []
        for _ in range(2):
            sequence.on_epoch_begin()
            orders.append(sampler.order.tolist())
            sequence.on_epoch_end()
        return orders

    first, second = orders(1)
    assert orders(1) == [first, second]
    assert len({str(o) for o in [first, second, *orders(2)]}) == 4


def patches_of(images, labels, size, batch_size=4, n_batches=1, jitter=0.0, seed=42, cutmix=0.0):
    sampler = LabelledPixelSampler(labels, size, batch_size, n_batches, jitter, cutmix, seed)
    return PatchSequence(images, sampler, size, seed)


def coded_image(labels):
    """An image whose colours encode each pixel's label; the third band is the label."""
    return np.stack([20 * labels, 255 - 20 * labels, labels], axis=-1).astype(np.uint8)


@given(st.integers(0, 10**6))
def test_patches_hold_a_labelled_pixel_and_show_it_in_its_own_colour(seed):
    rng = np.random.default_rng(seed)
    size = int(rng.integers(1, 9))
    labels = []
    for _ in range(2):
        shape = rng.integers(1, 25, 2)
        of_image = np.zeros(shape, np.uint8)
        # One to three pixels, so that a patch drawn anywhere mostly has none.
        for _ in range(rng.integers(1, 4)):
            of_image[tuple(rng.integers(shape))] = rng.integers(1, 10)
        labels.append(of_image)
    images = [coded_image(of_image) for of_image in labels]
    pixels, outputs, weights = patches_of(images, labels, size, batch_size=6, seed=seed)[0]
    assert pixels.shape == (6, size, size, 3)
    assert (pixels.dtype, outputs.dtype, weights.dtype) == (np.float32, np.uint8, np.float32)
    assert outputs.any(axis=(1, 2)).all()
    np.testing.assert_array_equal(weights, np.where(outputs == 0, 0, 1))
    # What mirroring adds is unlabelled, whatever its colour.
    labelled = outputs > 0
    np.testing.assert_array_equal(pixels[labelled], coded_image(outputs)[labelled])


def test_patches_come_in_the_eight_symmetries_image_and_labels_alike():
    labels = np.array([[1, 2, 0], [3, 4, 5], [6, 7, 8]], np.uint8)
    pixels, outputs, _ = patches_of([coded_image(labels)], [labels], 3, batch_size=200)[0]
    np.testing.assert_array_equal(pixels, coded_image(outputs))
    turned = {np.rot90(side, k).tobytes() for side in (labels, labels.T) for k in range(4)}
    drawn = Counter(patch.tobytes() for patch in outputs)
    assert drawn.keys() == turned
    # 25 on the mean, with a standard deviation of 5.
    assert max(drawn.values()) < 40


def test_image_smaller_than_a_patch_is_mirrored_and_unlabelled_there():
    row = np.array([[1, 2, 3]], np.uint8)
    pixels, outputs, _ = patches_of([coded_image(row)], [row], 5, batch_size=200)[0]
    mirrored = np.array([[1, 2, 3, 3, 2]] * 5, np.uint8)
    labels = np.zeros((5, 5), np.uint8)
    labels[0, :3] = (1, 2, 3)
    expected = {
        (np.rot90(a, k).tobytes(), np.rot90(b, k).tobytes())
        for a, b in ((mirrored, labels), (mirrored.T, labels.T))
        for k in range(4)
    }
    drawn = zip(pixels[..., 2].astype(np.uint8), outputs, strict=True)
    assert {(a.tobytes(), b.tobytes()) for a, b in drawn} == expected


def test_classes_are_drawn_by_the_fourth_root_of_their_pixels_and_images_by_their_share():
    # 256 pixels of class 1, 192 of them in the first image; 16 of class 3, all in the second.
    first, second = np.zeros((20, 20), np.uint8), np.zeros((20, 20), np.uint8)
    first.flat[:192] = 1
    second.flat[:64] = 1
    second.flat[-16:] = 3
    images = [np.full((20, 20, 3), value, np.uint8) for value in (10, 20)]
    sequence = patches_of(images, [first, second], 1, batch_size=4000)
    # The roots are 4 and 2.
    assert sequence.sampler.frequency[[1, 3]] == pytest.approx([2 / 3, 1 / 3])
    assert np.count_nonzero(sequence.sampler.frequency) == 2
    # Patches of one pixel are what was drawn.
    pixels, outputs, _ = sequence[0]
    outputs, in_first = outputs.ravel(), pixels[..., 0].ravel() == 10
    assert (outputs == 1).mean() == pytest.approx(2 / 3, abs=0.03)
    assert (outputs == 3).mean() == pytest.approx(1 / 3, abs=0.03)
    assert in_first[outputs == 1].mean() == pytest.approx(3 / 4, abs=0.03)
    assert not in_first[outputs == 3].any()


def test_every_labelled_pixel_can_be_anywhere_in_a_patch():
    labels = np.zeros((40, 40), np.uint8)
    labels[20, 20] = 1
    _, outputs, _ = patches_of([coded_image(labels)], [labels], 4, batch_size=1000)[0]
    # One in 16 at each place, but for chance.
    assert outputs.sum() == 1000
    assert outputs.mean(axis=0).min() > 0.03


def test_brightness_jitter_is_one_factor_a_patch_and_band_within_its_bounds():
    labels = np.ones((8, 8), np.uint8)
    grey = np.full((8, 8, 3), 100, np.uint8)
    pixels, _, _ = patches_of([grey], [labels], 8, batch_size=2000, jitter=0.3)[0]
    np.testing.assert_array_equal(pixels, pixels[:, :1, :1].repeat(8, axis=1).repeat(8, axis=2))
    factors = pixels[:, 0, 0] / 100
    # Brightness by 0.3, and each band's own by a third of that.
    assert factors.min() == pytest.approx(0.7 * 0.9, abs=0.02)
    assert factors.max() == pytest.approx(1.3 * 1.1, abs=0.02)
    assert (factors.max(axis=1) / factors.min(axis=1)).max() <= 1.1 / 0.9 + 1e-5


def test_cutmix_pastes_rectangles_of_other_patches_with_their_labels():
    # Three images of one class each; a third of the rectangles come from a patch of the same class.
    labels = [np.full((16, 16), code, np.uint8) for code in (1, 2, 3)]
    images = [coded_image(of_image) for of_image in labels]
    pixels, outputs, weights = patches_of(images, labels, 16, batch_size=3000, cutmix=0.5)[0]
    np.testing.assert_array_equal(pixels, coded_image(outputs))
    assert (weights == 1).all()
    is_mixed = outputs.max(axis=(1, 2)) > outputs.min(axis=(1, 2))
    assert is_mixed.mean() == pytest.approx(1 / 3, abs=0.04)


def test_the_seed_repeats_the_patches_and_each_epoch_has_others():
    # One pixel of each class: the kept positions, which also depend on the seed, are the same.
    labels = np.array([[1, 2], [3, 4]], np.uint8)

    def batches(seed):
        sequence = patches_of([coded_image(labels)], [labels], 2, 4, 2, 0.1, seed)
        assert len(sequence) == 2
        drawn = []
        for _ in range(2):
            drawn += [b"".join(part.tobytes() for part in sequence[n]) for n in (0, 1)]
            sequence.on_epoch_end()
        return drawn

    assert batches(1) == batches(1)
    assert len({*batches(1), *batches(2)}) == 8
