"""The baselines that SSC is measured against: pixel classifiers without a CNN.

As in Carbonneau et al. 2020 (Remote Sensing of Environment 251, 112107) they learn from the
labelled pixels of the training images and are applied to other images as they are. Their only
features are colours, so a fitted baseline is a table that has a class for every colour.
"""

from collections.abc import Mapping

import numpy as np
from scipy.sparse import csr_array
from scipy.stats import multivariate_normal
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.preprocessing import StandardScaler

from .pixel_classifier import pixel_classifier
from .refine import count_colours

# Colours asked for at once: bounds the memory of an 8-bit table of 16.7 million.
CHUNK = 1 << 18


def count_labels(image: np.ndarray, labels: np.ndarray, bits: int) -> csr_array:
    """How often each colour comes with each class among the labelled pixels of an image.

    Counts of several images are added with `+`.

    Parameters
    ----------
    image
        RGB, uint8 (height, width, 3).
    labels
        Class codes, uint8 (height, width); 0 = unlabelled, not counted.
    bits
        Bits kept of each 8-bit band.

    Returns
    -------
    Pixels by class code and colour, int64 (256, 8 ** bits). The column of a colour is its place
    in a flattened cube of `2 ** bits` reds by greens by blues.
    """
    colours, _, present, counts = count_colours(image, labels, bits)
    counts[present == 0] = 0
    row, colour = np.nonzero(counts)
    cube = (1 << bits,) * 3
    column = np.ravel_multi_index(tuple(colours[colour].T >> 8 - bits), cube)
    return csr_array((counts[row, colour], (present[row], column)), shape=(256, np.prod(cube)))


def fit_baseline(name: str, counts: csr_array, settings: Mapping, seed: int) -> np.ndarray:
    """Teach a baseline all labelled pixels of the training images.

    Parameters
    ----------
    name
        `ML` (maximum likelihood), `PixelMLP` (multi-layer perceptron) or `PixelRF` (random
        forest).
    counts
        Of `count_labels`, summed over the images.
    settings
        `hidden`, `epochs`, `sample` and `trees` of section `refine` of the config: the MLP and the
        forest are those of phase 2, but for SMOTE-ENN.

    Returns
    -------
    The class code of each colour, uint8 (side, side, side) with `2 ** bits` reds by greens by
    blues. A class without labelled pixels is nowhere in it; without any labels it holds 0.
    """
    side = round(counts.shape[1] ** (1 / 3))
    if counts.nnz == 0:
        return np.zeros((side,) * 3, np.uint8)
    pairs = counts.tocoo()
    colours = _colours(pairs.col, side)
    scaler = StandardScaler().fit(colours, sample_weight=pairs.data)
    if name == "ML":
        classifier = MaximumLikelihood((1 / scaler.scale_) ** 2 / 12)
    else:
        method = {"PixelMLP": "mlp", "PixelRF": "rf"}[name]
        settings = {**settings, "method": method, "smote_enn": False}
        classifier = pixel_classifier(settings, 1, seed)
    classifier.fit(scaler.transform(colours), pairs.row, sample_weight=pairs.data)
    table = np.empty(side**3, np.uint8)
    for start in range(0, len(table), CHUNK):
        asked = np.arange(start, min(start + CHUNK, len(table)))
        table[asked] = classifier.predict(scaler.transform(_colours(asked, side)))
    return table.reshape((side,) * 3)


def map_colours(image: np.ndarray, table: np.ndarray) -> np.ndarray:
    """The map of an RGB image, uint8 (height, width), from a table of `fit_baseline`."""
    red, green, blue = np.moveaxis(image // np.uint8(256 // len(table)), -1, 0)
    return table[red, green, blue]


class MaximumLikelihood(ClassifierMixin, BaseEstimator):
    """Each class a Gaussian with a mean and covariance of its own, all equally likely beforehand.

    A colour x belongs to the class i with the highest

        g_i(x) = -ln |S_i| - (x - m_i)' S_i^-1 (x - m_i)

    (Richards & Jia 2006, Remote Sensing Digital Image Analysis, ch. 8; the baseline of
    Carbonneau et al. 2020), the one with the lowest code where two are equal.

    Parameters
    ----------
    cell_variance
        Variance of each feature within one colour, float (bands,). A colour that stands for a
        cell of width w, evenly filled, has w^2 / 12; the covariance of a class is that between
        its colours plus this, so a class of one flat colour has a density too.
    """

    def __init__(self, cell_variance: np.ndarray):
        self.cell_variance = cell_variance

    def fit(self, features: np.ndarray, codes: np.ndarray, sample_weight: np.ndarray):
        self.classes_ = np.unique(codes)
        self.densities_ = []
        for code in self.classes_:
            own, weight = features[codes == code], sample_weight[codes == code]
            covariance = np.cov(own, rowvar=False, bias=True, aweights=weight)
            covariance = covariance + np.diag(self.cell_variance)
            mean = np.average(own, axis=0, weights=weight)
            self.densities_.append(multivariate_normal(mean, covariance))
        return self

    def predict(self, features: np.ndarray) -> np.ndarray:
        likelihoods = [density.logpdf(features) for density in self.densities_]
        return self.classes_[np.argmax(likelihoods, axis=0)]


def _colours(columns: np.ndarray, side: int) -> np.ndarray:
    """Red, green and blue of columns of `count_labels`, in steps of the cube: 0..side-1."""
    return np.stack(np.unravel_index(columns, (side,) * 3), axis=1).astype(float)
