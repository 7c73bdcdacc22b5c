import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.naive_bayes import GaussianNB
from sklearn.tree import DecisionTreeClassifier

from ssc.refine import count_colours, pixel_classifier, refine_map

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def image_of(values):
    """A grey image: each value in all three bands."""
    return np.repeat(np.array(values, np.uint8)[..., None], 3, axis=2)


def raster(values):
    return np.array(values, np.uint8)


def tree():
    return DecisionTreeClassifier(random_state=0)


# Few values in each band, so that colours come again.
SHAPES = st.tuples(st.integers(1, 6), st.integers(1, 6))
IMAGES = SHAPES.flatmap(
    lambda shape: st.tuples(
        arrays(np.uint8, (*shape, 3), elements=st.sampled_from([0, 3, 4, 127, 128, 255])),
        arrays(np.uint8, shape, elements=st.sampled_from([0, 1, 2, 7])),
    )
)


@given(IMAGES, st.integers(3, 8))
def test_colours_and_counts_are_those_of_sorting_all_pixels(pair, bits):
    image, codes = pair
    step = 2 ** (8 - bits)
    pixels = image.reshape(-1, 3) // step * step
    expected, inverse = np.unique(pixels, axis=0, return_inverse=True)
    colours, which, counts = count_colours(image, codes, bits)
    np.testing.assert_array_equal(colours, expected)
    np.testing.assert_array_equal(which.ravel(), inverse.ravel())
    assert which.shape == codes.shape
    assert counts.shape == (codes.max() + 1, len(expected))
    for code in range(codes.max() + 1):
        of_code = inverse.ravel()[codes.ravel() == code]
        assert counts[code].tolist() == np.bincount(of_code, minlength=len(expected)).tolist()


def all_pixels_map(image, tile_map, classifier):
    """What `refine_map` stands for: fit every taught pixel, predict every pixel."""
    pixels = image.reshape(-1, 3).astype(np.float64)
    scale = np.sqrt(np.maximum(pixels.var(axis=0), 1e-12))
    features = ((pixels - pixels.mean(axis=0)) / scale).astype(np.float32)
    taught = tile_map.ravel() > 0
    classifier.fit(features[taught], tile_map.ravel()[taught])
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
    found = refine_map(image, tile_map, classifier(), median_size=1, colour_bits=8)
    np.testing.assert_array_equal(found, expected)


class Recorder:
    """Keeps what it is given; maps class 1."""

    def fit(self, features, codes, sample_weight):
        self.fitted = np.column_stack([features[:, 0], codes, sample_weight]).tolist()

    def predict(self, features):
        self.asked = features.tolist()
        return np.ones(len(features))


def test_features_are_standardised_over_pixels_and_weights_have_a_mean_of_one():
    recorder = Recorder()
    refine_map(image_of([[10, 10, 10, 90]]), raster([[1, 2, 2, 0]]), recorder, 1, 8)
    # Mean 30 and standard deviation sqrt((3 x 20 x 20 + 60 x 60) / 4) of the four pixels.
    low, high = -20 / 1200**0.5, 60 / 1200**0.5
    assert recorder.asked == [pytest.approx([low] * 3), pytest.approx([high] * 3)]
    assert recorder.fitted == [pytest.approx((low, 1, 2 / 3)), pytest.approx((low, 2, 4 / 3))]


def test_majority_of_pixels_decides_a_colour_that_comes_with_two_classes():
    image = image_of([[10, 10, 10, 10, 10, 90]])
    found = refine_map(image, raster([[1, 1, 2, 2, 2, 1]]), tree(), 1, 8)
    assert found.tolist() == [[2, 2, 2, 2, 2, 1]]


def test_map_of_one_class_is_that_class_everywhere():
    image = image_of([[10, 90], [10, 90]])
    found = refine_map(image, raster([[3, 0], [0, 0]]), tree(), 1, 8)
    assert found.dtype == np.uint8
    assert found.tolist() == [[3, 3], [3, 3]]


def test_tile_map_that_teaches_nothing_gives_an_empty_map():
    found = refine_map(image_of([[10, 90]]), raster([[0, 0]]), tree(), 1, 8)
    assert found.tolist() == [[0, 0]]


def test_zero_in_the_tile_map_teaches_nothing_but_is_mapped():
    image = image_of([[10, 10, 10, 90, 10, 90]])
    found = refine_map(image, raster([[0, 0, 1, 2, 0, 0]]), tree(), 1, 8)
    assert found.tolist() == [[1, 1, 1, 2, 1, 2]]


