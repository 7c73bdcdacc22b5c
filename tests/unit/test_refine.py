from collections import Counter
from math import log2

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.naive_bayes import GaussianNB
from sklearn.tree import DecisionTreeClassifier

from ssc.errors import InputError
from ssc.pixel_classifier import BalancedClassifier, pixel_classifier
from ssc.refine import (
    count_colours,
    feature_bands,
    majority_filter,
    most_probable,
    refine_map,
    sharpen,
    smooth_map,
    teach,
)

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

# Small networks and forests, no filter: what a test is about it sets itself.
SETTINGS = dict(
    method="mlp",
    hidden=[16],
    epochs=10,
    sample=2000,
    trees=10,
    smote_enn=False,
    subsample=1.0,
    min_pixels=0,
    median_size=1,
    entropy=False,
    colour_bits=8,
    min_probability=0,
    min_tiles=0,
    smallest_element=0,
    weight=0.5,
    most_changed=1,
)


def image_of(values):
    """A grey image: each value in all three bands."""
    return np.repeat(np.array(values, np.uint8)[..., None], 3, axis=2)


def raster(values):
    return np.array(values, np.uint8)


def tree():
    return DecisionTreeClassifier(random_state=0)


def refined(image, teaching, classifier, **changes):
    return refine_map(image, teaching, classifier, SETTINGS | changes)


def taught(tile_map, tile_size=1, confidence=None, seed=42, **changes):
    return teach(tile_map, SETTINGS | changes, tile_size, confidence, seed)


def classifier_of(seed=42, **changes):
    return pixel_classifier(SETTINGS | changes, threads=1, seed=seed)


# Few values in each band, so that colours come again.
SHAPES = st.tuples(st.integers(1, 6), st.integers(1, 6))
MAPS = SHAPES.flatmap(lambda s: arrays(np.uint8, s, elements=st.sampled_from([0, 1, 2, 255])))
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
    colours, which, present, counts = count_colours(image, codes, bits)
    np.testing.assert_array_equal(colours, expected)
    np.testing.assert_array_equal(which.ravel(), inverse.ravel())
    assert which.shape == codes.shape
    assert present.tolist() == np.unique(codes).tolist()
    assert counts.shape == (len(present), len(expected))
    for code, of_code in zip(present, counts, strict=True):
        found = inverse.ravel()[codes.ravel() == code]
        assert of_code.tolist() == np.bincount(found, minlength=len(expected)).tolist()


def test_more_than_24_bits_are_refused_with_the_settings_that_make_them():
    with pytest.raises(InputError, match=r"colour_bits is 7.*entropy.*colour_bits to 6 or less"):
        refined(image_of([[1, 2]]), raster([[1, 2]]), tree(), entropy=True, colour_bits=7)


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
    found = refined(image, tile_map, classifier())
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
    refined(image_of([[10, 10, 10, 90]]), raster([[1, 2, 2, 0]]), recorder)
    # Mean 30 and standard deviation sqrt((3 x 20 x 20 + 60 x 60) / 4) of the four pixels.
    low, high = -20 / 1200**0.5, 60 / 1200**0.5
    assert recorder.asked == [pytest.approx([low] * 3), pytest.approx([high] * 3)]
    assert recorder.fitted == [pytest.approx((low, 1, 2 / 3)), pytest.approx((low, 2, 4 / 3))]


def test_majority_of_pixels_decides_a_colour_that_comes_with_two_classes():
    image = image_of([[10, 10, 10, 10, 10, 90]])
    found = refined(image, raster([[1, 1, 2, 2, 2, 1]]), tree())
    assert found.tolist() == [[2, 2, 2, 2, 2, 1]]


def test_map_of_one_class_is_that_class_everywhere():
    image = image_of([[10, 90], [10, 90]])
    found = refined(image, raster([[3, 0], [0, 0]]), tree())
    assert found.dtype == np.uint8
    assert found.tolist() == [[3, 3], [3, 3]]


def test_tile_map_that_teaches_nothing_gives_an_empty_map():
    found = refined(image_of([[10, 90]]), raster([[0, 0]]), tree())
    assert found.tolist() == [[0, 0]]


