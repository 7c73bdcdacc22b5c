import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from ssc.evaluation.calibration import expected_calibration_error, reliability, reliability_counts


def raster(*rows):
    return np.array(rows, np.uint8)


def counts_of(**rows):
    """Counts from `p<percent>=(pixels, correct)`."""
    table = pd.DataFrame({"percent": range(101), "pixels": 0, "correct": 0})
    for percent, pair in rows.items():
        table.loc[int(percent[1:]), ["pixels", "correct"]] = pair
    return table


def test_counts_are_of_labelled_pixels_by_confidence():
    labels = raster([1, 1, 3], [3, 0, 3])
    codes = raster([1, 3, 3], [0, 0, 1])
    counts = reliability_counts(labels, codes, raster([90, 90, 100], [0, 50, 90]))
    assert counts["percent"].tolist() == list(range(101))
    filled = counts[counts["pixels"] > 0]
    assert filled.to_numpy().tolist() == [[0, 1, 0], [90, 3, 1], [100, 1, 1]]
    assert counts["correct"].sum() == 2


def test_bins_hold_their_upper_edge_and_the_first_one_also_0():
    counts = counts_of(p0=(1, 0), p50=(3, 2), p51=(1, 1), p100=(3, 0))
    assert reliability(counts, bins=2).to_numpy().tolist() == [
        [150 / 400, 2 / 4, 4],
        [351 / 400, 1 / 4, 4],
    ]


def test_bins_that_do_not_divide_100_hold_every_percent():
    counts = pd.DataFrame({"percent": range(101), "pixels": 1, "correct": 0})
    # Thirds end at 33.3 and 66.7 %.
    assert reliability(counts, bins=3)["pixels"].tolist() == [34, 33, 34]


def test_bins_without_pixels_are_empty_and_of_no_weight():
    counts = counts_of(p80=(4, 2), p95=(1, 1))
    table = reliability(counts)
    assert table["pixels"].tolist() == [0] * 7 + [4, 0, 1]
    assert table[["confidence", "accuracy"]].isna().any(axis=1).sum() == 8
    # The accuracy is 0.3 below the confidence for 4 of 5 pixels, and 0.05 above it for one.
    assert expected_calibration_error(counts) == pytest.approx(4 / 5 * 0.3 + 1 / 5 * 0.05)


def test_error_is_taken_of_bins_not_of_percents():
    # In one bin half of the pixels are right at 50 % in the mean.
    counts = counts_of(p40=(5, 5), p60=(5, 0))
    assert expected_calibration_error(counts, bins=1) == 0
    assert expected_calibration_error(counts, bins=10) == pytest.approx(0.6)
    # By default the seventies are one bin: half are right at 75 % in the mean.
    assert expected_calibration_error(counts_of(p71=(5, 5), p79=(5, 0))) == pytest.approx(0.25)


def test_error_of_no_pixels_is_unknown():
    assert np.isnan(expected_calibration_error(counts_of()))


@st.composite
def tables(draw, right):
    """Counts of up to 1000 times 100 pixels a percent; `right` gives those that are right."""
    hundreds = np.array(draw(st.lists(st.integers(0, 1000), min_size=101, max_size=101)))
    percent = np.arange(101)
    return pd.DataFrame(
        {"percent": percent, "pixels": 100 * hundreds, "correct": hundreds * right(draw, percent)}
    )


@given(tables(right=lambda draw, percent: percent), st.integers(1, 100))
def test_map_as_right_as_confident_has_no_error(counts, bins):
    if counts["pixels"].any():
        assert expected_calibration_error(counts, bins) == pytest.approx(0, abs=1e-12)


@given(tables(right=lambda draw, percent: draw(st.integers(0, 100))), st.integers(1, 100))
def test_error_is_a_share_no_smaller_than_that_of_one_bin(counts, bins):
    if counts["pixels"].any():
        error = expected_calibration_error(counts, bins)
        assert expected_calibration_error(counts, 1) - 1e-12 <= error <= 1


@given(st.integers(0, 20), arrays(np.uint8, (3, 20), elements=st.integers(0, 3)))
def test_counts_of_two_images_sum_to_those_of_both_in_one(cut, rows):
    labels, codes, confidence = rows[:1], rows[1:2], 33 * rows[2:]
    left, right, both = (
        reliability_counts(labels[:, part], codes[:, part], confidence[:, part])
        for part in (np.s_[:cut], np.s_[cut:], np.s_[:])
    )
    assert (left + right)[["pixels", "correct"]].equals(both[["pixels", "correct"]])
    assert reliability(pd.concat([left, right])).equals(reliability(both))
