"""The colours of an image: the features of the pixel classifier, each distinct colour once."""

from dataclasses import dataclass
from math import log2

import cv2
import numpy as np
from sklearn.base import ClassifierMixin

from ..errors import SettingError

ENTROPY_WINDOW = 11


@dataclass(frozen=True)
class FeatureSettings:
    """The features of a pixel.

    Attributes
    ----------
    median_size : int
        Side in pixels of the square median filter of the colours, odd; 1 for none. The published
        filter is a disk of radius 5, which has the 81 pixels of a 9 x 9 square (Carbonneau et al.
        2020).
    entropy : bool
        Add the local entropy of the red band.
    colour_bits : int
        Bits kept of each 8-bit band: colours that are then equal are one colour.
    """

    median_size: int
    entropy: bool
    colour_bits: int


def pixel_features(image: np.ndarray, median_size: int, entropy: bool) -> np.ndarray:
    """Compute the features of each pixel.

    Parameters
    ----------
    image : numpy.ndarray
        RGB, uint8 (height, width, 3).
    median_size, entropy
        As in `FeatureSettings`.

    Returns
    -------
    numpy.ndarray
        uint8 (height, width, 3 or 4): the filtered colours and, with `entropy`, -sum(p log2 p) over
        the shares p of the values of the unfiltered red band in the 11 x 11 pixels about each
        (Shannon 1948; Carbonneau et al. 2020), within the image. 0 to 255 stand for 0 to
        log2(121) bits, the most that so many pixels can have.
    """
    smooth = cv2.medianBlur(image, median_size) if median_size > 1 else image
    if not entropy:
        return smooth
    # Slow to import, and seldom asked for.
    from skimage.filters.rank import entropy as local_entropy

    window = np.ones((ENTROPY_WINDOW, ENTROPY_WINDOW), np.uint8)
    bits = local_entropy(np.ascontiguousarray(image[..., 0]), window)
    texture = np.rint(bits * (255 / log2(window.size))).astype(np.uint8)
    return np.dstack([smooth, texture])


def count_colours(
    image: np.ndarray, codes: np.ndarray, bits: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Count how often each distinct colour of an image comes with each class.

    Parameters
    ----------
    image : numpy.ndarray
        uint8 (height, width, bands).
    codes : numpy.ndarray
        Class codes, uint8 (height, width).
    bits : int
        Bits kept of each band, 1 to 8; at most 24 over all bands.

    Returns
    -------
    colours : numpy.ndarray
        uint8 (n, bands), each the lowest of the colours that its `bits` bits stand for.
    inverse : numpy.ndarray
        Index into `colours` of each pixel, int32 (height, width).
    present : numpy.ndarray
        The codes that there are, uint8 (k,).
    counts : numpy.ndarray
        Pixels by code and colour, int64 (k, n).

    Raises
    ------
    SettingError
        When the bits of all bands are more than 24.
    """
    bands, shift = image.shape[2], 8 - bits
    if bits * bands > 24:
        raise SettingError(
            "colour_bits",
            f"{bits} are too many for the {bands} bands that entropy makes; set it to "
            f"{24 // bands} or less",
        )
    packed = np.zeros(codes.shape, np.int32)
    for band in range(bands):
        packed <<= bits
        packed |= image[..., band] >> shift
    seen = np.bincount(packed.ravel(), minlength=1 << bands * bits) > 0
    rank = np.cumsum(seen, dtype=np.int32) - 1
    inverse = rank[packed]
    used = np.flatnonzero(seen)
    offsets = bits * np.arange(bands)[::-1]
    colours = (used[:, None] >> offsets & (1 << bits) - 1) << shift
    n = len(used)
    present = np.flatnonzero(np.bincount(codes.ravel())).astype(np.uint8)
    row = np.zeros(256, np.int32)
    row[present] = np.arange(len(present))
    pairs = cv2.LUT(codes, row * n)
    pairs += inverse
    counts = np.bincount(pairs.ravel(), minlength=len(present) * n)
    return colours.astype(np.uint8), inverse, present, counts.reshape(-1, n)


def fit_colours(
    image: np.ndarray,
    pseudo_labels: np.ndarray,
    classifier: ClassifierMixin,
    settings: FeatureSettings,
) -> tuple[np.ndarray, np.ndarray]:
    """Fit a classifier to the distinct pairs of colour and pseudo-label, weighted by their counts.

    The result is that of a fit to all pixels, for a small part of the work.

    Parameters
    ----------
    image : numpy.ndarray
        RGB, uint8 (height, width, 3).
    pseudo_labels : numpy.ndarray
        Class codes, uint8 (height, width); 0 is unlabelled.
    classifier : ClassifierMixin
        Takes weights; fitted here.
    settings : FeatureSettings

    Returns
    -------
    features : numpy.ndarray
        Standardised features of the n distinct colours, float32 (n, bands).
    inverse : numpy.ndarray
        Index of each pixel's colour, int32 (height, width).

    Raises
    ------
    SettingError
        When `colour_bits` is too high for `entropy`.
    """
    bands = pixel_features(image, settings.median_size, settings.entropy)
    colours, inverse, present, counts = count_colours(bands, pseudo_labels, settings.colour_bits)
    features = _standardise(colours, counts.sum(axis=0))
    counts[present == 0] = 0
    row, colour = np.nonzero(counts)
    weight = counts[row, colour]
    # Weights with a mean of 1 leave the balance of loss and regularisation as for pixels.
    classifier.fit(features[colour], present[row], sample_weight=weight / weight.mean())
    return features, inverse


def _standardise(colours: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Subtract the mean and divide by the standard deviation over all pixels; float32."""
    mean = np.average(colours, axis=0, weights=counts)
    variance = np.average((colours - mean) ** 2, axis=0, weights=counts)
    return ((colours - mean) / np.sqrt(np.maximum(variance, 1e-12))).astype(np.float32)