def test_zero_in_the_tile_map_teaches_nothing_but_is_mapped():
    image = image_of([[10, 10, 10, 90, 10, 90]])
    found = refined(image, raster([[0, 0, 1, 2, 0, 0]]), tree())
    assert found.tolist() == [[1, 1, 1, 2, 1, 2]]


@pytest.mark.parametrize(("median_size", "speck"), [(1, 2), (3, 1)])
def test_median_filter_removes_a_speck(median_size, speck):
    values = np.full((9, 9), 10)
    values[:, 6:] = 90
    values[4, 2] = 90
    tile_map = raster(np.where(values == 90, 2, 1))
    tile_map[4, 2] = 0
    found = refined(image_of(values), tile_map, tree(), median_size=median_size)
    assert found[4, 2] == speck
    assert (found[:, 0].tolist(), found[:, 8].tolist()) == ([1] * 9, [2] * 9)


@pytest.mark.parametrize(("bits", "second"), [(8, 2), (6, 1)])
def test_colours_that_share_their_upper_bits_are_one_colour(bits, second):
    image = image_of([[12, 12, 13, 80]])
    found = refined(image, raster([[1, 1, 2, 3]]), tree(), colour_bits=bits)
    assert found.tolist() == [[1, 1, second, 3]]


@pytest.mark.parametrize("smote_enn", [False, True])
@pytest.mark.parametrize("method", ["mlp", "rf"])
def test_pixel_classifiers_learn_colours_past_the_tile_edges(method, smote_enn):
    # Water left of column 23 and sand right of it, but the tile map has the edge at 20.
    rng = np.random.default_rng(5)
    truth = np.where(np.arange(40) < 23, 1, 4)[None].repeat(40, axis=0).astype(np.uint8)
    colour = np.where(truth[..., None] == 1, (40, 80, 120), (190, 170, 130))
    image = (colour + rng.integers(-9, 10, (40, 40, 3))).astype(np.uint8)
    tile_map = raster(np.where(np.arange(40) < 20, 1, 4)[None].repeat(40, axis=0))
    classifier = classifier_of(method=method, smote_enn=smote_enn)
    found = refined(image, tile_map, classifier, colour_bits=6)
    assert (found == truth).mean() > 0.97


@pytest.mark.parametrize("smote_enn", [False, True])
@pytest.mark.parametrize("method", ["mlp", "rf"])
def test_seed_alone_decides_a_map_that_could_fall_either_way(method, smote_enn):
    rng = np.random.default_rng(5)
    image = rng.integers(0, 256, (20, 20, 3)).astype(np.uint8)
    tile_map = rng.integers(1, 3, (20, 20)).astype(np.uint8)
    tile_map[:, 10:] = 0

    def found(seed):
        classifier = classifier_of(seed, method=method, smote_enn=smote_enn)
        return refined(image, tile_map, classifier, colour_bits=6).tobytes()

    assert found(1) == found(1)
    assert found(1) != found(2)


def test_mlp_weighs_colours_by_their_pixels():
    # One colour that is class 1 in 9 pixels of 10, and another that is always class 2.
    features = np.array([[-1, 0, 0], [-1, 0, 0], [1, 0, 0]], np.float32)
    codes, weights = np.array([1, 2, 2]), np.array([9.0, 1.0, 10.0])
    mlp = classifier_of().fit(features, codes, sample_weight=weights)
    assert mlp.predict(features).tolist() == [1, 1, 2]
    mlp.fit(features, codes, sample_weight=np.array([1.0, 9.0, 10.0]))
    assert mlp.predict(features).tolist() == [2, 2, 2]


def test_mlp_stands_a_class_so_rare_that_it_is_not_drawn():
    features = np.array([[-1, 0, 0], [1, 0, 0]], np.float32)
    mlp = classifier_of()
    mlp.fit(features, np.array([1, 2]), sample_weight=np.array([1e9, 1.0]))
    assert mlp.predict(features)[0] == 1


def test_forest_of_many_threads_gives_level_votes_to_the_same_class_each_time():
    rng = np.random.default_rng(5)
    features = rng.integers(0, 40, (3000, 3)).astype(np.float32)
    forest = classifier_of(method="rf", trees=50)
    forest.fit(features.repeat(3, axis=0), np.tile([1, 2, 3], 3000), np.ones(9000))
    expected = forest.predict(features)
    forest.n_jobs = 8
    assert all(np.array_equal(forest.predict(features), expected) for _ in range(10))


