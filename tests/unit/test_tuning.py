import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ssc.cnn.tuning import plateau_epoch, split_by_image, subsample_tiles
from ssc.errors import SettingError


def history(*val_loss):
    return pd.DataFrame({"epoch": range(1, len(val_loss) + 1), "val_loss": val_loss})


@pytest.mark.parametrize(
    ("val_loss", "expected"),
    [
        # Medians of three: 0.85 0.7 0.5 0.4 0.4 0.45 0.525, of two at the ends.
        ((1.0, 0.7, 0.5, 0.4, 0.4, 0.45, 0.6), (4, True)),
        # One lucky epoch does not count: 0.85 0.7 0.5 0.5 0.5 0.5 0.505.
        ((1.0, 0.7, 0.5, 0.1, 0.5, 0.5, 0.51), (3, True)),
        # Still falling: 0.95 0.9 0.8 0.7 0.6 0.55.
        ((1.0, 0.9, 0.8, 0.7, 0.6, 0.5), (6, False)),
        # A plateau within 5 % of the lowest: 0.8 0.6 0.51 0.5 0.5 0.495.
        ((1.0, 0.6, 0.51, 0.5, 0.5, 0.49), (3, True)),
        # Rising from the start.
        ((0.5, 0.6, 0.7, 0.8), (1, True)),
    ],
)
def test_epoch_from_which_the_validation_loss_falls_no_more(val_loss, expected):
    assert plateau_epoch(history(*val_loss)) == expected


@given(
    st.lists(st.tuples(st.integers(0, 6), st.integers(1, 3)), min_size=2, max_size=80).filter(
        lambda tiles: (
            len({image for image, _ in tiles}) > 1 and len({c for _, c in tiles}) < len(tiles)
        )
    ),
    st.floats(0.1, 0.5),
    st.integers(0, 9),
)
@pytest.mark.filterwarnings("ignore:The least populated class")
def test_no_image_is_on_both_sides_of_the_split(tiles, share, seed):
    images, codes = np.array(tiles).T
    train, validate = split_by_image(codes, images, share, seed)
    assert sorted([*train, *validate]) == list(range(len(tiles)))
    assert len(train)
    assert len(validate)
    assert not set(images[train]) & set(images[validate])
    again = split_by_image(codes, images, share, seed)
    assert again[1].tolist() == validate.tolist()


def test_split_comes_near_its_share_and_leaves_no_class_without_training_tiles():
    # Twelve images of 20 tiles; three of them show a rare class.
    images = np.repeat(np.arange(12), 20)
    codes = np.where((images < 3) & (np.arange(240) % 20 < 5), 2, 1)
    for seed in range(10):
        train, validate = split_by_image(codes, images, 0.25, seed)
        assert len(validate) == 60
        assert 2 in codes[train]
        assert 2 in codes[validate]


def test_single_image_cannot_be_split():
    with pytest.raises(
        SettingError, match=r"^epochs: tuning .*fewer than two images have pure tiles; label"
    ):
        split_by_image(np.array([1, 1, 2]), np.array([4, 4, 4]), 0.25, 0)


def test_subsample_has_the_fraction_asked_for_and_no_tile_twice():
    drawn = subsample_tiles(200, 0.55, seed=1)
    assert len(set(drawn)) == 110
    assert (drawn.min() >= 0, drawn.max() < 200) == (True, True)
    assert drawn.tolist() == subsample_tiles(200, 0.55, seed=1).tolist()
    assert drawn.tolist() != subsample_tiles(200, 0.55, seed=2).tolist()
