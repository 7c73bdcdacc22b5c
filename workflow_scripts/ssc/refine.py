"""Phase 2: a pixel classifier that one image's tile map teaches that image's colours.

Its only features are a pixel's bands, so it gives one answer per colour: it is fitted on the
distinct pairs of colour and class, weighted by their count, and asked once for each distinct
colour. The map is that of a classifier of all pixels, for a small part of the work. After a dense
network it does not make the map alone, but weighs in on the network's probabilities.

`settings` is the section `refine` of the config throughout.
"""

import logging
from collections.abc import Mapping
from math import log2

import cv2
import numpy as np
from sklearn.base import ClassifierMixin

from .errors import InputError

ENTROPY_WINDOW = 11
# A class that a network or classifier rules out may still be right.
LEAST = np.float32(1e-4)


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
    taught = np.count_nonzero(teaching)
    least = settings["min_pixels"]
    drawn = max(round(settings["subsample"] * taught), min(least, taught))
    if drawn < taught:
        kept = np.random.default_rng(seed).choice(
            np.flatnonzero(teaching), drawn, replace=False, shuffle=False
        )
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
    taught = np.flatnonzero(np.bincount(teaching.ravel())[1:]) + 1
    if len(taught) == 0:
        return np.zeros_like(teaching)
    if len(taught) == 1:
        return np.full_like(teaching, taught[0])
    features, which = _learn_colours(image, teaching, classifier, settings)
    return smooth_map(classifier.predict(features).astype(np.uint8)[which], settings)


def sharpen(
    image: np.ndarray,
    probabilities: np.ndarray,
    codes: np.ndarray,
    first: np.ndarray,
    sure: np.ndarray,
    teaching: np.ndarray,
    classifier: ClassifierMixin,
    settings: Mapping,
) -> tuple[np.ndarray, np.ndarray]:
    """The pixel-level map of an image from a dense network's probabilities and its colours.

    By Bayes' rule the probability of class c given a pixel's surroundings and its colour is in
    proportion to p_c (q_c / m_c)^w. p is the network's; q that of the pixel classifier, taught by
    the network's map, for the colour; m the mean of p over the image, which makes q / m the
    likelihood of the colour. The weight w is below 1, for the network saw the colour too.

    What an image's labels would say of phase 2, nothing inside the image tells. So only the
    changes that are the most probable are made, and no more than a small share of the map.

    Parameters
    ----------
    image
        RGB, uint8 (height, width, 3).
    probabilities
        Of the classes, float32 (k, height, width); all 0 where the image has no data. They are
        overwritten, as the largest array of the job.
    codes
        The k class codes, uint8.
    first, sure
        The network's map and its confidence, from `most_probable`.
    teaching, classifier
        As for `refine_map`.
    settings
        As for `refine_map`; also `weight`, w, and `most_changed`, the share of the network's map
        that may be given another class.

    Returns
    -------
    map
        Class codes, uint8 (height, width).
    confidence
        Probability of the class in percent, uint8 (height, width).
    """
    if np.count_nonzero(np.bincount(teaching.ravel())[1:]) < 2:
        return _smooth(first, sure, probabilities, codes, settings)
    features, which = _learn_colours(image, teaching, classifier, settings)
    of_colour = np.zeros((len(codes), len(features)), np.float32)
    known = [codes.tolist().index(code) for code in classifier.classes_]
    of_colour[known] = classifier.predict_proba(features).T
    # A sum of millions of pixels in 32 bits would be off by several percent.
    mean = probabilities.mean(axis=(1, 2), dtype=np.float64).astype(np.float32)
    evidence = ((of_colour + LEAST) / (mean[:, None] + LEAST)) ** np.float32(settings["weight"])
    for plane, of_class in zip(probabilities, evidence, strict=True):
        plane += LEAST
        plane *= of_class[which]
    probabilities[:, first == 0] = 0
    mapped, sure = most_probable(probabilities, codes)
    _undo_least_probable(mapped, sure, first, probabilities, codes, settings["most_changed"])
    return _smooth(mapped, sure, probabilities, codes, settings)


