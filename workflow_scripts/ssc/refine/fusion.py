"""Phase 2: the final map of an image, from the CNN and a classifier of the image's own colours."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from scipy.sparse import csr_array
from sklearn.base import ClassifierMixin

from ..io.windows import Raster, Window
from ..probabilities import (
    CoarseProbabilities,
    argmax_map,
    expected_areas,
    mapped_probability,
)
from .colours import FeatureSettings, count_colours, fit_colours, read_packed_colours
from .majority import majority_filter
from .pseudo_labels import PseudoLabels

# A class that the CNN or the pixel classifier rules out may still be right.
EPSILON = np.float32(1e-4)
# Bits of a 32-bit float that are left out where odds are counted: equal ones differ by 1/2048.
ODDS_SHIFT = 12


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


class RefinedMap:
    """The final map of an image, made window by window.

    Nothing inside an image tells whether phase 2 helps. So only the most probable changes of the
    CNN's map are made, up to `max_changed_fraction`. With pseudo-labels of fewer than two classes
    there is nothing to learn, and the CNN's map is kept.

    The first pass over the windows counts colours, the second finds which changes are the most
    probable ones, and `read` makes the map. What an image of one window gives is kept.

    Parameters
    ----------
    image : Raster
        RGB, uint8 (height, width, 3).
    cnn_map, cnn_confidence : Raster
        Class codes, and their probability in percent, uint8 (height, width); both are 0 where the
        image has no data, and there the final map is 0 too.
    probabilities : CoarseProbabilities
        Of the CNN.
    pseudo_labels : PseudoLabels
        Of the same map.
    classifier : ClassifierMixin
        From `make_pixel_classifier`, or any other that takes weights; fitted here.
    features : FeatureSettings
    fusion : FusionSettings

    Attributes
    ----------
    expected_areas : dict of int to float
        Expected pixels of each class, by class code, from the CNN's probabilities.

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

    def __init__(
        self,
        image: Raster,
        cnn_map: Raster,
        cnn_confidence: Raster,
        probabilities: CoarseProbabilities,
        pseudo_labels: PseudoLabels,
        classifier: ClassifierMixin,
        features: FeatureSettings,
        fusion: FusionSettings,
    ):
        self.image, self.cnn_map, self.cnn_confidence = image, cnn_map, cnn_confidence
        self.probabilities, self.features, self.fusion = probabilities, features, fusion
        self.windows = pseudo_labels.windows
        self.codes = probabilities.class_codes
        self._last: dict[Callable, tuple[Window, Any]] = {}
        counts, sums, n_mapped = self._count(pseudo_labels)
        self.expected_areas = expected_areas(sums, self.codes, n_mapped)
        self.of_colour: np.ndarray | None = None
        self.least_odds = 0
        if np.count_nonzero(counts.sum(axis=1)[1:]) > 1:
            colours, self.rank = fit_colours(counts, classifier, features)
            self.of_colour = np.zeros((len(self.codes), len(colours)), np.float32)
            rows = [self.codes.tolist().index(code) for code in classifier.classes_]
            self.of_colour[rows] = classifier.predict_proba(colours).T
            if fusion.cnn_weight == 0:
                self.of_colour += EPSILON
            else:
                mean = (sums / (image.shape[0] * image.shape[1])).astype(np.float32)
                prior = (mean[:, None] + EPSILON) ** np.float32(fusion.cnn_weight)
                evidence = ((self.of_colour + EPSILON) / prior) ** np.float32(fusion.colour_weight)
                self.of_colour = evidence
            self.least_odds = self._find_least_odds(n_mapped)

    def read(self, window: Window) -> tuple[np.ndarray, np.ndarray]:
        """Make the map of one of the `windows`.

        Returns
        -------
        class_map : numpy.ndarray
            Class codes, uint8 (height, width).
        confidence : numpy.ndarray
            Probability of the class in percent, uint8 (height, width).
        """
        radius = self.fusion.majority_radius
        outer = window.grown(radius, self.image.shape)
        class_map, confidence, posterior = self._limited(outer)
        if radius > 0:
            smooth = smooth_map(class_map, radius)
            changed = np.flatnonzero(smooth != class_map)
            if len(changed):
                share = mapped_probability(posterior(), self.codes, smooth, changed)
                confidence.ravel()[changed] = np.rint(100 * share)
            class_map = smooth
        part = window.within(outer)
        return class_map[part], confidence[part]

    def _keep(self, make: Callable[[Window], Any], window: Window) -> Any:
        """Make something of a window, or take it from the last time if that was this window."""
        if self._last.get(make, (None,))[0] != window:
            self._last.pop(make, None)
            self._last[make] = window, make(window)
        return self._last[make][1]

    def _pack(self, window: Window) -> np.ndarray:
        """Numbers of the colours of a window, int32 (height, width)."""
        return read_packed_colours(self.image, window, self.features)

    def _count(self, pseudo_labels: PseudoLabels) -> tuple[csr_array, np.ndarray, int]:
        """Colours by pseudo-label, sums of the CNN's probabilities, (k,), and mapped pixels."""
        n_colours = 1 << self.features.n_bands * self.features.colour_bits
        counts, sums = csr_array((256, n_colours), dtype=np.int64), np.zeros(len(self.codes))
        n_mapped = 0
        for window in self.windows:
            labels, packed = pseudo_labels.read(window), self._keep(self._pack, window)
            counts += count_colours(packed, labels, n_colours)
            mapped = self.cnn_map[window.slices] > 0
            n_mapped += int(np.count_nonzero(mapped))
            sums += self.probabilities.sums(window, mapped)
        return counts, sums, n_mapped

    def _fuse(self, window: Window) -> tuple[np.ndarray, np.ndarray, Callable[[], np.ndarray]]:
        """Map and confidence of CNN and colours, and what gives their probabilities (k, h, w)."""
        empty = self.cnn_map[window.slices] == 0
        if self.of_colour is None:
            class_map, confidence = (
                raster[window.slices] for raster in (self.cnn_map, self.cnn_confidence)
            )
            return class_map, confidence, partial(self.probabilities.enlarge, window)
        of_colour, colours = self.of_colour, self.rank[self._keep(self._pack, window)]
        if self.fusion.cnn_weight == 0:
            # Each colour has one class, so no plane of pixels is needed.
            class_map, confidence = (v[colours] for v in argmax_map(of_colour, self.codes))
            class_map[empty] = confidence[empty] = 0
            return class_map, confidence, partial(np.take, of_colour, colours, axis=1)
        pixels = self.probabilities.enlarge(window)
        for plane, of_class in zip(pixels, of_colour, strict=True):
            plane += EPSILON
            if self.fusion.cnn_weight != 1:
                np.power(plane, np.float32(self.fusion.cnn_weight), out=plane)
            plane *= of_class[colours]
        if empty.any():
            pixels[:, empty] = 0
        return *argmax_map(pixels, self.codes), partial(np.asarray, pixels)

    def _changes(self, window: Window) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Pixels of other classes than in the CNN's map, the codes of their odds, and `old`.

        Odds are those of the new class against the CNN's; `old` is the probability of the CNN's.
        """
        class_map, _, posterior = self._keep(self._fuse, window)
        cnn_map = self.cnn_map[window.slices]
        changed = np.flatnonzero(class_map != cnn_map)
        pixels = posterior()
        new, old = (
            mapped_probability(pixels, self.codes, m, changed) for m in (class_map, cnn_map)
        )
        # The leading bits of a positive float are in the order of its value.
        return changed, (new / old).view(np.uint32) >> ODDS_SHIFT, old

    def _find_least_odds(self, n_mapped: int) -> int:
        """Code of odds that a change has to be above, so that no more than a share is changed."""
        if self.fusion.max_changed_fraction == 1:
            return 0
        of_code = np.zeros(1 << 32 - ODDS_SHIFT, np.int64)
        for window in self.windows:
            codes = self._changes(window)[1]
            of_code += np.bincount(codes, minlength=len(of_code))
        most = int(self.fusion.max_changed_fraction * n_mapped)
        # Equal odds all go back, so that their order does not count.
        n_above = of_code.sum() - of_code.cumsum()
        return 0 if of_code.sum() <= most else int(np.flatnonzero(n_above <= most)[0])

    def _limited(self, window: Window) -> tuple[np.ndarray, np.ndarray, Callable[[], np.ndarray]]:
        """As `_fuse`, but changes of lower odds get the CNN's class back."""
        class_map, confidence, posterior = self._keep(self._fuse, window)
        class_map, confidence = class_map.copy(), confidence.copy()
        if self.least_odds > 0:
            changed, codes, old = self._changes(window)
            undone = codes <= self.least_odds
            back = changed[undone]
            class_map.ravel()[back] = self.cnn_map[window.slices].ravel()[back]
            confidence.ravel()[back] = np.rint(100 * old[undone])
        return class_map, confidence, posterior


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
