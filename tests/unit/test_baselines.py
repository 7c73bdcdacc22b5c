from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from sklearn.discriminant_analysis import QuadraticDiscriminantAnalysis

from ssc.refine import baselines
from ssc.refine.baselines import MaximumLikelihood, fit_baseline
from ssc.refine.colours import count_colours, pack_colours
from ssc.refine.pixel_classifiers import PixelClassifierSettings

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

NAMES = ["ML", "PixelMLP", "PixelRF"]
SETTINGS = PixelClassifierSettings(
    method="mlp", hidden_layers=[16], epochs=10, n_samples=2000, n_trees=10
)


def count_labels(image, labels, bits):
    counts = count_colours(pack_colours(image, bits), labels, 8**bits)
    counts.data[: counts.indptr[1]] = 0
    counts.eliminate_zeros()
    return counts


def apply_lookup_table(image, table, bits=4):
    return table[pack_colours(image, bits)]


def fit(name, image, labels, bits=4, seed=42, settings=SETTINGS):
    return fit_baseline(name, count_labels(image, labels, bits), settings, seed)


def columns(*groups):
    """An image of one row and its labels from (pixels, colour, code)."""
    image = [colour for pixels, colour, _ in groups for _ in range(pixels)]
    labels = [code for pixels, _, code in groups for _ in range(pixels)]
    return np.array([image], np.uint8), np.array([labels], np.uint8)


@pytest.mark.parametrize(
    ("values", "weights", "cell_variance", "borders"),
    [
        # Equal variances: half way between the means, however many pixels a class has.
        (([-1, 1], [2, 4]), ([1, 1], [900, 900]), 0, [1.5]),
        # Weighted: means -0.5 and 2.5, variances 0.75.
        (([-1, 1], [2, 4]), ([3, 1], [3, 1]), 0, [1.0]),
        # Variances 1 and 4: x^2 = ln 4 + (x - 3)^2 / 4, so 3 x^2 + 6 x - 9 - 4 ln 4 = 0.
        (([-1, 1], [1, 5]), ([1, 1], [1, 1]), 0, [-3.418, 1.418]),
        # 1/4 within each colour: 1.25 and 4.25, so
        # x^2 / 1.25 = ln 3.4 + (x - 3)^2 / 4.25 and 3 x^2 + 7.5 x - 11.25 - 5.3125 ln 3.4 = 0.
        (([-1, 1], [1, 5]), ([1, 1], [1, 1]), 0.25, [-3.985, 1.485]),
        # Flat classes.
        (([0], [3]), ([5], [1]), 0.25, [1.5]),
    ],
)
def test_maximum_likelihood_has_its_borders_where_the_densities_are_equal(
    values, weights, cell_variance, borders
):
    features = np.concatenate(values).astype(float)[:, None]
    codes = np.repeat([1, 4], [len(v) for v in values])
    classifier = MaximumLikelihood(np.array([cell_variance]))
    classifier.fit(features, codes, sample_weight=np.concatenate(weights))
    asked = np.array([[b - 0.01, b + 0.01] for b in borders]).reshape(-1, 1)
    inside = {1: [1, 4], 2: [4, 1, 1, 4]}[len(borders)]
    assert classifier.predict(asked).tolist() == inside


