"""Areas with intervals, against the published example and values worked out by hand."""

import numpy as np
import pandas as pd
import pytest

from ssc.evaluation.area_estimates import (
    BY_BOOTSTRAP,
    BY_CHECK_POINTS,
    BY_NOTHING,
    bootstrap_areas,
    estimate_areas,
    estimate_stratified,
)

# Section 5 of Olofsson et al. 2014: deforestation, forest gain, and no change of two kinds.
PUBLISHED = np.array([[66, 0, 5, 4], [0, 55, 8, 12], [1, 0, 153, 11], [2, 1, 9, 313]])
PIXELS = np.array([200_000, 150_000, 3_200_000, 6_450_000])
HECTARES = PIXELS.sum() * 30**2 / 1e4


def test_the_published_example_to_all_its_digits():
    classes, (overall, overall_se) = estimate_stratified(PUBLISHED, PIXELS / PIXELS.sum())
    first = classes.iloc[0]
    assert round(first["area"] * HECTARES) == 21158
    assert round(1.96 * first["area_se"] * HECTARES) == 6158
    assert (round(overall, 3), round(1.96 * overall_se, 3)) == (0.947, 0.018)
    assert round(first["users_accuracy"], 2) == 0.88
    assert round(1.96 * first["users_accuracy_se"], 2) == 0.07
    assert round(first["producers_accuracy"], 2) == 0.75
    assert round(1.96 * first["producers_accuracy_se"], 2) == 0.21


def test_a_class_of_one_pixel_and_one_that_is_nowhere():
    counts = np.array([[3, 1, 0], [0, 1, 0], [0, 0, 0]])
    classes, (overall, overall_se) = estimate_stratified(counts, np.array([0.96, 0.04, 0]))
    # 0.96 * 3/4, and 0.96 / 4 + 0.04; variance 0.96^2 * 3/16 / 3.
    assert classes["area"].tolist() == pytest.approx([0.72, 0.28, 0])
    assert classes["area_se"].tolist() == pytest.approx([0.24, 0.24, 0])
    assert classes["users_accuracy"].tolist()[:2] == [0.75, 1]
    assert classes["producers_accuracy"].tolist()[:2] == pytest.approx([1, 0.04 / 0.28])
    # The second: its own variance is 0; 0.1429 * 0.24 / 0.28 from the first.
    assert classes["producers_accuracy_se"].tolist()[:2] == pytest.approx(
        [0, 0.24 * 0.04 / 0.28**2]
    )
    assert classes.iloc[2, 2:].isna().all()
    assert (overall, overall_se) == pytest.approx((0.76, 0.24))


def test_equal_images_have_no_spread_and_two_kinds_have_that_of_the_binomial():
    one = np.array([[3, 1], [0, 2]])
    area, drawn = bootstrap_areas(np.stack([one] * 5), np.array([0.8, 0.2]), seed=1)
    assert area.tolist() == pytest.approx([0.6, 0.4])
    np.testing.assert_allclose(drawn, np.tile(area, (1000, 1)))
    # Half of the images are right, half wrong; the second class has no labels and counts as right.
    kinds = [np.array([[10, 0], [0, 0]]), np.array([[0, 10], [0, 0]])]
    area, drawn = bootstrap_areas(np.stack(kinds * 8), np.array([0.5, 0.5]), seed=1)
    assert area.tolist() == [0.25, 0.75]
    # The number k of right ones of 16 has the standard deviation 2; the area is 0.5 k / 16.
    assert drawn[:, 0].std() == pytest.approx(0.5 * 2 / 16, rel=0.1)
    again = bootstrap_areas(np.stack(kinds * 8), np.array([0.5, 0.5]), seed=1)[1]
    np.testing.assert_array_equal(drawn, again)


