"""Phase 2: a pixel classifier that one image's tile map teaches that image's colours.

Its only features are colours, so it gives one answer per colour: it is fitted on the distinct
pairs of colour and class, weighted by their count, and asked once for each distinct colour.
The map is that of a classifier of all pixels, for a small part of the work.
"""

import warnings
from collections.abc import Mapping, Sequence

import cv2
import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.ensemble import RandomForestClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier
from threadpoolctl import threadpool_limits

# The number of epochs is the user's choice, not a failure to converge.
warnings.filterwarnings("ignore", category=ConvergenceWarning)


def refine_map(
    image: np.ndarray,
    tile_map: np.ndarray,
    classifier: ClassifierMixin,
    median_size: int,
    colour_bits: int,
) -> np.ndarray:
    """The pixel-level map of an image.

    Parameters
    ----------
    image
        RGB, uint8 (height, width, 3).
    tile_map
        Class codes that teach, uint8 (height, width); 0 teaches nothing.
    classifier
        From `pixel_classifier`, or any other that takes weights; fitted here.
    median_size
        Side in pixels of the square median filter, odd; 1 leaves the image as it is. The
        published filter is a disk of radius 5, which has the 81 pixels of a 9 x 9 square
        (Carbonneau et al. 2020).
    colour_bits
        Bits kept of each 8-bit band: colours that then are equal are one colour.

    Returns
    -------
    Class codes, uint8 (height, width).
    """
    smooth = cv2.medianBlur(image, median_size) if median_size > 1 else image
    colours, which, counts = count_colours(smooth, tile_map, colour_bits)
    taught = np.flatnonzero(counts[1:].any(axis=1)) + 1
    if len(taught) == 0:
        return np.zeros_like(tile_map)
    if len(taught) == 1:
        return np.full_like(tile_map, taught[0])
    code, colour = np.nonzero(counts[1:])
    weight = counts[code + 1, colour]
    features = _standardise(colours, counts.sum(axis=0))
    # Weights with a mean of 1 leave the balance of loss and regularisation as for pixels.
    classifier.fit(features[colour], code + 1, sample_weight=weight / weight.mean())
    return classifier.predict(features).astype(np.uint8)[which]


def count_colours(
    image: np.ndarray, codes: np.ndarray, bits: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Distinct colours of an image and how often each comes with each class.

    Returns
    -------
    colours
        uint8 (n, 3), each the lowest of the colours that its `bits` bits stand for.
    which
        Index into `colours` of each pixel, int32 (height, width).
    counts
        Pixels by class code and colour, int64 (max code + 1, n).
    """
    shift = 8 - bits
    packed = (image[..., 0] >> shift).astype(np.int32)
    for band in (1, 2):
        packed <<= bits
        packed |= image[..., band] >> shift
    present = np.bincount(packed.ravel(), minlength=1 << 3 * bits) > 0
    rank = np.cumsum(present, dtype=np.int32) - 1
    which = rank[packed]
    used = np.flatnonzero(present)
    mask = (1 << bits) - 1
    colours = np.stack([used >> 2 * bits, used >> bits & mask, used & mask], axis=1) << shift
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
        rng = np.random.default_rng(self.seed)
        drawn = rng.choice(len(codes), self.sample, p=sample_weight / sample_weight.sum())
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


def pixel_classifier(settings: Mapping, threads: int, seed: int) -> ClassifierMixin:
    """The classifier that the section `refine` of the config asks for: MLP or random forest."""
    if settings["method"] == "mlp":
        return ColourMLP(settings["hidden"], settings["epochs"], settings["sample"], seed)
    return RandomForestClassifier(settings["trees"], n_jobs=threads, random_state=seed)


def _standardise(colours: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Colours less the mean and over the standard deviation of the image's pixels, float32."""
    mean = np.average(colours, axis=0, weights=counts)
    variance = np.average((colours - mean) ** 2, axis=0, weights=counts)
    return ((colours - mean) / np.sqrt(np.maximum(variance, 1e-12))).astype(np.float32)