def test_maximum_likelihood_agrees_with_quadratic_discriminant_analysis():
    rng = np.random.default_rng(2)
    spread = np.array([[20, 12, 0], [0, 15, 9], [0, 0, 12]])
    pixels = [
        mean + scale * rng.normal(size=(n, 3)) @ np.roll(spread, turn, axis=1)
        for mean, scale, turn, n in ([90, 1.0, 0, 4000], [150, 1.3, 1, 400], [120, 0.7, 2, 1500])
    ]
    labels = np.repeat(np.array([1, 2, 5], np.uint8), [len(p) for p in pixels])
    image = np.clip(np.concatenate(pixels), 0, 255).astype(np.uint8)
    table = fit("ML", image[None], labels[None], bits=4)
    # Eight pixels about the middle of each cell have the variance of an evenly filled one.
    corners = 16 / 12**0.5 * np.array(list(product((-1, 1), repeat=3)))
    spread_out = ((image // 16 * 16 + 8)[:, None] + corners).reshape(-1, 3)
    qda = QuadraticDiscriminantAnalysis(priors=[1 / 3] * 3).fit(spread_out, np.repeat(labels, 8))
    middles = np.stack(np.meshgrid(*[np.arange(8, 256, 16)] * 3, indexing="ij"), axis=-1)
    expected = qda.predict(middles.reshape(-1, 3))
    assert set(np.unique(expected)) == {1, 2, 5}
    assert (table == expected).mean() > 0.999


@pytest.mark.parametrize("name", NAMES)
def test_baselines_apply_lookup_table_learnt_from_other_images(name):
    rng = np.random.default_rng(3)
    truth = rng.choice(np.array([1, 4, 7], np.uint8), (40, 60))
    means = np.zeros((8, 3))
    means[[1, 4, 7]] = [(40, 80, 160), (160, 80, 40), (80, 160, 40)]
    images = [(means[truth] + rng.integers(-20, 20, (40, 60, 3))).astype(np.uint8) for _ in "ab"]
    labels = np.where(rng.random(truth.shape) < 0.5, truth, 0).astype(np.uint8)
    labels[labels == 7] = 0  # seen but never labelled, so never mapped
    class_map = apply_lookup_table(images[1], fit(name, images[0], labels))
    assert class_map.dtype == np.uint8
    assert (class_map == truth)[truth != 7].mean() > 0.99
    assert set(np.unique(class_map)) == {1, 4}


@pytest.mark.parametrize("name", ["PixelMLP", "PixelRF"])
def test_majority_of_pixels_decides_a_colour_of_two_classes(name):
    low, high = (20, 20, 20), (200, 200, 200)
    image, labels = columns((90, low, 1), (10, low, 2), (10, high, 1), (90, high, 2))
    assert apply_lookup_table(image, fit(name, image, labels)).tolist() == [[1] * 100 + [2] * 100]


@pytest.mark.parametrize("name", ["PixelMLP", "PixelRF"])
def test_a_rare_class_counts_no_more_than_its_pixels(name):
    low, high = (20, 20, 20), (200, 200, 200)
    image, labels = columns((1000, high, 1), (60, low, 1), (40, low, 2))
    assert (apply_lookup_table(image, fit(name, image, labels)) == 1).all()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("code", [0, 3])
def test_table_of_no_or_one_class_is_that_everywhere(name, code):
    table = fit(name, *columns((5, (10, 20, 30), code), (5, (90, 80, 70), 0)))
    assert (table.shape, table.dtype, np.unique(table).tolist()) == ((16**3,), np.uint8, [code])


def noise():
    """An image and labels that have nothing to do with each other."""
    rng = np.random.default_rng(5)
    labels = rng.integers(1, 4, (20, 20)).astype(np.uint8)
    return rng.integers(0, 256, (20, 20, 3)).astype(np.uint8), labels


@pytest.mark.parametrize("name", NAMES)
def test_seed_alone_decides_a_table(name, monkeypatch):
    once, other = fit(name, *noise()), fit(name, *noise(), seed=7)
    assert np.array_equal(once, other) == (name == "ML")
    # Nor does it matter how many colours are asked for at once.
    monkeypatch.setattr(baselines, "CHUNK", 1000)
    np.testing.assert_array_equal(fit(name, *noise()), once)


@pytest.mark.parametrize("name", NAMES)
def test_settings_of_phase_2_are_those_of_the_baseline_of_that_kind(name):
    once = fit(name, *noise())
    for concerned, change in (("PixelMLP", {"hidden_layers": [8]}), ("PixelRF", {"n_trees": 3})):
        other = fit(name, *noise(), settings=replace(SETTINGS, **change))
        assert np.array_equal(other, once) == (name != concerned)
    # But without SMOTE-ENN.
    other = fit(name, *noise(), settings=replace(SETTINGS, method="rf", smote_enn=True))
    np.testing.assert_array_equal(other, once)
