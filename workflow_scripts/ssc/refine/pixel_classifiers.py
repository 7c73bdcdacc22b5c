"""The pixel classifiers of phase 2, which learn from weighted colours."""

import logging
import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.ensemble import RandomForestClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier
from threadpoolctl import threadpool_limits

# Units in each hidden layer of the published networks (Carbonneau et al. 2020).
NETWORKS = {
    "deep": (256, 128, 64, 32, 32),
    "very_deep": (512, 256, 128, 128, 64, 32, 32),
}


@dataclass(frozen=True)
class PixelClassifierSettings:
    """Method and size of a pixel classifier; what the method does not use may be left out.

    Attributes
    ----------
    method : str
        `mlp` (multi-layer perceptron) or `rf` (random forest).
    hidden_layers : sequence of int or str
        Units in each hidden layer of the MLP, or the name of one of `NETWORKS`. Of the published
        networks only these sizes are kept: scikit-learn's MLP has no dropout.
    epochs : int
        Of the MLP.
    n_samples : int
        Colours that the MLP, or SMOTE-ENN, draws.
    n_trees : int
        Of the forest.
    smote_enn : bool
        Balance the classes.
    """

    method: str
    hidden_layers: Sequence[int] | str = ()
    epochs: int = 0
    n_samples: int = 0
    n_trees: int = 0
    smote_enn: bool = False


class ColourMLP(ClassifierMixin, BaseEstimator):
    """A multi-layer perceptron with relu units, fitted by Adam on a weighted sample of colours.

    Parameters
    ----------
    hidden_layers : sequence of int
        Units in each hidden layer.
    epochs : int
        Passes over the drawn colours.
    n_samples : int
        How many colours are drawn, with replacement, in proportion to their weights. The
        expected loss is that of weighting the loss, but no batch is ruled by one heavy colour:
        on Monterey that gave a macro F1 of 0.75 where weighting the loss gave 0.66 to 0.71.
    seed : int
        Of the draw and of the network.
    """

    def __init__(self, hidden_layers: Sequence[int], epochs: int, n_samples: int, seed: int):
        self.hidden_layers = hidden_layers
        self.epochs = epochs
        self.n_samples = n_samples
        self.seed = seed

    def fit(self, features: np.ndarray, codes: np.ndarray, sample_weight: np.ndarray):
        rng = np.random.default_rng(self.seed)
        drawn = weighted_sample(sample_weight, self.n_samples, rng)
        self.network_ = MLPClassifier(
            hidden_layer_sizes=tuple(self.hidden_layers),
            max_iter=self.epochs,
            batch_size=min(500, self.n_samples),
            learning_rate_init=0.01,
            n_iter_no_change=self.epochs,
            random_state=self.seed,
        )
        # Matrices this small gain nothing from threads, and sums in another order would make
        # the map depend on their number.
        with threadpool_limits(1), warnings.catch_warnings():
            # The number of epochs is the user's choice, not a failure to converge.
            warnings.simplefilter("ignore", ConvergenceWarning)
            self.network_.fit(features[drawn], codes[drawn])
        return self

    @property
    def classes_(self) -> np.ndarray:
        return self.network_.classes_

    def predict(self, features: np.ndarray) -> np.ndarray:
        with threadpool_limits(1):
            return self.network_.predict(features)

    def predict_proba(self, features: np.ndarray) -> np.ndarray:
        # Of one drawn class, scikit-learn's network makes two columns.
        if len(self.classes_) == 1:
            return np.ones((len(features), 1))
        with threadpool_limits(1):
            return self.network_.predict_proba(features)


class ColourForest(RandomForestClassifier):
    """A random forest that sums the votes of its trees in their order.

    With threads, scikit-learn sums them as they come, so that rounding, and with it the class of a
    colour on which the votes are level, changes from run to run.
    """

    def fit(self, features: np.ndarray, codes: np.ndarray, sample_weight=None):
        super().fit(features, codes, sample_weight)
        self.n_jobs = 1
        return self


