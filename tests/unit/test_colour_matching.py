import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ssc.cnn.colour_matching import (
    band_means,
    colour_histogram,
    is_exposure_outlier,
    matching_curves,
    training_colour_stats,
    usual_exposures,
)
from ssc.io.rasters import ImageArray

STATS = {"darkest": 80.0, "brightest": 120.0, "bands": [110.0, 100.0, 90.0]}


def plain(*values):
    """An image of 40 x 50 px, of columns of these greys."""
    return np.repeat(np.resize(np.uint8(values), (40, 50))[..., None], 3, axis=2)


def histogram(image):
    return colour_histogram(ImageArray(image))


def matched_to_stats(image):
    """The image by the curves that bring it to the training images."""
    return cv2.LUT(image, matching_curves(histogram(image), STATS))


def test_means_are_of_what_has_data():
    image = np.full((60, 60, 3), (30, 60, 120), np.uint8)
    assert band_means(histogram(image)) == pytest.approx([30, 60, 120])
    image[:20] = 0  # 1200 connected pixels
    assert band_means(histogram(image)) == pytest.approx([30, 60, 120])
    assert np.isnan(band_means(histogram(np.zeros((60, 60, 3), np.uint8)))).all()


def test_stats_are_the_extreme_brightnesses_and_the_median_of_each_band():
    tinted = np.full((9, 9, 3), (80, 50, 50), np.uint8)
    assert training_colour_stats([histogram(i) for i in (plain(90), plain(30), tinted)]) == {
        "darkest": 30,
        "brightest": 90,
        "bands": [80, 50, 50],
    }


@pytest.mark.parametrize(
    ("others", "outliers"),
    [
        # 100 is a quarter more than 80, 140 than 112.
        ([81], []),
        ([79], [79]),
        ([139], []),
        ([141], [141]),
        ([40, 42], [40, 42]),
        # Two parts on either side of the others.
        ([50, 230], []),
        # As many as the others are.
        ([40, 41, 42, 43, 44, 45, 46], []),
    ],
)
def test_usual_exposures_are_those_of_most_images(others, outliers):
    usual = [100, 102, 104, 106, 108, 110, 112]
    values = [usual[0], *others, *usual[1:]]
    selected = usual_exposures([histogram(plain(value)) for value in values])
    expected = [value for value in values if value not in outliers]
    assert [band_means(of_one)[0] for of_one in selected] == expected


def test_no_exposure_is_unusual_where_others_vary_as_much_or_are_few():
    def n_usual(*values):
        return len(usual_exposures([histogram(plain(value)) for value in values]))

    # 160 to 100 is 1.6, and so is 100 to 62.5.
    assert n_usual(62, 100, 110, 120, 130, 140, 150, 160) == 7
    assert n_usual(63, 100, 110, 120, 130, 140, 150, 160) == 8
    assert n_usual(30, 100, 102, 104, 106, 108, 110) == 7
    assert n_usual(30, 100) == 2


@pytest.mark.parametrize(
    ("value", "outlier"), [(63, True), (64, False), (100, False), (150, False), (151, True)]
)
def test_exposure_outlier_is_a_quarter_beyond_all_training_images(value, outlier):
    assert is_exposure_outlier(histogram(plain(value)), STATS) == outlier


@pytest.mark.parametrize("values", [(63,), (100,), (151,), (20, 90), (200, 110)])
def test_each_band_gets_the_mean_of_the_training_images(values):
    image = plain(*values)
    matched = matched_to_stats(image)
    assert matched.dtype == np.uint8
    assert band_means(histogram(matched)) == pytest.approx(STATS["bands"], abs=1.5)
    # 255 (v / 255)^g
    if len(values) == 1:
        power = np.log(110 / 255) / np.log(values[0] / 255)
        assert matched[0, 0, 0] == pytest.approx(255 * (values[0] / 255) ** power, abs=1.5)


@pytest.mark.parametrize(
    ("value", "means", "expected"),
    [
        # The square of 128 / 255 is 64.25 / 255.
        (128, [64.25] * 3, [0, 16, 64, 157, 255]),
        # Out of reach of the powers 1/4 and 4: the nearest.
        (10, [250] * 3, [0, 180, 215, 240, 255]),
        (250, [10] * 3, [0, 1, 16, 96, 255]),
    ],
)
def test_curves_are_powers_from_a_quarter_to_four(value, means, expected):
    curves = matching_curves(histogram(plain(value)), STATS | {"bands": means})
    assert curves[0, [0, 64, 128, 200, 255]].T.tolist() == [expected] * 3


def test_what_has_no_data_stays_black_and_does_not_count():
    image = plain(50)
    image = np.vstack([image, np.zeros_like(image)])
    matched = matched_to_stats(image)
    assert band_means(histogram(matched)) == pytest.approx(STATS["bands"], abs=1.5)
    assert (matched[40:] == 0).all()
    nothing = np.zeros((60, 60, 3), np.uint8)
    assert matching_curves(histogram(nothing), STATS) is None


@given(st.lists(st.integers(3, 255), min_size=1, max_size=50))
def test_the_order_of_values_is_kept_in_each_band(values):
    matched = matched_to_stats(plain(*values))
    order = np.argsort(plain(*values)[0, :, 0], kind="stable")
    assert (np.diff(matched[0, order].astype(int), axis=0) >= 0).all()
