"""An image of other light or another river, in the colours that a CNN learned from."""

from collections.abc import Mapping, Sequence

import cv2
import numpy as np

from .raster import no_data

# How many times beyond what was learned from a brightness is another light.
BEYOND = 1.25
# The name under which files of a CNN keep the `learned_colours`.
LEARNED_COLOURS = "learned_colours"


def band_means(image: np.ndarray) -> np.ndarray:
    """Mean of each band of an RGB image, uint8 (height, width, 3), where it has data; 0..255."""
    return np.array(cv2.mean(image, (~no_data(image)).view(np.uint8))[:3])


def learned_colours(images: Sequence[np.ndarray]) -> dict:
    """What `match_colours` has to know of the images that a CNN learns from.

    Returns
    -------
    `darkest` and `brightest`, the least and the greatest mean of an image over all bands; `bands`,
    the median of the images' means of each band.
    """
    means = np.array([band_means(image) for image in images])
    brightness = means.mean(axis=1)
    return {
        "darkest": round(float(brightness.min()), 2),
        "brightest": round(float(brightness.max()), 2),
        "bands": np.median(means, axis=0).round(2).tolist(),
    }


def in_other_light(image: np.ndarray, learned: Mapping) -> bool:
    """Whether an image is darker or brighter than all that was learned from, and by a quarter."""
    brightness = band_means(image).mean()
    return not learned["darkest"] / BEYOND <= brightness <= learned["brightest"] * BEYOND


def match_colours(image: np.ndarray, learned: Mapping) -> np.ndarray:
    """The image with the means of its bands brought to those that a CNN learned from.

    The values v of a band become 255 (v / 255)^g (power-law transformation: Gonzalez & Woods 2008,
    Digital Image Processing, section 3.2.3), by the g between 1/4 and 4 that comes closest.

    Parameters
    ----------
    image
        RGB, uint8 (height, width, 3).
    learned
        From `learned_colours`.
    """
    shown = (~no_data(image)).view(np.uint8)
    if not shown.any():
        return image
    powers = np.geomspace(1 / 4, 4, 257)
    curves = 255 * (np.arange(256) / 255) ** powers[:, None]
    chosen = np.empty((1, 256, 3), np.uint8)
    for band, wanted in enumerate(learned["bands"]):
        counts = cv2.calcHist([image], [band], shown, [256], [0, 256]).ravel()
        means = curves @ counts / counts.sum()
        chosen[0, :, band] = np.rint(curves[abs(means - wanted).argmin()])
    return cv2.LUT(image, chosen)
