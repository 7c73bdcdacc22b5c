from dataclasses import replace

import numpy as np
import pytest
from refine_samples import (
    FEATURES,
    classifier_of,
    image_of,
    pixel_probabilities,
    raster,
    refine_map,
)

from ssc.probabilities import argmax_map
from ssc.refine.fusion import FusionSettings

FUSION = FusionSettings(cnn_weight=1, colour_weight=0.5, max_changed_fraction=1, majority_radius=0)


class Fake:
    """Gives the colours of an image, from dark to light, the probabilities that a test wants."""

    def __init__(self, classes, *probabilities):
        self.classes_, self.probabilities = np.array(classes), np.array(probabilities)

    def fit(self, features, codes, sample_weight):
        self.fitted = np.column_stack([features[:, 0] > 0, codes, sample_weight]).tolist()

    def predict_proba(self, features):
        assert (np.diff(features[:, 0]) > 0).all()
        return self.probabilities


def refined(values, probabilities, codes, pseudo_labels, classifier, **changes):
    """Final map and confidence from the probabilities (height, width, k) of a CNN."""
    planes = np.moveaxis(np.array(probabilities, np.float32), -1, 0)
    class_codes = raster(codes)
    cnn_map, cnn_confidence = argmax_map(planes, class_codes)
    class_map, confidence = refine_map(
        image_of(values),
        cnn_map,
        cnn_confidence,
        pixel_probabilities(planes, class_codes),
        pseudo_labels,
        classifier,
        FEATURES,
        replace(FUSION, **changes),
    )
    assert (class_map.dtype, confidence.dtype) == (np.uint8, np.uint8)
    return class_map.tolist(), confidence.tolist()


# Two pixels of each of two colours; the CNN's mean is 0.8 of class 1 and 0.2 of class 4.
TWO_COLOURS = [[10, 10, 90, 90]]
OF_CNN = np.array([[[0.95, 0.05], [0.6, 0.4], [0.9, 0.1], [0.75, 0.25]]])
PSEUDO_LABELS = raster([[1, 0, 1, 4]])


def two_colour_classifier():
    # As often of class 1 as on the mean, and four times as often of the rarer class 4.
    return Fake([1, 4], [0.8, 0.2], [0.2, 0.8])


@pytest.mark.parametrize("order", [[0, 1], [1, 0]])
def test_final_map_follows_bayes_rule_whatever_the_order_of_class_codes(order):
    classifier = two_colour_classifier()
    of_cnn = OF_CNN[..., order], np.array([1, 4])[order]
    class_map, confidence = refined(TWO_COLOURS, *of_cnn, PSEUDO_LABELS, classifier)
    # Odds of class 1, for a weight of 1/2: those of the CNN times
    # sqrt(0.8 / 0.8 / (0.2 / 0.2)) = 1 and sqrt(0.2 / 0.8 / (0.8 / 0.2)) = 1/4.
    # 9 / 4 is 69 %; 3 / 4 is 43 %, that is 57 % of class 4.
    assert class_map == [[1, 1, 1, 4]]
    assert confidence == [[95, 60, 69, 57]]
    assert classifier.fitted == [[0, 1, 1], [1, 1, 1], [1, 4, 1]]


def test_colour_weight_0_gives_the_map_and_confidence_of_the_cnn():
    class_map, confidence = refined(
        TWO_COLOURS, OF_CNN, [1, 4], PSEUDO_LABELS, two_colour_classifier(), colour_weight=0
    )
    assert class_map == [[1, 1, 1, 1]]
    assert confidence == [[95, 60, 90, 75]]


@pytest.mark.parametrize(
    ("max_changed_fraction", "expected", "percents"),
    [
        (0.5, [[4, 4, 4, 1, 1, 1]], [[73, 63, 63, 69, 95, 95]]),
        # Two may change, but of the two equal ones neither is better.
        (0.4, [[4, 1, 1, 1, 1, 1]], [[73, 37, 37, 69, 95, 95]]),
        (0.2, [[4, 1, 1, 1, 1, 1]], [[73, 37, 37, 69, 95, 95]]),
        (0.16, [[1, 1, 1, 1, 1, 1]], [[27, 37, 37, 69, 95, 95]]),
    ],
)
def test_only_the_most_probable_changes_are_made(max_changed_fraction, expected, percents):
    # The mean is 0.2 of class 4 again; the odds of class 4 to class 1 of the first four, the light
    # ones, become 4 x 0.4 / 0.6 = 8 / 3, 4 x 0.3 / 0.7 = 12 / 7 twice, and 4 x 0.1 / 0.9 = 4 / 9.
    share = np.array([0.4, 0.3, 0.3, 0.1, 0.05, 0.05])
    probabilities = [np.column_stack([1 - share, share])]
    maps = refined(
        *([[90, 90, 90, 90, 10, 10]], probabilities, [1, 4], raster([[4, 1, 1, 1, 1, 1]])),
        two_colour_classifier(),
        max_changed_fraction=max_changed_fraction,
    )
    assert maps == (expected, percents)


