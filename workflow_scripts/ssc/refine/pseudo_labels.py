"""Pseudo-labels: the map of the CNN as labels for the pixel classifier of the same image."""

import logging
from dataclasses import dataclass

import numpy as np

from .majority import majority_filter


@dataclass(frozen=True)
class PseudoLabelSettings:
    """Which pixels of the CNN's map become pseudo-labels.

    Attributes
    ----------
    min_probability : float
        Pixels whose class has less probability are left out.
    pixel_fraction : float
        Share of the remaining pixels to draw.
    min_pixels : int
        Least number of pixels to draw; a warning says where an image has fewer.
    min_tiles : int
        Patches of fewer contiguous tiles take the class that surrounds them; 0 for none.
    tile_size : int
        Side of a tile in pixels; only `min_tiles` needs it.
    """

    min_probability: float
    pixel_fraction: float
    min_pixels: int
    min_tiles: int = 0
    tile_size: int = 1


def make_pseudo_labels(
    class_map: np.ndarray, confidence: np.ndarray, settings: PseudoLabelSettings, seed: int
) -> np.ndarray:
    """Make pseudo-labels from the map of a CNN, after the published filters.

    In this order: `min_tiles`, `min_probability`, `pixel_fraction` (Carbonneau et al. 2020). A
    class that is lost is logged as a warning, as are fewer than `min_pixels` pixels, unless all
    pixels of a smaller image are labelled.

    Parameters
    ----------
    class_map : numpy.ndarray
        Class codes, uint8 (height, width); 0 is no class.
    confidence : numpy.ndarray
        Probability of the class in percent, uint8 (height, width).
    settings : PseudoLabelSettings
    seed : int
        Of the draw of pixels.

    Returns
    -------
    numpy.ndarray
        Class codes, uint8 (height, width); 0 is unlabelled.
    """
    labels = class_map
    if settings.min_tiles > 1:
        labels = _merge_small_patches(labels, settings.min_tiles, settings.tile_size)
    if settings.min_probability > 0:
        labels = _mask_low_confidence(labels, settings.min_probability, confidence)
    n_labelled = int(np.count_nonzero(labels))
    n_min = settings.min_pixels
    n_drawn = max(round(settings.pixel_fraction * n_labelled), min(n_min, n_labelled))
    if n_drawn < n_labelled:
        kept = np.random.default_rng(seed).choice(
            np.flatnonzero(labels), n_drawn, replace=False, shuffle=False
        )
        all_labels, labels = labels, np.zeros_like(labels)
        labels.flat[kept] = all_labels.flat[kept]
    if n_drawn < min(n_min, class_map.size):
        logging.warning(
            "WARNING: only %d pixels have pseudo-labels, fewer than min_pixels, %d; check this "
            "map, or lower min_pixels if such maps are good",
            n_drawn,
            n_min,
        )
    return labels


def _merge_small_patches(class_map: np.ndarray, min_tiles: int, tile_size: int) -> np.ndarray:
    """Give each pixel of a patch of fewer than `min_tiles` tiles the majority about it.

    The square about a pixel reaches `min_tiles` tiles in each direction.
    """
    # Slow to import, and seldom asked for.
    from skimage.measure import label

    patches = label(class_map, connectivity=1)
    small = (np.bincount(patches.ravel()) < min_tiles * tile_size**2)[patches]
    # Gaps are no class, so they have no patches.
    small &= class_map > 0
    return np.where(small, majority_filter(class_map, 2 * min_tiles * tile_size + 1), class_map)


def _mask_low_confidence(
    labels: np.ndarray, min_probability: float, confidence: np.ndarray
) -> np.ndarray:
    """Labels, with 0 where the confidence in percent is below the probability."""
    # Rounded, for 100 * 0.07 is more than 7 in floating point.
    kept = labels * (confidence >= round(100 * min_probability, 6))
    for lost in np.setdiff1d(labels, kept):
        logging.warning(
            "WARNING: no pixel of class %d reaches min_probability %g, so the final map will lack "
            "it; lower min_probability to keep it",
            lost,
            min_probability,
        )
    return kept
