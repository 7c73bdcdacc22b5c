"""Images of another river or exposure, in the colours of a CNN's training images."""

from collections.abc import Mapping, Sequence

import cv2
import numpy as np

from ..io.rasters import no_data_mask

# Times the range of brightness of the training images beyond which an exposure is an outlier.
BRIGHTNESS_TOLERANCE = 1.25
# The name under which files of a CNN keep the `training_colour_stats`.
COLOUR_STATS = "training_colour_stats"


def band_means(image: np.ndarray) -> np.ndarray:
    """Average the bands of an RGB image, uint8 (height, width, 3), where it has data; 0..255."""
    return np.array(cv2.mean(image, (~no_data_mask(image)).view(np.uint8))[:3])


def training_colour_stats(images: Sequence[np.ndarray]) -> dict:
    """Summarise the colours of training images for `match_colours`.

    Parameters
    ----------
    images : sequence of numpy.ndarray
        RGB, uint8 (height, width, 3).

    Returns
    -------
    dict
        `darkest` and `brightest`, the least and the greatest mean of an image over all bands;
        `bands`, the median of the images' means of each band; all from 0 to 255.
    """
    means = np.array([band_means(image) for image in images])
    brightness = means.mean(axis=1)
    return {
        "darkest": round(float(brightness.min()), 2),
        "brightest": round(float(brightness.max()), 2),
        "bands": np.median(means, axis=0).round(2).tolist(),
    }


def is_exposure_outlier(image: np.ndarray, stats: Mapping) -> bool:
    """Whether an image is darker or brighter than all training images, and by a quarter.

    Parameters as for `match_colours`.
    """
    brightness = band_means(image).mean()
    darkest = stats["darkest"] / BRIGHTNESS_TOLERANCE
    return not darkest <= brightness <= stats["brightest"] * BRIGHTNESS_TOLERANCE


def match_colours(image: np.ndarray, stats: Mapping) -> np.ndarray:
    """Bring the means of an image's bands to those of the training images.

    The values v of a band become 255 (v / 255)^g (power-law transformation: Gonzalez & Woods 2008,
    Digital Image Processing, section 3.2.3), by the g between 1/4 and 4 that comes closest.

    Parameters
    ----------
    image : numpy.ndarray
        RGB, uint8 (height, width, 3).
    stats : Mapping
        From `training_colour_stats`.

    Returns
    -------
    numpy.ndarray
        uint8 (height, width, 3).
    """
    valid = (~no_data_mask(image)).view(np.uint8)
    if not valid.any():
        return image
    powers = np.geomspace(1 / 4, 4, 257)
    curves = 255 * (np.arange(256) / 255) ** powers[:, None]
    lookup = np.empty((1, 256, 3), np.uint8)
    for band, target in enumerate(stats["bands"]):
        counts = cv2.calcHist([image], [band], valid, [256], [0, 256]).ravel()
        means = curves @ counts / counts.sum()
        lookup[0, :, band] = np.rint(curves[abs(means - target).argmin()])
    return cv2.LUT(image, lookup)
