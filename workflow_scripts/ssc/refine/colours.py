"""The colours of an image: the features of the pixel classifier, each distinct colour once."""

from dataclasses import dataclass
from math import log2

import cv2
import numpy as np
from scipy.sparse import csr_array
from sklearn.base import ClassifierMixin

from ..errors import SettingError
from ..io.windows import Raster, Window

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

    @property
    def n_bands(self) -> int:
        """Features of a pixel."""
        return 4 if self.entropy else 3

    @property
    def margin(self) -> int:
        """Pixels about a pixel that its features depend on."""
        return max(self.median_size, ENTROPY_WINDOW if self.entropy else 1) // 2


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


def pack_colours(bands: np.ndarray, bits: int) -> np.ndarray:
    """Give each distinct colour of pixels a number.

    Parameters
    ----------
    bands : numpy.ndarray
        uint8 (height, width, bands).
    bits : int
        Bits kept of each band, 1 to 8; at most 24 over all bands.

    Returns
    -------
    numpy.ndarray
        int32 (height, width): the kept bits of the first band, the second and so on.

    Raises
    ------
    SettingError
        When the bits of all bands are more than 24.
    """
    n, shift = bands.shape[2], 8 - bits
    if bits * n > 24:
        raise SettingError(
            "colour_bits",
            f"{bits} are too many for the {n} bands that entropy makes; set it to "
            f"{24 // n} or less",
        )
    packed = np.zeros(bands.shape[:2], np.int32)
    for band in range(n):
        packed <<= bits
        packed |= bands[..., band] >> shift
    return packed


def read_packed_colours(image: Raster, window: Window, features: FeatureSettings) -> np.ndarray:
    """Number the colours of a window, as `pack_colours` does, by the features of its pixels.

    Parameters
    ----------
    image : Raster
        RGB, uint8 (height, width, 3).
    window : Window
    features : FeatureSettings

    Returns
    -------
    numpy.ndarray
        int32 (height, width) of the window.
    """
    outer = window.grown(features.margin, image.shape)
    bands = pixel_features(image[outer.slices], features.median_size, features.entropy)
    return pack_colours(bands[window.within(outer)], features.colour_bits)


def unpack_colours(packed: np.ndarray, n_bands: int, bits: int) -> np.ndarray:
    """Make colours of numbers (n,) of `pack_colours`.

    Returns
    -------
    numpy.ndarray
        uint8 (n, bands), each the lowest of the colours that its bits stand for.
    """
    offsets = bits * np.arange(n_bands)[::-1]
    colours = (packed[:, None] >> offsets & (1 << bits) - 1) << 8 - bits
    return colours.astype(np.uint8)


def count_colours(packed: np.ndarray, codes: np.ndarray, n_colours: int) -> csr_array:
    """Count how often each colour comes with each class.

    Counts of several images, or windows, are added with `+`.

    Parameters
    ----------
    packed : numpy.ndarray
        Of `pack_colours`.
    codes : numpy.ndarray
        Class codes, uint8 (height, width).
    n_colours : int
        All numbers of `packed` are below it.

    Returns
    -------
    scipy.sparse.csr_array
        Pixels by class code and colour, int64 (256, n_colours).
    """
    seen = np.bincount(packed.ravel()) > 0
    rank = np.cumsum(seen, dtype=np.int32) - 1
    colours = np.flatnonzero(seen)
    present = np.flatnonzero(np.bincount(codes.ravel())).astype(np.uint8)
    first = np.zeros(256, np.int32)
    first[present] = np.arange(len(present)) * len(colours)
    pairs = cv2.LUT(codes, first)
    pairs += rank[packed]
    counts = np.bincount(pairs.ravel(), minlength=len(present) * len(colours))
    row, column = np.nonzero(counts.reshape(len(present), -1))
    values = counts[row * len(colours) + column].astype(np.int64)
    return csr_array((values, (present[row], colours[column])), shape=(256, n_colours))


def fit_colours(
    counts: csr_array, classifier: ClassifierMixin, settings: FeatureSettings
) -> tuple[np.ndarray, np.ndarray]:
    """Fit a classifier to the distinct pairs of colour and pseudo-label, weighted by their counts.

    The result is that of a fit to all pixels, for a small part of the work.

    Parameters
    ----------
    counts : scipy.sparse.csr_array
        Of `count_colours`, with pseudo-labels as codes; 0 is unlabelled.
    classifier : ClassifierMixin
        Takes weights; fitted here.
    settings : FeatureSettings

    Returns
    -------
    features : numpy.ndarray
        Standardised features of the n distinct colours, float32 (n, bands).
    rank : numpy.ndarray
        Index into `features` of each number of `pack_colours`, int32.
    """
    of_colour = counts.sum(axis=0)
    used = np.flatnonzero(of_colour)
    rank = np.cumsum(of_colour > 0, dtype=np.int32) - 1
    colours = unpack_colours(used, settings.n_bands, settings.colour_bits)
    features = _standardise(colours, of_colour[used])
    pairs = counts[1:].tocoo()
    weight = pairs.data
    # Weights with a mean of 1 leave the balance of loss and regularisation as for pixels.
    codes = (pairs.row + 1).astype(np.uint8)
    classifier.fit(features[rank[pairs.col]], codes, sample_weight=weight / weight.mean())
    return features, rank


def _standardise(colours: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Subtract the mean and divide by the standard deviation over all pixels; float32."""
    mean = np.average(colours, axis=0, weights=counts)
    variance = np.average((colours - mean) ** 2, axis=0, weights=counts)
    return ((colours - mean) / np.sqrt(np.maximum(variance, 1e-12))).astype(np.float32)
