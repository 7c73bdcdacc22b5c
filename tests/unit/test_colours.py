from math import log2

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from refine_samples import FEATURES, MAPS, image_of, raster, refine_by_colour, tree
from sklearn.naive_bayes import GaussianNB

from ssc.errors import SettingError
from ssc.refine.colours import (
    count_colours,
    fit_colours,
    pack_colours,
    pixel_features,
    unpack_colours,
)

PAIRS = st.tuples(MAPS, st.integers(3, 4)).flatmap(
    lambda drawn: st.tuples(
        arrays(
            np.uint8,
            (*drawn[0].shape, drawn[1]),
            elements=st.sampled_from([0, 3, 4, 127, 128, 255]),
        ),
        st.just(drawn[0]),
        st.integers(3, 24 // drawn[1]),
    )
)


@given(PAIRS)
def test_colours_and_counts_are_those_of_sorting_all_pixels(drawn):
    image, codes, bits = drawn
    step = 2 ** (8 - bits)
    pixels = image.reshape(-1, image.shape[2]) // step * step
    expected, inverse = np.unique(pixels, axis=0, return_inverse=True)
    packed, bands = pack_colours(image, bits), image.shape[2]
    counts = count_colours(packed, codes, 1 << bits * bands)
    used = np.unique(packed)
    np.testing.assert_array_equal(unpack_colours(used, bands, bits), expected)
    np.testing.assert_array_equal(np.searchsorted(used, packed).ravel(), inverse.ravel())
    assert packed.shape == codes.shape
    assert counts.sum() == codes.size
    for code in np.unique(codes):
        pixels_of_code = inverse.ravel()[codes.ravel() == code]
        of_code = counts[[code]].toarray()[0, used]
        assert of_code.tolist() == np.bincount(pixels_of_code, minlength=len(expected)).tolist()


def test_more_than_24_bits_are_refused_with_the_settings_that_make_them():
    with pytest.raises(SettingError, match=r"colour_bits: 7 .*entropy.*6 or less"):
        refine_by_colour(image_of([[1, 2]]), raster([[1, 2]]), tree(), entropy=True, colour_bits=7)


def all_pixels_map(image, tile_map, classifier):
    """What `refine_map` stands for: fit every pseudo-labelled pixel, predict every pixel."""
    pixels = image.reshape(-1, 3).astype(np.float64)
    scale = np.sqrt(np.maximum(pixels.var(axis=0), 1e-12))
    features = ((pixels - pixels.mean(axis=0)) / scale).astype(np.float32)
    labelled = tile_map.ravel() > 0
    classifier.fit(features[labelled], tile_map.ravel()[labelled])
    return classifier.predict(features).reshape(tile_map.shape)


@pytest.mark.parametrize("classifier", [tree, lambda: GaussianNB(var_smoothing=1e-3)])
def test_map_from_distinct_colours_is_the_map_from_all_pixels(classifier):
    rng = np.random.default_rng(3)
    codes = rng.choice(np.array([1, 2, 5], np.uint8), (30, 40), p=[0.7, 0.2, 0.1])
    noise = rng.integers(0, 5, (30, 40, 3))
    image = (codes[..., None] * 12 + noise * 8).astype(np.uint8)
    tile_map = np.where(rng.random(codes.shape) < 0.3, 0, codes).astype(np.uint8)
    expected = all_pixels_map(image, tile_map, classifier())
    assert set(np.unique(expected)) == {1, 2, 5}
    class_map = refine_by_colour(image, tile_map, classifier())
    np.testing.assert_array_equal(class_map, expected)


class Recorder:
    """Keeps what it is given."""

    def fit(self, features, codes, sample_weight):
        self.fitted = np.column_stack([features[:, 0], codes, sample_weight]).tolist()


def test_features_are_standardised_over_pixels_and_weights_have_a_mean_of_one():
    recorder = Recorder()
    packed = pack_colours(image_of([[10, 10, 10, 90]]), 8)
    counts = count_colours(packed, raster([[1, 2, 2, 0]]), 1 << 24)
    features, rank = fit_colours(counts, recorder, FEATURES)
    # Mean 30 and standard deviation sqrt((3 x 20 x 20 + 60 x 60) / 4) of the four pixels.
    low, high = -20 / 1200**0.5, 60 / 1200**0.5
    assert rank[packed].tolist() == [[0, 0, 0, 1]]
    assert features.tolist() == [pytest.approx([low] * 3), pytest.approx([high] * 3)]
    assert recorder.fitted == [pytest.approx((low, 1, 2 / 3)), pytest.approx((low, 2, 4 / 3))]


def test_majority_of_pixels_decides_a_colour_that_comes_with_two_classes():
    image = image_of([[10, 10, 10, 10, 10, 90]])
    class_map = refine_by_colour(image, raster([[1, 1, 2, 2, 2, 1]]), tree())
    assert class_map.tolist() == [[2, 2, 2, 2, 2, 1]]


def test_pixels_without_pseudo_label_are_mapped():
    image = image_of([[10, 10, 10, 90, 10, 90]])
    class_map = refine_by_colour(image, raster([[0, 0, 1, 2, 0, 0]]), tree())
    assert class_map.tolist() == [[1, 1, 1, 2, 1, 2]]


@pytest.mark.parametrize(("median_size", "speck"), [(1, 2), (3, 1)])
def test_median_filter_removes_a_speck(median_size, speck):
    values = np.full((9, 9), 10)
    values[:, 6:] = 90
    values[4, 2] = 90
    tile_map = raster(np.where(values == 90, 2, 1))
    tile_map[4, 2] = 0
    class_map = refine_by_colour(image_of(values), tile_map, tree(), median_size=median_size)
    assert class_map[4, 2] == speck
    assert (class_map[:, 0].tolist(), class_map[:, 8].tolist()) == ([1] * 9, [2] * 9)


@pytest.mark.parametrize(("bits", "second"), [(8, 2), (6, 1)])
def test_colours_that_share_their_upper_bits_are_one_colour(bits, second):
    image = image_of([[12, 12, 13, 80]])
    class_map = refine_by_colour(image, raster([[1, 1, 2, 3]]), tree(), colour_bits=bits)
    assert class_map.tolist() == [[1, 1, second, 3]]


def test_entropy_is_that_of_the_red_values_about_a_pixel():
    rng = np.random.default_rng(3)
    image = (rng.random((19, 23, 3)) ** 3 * 20).astype(np.uint8)
    image[:11, :11, 0] = np.arange(121).reshape(11, 11)
    image[12:, 16:, 0] = 9
    bands = pixel_features(image, 3, entropy=True)
    assert bands.dtype == np.uint8
    np.testing.assert_array_equal(bands[..., :3], pixel_features(image, 3, entropy=False))
    for y, x in np.ndindex(19, 23):
        values = image[max(y - 5, 0) : y + 6, max(x - 5, 0) : x + 6, 0]
        p = np.unique(values, return_counts=True)[1] / values.size
        assert bands[y, x, 3] == pytest.approx(-(p * np.log2(p)).sum() / log2(121) * 255, abs=0.51)
    assert (bands[5, 5, 3], bands[18, 22, 3]) == (255, 0)


@pytest.mark.parametrize(("entropy", "low", "high"), [(False, 0.4, 0.6), (True, 0.9, 1)])
def test_entropy_tells_apart_textures_of_the_same_colours(entropy, low, high):
    # The same greys, in stripes on the left and scattered on the right.
    stripes = np.arange(40)[:, None].repeat(40, axis=1) // 8 * 20
    values = np.hstack([stripes, np.random.default_rng(4).permuted(stripes, axis=0)])
    tile_map = raster(np.where(np.arange(80) < 40, 1, 2)[None].repeat(40, axis=0))
    class_map = refine_by_colour(image_of(values), tile_map, tree(), entropy=entropy, colour_bits=6)
    assert low <= (class_map == tile_map).mean() <= high