@pytest.mark.parametrize(("median_size", "speck"), [(1, 2), (3, 1)])
def test_median_filter_removes_a_speck(median_size, speck):
    values = np.full((9, 9), 10)
    values[:, 6:] = 90
    values[4, 2] = 90
    tile_map = raster(np.where(values == 90, 2, 1))
    tile_map[4, 2] = 0
    found = refine_map(image_of(values), tile_map, tree(), median_size, 8)
    assert found[4, 2] == speck
    assert (found[:, 0].tolist(), found[:, 8].tolist()) == ([1] * 9, [2] * 9)


@pytest.mark.parametrize(("bits", "second"), [(8, 2), (6, 1)])
def test_colours_that_share_their_upper_bits_are_one_colour(bits, second):
    image = image_of([[12, 12, 13, 80]])
    found = refine_map(image, raster([[1, 1, 2, 3]]), tree(), 1, bits)
    assert found.tolist() == [[1, 1, second, 3]]


def settings(method):
    return dict(method=method, hidden=[16], epochs=10, sample=2000, trees=10)


@pytest.mark.parametrize("method", ["mlp", "rf"])
def test_pixel_classifiers_learn_colours_past_the_tile_edges(method):
    # Water left of column 23 and sand right of it, but the tile map has the edge at 20.
    rng = np.random.default_rng(5)
    truth = np.where(np.arange(40) < 23, 1, 4)[None].repeat(40, axis=0).astype(np.uint8)
    colour = np.where(truth[..., None] == 1, (40, 80, 120), (190, 170, 130))
    image = (colour + rng.integers(-9, 10, (40, 40, 3))).astype(np.uint8)
    tile_map = raster(np.where(np.arange(40) < 20, 1, 4)[None].repeat(40, axis=0))
    found = refine_map(image, tile_map, pixel_classifier(settings(method), 1, 42), 1, 6)
    assert (found == truth).mean() > 0.97


@pytest.mark.parametrize("method", ["mlp", "rf"])
def test_seed_alone_decides_a_map_that_could_fall_either_way(method):
    rng = np.random.default_rng(5)
    image = rng.integers(0, 256, (20, 20, 3)).astype(np.uint8)
    tile_map = rng.integers(1, 3, (20, 20)).astype(np.uint8)
    tile_map[:, 10:] = 0

    def found(seed):
        classifier = pixel_classifier(settings(method), 1, seed)
        return refine_map(image, tile_map, classifier, 1, 6).tobytes()

    assert found(1) == found(1)
    assert found(1) != found(2)


def test_mlp_weighs_colours_by_their_pixels():
    # One colour that is class 1 in 9 pixels of 10, and another that is always class 2.
    features = np.array([[-1, 0, 0], [-1, 0, 0], [1, 0, 0]], np.float32)
    codes, weights = np.array([1, 2, 2]), np.array([9.0, 1.0, 10.0])
    mlp = pixel_classifier(settings("mlp"), 1, 42).fit(features, codes, sample_weight=weights)
    assert mlp.predict(features).tolist() == [1, 1, 2]
    mlp.fit(features, codes, sample_weight=np.array([1.0, 9.0, 10.0]))
    assert mlp.predict(features).tolist() == [2, 2, 2]


def test_mlp_stands_a_class_so_rare_that_it_is_not_drawn():
    features = np.array([[-1, 0, 0], [1, 0, 0]], np.float32)
    mlp = pixel_classifier(settings("mlp"), 1, 42)
    mlp.fit(features, np.array([1, 2]), sample_weight=np.array([1e9, 1.0]))
    assert mlp.predict(features)[0] == 1


def test_random_forest_has_the_trees_asked_for():
    forest = pixel_classifier(settings("rf"), 1, 42)
    assert forest.fit(np.eye(3), [1, 2, 4]).predict(np.eye(3)).tolist() == [1, 2, 4]
    assert len(forest.estimators_) == 10


def test_inputs_are_left_as_they_were():
    image, tile_map = image_of([[10, 10, 90, 90]]), raster([[1, 1, 2, 0]])
    copies = image.copy(), tile_map.copy()
    refine_map(image, tile_map, tree(), 3, 4)
    np.testing.assert_array_equal(image, copies[0])
    np.testing.assert_array_equal(tile_map, copies[1])