def most_probable(probabilities: np.ndarray, codes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The class of highest probability of each pixel, and how probable it is in percent.

    Parameters
    ----------
    probabilities
        float32 (k, height, width), in proportion to the probabilities of the k class codes.

    Returns
    -------
    Class codes and percents, both uint8 (height, width); of equals the first class is taken, and
    0 and 0 % where all are 0.
    """
    mapped = np.where(probabilities[0] > 0, codes[0], np.uint8(0))
    best = probabilities[0].copy()
    for code, plane in zip(codes[1:], probabilities[1:], strict=True):
        mapped[plane > best] = code
        np.maximum(best, plane, out=best)
    best *= 100
    np.divide(best, probabilities.sum(axis=0), out=best, where=best > 0)
    return mapped, np.rint(best, out=best).astype(np.uint8)


def smooth_map(codes: np.ndarray, settings: Mapping) -> np.ndarray:
    """A final map after the majority filter that the settings ask for, if they do.

    Pixels without a class, 0, get none.
    """
    if settings["smallest_element"] > 0:
        return majority_filter(codes, 2 * settings["smallest_element"] + 1) * (codes > 0)
    return codes


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
    # Slow to import, and seldom asked for.
    from skimage.filters.rank import entropy as local_entropy

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
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
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
    present, counts
        The codes that there are, uint8 (k,), and pixels by code and colour, int64 (k, n).

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
    seen = np.bincount(packed.ravel(), minlength=1 << bands * bits) > 0
    rank = np.cumsum(seen, dtype=np.int32) - 1
    which = rank[packed]
    used = np.flatnonzero(seen)
    offsets = bits * np.arange(bands)[::-1]
    colours = (used[:, None] >> offsets & (1 << bits) - 1) << shift
    n = len(used)
    present = np.flatnonzero(np.bincount(codes.ravel())).astype(np.uint8)
    row = np.zeros(256, np.int32)
    row[present] = np.arange(len(present))
    pairs = cv2.LUT(codes, row * n)
    pairs += which
    counts = np.bincount(pairs.ravel(), minlength=len(present) * n)
    return colours.astype(np.uint8), which, present, counts.reshape(-1, n)


def _undo_least_probable(
    mapped: np.ndarray,
    sure: np.ndarray,
    first: np.ndarray,
    probabilities: np.ndarray,
    codes: np.ndarray,
    most_changed: float,
) -> None:
    """Give pixels their first class back, in place, until no more than a share of them differs.

    Those of the lowest odds of their new class against their first are the first to go back.
    """
    changed = np.flatnonzero(mapped != first)
    most = int(most_changed * np.count_nonzero(first))
    if len(changed) <= most:
        return
    new, old = (_shares(probabilities, codes, m, changed) for m in (mapped, first))
    odds = new / old
    # Equal odds all go back, so that their order does not count.
    undone = odds <= np.partition(odds, -most - 1)[-most - 1]
    back = changed[undone]
    mapped.ravel()[back] = first.ravel()[back]
    sure.ravel()[back] = np.rint(100 * old[undone])


def _smooth(
    mapped: np.ndarray,
    sure: np.ndarray,
    probabilities: np.ndarray,
    codes: np.ndarray,
    settings: Mapping,
) -> tuple[np.ndarray, np.ndarray]:
    """The map after `smooth_map`, and the confidence with that of the classes it changed."""
    smoothed = smooth_map(mapped, settings)
    if smoothed is not mapped:
        changed = np.flatnonzero(smoothed != mapped)
        sure.ravel()[changed] = np.rint(100 * _shares(probabilities, codes, smoothed, changed))
    return smoothed, sure


def _shares(
    probabilities: np.ndarray, codes: np.ndarray, mapped: np.ndarray, at: np.ndarray
) -> np.ndarray:
    """Probability of the mapped class of the pixels `at`, float32 (n,), from 0 to 1."""
    index = np.zeros(256, np.intp)
    index[codes] = np.arange(len(codes))
    found = probabilities.reshape(len(codes), -1)[:, at]
    return found[index[mapped.ravel()[at]], np.arange(len(at))] / found.sum(axis=0)


def _merge_patches(tile_map: np.ndarray, min_tiles: int, tile_size: int) -> np.ndarray:
    """The tile map with the majority about each pixel of a patch of fewer than `min_tiles` tiles.

    The square about a pixel reaches `min_tiles` tiles in each direction.
    """
    # Slow to import, and seldom asked for.
    from skimage.measure import label

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


def _learn_colours(
    image: np.ndarray, teaching: np.ndarray, classifier: ClassifierMixin, settings: Mapping
) -> tuple[np.ndarray, np.ndarray]:
    """Fit the classifier; the features of each of the image's colours, and each pixel's colour."""
    bands = feature_bands(image, settings["median_size"], settings["entropy"])
    colours, which, present, counts = count_colours(bands, teaching, settings["colour_bits"])
    features = _standardise(colours, counts.sum(axis=0))
    counts[present == 0] = 0
    row, colour = np.nonzero(counts)
    weight = counts[row, colour]
    # Weights with a mean of 1 leave the balance of loss and regularisation as for pixels.
    classifier.fit(features[colour], present[row], sample_weight=weight / weight.mean())
    return features, which


def _standardise(colours: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Colours less the mean and over the standard deviation of the image's pixels, float32."""
    mean = np.average(colours, axis=0, weights=counts)
    variance = np.average((colours - mean) ** 2, axis=0, weights=counts)
    return ((colours - mean) / np.sqrt(np.maximum(variance, 1e-12))).astype(np.float32)