def test_random_forest_has_the_trees_asked_for():
    forest = classifier_of(method="rf")
    assert forest.fit(np.eye(3), [1, 2, 4]).predict(np.eye(3)).tolist() == [1, 2, 4]
    assert len(forest.estimators_) == 10


@pytest.mark.parametrize(
    ("hidden", "units"),
    [
        ([7, 5], [7, 5]),
        ("deep", [256, 128, 64, 32, 32]),
        ("very_deep", [512, 256, 128, 128, 64, 32, 32]),
    ],
)
def test_network_has_the_layers_asked_for(hidden, units):
    mlp = classifier_of(hidden=hidden, epochs=1, sample=100)
    mlp.fit(np.eye(3, dtype=np.float32), np.array([1, 2, 4]), sample_weight=np.ones(3))
    assert [layer.shape[1] for layer in mlp.network_.coefs_] == [*units, 3]


def slow_majority(codes, side):
    """The definition, pixel by pixel."""
    out, reach = np.zeros_like(codes), side // 2
    for y, x in np.ndindex(codes.shape):
        rows = slice(max(y - reach, 0), y + reach + 1)
        square = codes[rows, max(x - reach, 0) : x + reach + 1]
        ranks = Counter(square[square > 0].tolist())
        out[y, x] = min(ranks, key=lambda code: (-ranks[code], code), default=0)
    return out


@given(MAPS, st.sampled_from([1, 3, 5, 7, 101]))
def test_majority_filter_takes_the_most_frequent_class_of_each_square(codes, side):
    found = majority_filter(codes, side)
    assert found.dtype == np.uint8
    np.testing.assert_array_equal(found, slow_majority(codes, side))


def patch_sizes(codes):
    """Pixels of the patch of one class that each pixel is in, by flood fill."""
    sizes = np.zeros(codes.shape, int)
    for start in np.ndindex(codes.shape):
        patch, edge = {start}, [start]
        while edge:
            y, x = edge.pop()
            for near in ((y - 1, x), (y + 1, x), (y, x - 1), (y, x + 1)):
                inside = 0 <= near[0] < codes.shape[0] and 0 <= near[1] < codes.shape[1]
                if inside and near not in patch and codes[near] == codes[start]:
                    patch.add(near)
                    edge.append(near)
        sizes[start] = len(patch)
    return sizes


@given(MAPS, st.integers(0, 4))
def test_only_patches_of_too_few_tiles_take_the_majority_about_them(tiles, min_tiles):
    tile_map = tiles.repeat(2, axis=0).repeat(2, axis=1)
    small = (tile_map > 0) & (patch_sizes(tile_map) < 4 * min_tiles)
    expected = np.where(small, slow_majority(tile_map, 4 * min_tiles + 1), tile_map)
    found = taught(tile_map, tile_size=2, min_tiles=min_tiles)
    np.testing.assert_array_equal(found, expected)


def test_tiles_below_the_probability_teach_nothing(caplog):
    tile_map, confidence = raster([[1, 2, 2, 3]]), raster([[6, 7, 8, 100]])
    found = taught(tile_map, confidence=confidence, min_probability=0.07)
    assert found.tolist() == [[0, 2, 2, 3]]
    assert [m.partition(",")[0] for m in caplog.messages] == [
        "WARNING: no tile of class 1 reaches refine.min_probability 0.07"
    ]


def test_patches_are_counted_before_doubtful_tiles_are_dropped():
    tile_map, confidence = raster([[1, 1, 1, 2, 2]]), raster([[90, 90, 90, 90, 10]])
    found = taught(tile_map, confidence=confidence, min_tiles=2, min_probability=0.5)
    assert found.tolist() == [[1, 1, 1, 2, 0]]