def areas_of(pixels, square_metres):
    """Rows of images with four classes."""
    table = pd.DataFrame({"pixels": pixels, "square_metres": square_metres})
    return table.assign(
        class_code=[1, 2, 3, 4] * (len(pixels) // 4), **{"class": [*"ABCD"] * (len(pixels) // 4)}
    )


def answers_of(counts):
    pairs = [(i, j) for (i, j), n in np.ndenumerate(counts) for _ in range(n)]
    return pd.DataFrame(np.array(pairs) + 1, columns=["class_code", "true_code"])


NO_ANSWERS = pd.DataFrame(columns=["class_code", "true_code"])
NO_LABELS = np.zeros((0, 4, 4), int)


def test_answers_give_hectares_and_accuracies():
    # In two images.
    areas = areas_of([*PIXELS // 4, *3 * PIXELS // 4], [*PIXELS / 4 * 900, *3 * PIXELS / 4 * 900])
    table = estimate_areas(areas, answers_of(PUBLISHED), NO_LABELS, seed=1)
    assert set(table["method"]) == {BY_CHECK_POINTS}
    first = table.set_index("class").loc["A"]
    assert first["points"] == 75
    assert first["mapped_percent"] == pytest.approx(2)
    interval = first[["hectares", "hectares_low", "hectares_high"]].tolist()
    assert interval == pytest.approx([21158, 21158 - 6158, 21158 + 6158], abs=1)
    assert first["percent"] == pytest.approx(100 * first["hectares"] / HECTARES)
    accuracies = ["users_accuracy", "producers_accuracy"]
    assert first[accuracies].round().tolist() == [88, 75]
    assert (1.96 * first[[f"{name}_se" for name in accuracies]]).round().tolist() == [7, 21]
    whole = table.set_index("class").loc["ALL"]
    assert (whole["points"], round(whole["overall_accuracy"], 1)) == (640, 94.7)


def test_a_class_that_is_nowhere_has_an_area_of_zero():
    areas = areas_of([6, 2, 2, 0], [6e4, 2e4, 2e4, 0])
    table = estimate_areas(areas, answers_of(np.diag([2, 2, 2])), NO_LABELS, seed=1)
    assert table["points"].tolist() == [2, 2, 2, 0, 6]
    assert table["hectares"].tolist()[:4] == pytest.approx([6, 2, 2, 0])


@pytest.mark.parametrize("second", [np.nan, 1.02])
def test_pixels_of_unknown_or_several_sizes_have_percents_only(second):
    sizes = np.repeat([1, second], 4)
    table = estimate_areas(areas_of([5] * 8, 5 * sizes), answers_of(PUBLISHED), NO_LABELS, seed=1)
    assert table["percent"].notna().sum() == 4
    assert table["hectares"].isna().all()
    assert table["hectares_high"].isna().all()


def test_without_answers_five_labelled_images_are_needed():
    areas = areas_of([10, 20, 30, 40], [1e4, 2e4, 3e4, 4e4])
    labelled = np.stack([np.eye(4, dtype=int)] * 5)
    table = estimate_areas(areas, NO_ANSWERS, labelled, seed=1)
    assert set(table["method"]) == {BY_BOOTSTRAP}
    assert table["hectares_low"].tolist() == pytest.approx([1, 2, 3, 4])
    assert table["points"].isna().all()
    table = estimate_areas(areas, NO_ANSWERS, labelled[:4], seed=1)
    assert set(table["method"]) == {BY_NOTHING}
    assert table["mapped_percent"].tolist() == [10, 20, 30, 40]
    assert (
        table.drop(columns=["method", "class_code", "class", "mapped_percent"])
        .isna()
        .all(axis=None)
    )


def test_the_interval_leaves_out_as_many_draws_below_as_above():
    labelled = np.random.default_rng(0).integers(1, 1000, (8, 4, 4))
    table = estimate_areas(areas_of([1, 2, 3, 4], [1, 2, 3, 4]), NO_ANSWERS, labelled, seed=1)
    drawn = 100 * bootstrap_areas(labelled, np.array([0.1, 0.2, 0.3, 0.4]), seed=1)[1]
    # 2.5 % of 1000.
    assert (drawn < table["percent_low"].to_numpy()).sum(axis=0).tolist() == [25] * 4
    assert (drawn > table["percent_high"].to_numpy()).sum(axis=0).tolist() == [25] * 4
