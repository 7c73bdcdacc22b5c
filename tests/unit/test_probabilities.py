import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ssc.io.windows import Window
from ssc.probabilities import (
    CoarseProbabilities,
    argmax_map,
    expected_areas,
    mapped_probability,
)


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


@given(st.integers(0, 10**6), st.sampled_from([1, 2, 4, 25]), st.tuples(*[st.integers(1, 90)] * 2))
def test_windows_are_enlarged_as_the_whole(seed, step, shape):
    rng = np.random.default_rng(seed)
    cells = rng.random((2, *(-(-side // step) for side in shape)))
    probabilities = coarse(cells, [1, 2], step, shape)
    pixels = probabilities.enlarge()
    for _ in range(4):
        (top, bottom), (left, right) = (
            sorted(rng.choice(side + 1, 2, replace=False).tolist()) for side in shape
        )
        window = Window(top, left, bottom, right)
        part = probabilities.enlarge(window)
        np.testing.assert_allclose(part, pixels[:, *window.slices], atol=1e-5)


def test_expected_areas_sum_to_the_mapped_pixels():
    # A quarter of the probability is with an output that is no class.
    assert expected_areas(np.array([4.5, 1.5]), np.array([3, 9]), 8) == {3: 6, 9: 2}
    assert expected_areas(np.zeros(2), np.array([3, 9]), 0) == {3: 0, 9: 0}


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
