from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from refine_samples import CLASSIFIER, classifier_of, raster, refine_by_colour

from ssc.refine.pixel_classifiers import (
    BalancedClassifier,
    make_pixel_classifier,
)


class Recorder:
    """Keeps what it is given."""

    def fit(self, features, codes, sample_weight):
        self.fitted = np.column_stack([features[:, 0], codes, sample_weight]).tolist()


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
    class_map = refine_by_colour(image, tile_map, classifier, colour_bits=6)
    assert (class_map == truth).mean() > 0.97


@pytest.mark.parametrize("smote_enn", [False, True])
@pytest.mark.parametrize("method", ["mlp", "rf"])
def test_seed_alone_decides_a_map_that_could_fall_either_way(method, smote_enn):
    rng = np.random.default_rng(5)
    image = rng.integers(0, 256, (20, 20, 3)).astype(np.uint8)
    tile_map = rng.integers(1, 3, (20, 20)).astype(np.uint8)
    tile_map[:, 10:] = 0

    def class_map(seed):
        classifier = classifier_of(seed, method=method, smote_enn=smote_enn)
        return refine_by_colour(image, tile_map, classifier, colour_bits=6).tobytes()

    assert class_map(1) == class_map(1)
    assert class_map(1) != class_map(2)


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
    settings = replace(CLASSIFIER, method="rf", n_trees=50)
    forest = make_pixel_classifier(settings, threads=8, seed=42)
    forest.fit(features.repeat(3, axis=0), np.tile([1, 2, 3], 3000), np.ones(9000))
    expected = forest.predict(features)
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
    mlp = classifier_of(hidden_layers=hidden, epochs=1, n_samples=100)
    mlp.fit(np.eye(3, dtype=np.float32), np.array([1, 2, 4]), sample_weight=np.ones(3))
    assert [layer.shape[1] for layer in mlp.network_.coefs_] == [*units, 3]


def test_network_learns_for_the_epochs_asked_for_even_where_nothing_can_be_learnt():
    mlp = classifier_of(hidden_layers=[2], epochs=200, n_samples=100)
    mlp.fit(np.zeros((2, 3), np.float32), np.array([1, 2]), sample_weight=np.ones(2))
    assert mlp.network_.n_iter_ == 200


@pytest.mark.parametrize(("smote_enn", "rare"), [(False, 1), (True, 2)])
@pytest.mark.parametrize("method", ["mlp", "rf"])
def test_smote_enn_finds_a_rare_class_among_the_colours_of_another(method, smote_enn, rare):
    # Class 1 has all colours alike; one pixel in five of the two lightest is of class 2.
    grey = np.linspace(-1, 1, 20, dtype=np.float32)[:, None].repeat(3, axis=1)
    features, codes = np.vstack([grey, grey[-2:]]), np.repeat([1, 2], [20, 2])
    classifier = classifier_of(method=method, smote_enn=smote_enn, n_samples=1000)
    classifier.fit(features, codes, sample_weight=np.repeat([4.0, 1.0], [20, 2]))
    assert classifier.predict(grey[[0, 9, 19]]).tolist() == [1, 1, rare]


def fitted_on(codes, weights, features, n_samples=1000):
    """How many colours of each class a classifier is given after SMOTE-ENN; their weights."""
    recorder = Recorder()
    features = np.array(features, np.float32)[:, None].repeat(3, axis=1)
    balanced = BalancedClassifier(recorder, n_samples, seed=42)
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
    assert lone.startswith("WARNING: SMOTE-ENN cannot balance class 3: one colour of 1000")
    assert lost.startswith("WARNING: SMOTE-ENN leaves nothing of class 3")


def test_smote_enn_keeps_mixed_colours_where_there_are_no_others(caplog):
    # Of six colours in one place none can have three neighbours of its class.
    number, _ = fitted_on([1, 2], [1, 1], [0, 0], n_samples=5)
    assert number == {1: 3, 2: 3}
    assert "no two classes with colours of their own" in caplog.text


def test_smote_enn_of_one_drawn_class_is_that_class():
    assert fitted_on([1, 2], [1e9, 1], [-1, 1])[0] == {1: 1000}


def test_smote_enn_keeps_a_lone_colour_where_it_is_all_there_is_of_a_second_class():
    # Drawn with this seed: 999 colours of class 1 and one of class 2.
    assert fitted_on([1, 2], [999, 1], [-1, 1])[0] == {1: 999, 2: 1}


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
    probabilities = classifier.predict_proba(np.eye(3, dtype=np.float32))
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-6)
    assert probabilities.diagonal().min() > 0.9
