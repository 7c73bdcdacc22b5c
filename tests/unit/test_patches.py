import os

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ssc.cnn.patches import (
    PatchBatch,
    PatchSequence,
    apply_brightness_jitter,
    apply_symmetry,
    cut_patches,
    draw_brightness_jitter,
    draw_rectangles,
    pad_to_size,
    paste_rectangles,
)
from ssc.cnn.sampling import TileSampler
from ssc.cnn.tiles import TilePositions


def sequence_of(image, rows, columns, size, batch_size, seed=42):
    """All the tiles of one image at these places, augmented."""
    n = len(rows)
    places = np.zeros(n, int), np.array(rows), np.array(columns), np.ones(n, np.uint8)
    sampler = TileSampler(TilePositions(*places), np.arange(n), batch_size, True, False)
    return PatchSequence([image], sampler, size, seed)


def test_the_symmetries_are_the_eight_of_the_square():
    square = np.array([[1, 2], [3, 4]])
    turned = [np.rot90(side, k).tolist() for side in (square, square.T) for k in range(4)]
    assert sorted(apply_symmetry(square, k).tolist() for k in range(8)) == sorted(turned)


def test_patches_are_cut_out_of_their_image_at_their_place_and_turned():
    rasters = [np.arange(12).reshape(3, 4), 100 + np.arange(9).reshape(3, 3)]
    none = np.empty(0, int)
    images, rows, columns, symmetries = np.array([[1, 0], [0, 1], [1, 2], [0, 1]])
    patches = PatchBatch(none, images, rows, columns, symmetries, np.ones((2, 1, 1, 3)))
    cut = cut_patches(rasters, patches, 2, np.uint8)
    assert cut.dtype == np.uint8
    # The second, 6 7 over 10 11, is turned by a quarter to the left.
    assert cut.tolist() == [[[101, 102], [104, 105]], [[7, 11], [6, 10]]]


def test_raster_smaller_than_a_patch_is_padded_below_and_right():
    raster = np.array([[1, 2, 3]])
    assert pad_to_size(raster, 2, "symmetric").tolist() == [[1, 2, 3], [1, 2, 3]]
    assert pad_to_size(raster, 4, "constant").tolist() == [[1, 2, 3, 0]] + [[0] * 4] * 3
    assert pad_to_size(raster, 1, "constant") is raster
    assert pad_to_size(np.zeros((1, 5, 3)), 3, "symmetric").shape == (3, 5, 3)


def test_jitter_spans_its_range_and_tints_bands_less_than_it_brightens_patches():
    factors = draw_brightness_jitter(4000, 0.2, 0.1, np.random.default_rng(0))
    assert factors.shape == (4000, 1, 1, 3)
    assert factors.dtype == np.float32
    spread = factors.max(axis=3) / factors.min(axis=3)
    assert 1.1 < spread.max() <= 1.1 / 0.9 + 1e-6
    assert (factors.min(), factors.max()) == pytest.approx((0.8 * 0.9, 1.2 * 1.1), abs=0.03)
    assert factors.mean() == pytest.approx(1, abs=0.01)
    tints = draw_brightness_jitter(4000, 0, 0.1, np.random.default_rng(0))
    assert (tints.min(), tints.max()) == pytest.approx((0.9, 1.1), abs=0.001)


def test_jitter_multiplies_each_band_up_to_255():
    patches = np.full((2, 3, 4, 3), 100, np.float32)
    apply_brightness_jitter(patches, np.array([[0.5, 1, 3], [2, 2, 1]]).reshape(2, 1, 1, 3))
    assert (patches[0] == [50, 100, 255]).all()
    assert (patches[1] == [200, 200, 100]).all()


def test_rectangles_lie_within_patches_and_have_a_quarter_to_three_quarters_of_their_side():
    rectangles = draw_rectangles(4000, 64, 0.5, np.random.default_rng(0))
    patches, sources, top, left, bottom, right = rectangles.T
    assert len(patches) == pytest.approx(2000, abs=100)
    assert (np.diff(patches) > 0).all()
    assert (sources.min(), sources.max()) == pytest.approx((0, 3999), abs=20)
    for start, stop in ((top, bottom), (left, right)):
        assert (start.min(), stop.max()) == (0, 64)
        assert ((stop - start).min(), (stop - start).max()) == (16, 48)
    assert draw_rectangles(4000, 64, 0, np.random.default_rng(0)).shape == (0, 6)


def test_rectangles_are_pasted_one_after_the_other():
    patches = np.zeros((3, 3, 3), np.uint8) + np.array([1, 2, 3], np.uint8)[:, None, None]
    paste_rectangles([patches], np.array([[0, 1, 0, 1, 2, 3], [1, 0, 0, 0, 1, 3]]))
    assert patches[0].tolist() == [[1, 2, 2], [1, 2, 2], [1, 1, 1]]
    assert patches[1].tolist() == [[1, 2, 2], [2, 2, 2], [2, 2, 2]]
    assert (patches[2] == 3).all()


@given(st.integers(0, 1000))
def test_augmented_tile_is_a_symmetry_of_the_tile_times_one_factor_a_band(seed):
    rng = np.random.default_rng(seed)
    # Too dark to be clipped.
    image = rng.integers(1, 190, (4, 20, 3)).astype(np.uint8)
    sequence = sequence_of(image, [0] * 5, [0, 4, 8, 12, 16], 4, 5, seed)
    pixels, outputs, _ = sequence[0]
    assert pixels.dtype == np.float32
    tiles = image.reshape(4, 5, 4, 3).swapaxes(0, 1)[outputs]
    for tile, augmented in zip(tiles, pixels, strict=True):
        factors = [augmented / apply_symmetry(tile, k) for k in range(8)]
        deviations = [np.ptp(f, axis=(0, 1)).max() for f in factors]
        assert min(deviations) < 1e-5
        best = factors[int(np.argmin(deviations))]
        assert best.min() >= 0.8 * 0.9 - 1e-6
        assert best.max() <= 1.2 * 1.1 + 1e-6


def test_augmentation_draws_the_eight_symmetries_equally_often():
    image = np.zeros((2, 2, 3), np.uint8)
    image[..., 0] = [[1, 2], [3, 4]]
    pixels, _, _ = sequence_of(image, [0] * 4000, [0] * 4000, 2, 4000)[0]
    # One factor a tile leaves the order of its pixels.
    orders, counts = np.unique(
        pixels[..., 0].reshape(-1, 4).argsort(axis=1), axis=0, return_counts=True
    )
    assert len(orders) == 8
    assert counts.min() > 400


def test_each_epoch_and_batch_has_draws_of_its_own_that_the_seed_repeats():
    image = np.random.default_rng(1).integers(0, 256, (4, 4, 3)).astype(np.uint8)

    def batches(seed):
        # All tiles are the same, so that only the augmentation differs.
        sequence = sequence_of(image, [0] * 6, [0] * 6, 4, 3, seed)
        assert len(sequence) == 2
        drawn = []
        for _ in range(2):
            sequence.on_epoch_begin()
            drawn += [sequence[n][0].tobytes() for n in range(2)]
            sequence.on_epoch_end()
        return drawn

    assert batches(1) == batches(1)
    assert len({*batches(1), *batches(2)}) == 8
