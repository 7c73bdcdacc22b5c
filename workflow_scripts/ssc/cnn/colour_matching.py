"""Images of another river or exposure, in the colours of a CNN's training images."""

from collections.abc import Mapping, Sequence

import cv2
import numpy as np

from ..io.windows import Image, windows

# Factor of brightness from which on an exposure is an outlier.
BRIGHTNESS_TOLERANCE = 1.25
# Images that have to agree; of fewer, one often differs by its contents alone.
MIN_USUAL = 7
# The name under which files of a CNN keep the `training_colour_stats`.
COLOUR_STATS = "training_colour_stats"


def colour_histogram(image: Image) -> np.ndarray:
    """Count the values of each band where an image has data.

    Parameters
    ----------
    image : Image

    Returns
    -------
    numpy.ndarray
        Pixels by band and value, int64 (3, 256).
    """
    counts = np.zeros((3, 256), np.int64)
    for window in windows(image.shape):
        pixels = image[window.slices]
        valid = (~image.no_data(window)).view(np.uint8)
        for band, of_band in enumerate(counts):
            of_band += cv2.calcHist([pixels], [band], valid, [256], [0, 256]).ravel().astype(int)
    return counts


def band_means(histogram: np.ndarray) -> np.ndarray:
    """Average the bands, float64 (3,), 0..255, of a histogram; NaN where nothing was counted."""
    with np.errstate(invalid="ignore"):
        return histogram @ np.arange(256) / histogram.sum(axis=1)


def training_colour_stats(histograms: Sequence[np.ndarray]) -> dict:
    """Summarise the colours of training images for `matching_curves`.

    Parameters
    ----------
    histograms : sequence of numpy.ndarray
        Of `colour_histogram`.

    Returns
    -------
    dict
        `darkest` and `brightest`, the least and the greatest mean of an image over all bands;
        `bands`, the median of the images' means of each band; all from 0 to 255.
    """
    means = np.nan_to_num([band_means(histogram) for histogram in histograms])
    brightness = means.mean(axis=1)
    return {
        "darkest": round(float(brightness.min()), 2),
        "brightest": round(float(brightness.max()), 2),
        "bands": np.median(means, axis=0).round(2).tolist(),
    }


def usual_exposures(histograms: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Select the images of a river that have about the exposure of most of them.

    In order of brightness the images are divided at the largest ratio of one image to the one
    before. The other part is of another exposure where this ratio is more than a quarter, and more
    than that of the brightest to the darkest image of the selected part.

    Parameters
    ----------
    histograms : sequence of numpy.ndarray
        Of `colour_histogram`.

    Returns
    -------
    list of numpy.ndarray
        Of the part with more than half of the images, at least seven; of all images where there is
        no such part.
    """
    if len(histograms) <= MIN_USUAL:
        return list(histograms)
    means = [band_means(histogram).mean() for histogram in histograms]
    brightness = np.log(np.maximum(np.nan_to_num(means), 1))
    order = np.argsort(brightness)
    steps = np.diff(brightness[order])
    usual = max(np.split(order, [steps.argmax() + 1]), key=len)
    enough = len(usual) >= MIN_USUAL and 2 * len(usual) > len(histograms)
    apart = max(np.log(BRIGHTNESS_TOLERANCE), np.ptp(brightness[usual]))
    if not enough or steps.max() <= apart:
        return list(histograms)
    return [histograms[number] for number in sorted(usual)]


def is_exposure_outlier(histogram: np.ndarray, stats: Mapping) -> bool:
    """Whether an image is darker or brighter than all training images, and by a quarter.

    Parameters as for `matching_curves`.
    """
    brightness = np.nan_to_num(band_means(histogram)).mean()
    darkest = stats["darkest"] / BRIGHTNESS_TOLERANCE
    return not darkest <= brightness <= stats["brightest"] * BRIGHTNESS_TOLERANCE


def matching_curves(histogram: np.ndarray, stats: Mapping) -> np.ndarray | None:
    """Find the curves that bring the means of an image's bands to those of the training images.

    The values v of a band become 255 (v / 255)^g (power-law transformation: Gonzalez & Woods 2008,
    Digital Image Processing, section 3.2.3), by the g between 1/4 and 4 that comes closest.

    Parameters
    ----------
    histogram : numpy.ndarray
        Of `colour_histogram`.
    stats : Mapping
        From `training_colour_stats`.

    Returns
    -------
    numpy.ndarray or None
        uint8 (1, 256, 3), for `cv2.LUT`; None for an image without data.
    """
    if not histogram.any():
        return None
    powers = np.geomspace(1 / 4, 4, 257)
    curves = 255 * (np.arange(256) / 255) ** powers[:, None]
    lookup = np.empty((1, 256, 3), np.uint8)
    for band, target in enumerate(stats["bands"]):
        counts = histogram[band]
        means = curves @ counts / counts.sum()
        lookup[0, :, band] = np.rint(curves[abs(means - target).argmin()])
    return lookup