@pytest.mark.parametrize(
    ("subsample", "min_pixels", "left", "warns"),
    [(0.25, 0, 100, 0), (0.25, 150, 150, 0), (0.25, 401, 400, 1), (1.0, 400, 400, 0)],
)
def test_subsample_leaves_a_share_of_the_taught_pixels(subsample, min_pixels, left, warns, caplog):
    tile_map = np.zeros((30, 30), np.uint8)
    tile_map[5:25, 5:25] = np.arange(20) % 3 + 1

    def found(seed):
        return taught(tile_map, seed=seed, subsample=subsample, min_pixels=min_pixels)

    sample = found(1)
    assert np.count_nonzero(sample) == left
    assert (sample == tile_map)[sample > 0].all()
    assert caplog.text.count("400 pixels teach phase 2, fewer than refine.min_pixels 401") == warns
    assert len(caplog.messages) == warns
    np.testing.assert_array_equal(found(1), sample)
    assert np.array_equal(found(2), sample) == (left == 400)


def test_entropy_is_that_of_the_red_values_about_a_pixel():
    rng = np.random.default_rng(3)
    image = (rng.random((19, 23, 3)) ** 3 * 20).astype(np.uint8)
    image[:11, :11, 0] = np.arange(121).reshape(11, 11)
    image[12:, 16:, 0] = 9
    bands = feature_bands(image, 3, entropy=True)
    assert bands.dtype == np.uint8
    np.testing.assert_array_equal(bands[..., :3], feature_bands(image, 3, entropy=False))
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
    found = refined(image_of(values), tile_map, tree(), entropy=entropy, colour_bits=6)
    assert low <= (found == tile_map).mean() <= high


def test_majority_within_the_smallest_element_decides_in_the_end():
    drawn = ["..........", ".#.....###", ".......###", "..###..###", "..###..###", "..###..###"]
    final = ["..........", "........##", ".......###", "...#...###", "..###..###", "..###..###"]
    values = np.array([[90 if c == "#" else 10 for c in row] for row in drawn])
    tile_map = raster(np.where(values == 90, 2, 1))
    np.testing.assert_array_equal(refined(image_of(values), tile_map, tree()), tile_map)
    found = refined(image_of(values), tile_map, tree(), smallest_element=1)
    assert ["".join(".#"[code - 1] for code in row) for row in found] == final


@pytest.mark.parametrize(("smote_enn", "rare"), [(False, 1), (True, 2)])
@pytest.mark.parametrize("method", ["mlp", "rf"])
def test_smote_enn_finds_a_rare_class_among_the_colours_of_another(method, smote_enn, rare):
    # Class 1 has all colours alike; one pixel in five of the two lightest is of class 2.
    grey = np.linspace(-1, 1, 20, dtype=np.float32)[:, None].repeat(3, axis=1)
    features, codes = np.vstack([grey, grey[-2:]]), np.repeat([1, 2], [20, 2])
    classifier = classifier_of(method=method, smote_enn=smote_enn, sample=1000)
    classifier.fit(features, codes, sample_weight=np.repeat([4.0, 1.0], [20, 2]))
    assert classifier.predict(grey[[0, 9, 19]]).tolist() == [1, 1, rare]


def fitted_on(codes, weights, features, sample=1000):
    """How many colours of each class a classifier is given after SMOTE-ENN; their weights."""
    recorder = Recorder()
    features = np.array(features, np.float32)[:, None].repeat(3, axis=1)
    balanced = BalancedClassifier(recorder, sample, seed=42)
    balanced.fit(features, np.array(codes), sample_weight=np.array(weights, float))
    return Counter(code for _, code, _ in recorder.fitted), {w for *_, w in recorder.fitted}


def test_smote_enn_gives_classes_apart_the_same_number_and_weight():
    (number, weights) = fitted_on([1, 2, 5], [90, 9, 1], [-1, 0, 1])
    assert number[1] == number[2] == number[5] > 850
    assert weights == {1}


def test_smote_enn_stands_a_class_of_one_colour(caplog):
    # Drawn with this seed: 996 colours of class 1, three of class 2 and one of class 3.
    number, _ = fitted_on([1, 2, 3], [997, 2, 1], [-1, 1, -1])
    assert number[1] > 900
    assert number[2] == 996
    assert number[3] == 0
    lone, lost = caplog.messages
    assert lone.startswith("WARNING: refine.smote_enn cannot balance class 3: one colour of 1000")
    assert lost.startswith("WARNING: refine.smote_enn leaves nothing of class 3")


