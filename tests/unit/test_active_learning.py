import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from pandas.testing import assert_frame_equal

from ssc.evaluation.active_learning import (
    UncertaintyGrid,
    rank_crops,
    rank_images,
    summarise_images,
    summarise_uncertainty,
)
from ssc.io.windows import WINDOW_SIDE, windows


def raster(values):
    return np.array(values, np.uint8)


def places(crops):
    return crops[["row", "column", "height", "width"]].to_numpy().tolist()


def uncertain_crops(confidence, class_map, side, n_crops, window_side=WINDOW_SIDE):
    grid = UncertaintyGrid(class_map.shape, side)
    for window in windows(class_map.shape, window_side):
        grid.add(window, class_map[window.slices], confidence[window.slices])
    return grid.most_uncertain(class_map, n_crops)


@pytest.mark.parametrize("side", [1, 20, 64, 100])
def test_squares_do_not_depend_on_the_windows(side):
    rng = np.random.default_rng(5)
    confidence = rng.integers(0, 101, (150, 290)).astype(np.uint8)
    codes = rng.integers(0, 3, confidence.shape).astype(np.uint8)
    tables = [uncertain_crops(confidence, codes, side, 5, windowed) for windowed in (2048, 64)]
    assert_frame_equal(*tables)


def test_most_uncertain_squares_come_first_and_leave_each_other_room():
    uncertainty = [
        [0, 0, 0, 0, 0, 0],
        [0, 8, 6, 0, 0, 0],
        [0, 4, 2, 0, 0, 9],
        [0, 0, 0, 0, 9, 8],
    ]
    codes = [
        [1, 1, 1, 3, 3, 1],
        [1, 1, 3, 3, 3, 1],
        [1, 3, 1, 1, 2, 2],
        [1, 1, 1, 1, 2, 1],
    ]
    crops = uncertain_crops(100 - raster(uncertainty), raster(codes), side=2, n_crops=9)
    # Means of (0 + 9 + 9 + 8) / 4, (8 + 6 + 4 + 2) / 4 and, where these leave room, of 0.
    assert crops.to_dict("split", index=False) == {
        "columns": ["row", "column", "height", "width", "uncertainty", "majority_class"],
        "data": [[2, 4, 2, 2, 6.5, 2], [1, 1, 2, 2, 5.0, 1], [0, 3, 2, 2, 0.0, 3]],
    }


def test_of_equal_squares_the_topmost_then_the_leftmost_is_first():
    crops = uncertain_crops(np.full((4, 4), 70, np.uint8), np.ones((4, 4), np.uint8), 2, n_crops=3)
    assert places(crops) == [[0, 0, 2, 2], [0, 2, 2, 2], [2, 0, 2, 2]]
    assert crops["uncertainty"].tolist() == [30, 30, 30]


def test_square_is_no_larger_than_the_image():
    confidence = raster([[100, 100, 99], [100, 100, 100]])
    crops = uncertain_crops(confidence, np.ones_like(confidence), side=8, n_crops=5)
    assert places(crops) == [[0, 0, 2, 3]]
    assert crops["uncertainty"].tolist() == [0.17]


def test_search_reaches_the_right_and_bottom_edge():
    confidence = np.full((17, 19), 100, np.uint8)
    confidence[-1, -1] = 0
    # Squares start at every second pixel: 0 and 2, then 3 and 1 for the edges.
    crops = uncertain_crops(confidence, np.ones_like(confidence), side=16, n_crops=1)
    assert places(crops) == [[1, 3, 16, 16]]


def test_pixels_without_a_class_have_no_uncertainty():
    crops = uncertain_crops(raster([[0, 90, 80]]), raster([[0, 1, 0]]), side=1, n_crops=3)
    assert crops[["column", "uncertainty", "majority_class"]].to_numpy().tolist() == [
        [1, 10, 1],
        [0, 0, 0],
        [2, 0, 0],
    ]


RASTERS = st.tuples(st.integers(1, 24), st.integers(1, 24)).flatmap(
    lambda shape: st.tuples(
        arrays(np.uint8, shape, elements=st.integers(0, 100)),
        arrays(np.uint8, shape, elements=st.sampled_from([0, 1, 2, 7])),
    )
)


@given(RASTERS, st.integers(1, 26), st.integers(1, 8))
def test_crops_are_apart_inside_and_as_uncertain_as_they_say(rasters, side, most):
    confidence, codes = rasters
    uncertainty = np.where(codes > 0, 100 - confidence, 0)
    crops = uncertain_crops(confidence, codes, side, most)
    assert 1 <= len(crops) <= most
    taken = np.zeros(codes.shape, int)
    for row, column, height, width in places(crops):
        assert [height, width] == np.minimum(side, codes.shape).tolist()
        taken[row : row + height, column : column + width] += 1
    # A crop that stuck out would be cut off.
    assert taken.sum() == len(crops) * height * width
    assert taken.max() == 1
    means = [uncertainty[y : y + h, x : x + w].mean() for y, x, h, w in places(crops)]
    assert crops["uncertainty"].tolist() == pytest.approx(means, abs=0.0051)
    assert crops["uncertainty"].is_monotonic_decreasing
    if side < 16:
        # A step of 1 px leaves none out.
        windows = np.lib.stride_tricks.sliding_window_view(uncertainty, (height, width))
        assert means[0] == pytest.approx(windows.mean(axis=(2, 3)).max())


# Pixels of classes 1 and 4 that labels have, and that images are expected to have. Image by image
# they are worth, at first: 5 (of 5² - 0), 1 (of 8² - 7²), 4 (of 4² - 0) and 1 + 3.
KNOWN = np.zeros(256, np.int64)
KNOWN[1] = 7**2
AREAS = {"Ure_2": [0, 5**2], "Ure_4": [15, 0], "Ure_3": [0, 4**2], "Ure_1": [15, 3**2]}


