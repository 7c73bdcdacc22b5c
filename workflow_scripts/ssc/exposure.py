"""An image much darker or brighter than all that a CNN learned from, as if exposed like them."""

from collections.abc import Sequence

import cv2
import numpy as np

from .raster import no_data

# How many times beyond what was learned from a brightness is another exposure.
BEYOND = 1.25
# The name under which files of a CNN keep the `learned_brightness`.
BRIGHTNESS = "brightness"


def brightness(image: np.ndarray) -> float:
    """Mean of an RGB image, uint8 (height, width, 3), where it has data, over all bands; 0..255."""
    return float(np.mean(cv2.mean(image, (~no_data(image)).view(np.uint8))[:3]))


def learned_brightness(images: Sequence[np.ndarray]) -> list[float]:
    """The lowest, the median and the highest brightness of the images that a CNN learns from."""
    found = [brightness(image) for image in images]
    return [round(float(value), 2) for value in (min(found), np.median(found), max(found))]


def match_exposure(image: np.ndarray, learned: Sequence[float]) -> np.ndarray:
    """The image, or where its brightness is beyond what was learned, one of the median brightness.

    Beyond is more than `BEYOND` times darker than the darkest image that was learned from, or
    brighter than the brightest. The values v of all bands become 255 (v / 255)^g (power-law
    transformation: Gonzalez & Woods 2008, Digital Image Processing, section 3.2.3), by the g
    between 1/4 and 4 that comes closest.

    Parameters
    ----------
    image
        RGB, uint8 (height, width, 3).
    learned
        From `learned_brightness`.
    """
    lowest, median, highest = learned
    if lowest / BEYOND <= brightness(image) <= highest * BEYOND:
        return image
    shown = (~no_data(image)).view(np.uint8)
    if not shown.any():
        return image
    counts = sum(cv2.calcHist([image], [band], shown, [256], [0, 256]) for band in range(3))
    powers = np.geomspace(1 / 4, 4, 257)
    curves = 255 * (np.arange(256) / 255) ** powers[:, None]
    means = curves @ counts.ravel() / counts.sum()
    curve = curves[abs(means - median).argmin()]
    return cv2.LUT(image, np.rint(curve).astype(np.uint8))