def test_smote_enn_keeps_mixed_colours_where_there_are_no_others(caplog):
    # Of six colours in one place none can have three neighbours of its class.
    number, _ = fitted_on([1, 2], [1, 1], [0, 0], sample=5)
    assert number == {1: 3, 2: 3}
    assert "no two classes with colours of their own" in caplog.text


def test_smote_enn_of_one_drawn_class_is_that_class():
    assert fitted_on([1, 2], [1e9, 1], [-1, 1])[0] == {1: 1000}


def test_smote_enn_keeps_a_lone_colour_where_it_is_all_there_is_of_a_second_class():
    # Drawn with this seed: 999 colours of class 1 and one of class 2.
    assert fitted_on([1, 2], [999, 1], [-1, 1])[0] == {1: 999, 2: 1}


class Fake:
    """Gives the colours of an image, from dark to light, the probabilities that a test wants."""

    def __init__(self, classes, *probabilities):
        self.classes_, self.probabilities = np.array(classes), np.array(probabilities)

    def fit(self, features, codes, sample_weight):
        self.fitted = np.column_stack([features[:, 0] > 0, codes, sample_weight]).tolist()

    def predict_proba(self, features):
        assert (np.diff(features[:, 0]) > 0).all()
        return self.probabilities


def sharpened(values, probabilities, codes, teaching, classifier, **changes):
    planes = np.moveaxis(np.array(probabilities, np.float32), -1, 0)
    of_network = planes, raster(codes), *most_probable(planes, raster(codes))
    found, sure = sharpen(image_of(values), *of_network, teaching, classifier, SETTINGS | changes)
    assert (found.dtype, sure.dtype) == (np.uint8, np.uint8)
    return found.tolist(), sure.tolist()


# Two pixels of each of two colours; the network's mean is 0.8 of class 1 and 0.2 of class 4.
TWO_COLOURS = [[10, 10, 90, 90]]
OF_NETWORK = np.array([[[0.95, 0.05], [0.6, 0.4], [0.9, 0.1], [0.75, 0.25]]])
TEACHING = raster([[1, 0, 1, 4]])


def two_colour_classifier():
    # As often of class 1 as on the mean, and four times as often of the rarer class 4.
    return Fake([1, 4], [0.8, 0.2], [0.2, 0.8])


@pytest.mark.parametrize("order", [[0, 1], [1, 0]])
def test_sharpened_map_follows_bayes_rule_whatever_the_order_of_codes(order):
    classifier = two_colour_classifier()
    found, sure = sharpened(
        TWO_COLOURS, OF_NETWORK[..., order], np.array([1, 4])[order], TEACHING, classifier
    )
    # Odds of class 1, for a weight of 1/2: those of the network times
    # sqrt(0.8 / 0.8 / (0.2 / 0.2)) = 1 and sqrt(0.2 / 0.8 / (0.8 / 0.2)) = 1/4.
    # 9 / 4 is 69 %; 3 / 4 is 43 %, that is 57 % of class 4.
    assert found == [[1, 1, 1, 4]]
    assert sure == [[95, 60, 69, 57]]
    assert classifier.fitted == [[0, 1, 1], [1, 1, 1], [1, 4, 1]]


def test_weight_0_gives_the_map_and_confidence_of_the_network():
    found, sure = sharpened(
        TWO_COLOURS, OF_NETWORK, [1, 4], TEACHING, two_colour_classifier(), weight=0
    )
    assert found == [[1, 1, 1, 1]]
    assert sure == [[95, 60, 90, 75]]


