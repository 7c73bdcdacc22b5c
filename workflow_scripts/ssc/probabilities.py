"""Class probabilities of an image, stored at the coarse resolution at which a CNN gives them."""

from dataclasses import dataclass

import cv2
import numpy as np

from .io.windows import Window, whole

CERTAIN = 65535


@dataclass(frozen=True)
class CoarseProbabilities:
    """Class probabilities of the cells of a coarse grid over an image.

    Attributes
    ----------
    values : numpy.ndarray
        uint16 (k, rows, columns); 65535 stands for a probability of 1.
    class_codes : numpy.ndarray
        The k class codes, uint8.
    pixels_per_cell : int
        Side of a cell in pixels. The last cells may reach beyond the image, and one more row
        and column of cells may lie beyond it.
    shape : tuple of int
        Height and width of the image in pixels.
    """

    values: np.ndarray
    class_codes: np.ndarray
    pixels_per_cell: int
    shape: tuple[int, int]

    @classmethod
    def of_cells(
        cls,
        cells: np.ndarray,
        class_codes: np.ndarray,
        pixels_per_cell: int,
        shape: tuple[int, int],
    ) -> "CoarseProbabilities":
        """Round the probabilities of cells, float32 (k, rows, columns), to 16 bits."""
        return cls(round_probabilities(cells), class_codes, pixels_per_cell, shape)

    def enlarge(self, window: Window | None = None) -> np.ndarray:
        """Interpolate to the pixels of the image, bilinearly.

        Parameters
        ----------
        window : Window, optional
            Part of the image to interpolate; by default all of it.

        Returns
        -------
        numpy.ndarray
            float32 (k, height, width) of the window, from 0 to 1.
        """
        top, left, bottom, right = window or whole(self.shape)
        step = self.pixels_per_cell
        # Pixels near the edge of a cell take part of the next one.
        first_row, first_column = max(0, top // step - 1), max(0, left // step - 1)
        cells = self.values[
            :, first_row : -(-bottom // step) + 1, first_column : -(-right // step) + 1
        ]
        rows = slice(top - first_row * step, bottom - first_row * step)
        columns = slice(left - first_column * step, right - first_column * step)
        pixels = np.empty((len(cells), bottom - top, right - left), np.float32)
        size = tuple(step * side for side in cells.shape[:0:-1])
        for plane, of_class in zip(pixels, cells, strict=True):
            scaled = of_class.astype(np.float32) / np.float32(CERTAIN)
            plane[:] = cv2.resize(scaled, size, interpolation=cv2.INTER_LINEAR)[rows, columns]
        return pixels

    def sums(self, window: Window, mapped: np.ndarray) -> np.ndarray:
        """Sum the probabilities of each class over some pixels of a window.

        Parameters
        ----------
        window : Window
        mapped : numpy.ndarray
            Pixels to sum over, bool (height, width) of the window.

        Returns
        -------
        numpy.ndarray
            float64 (k,).
        """
        pixels = self.enlarge(window)
        if not mapped.all():
            pixels[:, ~mapped] = 0
        # In 32 bits the sum of millions of pixels can be off by several percent.
        return pixels.sum(axis=(1, 2), dtype=np.float64)


def round_probabilities(cells: np.ndarray) -> np.ndarray:
    """Round probabilities, float32, to uint16: 65535 stands for 1."""
    return np.rint(cells * CERTAIN).astype(np.uint16)


def expected_areas(sums: np.ndarray, class_codes: np.ndarray, n_mapped: int) -> dict[int, float]:
    """Expected area of each class, from the sums of its probabilities over the mapped pixels.

    Parameters
    ----------
    sums : numpy.ndarray
        float64 (k,). A CNN may give part of the probability to its unused output.
    class_codes : numpy.ndarray
        The k class codes, uint8.
    n_mapped : int

    Returns
    -------
    dict of int to float
        Pixels by class code; together as many as are mapped.
    """
    areas = sums * (n_mapped / max(sums.sum(), 1e-9))
    return dict(zip(class_codes.tolist(), areas.tolist(), strict=True))


def argmax_map(probabilities: np.ndarray, class_codes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Take the most probable class of each pixel.

    Parameters
    ----------
    probabilities : numpy.ndarray
        float32 (k, ...), in proportion to the probabilities of the k classes.
    class_codes : numpy.ndarray
        The k class codes, uint8.

    Returns
    -------
    class_map : numpy.ndarray
        Class codes, uint8 (...): of equals the first class, and 0 where all are 0.
    confidence : numpy.ndarray
        Probability of that class in percent, uint8 (...); 0 where all are 0.
    """
    class_map = np.where(probabilities[0] > 0, class_codes[0], np.uint8(0))
    best = probabilities[0].copy()
    for code, plane in zip(class_codes[1:], probabilities[1:], strict=True):
        class_map[plane > best] = code
        np.maximum(best, plane, out=best)
    best *= 100
    np.divide(best, probabilities.sum(axis=0), out=best, where=best > 0)
    return class_map, np.rint(best, out=best).astype(np.uint8)


def mapped_probability(
    probabilities: np.ndarray, class_codes: np.ndarray, class_map: np.ndarray, pixels: np.ndarray
) -> np.ndarray:
    """Probability of the mapped class of some pixels.

    Parameters
    ----------
    probabilities, class_codes : numpy.ndarray
        As for `argmax_map`, (k, height, width) and (k,).
    class_map : numpy.ndarray
        Class codes, uint8 (height, width), each one of `class_codes`.
    pixels : numpy.ndarray
        Flat indices of n pixels, int64.

    Returns
    -------
    numpy.ndarray
        float32 (n,), from 0 to 1.
    """
    index = np.zeros(256, np.intp)
    index[class_codes] = np.arange(len(class_codes))
    of_pixels = probabilities.reshape(len(class_codes), -1)[:, pixels]
    rows = index[class_map.ravel()[pixels]]
    return of_pixels[rows, np.arange(len(pixels))] / of_pixels.sum(axis=0)
