"""Baselines to compare with: pixel classifiers without a CNN.

As in Carbonneau et al. 2020 (Remote Sensing of Environment 251, 112107) they learn from the
labelled pixels of the training images and are applied to other images as they are. Their only
features are colours, so a fitted baseline is a lookup table of the class of every colour.
"""

from dataclasses import replace

import numpy as np
from scipy.sparse import csr_array
from scipy.stats import multivariate_normal
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.preprocessing import StandardScaler

from .pixel_classifiers import PixelClassifierSettings, make_pixel_classifier

# Colours predicted at once: bounds the memory of an 8-bit table of 16.7 million.
CHUNK = 1 << 18


def fit_baseline(
    name: str, counts: csr_array, settings: PixelClassifierSettings, seed: int
) -> np.ndarray:
    """Fit a baseline to all labelled pixels of the training images.

    Parameters
    ----------
    name : str
        `ML` (maximum likelihood), `PixelMLP` (multi-layer perceptron) or `PixelRF` (random
        forest).
    counts : scipy.sparse.csr_array
        Of `count_colours`, summed over the images; 0 is unlabelled.
    settings : PixelClassifierSettings
        Sizes of the MLP and of the forest. Their method and SMOTE-ENN are not used.
    seed : int
        Of the classifier.

    Returns
    -------
    numpy.ndarray
        The class code of each colour, uint8 (8 ** bits,), in the order of `pack_colours`. A class
        without labelled pixels is nowhere in it; without any labels it holds 0.
    """
    side = round(counts.shape[1] ** (1 / 3))
    if counts.nnz == 0:
        return np.zeros(counts.shape[1], np.uint8)
    pairs = counts.tocoo()
    colours = _colours(pairs.col, side)
    scaler = StandardScaler().fit(colours, sample_weight=pairs.data)
    if name == "ML":
        classifier = MaximumLikelihood((1 / scaler.scale_) ** 2 / 12)
    else:
        method = {"PixelMLP": "mlp", "PixelRF": "rf"}[name]
        settings = replace(settings, method=method, smote_enn=False)
        classifier = make_pixel_classifier(settings, 1, seed)
    classifier.fit(scaler.transform(colours), pairs.row, sample_weight=pairs.data)
    table = np.empty(side**3, np.uint8)
    for start in range(0, len(table), CHUNK):
        chunk = np.arange(start, min(start + CHUNK, len(table)))
        table[chunk] = classifier.predict(scaler.transform(_colours(chunk, side)))
    return table


class MaximumLikelihood(ClassifierMixin, BaseEstimator):
    """Maximum likelihood: a Gaussian for each class, with equal prior probabilities.

    A colour x belongs to the class i with the highest

        g_i(x) = -ln |S_i| - (x - m_i)' S_i^-1 (x - m_i)

    (Richards & Jia 2006, Remote Sensing Digital Image Analysis, ch. 8; the baseline of
    Carbonneau et al. 2020), the one with the lowest code where two are equal.

    Parameters
    ----------
    cell_variance : numpy.ndarray
        Variance of each feature within one colour, float (bands,). It is w^2 / 12 for a colour
        that stands for an evenly filled cell of width w. The covariance of a class is that between
        its colours plus this variance, so a class of one flat colour has a density too.
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
    """Red, green and blue of numbers of `pack_colours`, in steps of the cube: 0..side-1."""
    return np.stack(np.unravel_index(columns, (side,) * 3), axis=1).astype(float)