@pytest.mark.parametrize(
    ("most_changed", "expected", "percents"),
    [
        (0.5, [[4, 4, 4, 1, 1, 1]], [[73, 63, 63, 69, 95, 95]]),
        # Two may change, but of the two equal ones neither is better.
        (0.4, [[4, 1, 1, 1, 1, 1]], [[73, 37, 37, 69, 95, 95]]),
        (0.2, [[4, 1, 1, 1, 1, 1]], [[73, 37, 37, 69, 95, 95]]),
        (0.16, [[1, 1, 1, 1, 1, 1]], [[27, 37, 37, 69, 95, 95]]),
    ],
)
def test_only_the_most_probable_changes_are_made(most_changed, expected, percents):
    # The mean is 0.2 of class 4 again; the odds of class 4 to class 1 of the first four, the light
    # ones, become 4 x 0.4 / 0.6 = 8 / 3, 4 x 0.3 / 0.7 = 12 / 7 twice, and 4 x 0.1 / 0.9 = 4 / 9.
    share = np.array([0.4, 0.3, 0.3, 0.1, 0.05, 0.05])
    probabilities = [np.column_stack([1 - share, share])]
    found = sharpened(
        *([[90, 90, 90, 90, 10, 10]], probabilities, [1, 4], raster([[4, 1, 1, 1, 1, 1]])),
        two_colour_classifier(),
        most_changed=most_changed,
    )
    assert found == (expected, percents)


def test_class_that_the_classifier_did_not_learn_can_still_be_right():
    # The network's means are 1/2, 1/4 and 1/4.
    probabilities = [[[0.01, 0.98, 0.01], [0.96, 0.02, 0.02], [0.63, 0, 0.37], [0.4, 0, 0.6]]]
    found, sure = sharpened(
        *([[10, 10, 10, 10]], probabilities, [1, 2, 4], raster([[1, 0, 1, 4]])),
        Fake([1, 4], [0.8, 0.2]),
        weight=0.25,
    )
    # The fourth roots of 0.8 / 0.5, 0.0001 / 0.25 and 0.2 / 0.25 are 1.125, 0.141 and 0.946:
    # 0.0101 x 1.125 = 0.0114, 0.9801 x 0.141 = 0.1386 and 0.0101 x 0.946 = 0.0096 make 87 %.
    assert found == [[2, 1, 1, 4]]
    assert sure == [[87, 98, 67, 56]]


@pytest.mark.parametrize("teaching", [[[1, 0, 1]], [[4, 4, 4]], [[0, 0, 0]]])
def test_network_map_is_kept_where_fewer_than_two_classes_teach(teaching):
    probabilities = [[[0.9, 0.1], [0.3, 0.7], [0.8, 0.2]]]
    # A classifier of None: nobody asks it.
    found = sharpened([[10, 50, 90]], probabilities, [1, 4], raster(teaching), None)
    assert found == ([[1, 4, 1]], [[90, 70, 80]])


@pytest.mark.parametrize("teaching", [[[1, 4, 1]], [[1, 1, 1]]])
def test_the_majority_decides_in_the_end_wherever_a_map_comes_from(teaching):
    probabilities = [[[0.9, 0.1], [0.3, 0.7], [0.9, 0.1]]]
    classifier = Fake([1, 4], [0.4, 0.6], [0.4, 0.6], [0.4, 0.6])
    # Confidence is that of the class that the pixel gets.
    expected = ((0, [[1, 4, 1]], [[90, 70, 90]]), (1, [[1, 1, 1]], [[90, 30, 90]]))
    for smallest_element, mapped, percent in expected:
        found, sure = sharpened(
            *([[10, 50, 90]], probabilities, [1, 4], raster(teaching), classifier),
            smallest_element=smallest_element,
            weight=0,
        )
        assert found == mapped
        assert sure == percent


def test_means_of_large_images_are_exact():
    # 4 million pixels, of which sums in 32 bits are 5 % off.
    shape = (2000, 2000)
    probabilities = np.array([[[0.9]], [[0.1]]], np.float32) * np.ones(shape, np.float32)
    teaching = np.full(shape, 1, np.uint8)
    teaching[0, 0] = 4
    classifier = Fake([1, 4], [0.6, 0.4])
    settings = SETTINGS | dict(weight=1)
    image = image_of(np.full(shape, 10))
    codes = raster([1, 4])
    of_network = probabilities, codes, *most_probable(probabilities, codes)
    _, sure = sharpen(image, *of_network, teaching, classifier, settings)
    # With a weight of 1 what the network says everywhere alike cancels out.
    assert sure[0, 0] == 60


