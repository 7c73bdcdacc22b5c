"""Self-training: a CNN learns further, from its own map of images without labels."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import keras
import numpy as np
import pandas as pd

from ..io.rasters import open_image
from ..io.windows import Window
from .colour_matching import colour_histogram, is_exposure_outlier
from .patches import JointSequence, pad_to_size
from .training import TrainingImages
from .unet import UNetTrainer, count_epochs

# Confidence of a pixel, from 0 to 1, from which on its class is a pseudo-label.
MIN_CONFIDENCE = 0.8


class SelfTrainer(UNetTrainer):
    """Trains a U-Net further, of each batch one half on pseudo-labels, at half the learning rates.

    Parameters
    ----------
    trainer : UNetTrainer
        That has trained it, with `self_training_steps`.
    pseudo_labelled : TrainingImages
        From `pseudo_label`.
    """

    def __init__(self, trainer: UNetTrainer, pseudo_labelled: TrainingImages):
        settings = trainer.settings
        encoder_rate = settings.encoder_learning_rate
        self.settings = replace(
            settings,
            steps=settings.self_training_steps,
            batch_size=max(1, settings.batch_size // 2),
            learning_rate=settings.learning_rate / 2,
            encoder_learning_rate=encoder_rate and encoder_rate / 2,
        )
        self.data, self.key, self.seed = trainer.data, trainer.key, trainer.seed
        self.pseudo_labelled = pseudo_labelled
        self.epochs = count_epochs(self.settings.steps)

    def sequence(self) -> JointSequence:
        """Patches about labelled and about pseudo-labelled pixels."""
        # Other seeds than before, or the first patches would be those of the first training.
        parts = self.data, self.pseudo_labelled
        return JointSequence([self.sequence_of(d, self.seed + n) for n, d in enumerate(parts, 1)])


def pseudo_label(
    model: keras.Model,
    key: pd.DataFrame,
    paths: Sequence[str],
    white: int,
    colour_stats: Mapping,
    n_windows: int,
    side: int,
    seed: int,
) -> TrainingImages:
    """Map windows at random places of images, and keep as pseudo-labels what is confident.

    The images are drawn with replacement. Those much darker or brighter than the training images
    are left out, for a CNN errs with confidence there.

    Parameters
    ----------
    model : keras.Model
        A U-Net: from (n, height, width, 3) to class probabilities of pixels.
    key : pandas.DataFrame
        Its class key.
    paths : sequence of str
        Of images without labels.
    white : int
        As of `open_image`.
    colour_stats : Mapping
        From `training_colour_stats`.
    n_windows, side : int
        Windows to draw, and their side in pixels, a multiple of 64.
    seed : int
        Of the draws.

    Returns
    -------
    TrainingImages
        The windows that have pseudo-labels, of no river.

    Raises
    ------
    InputError
        When an image cannot be read.

    Notes
    -----
    Pseudo-labels: Lee 2013 (ICML workshop on challenges in representation learning).
    """
    rng = np.random.default_rng(seed)
    code_of = np.zeros(model.output_shape[-1], np.uint8)
    code_of[key["LocalClass"]] = key["HierarchClass"]
    found = TrainingImages([], [], [])
    # Each image is opened once.
    drawn, counts = np.unique(rng.integers(len(paths), size=n_windows), return_counts=True)
    for number, count in zip(drawn.tolist(), counts.tolist(), strict=True):
        with open_image(paths[number], white) as image:
            if is_exposure_outlier(colour_histogram(image), colour_stats):
                continue
            height, width = image.shape[:2]
            for _ in range(count):
                top, left = (int(rng.integers(max(1, n - side + 1))) for n in (height, width))
                window = Window(top, left, min(top + side, height), min(left + side, width))
                pixels = image[window.slices]
                codes = _confident_codes(model, code_of, pixels, side)
                codes[image.no_data(window)] = 0
                if codes.any():
                    found.images.append(pixels)
                    found.labels.append(codes)
                    found.rivers.append("")
    return found


def _confident_codes(
    model: keras.Model, code_of: np.ndarray, pixels: np.ndarray, side: int
) -> np.ndarray:
    """Class codes of pixels (height, width, 3), uint8 (height, width); 0 where in doubt."""
    height, width = pixels.shape[:2]
    padded = pad_to_size(pixels, side, mode="symmetric")
    probabilities = np.asarray(model(padded[None].astype(np.float32)))[0, :height, :width]
    confident = probabilities.max(axis=2) >= MIN_CONFIDENCE
    return code_of[probabilities.argmax(axis=2)] * confident
