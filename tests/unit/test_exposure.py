import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ssc.exposure import brightness, learned_brightness, match_exposure

LEARNED = [80.0, 100.0, 120.0]


def plain(*values):
    """An image of 40 x 50 px, of columns of these greys."""
    return np.repeat(np.resize(np.uint8(values), (40, 50))[..., None], 3, axis=2)


def test_brightness_is_the_mean_over_bands_where_there_is_data():
    image = np.full((60, 60, 3), (30, 60, 120), np.uint8)
    assert brightness(image) == pytest.approx(70)
    image[:20] = 0  # 1200 connected pixels
    assert brightness(image) == pytest.approx(70)
    assert brightness(np.zeros((60, 60, 3), np.uint8)) == 0


def test_lowest_median_and_highest_brightness_are_learned():
    assert learned_brightness([plain(90), plain(30), plain(50, 70)]) == [30, 60, 90]


@pytest.mark.parametrize("value", [64, 80, 100, 150])
def test_an_image_within_a_quarter_of_what_was_learned_is_left_as_it_is(value):
    image = plain(value)
    assert match_exposure(image, LEARNED) is image


@pytest.mark.parametrize("values", [(63,), (151,), (20, 90), (200, 110)])
def test_an_image_beyond_that_gets_the_median_brightness(values):
    image = plain(*values)
    found = match_exposure(image, LEARNED)
    assert found.dtype == np.uint8
    assert brightness(found) == pytest.approx(100, abs=1.5)
    # 255 (v / 255)^g of one g: darker colours stay darker.
    if len(values) == 1:
        power = np.log(100 / 255) / np.log(values[0] / 255)
        assert found[0, 0, 0] == pytest.approx(255 * (values[0] / 255) ** power, abs=1.5)


def test_what_has_no_data_stays_black_and_does_not_count():
    image = plain(50)
    image = np.vstack([image, np.zeros_like(image)])
    found = match_exposure(image, LEARNED)
    assert brightness(found) == pytest.approx(100, abs=1.5)
    assert (found[40:] == 0).all()
    nothing = np.zeros((60, 60, 3), np.uint8)
    assert match_exposure(nothing, LEARNED) is nothing


@given(st.lists(st.integers(3, 255), min_size=1, max_size=50))
def test_the_order_of_colours_is_kept(values):
    found = match_exposure(plain(*values), LEARNED)
    order = np.argsort(plain(*values)[0, :, 0], kind="stable")
    assert (np.diff(found[0, order, 0].astype(int)) >= 0).all()
