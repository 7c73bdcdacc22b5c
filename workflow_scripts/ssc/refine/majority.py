"""The majority filter of class maps."""

import cv2
import numpy as np


def majority_filter(codes: np.ndarray, side: int) -> np.ndarray:
    """Take the most frequent class in the square about each pixel.

    Of equally frequent classes the one of lowest code is taken. Only where a square holds no
    class at all is the result 0.

    Parameters
    ----------
    codes : numpy.ndarray
        Class codes, uint8 (height, width); 0 is no class.
    side : int
        Of the square in pixels, odd; 1 changes nothing. Its part outside the map is empty.

    Returns
    -------
    numpy.ndarray
        Class codes, uint8 (height, width).
    """
    # A larger square holds no more of the map, but OpenCV would buffer all its rows.
    side = min(side, 2 * max(codes.shape) + 1)
    majority = np.zeros_like(codes)
    most = np.zeros(codes.shape, np.int32)
    for code in np.flatnonzero(np.bincount(codes.ravel())[1:]) + 1:
        # Running sums: the cost does not depend on the side. As integers they are exact.
        of_code = (codes == code).view(np.uint8)
        count = cv2.boxFilter(
            of_code, cv2.CV_32S, (side, side), normalize=False, borderType=cv2.BORDER_CONSTANT
        )
        majority[count > most] = code
        np.maximum(most, count, out=most)
    return majority
