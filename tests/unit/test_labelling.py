import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from ssc.labelling import describe_doubt, doubtful_crops, rank_crops, rank_images


def raster(values):
    return np.array(values, np.uint8)


def places(crops):
    return crops[["row", "column", "height", "width"]].to_numpy().tolist()


def test_most_doubtful_squares_come_first_and_leave_each_other_room():
    doubt = [
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
    crops = doubtful_crops(100 - raster(doubt), raster(codes), side=2, most=9)
    # Means of (0 + 9 + 9 + 8) / 4, (8 + 6 + 4 + 2) / 4 and, where these leave room, of 0.
    assert crops.to_dict("split", index=False) == {
        "columns": ["row", "column", "height", "width", "doubt", "mapped_as"],
        "data": [[2, 4, 2, 2, 6.5, 2], [1, 1, 2, 2, 5.0, 1], [0, 3, 2, 2, 0.0, 3]],
    }


def test_of_equal_squares_the_topmost_then_the_leftmost_is_first():
    crops = doubtful_crops(np.full((4, 4), 70, np.uint8), np.ones((4, 4), np.uint8), 2, most=3)
    assert places(crops) == [[0, 0, 2, 2], [0, 2, 2, 2], [2, 0, 2, 2]]
    assert crops["doubt"].tolist() == [30, 30, 30]


def test_square_is_no_larger_than_the_image():
    confidence = raster([[100, 100, 99], [100, 100, 100]])
    crops = doubtful_crops(confidence, np.ones_like(confidence), side=8, most=5)
    assert places(crops) == [[0, 0, 2, 3]]
    assert crops["doubt"].tolist() == [0.17]


def test_search_reaches_the_right_and_bottom_edge():
    confidence = np.full((17, 19), 100, np.uint8)
    confidence[-1, -1] = 0
    # Squares start at every second pixel: 0 and 2, then 3 and 1 for the edges.
    crops = doubtful_crops(confidence, np.ones_like(confidence), side=16, most=1)
    assert places(crops) == [[1, 3, 16, 16]]


def test_pixels_without_a_class_are_not_in_doubt():
    crops = doubtful_crops(raster([[0, 90, 80]]), raster([[0, 1, 0]]), side=1, most=3)
    assert crops[["column", "doubt", "mapped_as"]].to_numpy().tolist() == [
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
def test_crops_are_apart_inside_and_as_doubtful_as_they_say(rasters, side, most):
    confidence, codes = rasters
    doubt = np.where(codes > 0, 100 - confidence, 0)
    crops = doubtful_crops(confidence, codes, side, most)
    assert 1 <= len(crops) <= most
    taken = np.zeros(codes.shape, int)
    for row, column, height, width in places(crops):
        assert [height, width] == np.minimum(side, codes.shape).tolist()
        taken[row : row + height, column : column + width] += 1
    # A crop that stuck out would be cut off.
    assert taken.sum() == len(crops) * height * width
    assert taken.max() == 1
    means = [doubt[y : y + h, x : x + w].mean() for y, x, h, w in places(crops)]
    assert crops["doubt"].tolist() == pytest.approx(means, abs=0.0051)
    assert crops["doubt"].is_monotonic_decreasing
    if side < 16:
        # A step of 1 px leaves none out.
        windows = np.lib.stride_tricks.sliding_window_view(doubt, (height, width))
        assert means[0] == pytest.approx(windows.mean(axis=(2, 3)).max())


def images(**labelled):
    """Ure_1 is surest; Ure_2 and Ure_3 are equally sure, Ure_4 is least sure."""
    names = ["Ure_1", "Ure_3", "Ure_2", "Ure_4"]
    return pd.DataFrame(
        {
            "Image": names,
            "RiverName": "Ure",
            "labelled": [labelled.get(name, False) for name in names],
            "confidence": [90.0, 80.0, 80.0, 70.0],
        }
    )


def test_least_sure_of_the_images_without_labels_is_first():
    ranked = rank_images(images(Ure_4=True))
    assert list(ranked.columns) == ["rank", "Image", "RiverName", "labelled", "confidence"]
    assert ranked[["rank", "Image"]].to_numpy().tolist() == [
        [1, "Ure_2"],
        [2, "Ure_3"],
        [3, "Ure_1"],
    ]


def test_all_images_are_ranked_where_all_have_labels():
    ranked = rank_images(images(Ure_1=True, Ure_2=True, Ure_3=True, Ure_4=True))
    assert ranked["Image"].tolist() == ["Ure_4", "Ure_2", "Ure_3", "Ure_1"]


def crops_of(labelled):
    rows = [
        ("Ure_1", 0, 0, 30.0),
        ("Ure_1", 8, 0, 20.0),
        ("Ure_1", 0, 8, 20.0),
        ("Ure_1", 0, 4, 20.0),
        ("Ure_2", 0, 0, 90.0),
        ("Ure_3", 0, 0, 20.0),
        ("Ure_3", 0, 8, 10.0),
    ]
    crops = pd.DataFrame(rows, columns=["Image", "row", "column", "doubt"])
    return crops.assign(RiverName="Ure", labelled=crops["Image"].isin(labelled))


@pytest.mark.parametrize(
    ("labelled", "expected"),
    [
        (["Ure_2"], "Ure_1 0 0, Ure_1 0 4, Ure_1 0 8, Ure_1 8 0, Ure_3 0 0, Ure_3 0 8"),
        (["Ure_1", "Ure_2"], "Ure_3 0 0, Ure_3 0 8"),
        (
            ["Ure_1", "Ure_2", "Ure_3"],
            "Ure_2 0 0, Ure_1 0 0, Ure_1 0 4, Ure_1 0 8, Ure_1 8 0, Ure_3 0 0, Ure_3 0 8",
        ),
    ],
)
def test_most_doubtful_crops_of_new_images_are_first(labelled, expected):
    ranked = rank_crops(crops_of(labelled))
    found = [f"{c.Image} {c.row} {c.column}" for c in ranked.itertuples()]
    assert ", ".join(found) == expected
    assert ranked["rank"].tolist() == list(range(1, len(found) + 1))


def test_doubt_of_an_image_is_told_with_its_mean_confidence_where_it_has_classes():
    codes = np.full((40, 10), 2, np.uint8)
    codes[:, 5:] = 0
    confidence = np.zeros((40, 10), np.uint8)
    confidence[:, :5] = np.repeat([[60], [70], [80], [90]], 10, axis=0)
    found = describe_doubt("Ure_0001", codes, confidence, 10)
    assert found["Image"].unique().tolist() == ["Ure_0001"]
    assert found["confidence"].unique().tolist() == [75.0]
    # Three of the four places of its size; half of each is without a class.
    assert found["row"].tolist() == [0, 10, 20]
    assert found["doubt"].tolist() == [20.0, 15.0, 10.0]
    assert describe_doubt("Ure_0002", 0 * codes, 0 * confidence, 10)["confidence"].max() == 0
