"""For how many epochs to train a tile CNN: until it begins to overfit its training tiles."""

import logging

import numpy as np
import pandas as pd

from ..errors import SettingError

log = logging.getLogger(__name__)


def subsample_tiles(n: int, fraction: float, seed: int) -> np.ndarray:
    """Draw a random subsample of n tiles.

    Parameters
    ----------
    n : int
        Number of tiles.
    fraction : float
        Share of them to draw.
    seed : int
        Of the draw.

    Returns
    -------
    numpy.ndarray
        Their indices in order, int64 (round(fraction n),).
    """
    drawn = np.random.default_rng(seed).choice(n, round(fraction * n), replace=False)
    return np.sort(drawn)


def split_by_image(
    codes: np.ndarray, images: np.ndarray, validation: float, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Split tiles into training and validation tiles, such that no image has tiles in both.

    Tiles of one image are neighbours under one illumination: a CNN validated by the neighbours of
    its training tiles would seem to improve for ever.

    Parameters
    ----------
    codes, images : numpy.ndarray
        Class and image of each tile, integers (n,).
    validation : float
        Share of the tiles to validate by. As images are not cut, and each class is split as well
        as its images allow, the result only comes near to it.
    seed : int
        Of the order of the images.

    Returns
    -------
    train_idx, validation_idx : numpy.ndarray
        Indices of tiles, int64.

    Raises
    ------
    SettingError
        With fewer than two images.
    """
    # Slow to import, and the epoch of a finished tuning needs none of it.
    from sklearn.model_selection import StratifiedGroupKFold

    n_folds = min(round(1 / validation), len(np.unique(images)), np.bincount(codes).max())
    if n_folds < 2:
        raise SettingError(
            "epochs",
            "tuning validates by images that the CNN did not learn from, but fewer than two images "
            "have pure tiles; label another one, or set it to a number",
        )
    folds = StratifiedGroupKFold(n_folds, shuffle=True, random_state=seed)
    classes = np.unique(codes)
    splits = list(folds.split(codes, codes, images))
    complete = [s for s in splits if np.array_equal(np.unique(codes[s[0]]), classes)]
    if not complete:
        log.warning("WARNING: each split of the images leaves a class without training tiles")
    # The fold whose classes come nearest to the shares that they have in all tiles.
    return min(complete or splits, key=lambda s: _imbalance(codes, s[1], classes))


def plateau_epoch(history: pd.DataFrame) -> tuple[int, bool]:
    """Find the epoch from which the validation loss falls no more: the CNN begins to overfit.

    Parameters
    ----------
    history : pandas.DataFrame
        Columns epoch (from 1) and val_loss.

    Returns
    -------
    epoch : int
        The first whose validation loss, as a median of three epochs, is at most 5 % above the
        lowest one.
    reached : bool
        False when the validation loss was still falling at the last epoch.
    """
    smooth = history["val_loss"].rolling(3, center=True, min_periods=2).median()
    best = int((smooth <= 1.05 * smooth.min()).argmax())
    return int(history["epoch"].iloc[best]), best < len(history) - 1


def _imbalance(codes: np.ndarray, chosen: np.ndarray, classes: np.ndarray) -> float:
    of_all, of_chosen = ([(c == k).mean() for k in classes] for c in (codes, codes[chosen]))
    return float(np.abs(np.subtract(of_all, of_chosen)).sum())
