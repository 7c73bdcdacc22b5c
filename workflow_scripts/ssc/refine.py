"""Phase 2: a pixel classifier that one image's tile map teaches that image's colours.

Its only features are a pixel's bands, so it gives one answer per colour: it is fitted on the
distinct pairs of colour and class, weighted by their count, and asked once for each distinct
colour. The map is that of a classifier of all pixels, for a small part of the work.

`settings` is the section `refine` of the config throughout.
"""

import logging
import warnings
from collections.abc import Mapping, Sequence
from math import log2

import cv2
import numpy as np
from skimage.filters.rank import entropy as local_entropy
from skimage.measure import label
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.ensemble import RandomForestClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier
from threadpoolctl import threadpool_limits

from .errors import InputError

# The number of epochs is the user's choice, not a failure to converge.
warnings.filterwarnings("ignore", category=ConvergenceWarning)

# Units in each hidden layer of the published networks (Carbonneau et al. 2020).
NETWORKS = {
    "deep": (256, 128, 64, 32, 32),
    "very_deep": (512, 256, 128, 128, 64, 32, 32),
}
ENTROPY_WINDOW = 11


def teach(
    tile_map: np.ndarray,
    settings: Mapping,
    tile_size: int,
    confidence: np.ndarray | None,
    seed: int,
) -> np.ndarray:
    """What a tile map teaches the pixel classifier, after the published filters.

    In this order: `min_tiles` merges small patches into their surroundings, `min_probability`
    drops doubtful tiles, `subsample` draws a share of the pixels that are left, though no fewer
    than `min_pixels` (Carbonneau et al. 2020). A class that is lost and too few pixels are logged
    as warnings.

    Parameters
    ----------
    tile_map
        Class codes, uint8 (height, width); 0 teaches nothing.
    tile_size
        Side of a tile in pixels.
    confidence
        Highest class probability of each pixel's tile in percent, uint8 (height, width); only
        `min_probability` over 0 needs it.
    seed
        Of the draw of pixels.

    Returns
    -------
    Class codes, uint8 (height, width); 0 teaches nothing.
    """
    teaching = tile_map
    if settings["min_tiles"] > 1:
        teaching = _merge_patches(teaching, settings["min_tiles"], tile_size)
    if settings["min_probability"] > 0:
        teaching = _drop_doubtful(teaching, settings["min_probability"], confidence)
    taught = np.flatnonzero(teaching)
    least = settings["min_pixels"]
    drawn = max(round(settings["subsample"] * len(taught)), min(least, len(taught)))
    if drawn < len(taught):
        kept = np.random.default_rng(seed).choice(taught, drawn, replace=False, shuffle=False)
        everything, teaching = teaching, np.zeros_like(teaching)
        teaching.flat[kept] = everything.flat[kept]
    if drawn < least:
        logging.warning(
            "WARNING: %d pixels teach phase 2, fewer than refine.min_pixels %d; "
            "check this map, or lower refine.min_pixels if such maps are good",
            drawn,
            least,
        )
    return teaching


def refine_map(
    image: np.ndarray, teaching: np.ndarray, classifier: ClassifierMixin, settings: Mapping
) -> np.ndarray:
    """The pixel-level map of an image.

    Parameters
    ----------
    image
        RGB, uint8 (height, width, 3).
    teaching
        Class codes that teach, uint8 (height, width), from `teach`; 0 teaches nothing.
    classifier
        From `pixel_classifier`, or any other that takes weights; fitted here.
    settings
        `median_size` and `entropy` as in `feature_bands`; `colour_bits`, the bits kept of each
        8-bit band: colours that then are equal are one colour; `smallest_element`, pixels: unless
        0, the majority within that distance along rows and columns decides in the end.

    Returns
    -------
    Class codes, uint8 (height, width).

    Raises
    ------
    InputError
        When `colour_bits` is too high for `entropy`.
    """
    bands = feature_bands(image, settings["median_size"], settings["entropy"])
    colours, which, counts = count_colours(bands, teaching, settings["colour_bits"])
    taught = np.flatnonzero(counts[1:].any(axis=1)) + 1
    if len(taught) == 0:
        return np.zeros_like(teaching)
    if len(taught) == 1:
        return np.full_like(teaching, taught[0])
    code, colour = np.nonzero(counts[1:])
    weight = counts[code + 1, colour]
    features = _standardise(colours, counts.sum(axis=0))
    # Weights with a mean of 1 leave the balance of loss and regularisation as for pixels.
    classifier.fit(features[colour], code + 1, sample_weight=weight / weight.mean())
    found = classifier.predict(features).astype(np.uint8)[which]
    if settings["smallest_element"] > 0:
        found = majority_filter(found, 2 * settings["smallest_element"] + 1)
    return found