def test_class_that_the_classifier_did_not_learn_can_still_be_right():
    # The CNN's means are 1/2, 1/4 and 1/4.
    probabilities = [[[0.01, 0.98, 0.01], [0.96, 0.02, 0.02], [0.63, 0, 0.37], [0.4, 0, 0.6]]]
    class_map, confidence = refined(
        *([[10, 10, 10, 10]], probabilities, [1, 2, 4], raster([[1, 0, 1, 4]])),
        Fake([1, 4], [0.8, 0.2]),
        colour_weight=0.25,
    )
    # The fourth roots of 0.8 / 0.5, 0.0001 / 0.25 and 0.2 / 0.25 are 1.125, 0.141 and 0.946:
    # 0.0101 x 1.125 = 0.0114, 0.9801 x 0.141 = 0.1386 and 0.0101 x 0.946 = 0.0096 make 87 %.
    assert class_map == [[2, 1, 1, 4]]
    assert confidence == [[87, 98, 67, 56]]


def test_class_that_the_cnn_gives_nowhere_leaves_the_others_as_they_are():
    with_third = np.insert(OF_CNN, 1, 0, axis=-1), [1, 2, 4]
    maps = refined(TWO_COLOURS, *with_third, PSEUDO_LABELS, two_colour_classifier())
    assert maps == ([[1, 1, 1, 4]], [[95, 60, 69, 57]])


@pytest.mark.parametrize("pseudo_labels", [[[1, 0, 1]], [[4, 4, 4]], [[0, 0, 0]]])
def test_map_of_the_cnn_is_kept_where_pseudo_labels_have_fewer_than_two_classes(pseudo_labels):
    probabilities = [[[0.9, 0.1], [0.3, 0.7], [0.8, 0.2]]]
    # A classifier of None: nobody asks it.
    maps = refined([[10, 50, 90]], probabilities, [1, 4], raster(pseudo_labels), None)
    assert maps == ([[1, 4, 1]], [[90, 70, 80]])


@pytest.mark.parametrize("pseudo_labels", [[[1, 4, 1]], [[1, 1, 1]]])
def test_the_majority_decides_in_the_end_wherever_a_map_comes_from(pseudo_labels):
    probabilities = [[[0.9, 0.1], [0.3, 0.7], [0.9, 0.1]]]
    classifier = Fake([1, 4], [0.4, 0.6], [0.4, 0.6], [0.4, 0.6])
    # Confidence is that of the class that the pixel gets.
    expected = ((0, [[1, 4, 1]], [[90, 70, 90]]), (1, [[1, 1, 1]], [[90, 30, 90]]))
    for majority_radius, mapped, percent in expected:
        class_map, confidence = refined(
            *([[10, 50, 90]], probabilities, [1, 4], raster(pseudo_labels), classifier),
            majority_radius=majority_radius,
            colour_weight=0,
        )
        assert class_map == mapped
        assert confidence == percent


def test_probability_that_the_cnn_gives_everywhere_cancels_out():
    # p / m is 1 for both classes, so that q is left.
    maps = refined(
        *([[10, 10, 10]], [[[0.9, 0.1]] * 3], [1, 4], raster([[1, 4, 4]])),
        Fake([1, 4], [0.6, 0.4]),
        colour_weight=1,
    )
    assert maps == ([[1, 1, 1]], [[60, 60, 60]])


# A share of 0.17 is one of six pixels, and none of four.
@pytest.mark.parametrize("max_changed_fraction", [1, 0.17])
def test_what_has_no_data_gets_no_class_and_does_not_count(max_changed_fraction):
    # As without the last two pixels, of which the CNN says nothing.
    probabilities = [[[0.95, 0.05], [0.6, 0.4], [0.9, 0.1], [0.75, 0.25], [0, 0], [0, 0]]]
    maps = refined(
        [[10, 10, 90, 90, 0, 0]],
        probabilities,
        [1, 4],
        raster([[1, 0, 1, 4, 0, 0]]),
        Fake([1, 4], [0.5, 0.5], [0.8, 0.2], [0.2, 0.8]),
        max_changed_fraction=max_changed_fraction,
    )
    without = refined(
        *(TWO_COLOURS, OF_CNN, [1, 4], PSEUDO_LABELS, two_colour_classifier()),
        max_changed_fraction=max_changed_fraction,
    )
    assert [row[:4] for row in maps[0]] == without[0]
    assert [row[:4] for row in maps[1]] == without[1]
    assert [row[4:] for row in (*maps[0], *maps[1])] == [[0, 0], [0, 0]]


@pytest.mark.parametrize("smote_enn", [False, True])
def test_a_class_so_rare_that_it_is_not_drawn_can_be_mapped(smote_enn):
    # One pixel in 40 000 is of class 2, and 100 are drawn.
    values = np.full((200, 200), 10)
    values[0, 0] = 90
    pseudo_labels = raster(np.where(values == 10, 1, 2))
    probabilities = np.where(values[..., None] == 10, (0.97, 0.03), (0.1, 0.9))
    classifier = classifier_of(smote_enn=smote_enn, n_samples=100)
    class_map, _ = refined(
        values, probabilities, [1, 2], pseudo_labels, classifier, colour_weight=0.25
    )
    assert classifier.classes_.tolist() == [1]
    assert class_map == pseudo_labels.tolist()


