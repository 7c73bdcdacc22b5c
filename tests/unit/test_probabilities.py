import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ssc.probabilities import CoarseProbabilities, argmax_map, mapped_probability


def coarse(cells, class_codes, pixels_per_cell, shape):
    codes = np.array(class_codes, np.uint8)
    return CoarseProbabilities.of_cells(np.array(cells, np.float32), codes, pixels_per_cell, shape)


def test_cells_are_rounded_to_16_bits():
    cells = coarse([[[0, 0.25, 0.5, 1]]], [3], 4, (4, 16))
    assert cells.values.dtype == np.uint16
    # 0.25 is 16383.75 of 65535, and 0.5 is 32767.5, of which the even neighbour is taken.
    assert cells.values.tolist() == [[[0, 16384, 32768, 65535]]]


def test_enlarging_interpolates_between_the_centres_of_cells():
    # The centres lie at 2 and 6, those of pixels at 0.5, 1.5 ...; 7 of 8 columns are in the image.
    pixels = coarse([[[0, 1]], [[1, 0.5]]], [3, 9], 4, (3, 7)).enlarge()
    assert pixels.dtype == np.float32
    row = np.array([0, 0, 0.125, 0.375, 0.625, 0.875, 1])
    np.testing.assert_allclose(pixels[0], [row] * 3, atol=1e-5)
    np.testing.assert_allclose(pixels[1], [1 - row / 2] * 3, atol=1e-5)


def test_cell_beyond_the_image_counts_for_pixels_at_its_edge_but_not_for_areas():
    cells = coarse([[[0, 1]]], [3], 4, (4, 4))
    np.testing.assert_allclose(cells.enlarge()[0, 0], [0, 0, 0.125, 0.375], atol=1e-5)
    two = coarse([[[0, 1]], [[1, 0]]], [3, 9], 4, (4, 4))
    assert two.class_areas(np.ones((4, 4), bool)) == pytest.approx({3: 0, 9: 16})


def test_class_areas_by_hand():
    mapped = np.ones((2, 3), bool)
    mapped[0, 0] = False
    # 3 pixels are mapped in the first cell and 2 in the second: 3 x 1 + 2 x 0.25 of class 3.
    areas = coarse([[[1, 0.25]], [[0, 0.75]]], [3, 9], 2, (2, 3)).class_areas(mapped)
    assert areas == pytest.approx({3: 3.5, 9: 1.5}, rel=1e-4)
    assert coarse([[[1, 0.25]]], [3], 2, (2, 3)).class_areas(~np.ones((2, 3), bool)) == {3: 0}


@given(st.integers(0, 10**6), st.integers(1, 5), st.tuples(*[st.integers(1, 12)] * 2))
def test_class_areas_sum_to_the_mapped_pixels(seed, step, shape):
    rng = np.random.default_rng(seed)
    mapped = rng.random(shape) < rng.random()
    # A CNN may give part of the probability to its unused output.
    cells = rng.uniform(0.1, 0.3, (3, *(-(-side // step) for side in shape)))
    areas = coarse(cells, [1, 2, 4], step, shape).class_areas(mapped)
    assert sum(areas.values()) == pytest.approx(np.count_nonzero(mapped))


PROPORTIONS = np.array([[[2, 3], [0.5, 0]], [[6, 1], [0.5, 0.02]], [[0, 0], [0, 0.98]]], np.float32)
CODES = np.array([7, 3, 255], np.uint8)


def test_most_probable_class_and_its_confidence_by_hand():
    class_map, confidence = argmax_map(PROPORTIONS, CODES)
    assert (class_map.dtype, confidence.dtype) == (np.uint8, np.uint8)
    # Of equals the first class is taken.
    assert class_map.tolist() == [[3, 7], [7, 255]]
    assert confidence.tolist() == [[75, 75], [50, 98]]
    nothing = argmax_map(np.zeros((3, 2), np.float32), CODES)
    assert [part.tolist() for part in nothing] == [[0, 0], [0, 0]]


def test_probability_of_the_mapped_class_of_some_pixels():
    class_map = np.array([[7, 3], [255, 3]], np.uint8)
    shares = mapped_probability(PROPORTIONS, CODES, class_map, np.array([3, 0, 1]))
    assert shares.dtype == np.float32
    np.testing.assert_allclose(shares, [0.02, 2 / 8, 1 / 4], rtol=1e-6)
