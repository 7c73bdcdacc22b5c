"""Settings and helpers of the tests of phase 2."""

from dataclasses import replace

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.tree import DecisionTreeClassifier

from ssc.io.windows import WINDOW_SIDE, windows
from ssc.probabilities import CoarseProbabilities, argmax_map
from ssc.refine.colours import FeatureSettings
from ssc.refine.fusion import FusionSettings, RefinedMap
from ssc.refine.pixel_classifiers import PixelClassifierSettings, make_pixel_classifier

# Small networks and forests, no filter: what a test is about it sets itself.
CLASSIFIER = PixelClassifierSettings(
    method="mlp", hidden_layers=[16], epochs=10, n_samples=2000, n_trees=10
)
FEATURES = FeatureSettings(median_size=1, entropy=False, colour_bits=8)
BY_COLOUR = FusionSettings(cnn_weight=0, colour_weight=1, max_changed_fraction=1, majority_radius=0)

# Few values in each band, so that colours come again.
SHAPES = st.tuples(st.integers(1, 6), st.integers(1, 6))
MAPS = SHAPES.flatmap(lambda s: arrays(np.uint8, s, elements=st.sampled_from([0, 1, 2, 255])))


def image_of(values):
    """A grey image: each value in all three bands."""
    return np.repeat(np.array(values, np.uint8)[..., None], 3, axis=2)


def raster(values):
    return np.array(values, np.uint8)


def tree():
    return DecisionTreeClassifier(random_state=0)


def classifier_of(seed=42, **changes):
    return make_pixel_classifier(replace(CLASSIFIER, **changes), threads=1, seed=seed)


def pixel_probabilities(planes, class_codes):
    """Probabilities (k, height, width) that are known for every pixel."""
    return CoarseProbabilities.of_cells(planes, class_codes, 1, planes.shape[1:])


class FixedPseudoLabels:
    """Pseudo-labels (height, width) that a test chooses."""

    def __init__(self, codes, side=WINDOW_SIDE):
        self.codes, self.windows = codes, windows(codes.shape, side)

    def read(self, window):
        return self.codes[window.slices]


def refine_map(image, cnn_map, confidence, probabilities, pseudo_labels, *others, side=WINDOW_SIDE):
    """The final map and its confidence, made in windows of this side."""
    fixed = FixedPseudoLabels(pseudo_labels, side)
    refined = RefinedMap(image, cnn_map, confidence, probabilities, fixed, *others)
    codes, percent = np.empty_like(cnn_map), np.empty_like(cnn_map)
    for window in refined.windows:
        codes[window.slices], percent[window.slices] = refined.read(window)
    return codes, percent


def refine_by_colour(image, pseudo_labels, classifier, majority_radius=0, **changes):
    """The final map where colours alone decide; the CNN maps the first class everywhere."""
    class_codes = np.unique(pseudo_labels[pseudo_labels > 0])
    planes = np.zeros((len(class_codes), *pseudo_labels.shape), np.float32)
    planes[0] = 1
    fusion = replace(BY_COLOUR, majority_radius=majority_radius)
    features = replace(FEATURES, **changes)
    of_cnn = *argmax_map(planes, class_codes), pixel_probabilities(planes, class_codes)
    return refine_map(image, *of_cnn, pseudo_labels, classifier, features, fusion)[0]