class BalancedClassifier(ClassifierMixin, BaseEstimator):
    """A classifier fitted on colours that SMOTE-ENN has balanced, all of equal weight.

    SMOTE adds colours between a rarer class's neighbours until it has as many as the commonest;
    ENN then drops every colour of whose three nearest neighbours one is of another class (Batista
    et al. 2004, ACM SIGKDD Explorations 6(1), 20-29). What this cannot do for a class is logged
    as a warning.

    Parameters
    ----------
    classifier : sklearn.base.ClassifierMixin
        Takes weights; fitted here.
    n_samples : int
        How many colours are drawn, with replacement, in proportion to their weights, before any
        are added: so the work does not grow with the image.
    seed : int
        Of the draw and of SMOTE.
    """

    def __init__(self, classifier: ClassifierMixin, n_samples: int, seed: int):
        self.classifier = classifier
        self.n_samples = n_samples
        self.seed = seed

    def fit(self, features: np.ndarray, codes: np.ndarray, sample_weight: np.ndarray):
        rng = np.random.default_rng(self.seed)
        drawn = weighted_sample(sample_weight, self.n_samples, rng)
        features, codes = features[drawn], codes[drawn]
        if np.ptp(codes) > 0:
            features, codes = self._balance(features, codes, rng)
        self.classifier.fit(features, codes, sample_weight=np.ones(len(codes)))
        return self

    @property
    def classes_(self) -> np.ndarray:
        return self.classifier.classes_

    def predict(self, features: np.ndarray) -> np.ndarray:
        return self.classifier.predict(features)

    def predict_proba(self, features: np.ndarray) -> np.ndarray:
        return self.classifier.predict_proba(features)

    def _balance(
        self, features: np.ndarray, codes: np.ndarray, rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        # Slow to import, and seldom asked for.
        from imblearn.over_sampling import SMOTE
        from imblearn.under_sampling import EditedNearestNeighbours

        present, number = np.unique(codes, return_counts=True)
        for lone in present[number == 1]:
            logging.warning(
                "WARNING: SMOTE-ENN cannot balance class %d: one colour of %d is of it, and has no "
                "neighbour; a larger n_samples may find more",
                lone,
                len(codes),
            )
        several = number > 1
        smote = SMOTE(
            sampling_strategy=dict.fromkeys(present[several], number.max()),
            k_neighbors=min(5, number[several].min() - 1),
            random_state=self.seed,
        )
        features, codes = smote.fit_resample(features, codes)
        # Copies of a colour in one place would take time that grows with the square of their
        # number, and have neighbours by their order; slightly apart they have them by chance.
        apart = (features + rng.normal(0, 1e-3, features.shape)).astype(np.float32)
        enn = EditedNearestNeighbours(sampling_strategy="all")
        enn.fit_resample(apart, codes)
        kept = enn.sample_indices_
        left = np.unique(codes[kept])
        if len(left) < 2:
            logging.warning(
                "WARNING: SMOTE-ENN finds no two classes with colours of their own; "
                "classes are balanced, but mixed colours stay"
            )
            return features, codes
        for lost in np.setdiff1d(present, left):
            logging.warning(
                "WARNING: SMOTE-ENN leaves nothing of class %d: all its colours are among "
                "those of other classes",
                lost,
            )
        return features[kept], codes[kept]


def make_pixel_classifier(
    settings: PixelClassifierSettings, threads: int, seed: int
) -> ClassifierMixin:
    """Make the classifier that the settings describe, not fitted yet.

    Parameters
    ----------
    settings : PixelClassifierSettings
    threads : int
        Of the forest.
    seed : int
        Of all that is random in the classifier.

    Returns
    -------
    sklearn.base.ClassifierMixin
        Its `fit` takes weights.
    """
    classifier: ClassifierMixin
    if settings.method == "mlp":
        layers = settings.hidden_layers
        units = NETWORKS[layers] if isinstance(layers, str) else layers
        sizes = settings.epochs, settings.n_samples
        classifier = ColourMLP(units, *sizes, seed)
    else:
        classifier = ColourForest(settings.n_trees, n_jobs=threads, random_state=seed)
    if settings.smote_enn:
        return BalancedClassifier(classifier, settings.n_samples, seed)
    return classifier


def weighted_sample(weights: np.ndarray, size: int, rng: np.random.Generator) -> np.ndarray:
    """Draw indices with replacement, each in proportion to its weight.

    Parameters
    ----------
    weights : numpy.ndarray
        float64 (n,), not negative.
    size : int
        How many are drawn.
    rng : numpy.random.Generator

    Returns
    -------
    numpy.ndarray
        Indices from 0 to n - 1, int64 (size,).
    """
    return rng.choice(len(weights), size, p=weights / weights.sum())
