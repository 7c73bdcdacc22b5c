import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ssc.io.windows import SIDE_MULTIPLE, MaskedRaster, Window, block_of, whole, windows


@given(st.tuples(*[st.integers(1, 3000)] * 2), st.sampled_from([64, 256, 448]))
def test_windows_cover_each_pixel_once_in_reading_order(shape, side):
    parts = windows(shape, side)
    seen = np.zeros(shape, np.uint8)
    for part in parts:
        seen[part.slices] += 1
        assert part.top % SIDE_MULTIPLE == part.left % SIDE_MULTIPLE == 0
        # Rounded up to the multiple, a strip may be as much larger.
        assert part.shape[0] * part.shape[1] <= max(side, SIDE_MULTIPLE) ** 2 * 2
    assert (seen == 1).all()
    assert parts == sorted(parts)


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ((1960, 3008), [(0, 0, 1024, 3008), (1024, 0, 1960, 3008)]),
        ((608, 608), [(0, 0, 608, 608)]),
        ((2000, 4097), [(0, 0, 2000, 1408), (0, 1408, 2000, 2816), (0, 2816, 2000, 4097)]),
    ],
)
def test_small_images_are_one_window_and_larger_ones_are_cut_evenly(shape, expected):
    assert windows(shape) == expected


def test_a_window_grows_within_its_image_and_is_found_again():
    image = np.arange(20 * 30).reshape(20, 30)
    window = Window(2, 20, 12, 30)
    outer = window.grown(5, image.shape)
    assert outer == (0, 15, 17, 30)
    assert outer.shape == (17, 15)
    np.testing.assert_array_equal(image[outer.slices][window.within(outer)], image[window.slices])
    assert image[whole(image.shape).slices].shape == image.shape


@given(st.tuples(*[st.integers(1, 40)] * 2), st.integers(2, 6), st.integers(0, 100))
def test_blocks_hold_out_each_pixel_once(shape, n_blocks, seed):
    codes = np.random.default_rng(seed).integers(1, 5, shape).astype(np.uint8)
    scored, learned = np.zeros(shape, int), np.zeros(shape, int)
    for number in range(1, n_blocks + 1):
        block = block_of(shape, number, n_blocks)
        inside, outside = (MaskedRaster(codes, block, masked) for masked in (False, True))
        assert inside.shape == outside.shape == shape
        part = Window(shape[0] // 3, shape[1] // 2, *shape)
        for raster in (inside, outside):
            pixels = raster[whole(shape).slices]
            np.testing.assert_array_equal(pixels[part.slices], raster[part.slices])
            assert (pixels[pixels > 0] == codes[pixels > 0]).all()
        scored += inside[whole(shape).slices] > 0
        learned += outside[whole(shape).slices] > 0
    assert (scored == 1).all()
    assert (learned == n_blocks - 1).all()


def test_blocks_lie_along_the_longer_side():
    assert block_of((10, 40), 2, 4) == (0, 10, 10, 20)
    assert block_of((40, 10), 4, 4) == (30, 0, 40, 10)
