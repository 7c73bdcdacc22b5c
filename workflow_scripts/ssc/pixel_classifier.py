"""The classifiers of phase 2: they learn colours by weight, and are asked for every colour once.

`settings` is the section `refine` of the config.
"""

import logging
import warnings
from collections.abc import Mapping, Sequence

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.ensemble import RandomForestClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier
from threadpoolctl import threadpool_limits

# The number of epochs is the user's choice, not a failure to converge.
warnings.filterwarnings("ignore", category=ConvergenceWarning)

# Units in each hidden layer of the published networks (Carbonneau et al. 2020).
NETWORKS = {
    "deep": (256, 128, 64, 32, 32),
    "very_deep": (512, 256, 128, 128, 64, 32, 32),
}


class ColourMLP(ClassifierMixin, BaseEstimator):
    """A multi-layer perceptron with relu units, fitted by Adam on colours drawn by weight.

    Parameters
    ----------
    hidden
        Units in each hidden layer.
    epochs
        Passes over the drawn colours.
    sample
        How many colours are drawn, with replacement, in proportion to their weights. The
        expected loss is that of weighting the loss, but no batch is ruled by one heavy colour:
        on Monterey that gave a macro F1 of 0.75 where weighting the loss gave 0.66 to 0.71.
    """

    def __init__(self, hidden: Sequence[int], epochs: int, sample: int, seed: int):
        self.hidden = hidden
        self.epochs = epochs
        self.sample = sample
        self.seed = seed

    def fit(self, features: np.ndarray, codes: np.ndarray, sample_weight: np.ndarray):
        drawn = _draw(sample_weight, self.sample, np.random.default_rng(self.seed))
        self.network_ = MLPClassifier(
            hidden_layer_sizes=tuple(self.hidden),
            max_iter=self.epochs,
            batch_size=min(500, self.sample),
            learning_rate_init=0.01,
            n_iter_no_change=self.epochs,
            random_state=self.seed,
        )
        # Matrices this small gain nothing from threads, and sums in another order would make
        # the map depend on their number.
        with threadpool_limits(1):
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

    scikit-learn's sums them as its threads come to them, so that rounding, and with it the class
    of a colour on which the votes are level, changes from run to run.
    """

    def predict_proba(self, features: np.ndarray) -> np.ndarray:
        votes = sum(tree.predict_proba(features) for tree in self.estimators_)
        return votes / len(self.estimators_)


class BalancedClassifier(ClassifierMixin, BaseEstimator):
    """A classifier fitted on colours that SMOTE-ENN has balanced, all of equal weight.

    SMOTE adds colours between a rarer class's neighbours until it has as many as the commonest;
    ENN then drops every colour of whose three nearest neighbours one is of another class (Batista
    et al. 2004, ACM SIGKDD Explorations 6(1), 20-29). What this cannot do for a class is logged
    as a warning.

    Parameters
    ----------
    classifier
        Takes weights; fitted here.
    sample
        How many colours are drawn, with replacement, in proportion to their weights, before any
        are added: so the work does not grow with the image.
    """

    def __init__(self, classifier: ClassifierMixin, sample: int, seed: int):
        self.classifier = classifier
        self.sample = sample
        self.seed = seed

    def fit(self, features: np.ndarray, codes: np.ndarray, sample_weight: np.ndarray):
        rng = np.random.default_rng(self.seed)
        drawn = _draw(sample_weight, self.sample, rng)
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
                "WARNING: refine.smote_enn cannot balance class %d: one colour of %d is of it, and "
                "has no neighbour; a larger refine.sample may find more",
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
        # A hair apart, copies of a colour have neighbours by chance; in one place it would be
        # by their order, in a time that grows with the square of their number.
        apart = (features + rng.normal(0, 1e-3, features.shape)).astype(np.float32)
        enn = EditedNearestNeighbours(sampling_strategy="all")
        enn.fit_resample(apart, codes)
        kept = enn.sample_indices_
        left = np.unique(codes[kept])
        if len(left) < 2:
            logging.warning(
                "WARNING: refine.smote_enn finds no two classes with colours of their own; "
                "classes are balanced, but mixed colours stay"
            )
            return features, codes
        for lost in np.setdiff1d(present, left):
            logging.warning(
                "WARNING: refine.smote_enn leaves nothing of class %d: all its colours are among "
                "those of other classes",
                lost,
            )
        return features[kept], codes[kept]


def pixel_classifier(settings: Mapping, threads: int, seed: int) -> ClassifierMixin:
    """The classifier that the settings ask for: `mlp` or `rf`, with `smote_enn` or without.

    `hidden` gives the MLP's units in each layer, or names a network of `NETWORKS`. Of the
    published networks only these sizes are kept: scikit-learn's MLP has no dropout.
    """
    if settings["method"] == "mlp":
        hidden = settings["hidden"]
        units = NETWORKS[hidden] if isinstance(hidden, str) else hidden
        classifier = ColourMLP(units, settings["epochs"], settings["sample"], seed)
    else:
        classifier = ColourForest(settings["trees"], n_jobs=threads, random_state=seed)
    if settings["smote_enn"]:
        return BalancedClassifier(classifier, settings["sample"], seed)
    return classifier


def _draw(weights: np.ndarray, size: int, rng: np.random.Generator) -> np.ndarray:
    """Indices drawn with replacement, each in proportion to its weight, int64 (size,)."""
    return rng.choice(len(weights), size, p=weights / weights.sum())
