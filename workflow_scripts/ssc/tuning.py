"""For how many epochs to train a CNN: until it stops getting better at images it has not seen."""

import logging

import numpy as np
import pandas as pd
from sklearn.model_selection import StratifiedGroupKFold

from .errors import InputError

log = logging.getLogger(__name__)


def draw_tiles(n: int, share: float, seed: int) -> np.ndarray:
    """Which of n tiles make a random subsample, int64 (round(share n),), in order."""
    drawn = np.random.default_rng(seed).choice(n, round(share * n), replace=False)
    return np.sort(drawn)


def split_by_image(
    codes: np.ndarray, images: np.ndarray, validation: float, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Tiles to learn from and tiles to validate by, such that no image has tiles in both.

    Tiles of one image are neighbours in one light: a CNN validated by the neighbours of what
    it learned from would seem to get better for ever.

    Parameters
    ----------
    codes, images
        Class and image of each tile, (n,).
    validation
        Share of the tiles to validate by. As images are not cut, and each class is shared out
        as well as its images allow, the split only comes near to it.

    Returns
    -------
    learn, validate
        Indices, int64.

    Raises
    ------
    InputError
        With fewer than two images.
    """
    n_folds = min(round(1 / validation), len(np.unique(images)), np.bincount(codes).max())
    if n_folds < 2:
        raise InputError(
            "cnn.tuning: validates by images that the CNN did not learn from, but fewer than two "
            "images have pure tiles; label another one, or set cnn.epochs to a number"
        )
    folds = StratifiedGroupKFold(n_folds, shuffle=True, random_state=seed)
    classes = np.unique(codes)
    splits = list(folds.split(codes, codes, images))
    complete = [s for s in splits if np.array_equal(np.unique(codes[s[0]]), classes)]
    if not complete:
        log.warning("WARNING: each split of the images leaves a class without tiles to learn from")
    # The fold whose classes come nearest to the shares that they have in all tiles.
    return min(complete or splits, key=lambda s: _imbalance(codes, s[1], classes))


def diverging_epoch(history: pd.DataFrame) -> tuple[int, bool]:
    """The epoch after which a CNN learns its own tiles by heart.

    Parameters
    ----------
    history
        Columns epoch (from 1) and val_loss.

    Returns
    -------
    epoch
        The first whose validation loss, as a median of three epochs, is at most 5 % above the
        lowest one: from there on the training loss falls and the validation loss does not.
    diverged
        False when the validation loss was still falling at the last epoch.
    """
    smooth = history["val_loss"].rolling(3, center=True, min_periods=2).median()
    best = int((smooth <= 1.05 * smooth.min()).argmax())
    return int(history["epoch"].iloc[best]), best < len(history) - 1


def _imbalance(codes: np.ndarray, chosen: np.ndarray, classes: np.ndarray) -> float:
    shares = [[(c == k).mean() for k in classes] for c in (codes, codes[chosen])]
    return float(np.abs(np.subtract(*shares)).sum())