def feature_bands(image: np.ndarray, median_size: int, entropy: bool) -> np.ndarray:
    """What the pixel classifier knows of each pixel, uint8 (height, width, 3 or 4).

    Parameters
    ----------
    image
        RGB, uint8 (height, width, 3).
    median_size
        Side in pixels of the square median filter of the colours, odd; 1 leaves them as they are.
        The published filter is a disk of radius 5, which has the 81 pixels of a 9 x 9 square
        (Carbonneau et al. 2020).
    entropy
        Add a band: -sum(p log2 p) over the shares p of the values of the unfiltered red band in
        the 11 x 11 pixels about each (Shannon 1948; Carbonneau et al. 2020), within the image.
        0 to 255 stand for 0 to log2(121) bits, the most that so many pixels can have.
    """
    smooth = cv2.medianBlur(image, median_size) if median_size > 1 else image
    if not entropy:
        return smooth
    window = np.ones((ENTROPY_WINDOW, ENTROPY_WINDOW), np.uint8)
    bits = local_entropy(np.ascontiguousarray(image[..., 0]), window)
    texture = np.rint(bits * (255 / log2(window.size))).astype(np.uint8)
    return np.dstack([smooth, texture])


def majority_filter(codes: np.ndarray, side: int) -> np.ndarray:
    """The most frequent class in the square about each pixel, uint8 (height, width).

    Of equally frequent classes the one of lowest code is taken. Only where a square holds no
    class at all is the result 0.

    Parameters
    ----------
    codes
        Class codes, uint8 (height, width); 0 is no class.
    side
        Of the square in pixels, odd; 1 changes nothing. Its part outside the map is empty.
    """
    # A larger square holds no more of the map, but OpenCV would buffer all its rows.
    side = min(side, 2 * max(codes.shape) + 1)
    major = np.zeros_like(codes)
    most = np.zeros(codes.shape, np.int32)
    for code in np.flatnonzero(np.bincount(codes.ravel())[1:]) + 1:
        # Running sums: the cost does not depend on the side. As integers they are exact.
        of_code = (codes == code).view(np.uint8)
        count = cv2.boxFilter(
            of_code, cv2.CV_32S, (side, side), normalize=False, borderType=cv2.BORDER_CONSTANT
        )
        major[count > most] = code
        np.maximum(most, count, out=most)
    return major


