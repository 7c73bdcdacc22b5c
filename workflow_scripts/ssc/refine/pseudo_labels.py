"""Pseudo-labels: the map of the CNN as labels for the pixel classifier of the same image."""

import logging
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..io.windows import WINDOW_SIDE, Raster, Window, windows
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
        Least number of pixels to draw; a warning says where a larger image has fewer.
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


class PseudoLabels:
    """Pseudo-labels from the map of a CNN, after the published filters, window by window.

    In this order: `min_tiles`, `min_probability`, `pixel_fraction` (Carbonneau et al. 2020). A
    class that is lost is logged as a warning, as are fewer than `min_pixels` pixels of a map
    that has as many. Each window gets its share of the pixels to draw.

    Parameters
    ----------
    class_map : Raster
        Class codes, uint8 (height, width); 0 is no class.
    confidence : Raster
        Probability of the class in percent, uint8 (height, width).
    settings : PseudoLabelSettings
    seed : int
        Of the draw of pixels.
    side : int
        As of `windows`.

    Attributes
    ----------
    shape : tuple of int
    windows : list of Window
        The windows that can be read.
    """

    def __init__(
        self,
        class_map: Raster,
        confidence: Raster,
        settings: PseudoLabelSettings,
        seed: int,
        side: int = WINDOW_SIDE,
    ):
        self.class_map, self.confidence, self.settings = class_map, confidence, settings
        self.shape, self.seed = class_map.shape, seed
        self._last: tuple[Window | None, Any] = None, None
        self.windows = windows(self.shape, side)
        merged, kept = np.zeros(256, np.int64), np.zeros(256, np.int64)
        n_labelled = []
        for window in self.windows:
            before, labels = self._filtered(window)
            merged += np.bincount(before.ravel(), minlength=256)
            kept += np.bincount(labels.ravel(), minlength=256)
            n_labelled.append(np.count_nonzero(labels))
        for lost in np.flatnonzero(merged[1:] * (kept[1:] == 0)) + 1:
            logging.warning(
                "WARNING: no pixel of class %d reaches min_probability %g, so the final map will "
                "lack it; lower min_probability to keep it",
                lost,
                settings.min_probability,
            )
        total = sum(n_labelled)
        n_min = settings.min_pixels
        n_drawn = max(round(settings.pixel_fraction * total), min(n_min, total))
        shares = np.rint(np.cumsum([0, *n_labelled]) * (n_drawn / max(total, 1))).astype(int)
        self.drawn = dict(zip(self.windows, np.diff(shares).tolist(), strict=True))
        if n_drawn < n_min <= merged[1:].sum():
            logging.warning(
                "WARNING: only %d pixels have pseudo-labels, fewer than min_pixels, %d; check this "
                "map, or lower min_pixels if such maps are good",
                n_drawn,
                n_min,
            )

    def read(self, window: Window) -> np.ndarray:
        """Class codes of one of `windows`, uint8 (height, width); 0 is unlabelled."""
        _, labels = self._filtered(window)
        n_drawn, at = self.drawn[window], np.flatnonzero(labels)
        if n_drawn == len(at):
            return labels
        rng = np.random.default_rng(self.seed)
        kept = rng.choice(at, n_drawn, replace=False, shuffle=False)
        drawn = np.zeros_like(labels)
        drawn.flat[kept] = labels.flat[kept]
        return drawn

    def _filtered(self, window: Window) -> tuple[np.ndarray, np.ndarray]:
        """As `_filter`; what the last window gave is kept."""
        if self._last[0] != window:
            self._last = window, self._filter(window)
        return self._last[1]

    def _filter(self, window: Window) -> tuple[np.ndarray, np.ndarray]:
        """Labels of a window without small patches, and those of them that are probable enough."""
        settings = self.settings
        if settings.min_tiles > 1:
            margin = 2 * settings.min_tiles * settings.tile_size
            outer = window.grown(margin, self.shape)
            merged = _merge_small_patches(
                self.class_map[outer.slices], settings.min_tiles, settings.tile_size
            )
            labels = merged[window.within(outer)]
        else:
            labels = self.class_map[window.slices]
        if settings.min_probability == 0:
            return labels, labels
        # Rounded, for 100 * 0.07 is more than 7 in floating point.
        least = round(100 * settings.min_probability, 6)
        return labels, labels * (self.confidence[window.slices] >= least)


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