def images(labelled=()):
    areas = pd.DataFrame(AREAS.values(), columns=["area_1", "area_4"])
    return pd.DataFrame(
        {
            "Image": list(AREAS),
            "RiverName": "Ure",
            "labelled": [name in labelled for name in AREAS],
            "confidence": 70.0,
        }
    ).join(areas)


def test_next_is_the_image_that_adds_most_to_labels_and_to_those_before_it():
    ranked = rank_images(images(), KNOWN)
    columns = ["rank", "Image", "RiverName", "labelled", "confidence", "gained_class"]
    assert list(ranked.columns) == columns
    # After Ure_2, with 25 pixels of class 4, Ure_1 adds 1 + (5.83 - 5), Ure_3 6.40 - 5, Ure_4 1;
    # then Ure_3 is worth 7.07 - 5.83, Ure_4 8.89 - 8.
    assert ranked[["rank", "Image", "gained_class"]].to_numpy().tolist() == [
        [1, "Ure_2", 4],
        [2, "Ure_1", 1],
        [3, "Ure_3", 4],
        [4, "Ure_4", 1],
    ]


def test_images_with_labels_are_not_ranked_unless_all_have_them():
    assert rank_images(images(["Ure_2"]), KNOWN)["Image"].tolist() == ["Ure_1", "Ure_3", "Ure_4"]
    assert rank_images(images(AREAS), KNOWN)["Image"].tolist()[0] == "Ure_2"


def test_of_images_that_add_as_much_the_first_by_name_leads():
    table = images().assign(area_1=9, area_4=0)
    assert rank_images(table, KNOWN)["Image"].tolist() == ["Ure_1", "Ure_2", "Ure_3", "Ure_4"]


def test_after_the_first_ones_images_are_ranked_all_at_once(monkeypatch):
    # After the 9 pixels of Ure_2, 8 more are worth 1.12, and 0.88 after these; the others 1.
    table = images().assign(area_1=[0, 0, 0, 15], area_4=[9, 8, 8, 0])
    assert rank_images(table, KNOWN)["Image"].tolist() == ["Ure_2", "Ure_3", "Ure_1", "Ure_4"]
    monkeypatch.setattr("ssc.evaluation.active_learning.MAX_GREEDY", 1)
    ranked = rank_images(table, KNOWN)
    assert ranked["Image"].tolist() == ["Ure_2", "Ure_3", "Ure_4", "Ure_1"]
    assert ranked["gained_class"].tolist() == [4, 4, 4, 1]


def test_crops_follow_their_images_and_lead_with_the_most_uncertain():
    rows = [
        ("Ure_1", "Ure", 0, 8, 20.0),
        ("Ure_1", "Ure", 8, 0, 30.0),
        ("Ure_1", "Ure", 0, 4, 20.0),
        ("Ure_2", "Ure", 0, 0, 10.0),
        ("Ure_3", "Ure", 0, 0, 90.0),
    ]
    crops = pd.DataFrame(rows, columns=["Image", "RiverName", "row", "column", "uncertainty"])
    crops.insert(2, "area_1", 5)
    ranked = pd.DataFrame({"rank": [1, 2], "Image": ["Ure_2", "Ure_1"], "RiverName": "Ure"})
    assert rank_crops(crops, ranked).to_dict("split", index=False) == {
        "columns": ["rank", "Image", "RiverName", "row", "column", "uncertainty"],
        "data": [
            [1, "Ure_2", "Ure", 0, 0, 10.0],
            [2, "Ure_1", "Ure", 8, 0, 30.0],
            [3, "Ure_1", "Ure", 0, 4, 20.0],
            [4, "Ure_1", "Ure", 0, 8, 20.0],
        ],
    }


def test_summary_has_the_mean_confidence_of_the_pixels_with_a_class():
    codes = np.full((40, 10), 2, np.uint8)
    codes[:, 5:] = 0
    confidence = np.zeros((40, 10), np.uint8)
    confidence[:, :5] = np.repeat([[60], [70], [80], [90]], 10, axis=0)
    summary = summarise_uncertainty("Ure_0001", "Ure", codes, confidence, {2: 180.4, 3: 19.6}, 10)
    assert summary["Image"].unique().tolist() == ["Ure_0001"]
    assert summary["confidence"].unique().tolist() == [75.0]
    assert summary[["area_2", "area_3"]].drop_duplicates().to_numpy().tolist() == [[180, 20]]
    # Three of the four places of its size; half of each is without a class.
    assert summary["row"].tolist() == [0, 10, 20]
    assert summary["uncertainty"].tolist() == [20.0, 15.0, 10.0]
    empty = summarise_uncertainty("Ure_0002", "Ure", 0 * codes, 0 * confidence, {}, 10)
    assert empty["confidence"].tolist() == [0, 0, 0]


def test_images_have_a_row_each_with_river_and_labels():
    crops = pd.DataFrame(
        {
            "Image": ["North_Ure_0001", "North_Ure_0001", "Wye_0002"],
            "RiverName": ["North_Ure", "North_Ure", "Wye"],
            "confidence": [75.0, 75.0, 60.0],
            "area_2": [180, 180, 7],
            "row": [0, 10, 0],
        }
    )
    assert summarise_images(crops, ["Wye_0002"]).to_dict("split", index=False) == {
        "columns": ["Image", "RiverName", "labelled", "confidence", "area_2"],
        "data": [
            ["North_Ure_0001", "North_Ure", False, 75.0, 180],
            ["Wye_0002", "Wye", True, 60.0, 7],
        ],
    }