def count_colours(
    image: np.ndarray, codes: np.ndarray, bits: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Distinct colours of an image and how often each comes with each class.

    Parameters
    ----------
    image
        uint8 (height, width, bands).
    codes
        Class codes, uint8 (height, width).
    bits
        Bits kept of each band, 1 to 8; at most 24 over all bands.

    Returns
    -------
    colours
        uint8 (n, bands), each the lowest of the colours that its `bits` bits stand for.
    which
        Index into `colours` of each pixel, int32 (height, width).
    counts
        Pixels by class code and colour, int64 (max code + 1, n).

    Raises
    ------
    InputError
        When the bits of all bands are more than 24.
    """
    bands, shift = image.shape[2], 8 - bits
    if bits * bands > 24:
        raise InputError(
            f"refine.colour_bits is {bits}, too many for the {bands} bands that refine.entropy "
            f"makes; set refine.colour_bits to {24 // bands} or less"
        )
    packed = np.zeros(codes.shape, np.int32)
    for band in range(bands):
        packed <<= bits
        packed |= image[..., band] >> shift
    present = np.bincount(packed.ravel(), minlength=1 << bands * bits) > 0
    rank = np.cumsum(present, dtype=np.int32) - 1
    which = rank[packed]
    used = np.flatnonzero(present)
    offsets = bits * np.arange(bands)[::-1]
    colours = (used[:, None] >> offsets & (1 << bits) - 1) << shift
    n = len(used)
    pairs = codes * np.int32(n)
    pairs += which
    counts = np.bincount(pairs.ravel(), minlength=(int(codes.max()) + 1) * n)
    return colours.astype(np.uint8), which, counts.reshape(-1, n)


class ColourMLP(ClassifierMixin, BaseEstimator):
    """A multi-layer perceptron with relu units, fitted by Adam on colours drawn by weight.

    Parameters
    ----------
    hidden
        Units in each hidden layer.
    epochs
        Passes over the drawn colours.
    sample
        How many colours are drawn, with replacement, in proportion to their weights. The
        expected loss is that of weighting the loss, but no batch is ruled by one heavy colour:
        on Monterey that gave a macro F1 of 0.75 where weighting the loss gave 0.66 to 0.71.
    """

    def __init__(self, hidden: Sequence[int], epochs: int, sample: int, seed: int):
        self.hidden = hidden
        self.epochs = epochs
        self.sample = sample
        self.seed = seed

    def fit(self, features: np.ndarray, codes: np.ndarray, sample_weight: np.ndarray):
        drawn = _draw(sample_weight, self.sample, np.random.default_rng(self.seed))
        self.network_ = MLPClassifier(
            hidden_layer_sizes=tuple(self.hidden),
            max_iter=self.epochs,
            batch_size=min(500, self.sample),
            learning_rate_init=0.01,
            n_iter_no_change=self.epochs,
            random_state=self.seed,
        )
        # Matrices this small gain nothing from threads, and sums in another order would make
        # the map depend on their number.
        with threadpool_limits(1):
            self.network_.fit(features[drawn], codes[drawn])
        return self

    def predict(self, features: np.ndarray) -> np.ndarray:
        with threadpool_limits(1):
            return self.network_.predict(features)


class ColourForest(RandomForestClassifier):
    """A random forest that sums the votes of its trees in their order.

    scikit-learn's sums them as its threads come to them, so that rounding, and with it the class
    of a colour on which the votes are level, changes from run to run.
    """

    def predict(self, features: np.ndarray) -> np.ndarray:
        votes = sum(tree.predict_proba(features) for tree in self.estimators_)
        return self.classes_[votes.argmax(axis=1)]


class BalancedClassifier(ClassifierMixin, BaseEstimator):
    """A classifier fitted on colours that SMOTE-ENN has balanced, all of equal weight.

    SMOTE adds colours between a rarer class's neighbours until it has as many as the commonest;
    ENN then drops every colour of whose three nearest neighbours one is of another class (Batista
    et al. 2004, ACM SIGKDD Explorations 6(1), 20-29). What this cannot do for a class is logged
    as a warning.

    Parameters
    ----------
    classifier
        Takes weights; fitted here.
    sample
        How many colours are drawn, with replacement, in proportion to their weights, before any
        are added: so the work does not grow with the image.
    """

    def __init__(self, classifier: ClassifierMixin, sample: int, seed: int):
        self.classifier = classifier
        self.sample = sample
        self.seed = seed

    def fit(self, features: np.ndarray, codes: np.ndarray, sample_weight: np.ndarray):
        rng = np.random.default_rng(self.seed)
        drawn = _draw(sample_weight, self.sample, rng)
        features, codes = features[drawn], codes[drawn]
        if np.ptp(codes) > 0:
            features, codes = self._balance(features, codes, rng)
        self.classifier.fit(features, codes, sample_weight=np.ones(len(codes)))
        return self

    def predict(self, features: np.ndarray) -> np.ndarray:
        return self.classifier.predict(features)

    def _balance(
        self, features: np.ndarray, codes: np.ndarray, rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        # Slow to import, and seldom asked for.
        from imblearn.over_sampling import SMOTE
        from imblearn.under_sampling import EditedNearestNeighbours

        present, number = np.unique(codes, return_counts=True)
        for lone in present[number == 1]:
            logging.warning(
                "WARNING: refine.smote_enn cannot balance class %d: one colour of %d is of it, and "
                "has no neighbour; a larger refine.sample may find more",
                lone,
                len(codes),
            )
        several = number > 1
        smote = SMOTE(
            sampling_strategy=dict.fromkeys(present[several], number.max()),
            k_neighbors=min(5, number[several].min() - 1),
            random_state=self.seed,
        )
        features, codes = smote.fit_resample(features, codes)
        # A hair apart, copies of a colour have neighbours by chance; in one place it would be
        # by their order, in a time that grows with the square of their number.
        apart = (features + rng.normal(0, 1e-3, features.shape)).astype(np.float32)
        enn = EditedNearestNeighbours(sampling_strategy="all")
        enn.fit_resample(apart, codes)
        kept = enn.sample_indices_
        left = np.unique(codes[kept])
        if len(left) < 2:
            logging.warning(
                "WARNING: refine.smote_enn finds no two classes with colours of their own; "
                "classes are balanced, but mixed colours stay"
            )
            return features, codes
        for lost in np.setdiff1d(present, left):
            logging.warning(
                "WARNING: refine.smote_enn leaves nothing of class %d: all its colours are among "
                "those of other classes",
                lost,
            )
        return features[kept], codes[kept]


def pixel_classifier(settings: Mapping, threads: int, seed: int) -> ClassifierMixin:
    """The classifier that the settings ask for: `mlp` or `rf`, with `smote_enn` or without.

    `hidden` gives the MLP's units in each layer, or names a network of `NETWORKS`. Of the
    published networks only these sizes are kept: scikit-learn's MLP has no dropout.
    """
    if settings["method"] == "mlp":
        hidden = settings["hidden"]
        units = NETWORKS[hidden] if isinstance(hidden, str) else hidden
        classifier = ColourMLP(units, settings["epochs"], settings["sample"], seed)
    else:
        classifier = ColourForest(settings["trees"], n_jobs=threads, random_state=seed)
    if settings["smote_enn"]:
        return BalancedClassifier(classifier, settings["sample"], seed)
    return classifier


def _merge_patches(tile_map: np.ndarray, min_tiles: int, tile_size: int) -> np.ndarray:
    """The tile map with the majority about each pixel of a patch of fewer than `min_tiles` tiles.

    The square about a pixel reaches `min_tiles` tiles in each direction.
    """
    patches = label(tile_map, connectivity=1)
    small = (np.bincount(patches.ravel()) < min_tiles * tile_size**2)[patches]
    # Gaps are no class, so they have no patches.
    small &= tile_map > 0
    return np.where(small, majority_filter(tile_map, 2 * min_tiles * tile_size + 1), tile_map)


def _drop_doubtful(
    teaching: np.ndarray, min_probability: float, confidence: np.ndarray
) -> np.ndarray:
    """The teaching map with 0 where the confidence, percent, is below the share asked for."""
    # Rounded, for 100 * 0.07 is more than 7 in floating point.
    sure = teaching * (confidence >= round(100 * min_probability, 6))
    for lost in np.setdiff1d(teaching, sure):
        logging.warning(
            "WARNING: no tile of class %d reaches refine.min_probability %g, so the map will lack "
            "it; lower refine.min_probability to keep it",
            lost,
            min_probability,
        )
    return sure


def _draw(weights: np.ndarray, size: int, rng: np.random.Generator) -> np.ndarray:
    """Indices drawn with replacement, each in proportion to its weight, int64 (size,)."""
    return rng.choice(len(weights), size, p=weights / weights.sum())


def _standardise(colours: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Colours less the mean and over the standard deviation of the image's pixels, float32."""
    mean = np.average(colours, axis=0, weights=counts)
    variance = np.average((colours - mean) ** 2, axis=0, weights=counts)
    return ((colours - mean) / np.sqrt(np.maximum(variance, 1e-12))).astype(np.float32)
