"""Phase 2: the final map of an image, from the CNN and a classifier of the image's own colours."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from sklearn.base import ClassifierMixin

from ..probabilities import CoarseProbabilities, argmax_map, mapped_probability
from .colours import FeatureSettings, fit_colours
from .majority import majority_filter

# A class that the CNN or the pixel classifier rules out may still be right.
EPSILON = np.float32(1e-4)


@dataclass(frozen=True)
class FusionSettings:
    """How much the CNN and the colours count in the final map.

    Attributes
    ----------
    cnn_weight : float
        Exponent of the CNN's probabilities, 0 to 1; 0 as published: colours alone decide.
    colour_weight : float
        Exponent of the pixel classifier's probabilities; below 1 where the CNN counts, for it saw
        the colours too. It is not used where `cnn_weight` is 0.
    max_changed_fraction : float
        Share of the pixels of the CNN's map that may get another class; 1 for no limit.
    majority_radius : int
        Pixels about each pixel of the final map, to either side, whose majority it takes at last;
        0 for none.
    """

    cnn_weight: float
    colour_weight: float
    max_changed_fraction: float
    majority_radius: int


def refine_map(
    image: np.ndarray,
    cnn_map: np.ndarray,
    cnn_confidence: np.ndarray,
    probabilities: CoarseProbabilities,
    pseudo_labels: np.ndarray,
    classifier: ClassifierMixin,
    features: FeatureSettings,
    fusion: FusionSettings,
) -> tuple[np.ndarray, np.ndarray]:
    """Make the final map of an image.

    Nothing inside an image tells whether phase 2 helps. So only the most probable changes of the
    CNN's map are made, up to `max_changed_fraction`. With pseudo-labels of fewer than two classes
    there is nothing to learn, and the CNN's map is kept.

    Parameters
    ----------
    image : numpy.ndarray
        RGB, uint8 (height, width, 3).
    cnn_map, cnn_confidence : numpy.ndarray
        Class codes, and their probability in percent, uint8 (height, width); both are 0 where the
        image has no data, and there the final map is 0 too.
    probabilities : CoarseProbabilities
        Of the CNN.
    pseudo_labels : numpy.ndarray
        Class codes, uint8 (height, width), from `make_pseudo_labels`; 0 is unlabelled.
    classifier : ClassifierMixin
        From `make_pixel_classifier`, or any other that takes weights; fitted here.
    features : FeatureSettings
    fusion : FusionSettings

    Returns
    -------
    class_map : numpy.ndarray
        Class codes, uint8 (height, width).
    confidence : numpy.ndarray
        Probability of the class in percent, uint8 (height, width).

    Raises
    ------
    SettingError
        When `colour_bits` is too high for `entropy`.

    Notes
    -----
    By Bayes' rule the probability of class c, given a pixel's surroundings and its colour, is in
    proportion to p_c^a (q_c / m_c^a)^w. p is the CNN's probability; q that of the pixel classifier
    for the colour; m the mean of p over the image, so that q / m is the likelihood of the colour; a
    and w are the weights of CNN and colour. With a = 0 it is that of the pixel classifier alone
    (Carbonneau et al. 2020).
    """
    class_codes = probabilities.class_codes
    class_map, confidence = cnn_map, cnn_confidence
    posterior: Callable[[], np.ndarray] = probabilities.enlarge
    if np.count_nonzero(np.bincount(pseudo_labels.ravel())[1:]) > 1:
        colours, inverse = fit_colours(image, pseudo_labels, classifier, features)
        of_colour = np.zeros((len(class_codes), len(colours)), np.float32)
        rows = [class_codes.tolist().index(code) for code in classifier.classes_]
        of_colour[rows] = classifier.predict_proba(colours).T
        if fusion.cnn_weight == 0:
            # Each colour has one class, so no plane of pixels is needed.
            of_colour += EPSILON
            class_map, confidence = (v[inverse] for v in argmax_map(of_colour, class_codes))
            class_map[cnn_map == 0] = confidence[cnn_map == 0] = 0
            posterior = partial(np.take, of_colour, inverse, axis=1)
        else:
            pixels = probabilities.enlarge()
            _fuse_probabilities(pixels, cnn_map == 0, of_colour, inverse, fusion)
            class_map, confidence = argmax_map(pixels, class_codes)
            posterior = partial(np.asarray, pixels)
        _limit_changes(
            class_map, confidence, cnn_map, posterior, class_codes, fusion.max_changed_fraction
        )
    if fusion.majority_radius == 0:
        return class_map, confidence
    smooth = smooth_map(class_map, fusion.majority_radius)
    changed = np.flatnonzero(smooth != class_map)
    if len(changed):
        confidence = confidence.copy()
        share = mapped_probability(posterior(), class_codes, smooth, changed)
        confidence.ravel()[changed] = np.rint(100 * share)
    return smooth, confidence


def smooth_map(class_map: np.ndarray, radius: int) -> np.ndarray:
    """Take the majority within `radius` pixels along rows and columns; 0, no class, stays.

    Parameters
    ----------
    class_map : numpy.ndarray
        Class codes, uint8 (height, width).
    radius : int
        In pixels; 0 changes nothing.

    Returns
    -------
    numpy.ndarray
        Class codes, uint8 (height, width).
    """
    return majority_filter(class_map, 2 * radius + 1) * (class_map > 0)


def _fuse_probabilities(
    pixels: np.ndarray,
    empty: np.ndarray,
    of_colour: np.ndarray,
    inverse: np.ndarray,
    fusion: FusionSettings,
) -> None:
    """Multiply the CNN's probabilities, (k, height, width), by the evidence of colours, in place.

    They are the largest array of phase 2.
    """
    if empty.any():
        pixels[:, empty] = 0
    # In 32 bits the sum of millions of pixels can be off by several percent.
    mean = pixels.mean(axis=(1, 2), dtype=np.float64).astype(np.float32)
    prior = (mean[:, None] + EPSILON) ** np.float32(fusion.cnn_weight)
    evidence = ((of_colour + EPSILON) / prior) ** np.float32(fusion.colour_weight)
    for plane, of_class in zip(pixels, evidence, strict=True):
        plane += EPSILON
        if fusion.cnn_weight != 1:
            np.power(plane, np.float32(fusion.cnn_weight), out=plane)
        plane *= of_class[inverse]
    if empty.any():
        pixels[:, empty] = 0


def _limit_changes(
    class_map: np.ndarray,
    confidence: np.ndarray,
    cnn_map: np.ndarray,
    posterior: Callable[[], np.ndarray],
    class_codes: np.ndarray,
    max_fraction: float,
) -> None:
    """Give pixels the CNN's class back, in place, until no more than a share of them differs.

    Those of the lowest odds of their new class against the CNN's are the first to go back.
    """
    changed = np.flatnonzero(class_map != cnn_map)
    most = int(max_fraction * np.count_nonzero(cnn_map))
    if len(changed) <= most:
        return
    pixels = posterior()
    new, old = (mapped_probability(pixels, class_codes, m, changed) for m in (class_map, cnn_map))
    odds = new / old
    # Equal odds all go back, so that their order does not count.
    undone = odds <= np.partition(odds, -most - 1)[-most - 1]
    back = changed[undone]
    class_map.ravel()[back] = cnn_map.ravel()[back]
    confidence.ravel()[back] = np.rint(100 * old[undone])