# A share of 0.17 is one of six pixels, and none of four.
@pytest.mark.parametrize("most_changed", [1, 0.17])
def test_what_has_no_data_gets_no_class_and_does_not_count(most_changed):
    # As without the last two pixels, of which the network says nothing.
    probabilities = [[[0.95, 0.05], [0.6, 0.4], [0.9, 0.1], [0.75, 0.25], [0, 0], [0, 0]]]
    found = sharpened(
        [[10, 10, 90, 90, 0, 0]],
        probabilities,
        [1, 4],
        raster([[1, 0, 1, 4, 0, 0]]),
        Fake([1, 4], [0.5, 0.5], [0.8, 0.2], [0.2, 0.8]),
        most_changed=most_changed,
    )
    without = sharpened(
        *(TWO_COLOURS, OF_NETWORK, [1, 4], TEACHING, two_colour_classifier()),
        most_changed=most_changed,
    )
    assert [row[:4] for row in found[0]] == without[0]
    assert [row[:4] for row in found[1]] == without[1]
    assert [row[4:] for row in (*found[0], *found[1])] == [[0, 0], [0, 0]]


def test_most_probable_class_and_its_share_by_hand():
    proportions = np.array([[[2, 6, 0], [3, 1, 0]], [[0.5, 0.5, 0], [0, 0.02, 0.98]]], np.float32)
    found, percent = most_probable(np.moveaxis(proportions, -1, 0), raster([7, 3, 255]))
    assert (found.dtype, percent.dtype) == (np.uint8, np.uint8)
    # Of classes level the first is taken.
    assert found.tolist() == [[3, 7], [7, 255]]
    assert percent.tolist() == [[75, 75], [50, 98]]


@given(MAPS, st.integers(0, 3))
def test_smooth_map_is_the_majority_within_the_smallest_element(codes, reach):
    found = smooth_map(codes, {"smallest_element": reach})
    expected = slow_majority(codes, 2 * reach + 1) if reach else codes
    expected = np.where(codes > 0, expected, 0)
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("smote_enn", [False, True])
@pytest.mark.parametrize("method", ["mlp", "rf"])
def test_probabilities_of_colours_sum_to_one_in_the_order_of_the_classes(method, smote_enn):
    rng = np.random.default_rng(5)
    codes = rng.permutation(np.repeat([7, 1, 4], 50))
    # Each class has a band of its own that is light.
    light = (codes[:, None] == [1, 4, 7]).astype(np.float32)
    features = light + rng.normal(0, 0.1, light.shape).astype(np.float32)
    classifier = classifier_of(method=method, smote_enn=smote_enn, epochs=30)
    classifier.fit(features, codes, sample_weight=np.ones(len(codes)))
    assert classifier.classes_.tolist() == [1, 4, 7]
    found = classifier.predict_proba(np.eye(3, dtype=np.float32))
    np.testing.assert_allclose(found.sum(axis=1), 1, rtol=1e-6)
    assert found.diagonal().min() > 0.9


@pytest.mark.parametrize("smote_enn", [False, True])
def test_sharpening_stands_a_class_so_rare_that_it_is_not_drawn(smote_enn):
    # One pixel in 40 000 is of class 2, and 100 are drawn.
    values = np.full((200, 200), 10)
    values[0, 0] = 90
    teaching = raster(np.where(values == 10, 1, 2))
    probabilities = np.where(values[..., None] == 10, (0.97, 0.03), (0.1, 0.9))
    classifier = classifier_of(smote_enn=smote_enn, sample=100)
    found, _ = sharpened(values, probabilities, [1, 2], teaching, classifier, weight=0.25)
    assert classifier.classes_.tolist() == [1]
    assert found == teaching.tolist()


def test_inputs_are_left_as_they_were():
    image, tile_map = image_of([[10, 10, 90, 90, 10]]), raster([[1, 1, 2, 0, 2]])
    copies = image.copy(), tile_map.copy()
    options = dict(subsample=0.5, min_probability=0.5, min_tiles=2, smallest_element=1)
    teaching = taught(tile_map, confidence=raster([[90, 90, 90, 90, 40]]), **options)
    refined(image, teaching, tree(), median_size=3, colour_bits=4, entropy=True)
    np.testing.assert_array_equal(image, copies[0])
    np.testing.assert_array_equal(tile_map, copies[1])