def test_colours_alone_decide_as_published():
    # The CNN says class 1 of all; its probabilities count nothing, and its class at most once.
    probabilities = np.array([[[0.99, 0.01], [0.99, 0.01], [0.6, 0.4], [0.51, 0.49], [0, 0]]])
    values, pseudo_labels = [[10, 10, 90, 90, 90]], raster([[1, 1, 4, 1, 0]])
    published = dict(cnn_weight=0, colour_weight=1, max_changed_fraction=1)

    def final(**changes):
        classifier = two_colour_classifier()
        return refined(
            values, probabilities, [1, 4], pseudo_labels, classifier, **published | changes
        )

    # Where the image has no data nothing is mapped.
    assert final() == ([[1, 1, 4, 4, 0]], [[80, 80, 80, 80, 0]])
    # The weight of colours makes no difference where nothing else counts.
    assert final(colour_weight=0.25) == final()
    # Of two equal changes neither is better.
    assert final(max_changed_fraction=0.25) == ([[1, 1, 1, 1, 0]], [[80, 80, 20, 20, 0]])


def test_majority_of_a_published_map_has_the_confidence_of_the_colour():
    class_map, confidence = refined(
        *([[10, 90, 10]], [[[0.1, 0.9]] * 3], [1, 4], raster([[1, 4, 1]])),
        Fake([1, 4], [0.8, 0.2], [0.3, 0.7]),
        cnn_weight=0,
        majority_radius=1,
    )
    # Colours alone make it 1, 4, 1.
    assert (class_map, confidence) == ([[1, 1, 1]], [[80, 30, 80]])


def test_cnn_weight_is_an_exponent():
    classifier = two_colour_classifier()
    class_map, confidence = refined(
        TWO_COLOURS, OF_CNN, [1, 4], PSEUDO_LABELS, classifier, cnn_weight=0.5, colour_weight=1
    )
    # Odds of class 1: (0.95 / 0.05)^1/2 x 4 / (0.8 / 0.2)^1/2 = 8.72 and (0.6 / 0.4)^1/2 x 2 =
    # 2.45 of the dark pixels, 3 x 1 / 4 / 2 = 0.375 and 3^1/2 / 8 = 0.217 of the light ones.
    assert class_map == [[1, 1, 4, 4]]
    assert confidence == [[90, 71, 73, 82]]


@pytest.mark.parametrize(
    "changes",
    [
        dict(max_changed_fraction=0.02),
        dict(max_changed_fraction=1, majority_radius=2),
        dict(cnn_weight=0, max_changed_fraction=0.05),
    ],
)
def test_map_does_not_depend_on_the_windows(changes):
    rng = np.random.default_rng(4)
    truth = np.kron(rng.integers(0, 2, (8, 8)), np.ones((20, 20), int))
    image = (60 + 50 * truth[..., None] + rng.normal(0, 12, (160, 160, 3))).astype(np.uint8)
    image[:30, :50] = 0
    share = np.clip(0.3 + 0.4 * truth + rng.normal(0, 0.2, truth.shape), 0.01, 0.99)
    planes = np.stack([1 - share, share]).astype(np.float32)
    planes[:, :30, :50] = 0
    codes = raster([1, 4])
    cnn_map, confidence = argmax_map(planes, codes)
    maps = [
        refine_map(
            image,
            cnn_map,
            confidence,
            pixel_probabilities(planes, codes),
            cnn_map,
            classifier_of(),
            replace(FEATURES, median_size=5, colour_bits=6),
            replace(FUSION, **changes),
            side=side,
        )
        for side in (2048, 64)
    ]
    assert 0 < (maps[0][0] != cnn_map).mean() < 0.5
    np.testing.assert_array_equal(*maps)


def test_inputs_are_left_as_they_were():
    probabilities = np.moveaxis(OF_CNN.astype(np.float32), -1, 0)
    probabilities[:, 0, 1] = 0.3, 0.7
    coarse = pixel_probabilities(probabilities, raster([1, 4]))
    inputs = [image_of(TWO_COLOURS), *argmax_map(probabilities, coarse.class_codes)]
    inputs += [coarse.values, PSEUDO_LABELS]
    before = [array.copy() for array in inputs]
    for changes in ({}, {"cnn_weight": 0}, {"max_changed_fraction": 0}, {"majority_radius": 1}):
        # Without pseudo-labels the map of the CNN is kept, and only the majority changes it.
        for pseudo_labels in (PSEUDO_LABELS, 0 * PSEUDO_LABELS):
            fusion = replace(FUSION, **changes)
            arguments = (*inputs[:3], coarse, pseudo_labels, two_colour_classifier())
            refine_map(*arguments, FEATURES, fusion)
    for array, copy in zip(inputs, before, strict=True):
        np.testing.assert_array_equal(array, copy)
