import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.metrics import accuracy_score, cohen_kappa_score, precision_recall_fscore_support

from ssc.classes import LandClass
from ssc.evaluation.scores import accuracies, confusion_matrix, score_table

WATER_AND_SAND = [LandClass(1, "Water", "blue"), LandClass(3, "Sand", "orange")]

# Two pixels unlabelled; of three water pixels two are mapped so, of one sand pixel none.
LABELS = np.array([[1, 1, 1], [3, 0, 0]], np.uint8)
CODES = np.array([[1, 3, 1], [1, 3, 1]], np.uint8)


# A row for each code, in the order of EDGE_COUNTS.
BOUNDARY = np.array([[0, 0, 0, 0], [4, 3, 6, 3], [0, 0, 0, 0], [6, 0, 2, 0]])


def scores(labels, codes, classes=WATER_AND_SAND, boundary=BOUNDARY):
    confusion = confusion_matrix(np.array(labels, np.uint8), np.array(codes, np.uint8), 4)
    return score_table(confusion, classes, boundary)


def test_confusion_counts_label_by_row_and_ignores_unlabelled_pixels():
    assert confusion_matrix(LABELS, CODES, 4).tolist() == [
        [0, 0, 0, 0],
        [0, 2, 0, 1],
        [0, 0, 0, 0],
        [0, 1, 0, 0],
    ]


def test_confusion_counts_the_highest_codes():
    confusion = confusion_matrix(np.array([255, 254], np.uint8), np.array([255, 0], np.uint8), 256)
    assert confusion.shape == (256, 256)
    assert confusion[255, 255] == confusion[254, 0] == 1
    assert confusion.sum() == 2


def test_confusion_of_a_large_image_counts_every_pixel():
    # One pixel of the first class more than floats of 32 bits can count.
    image = np.append(np.ones(2**24 + 1, np.uint8), np.uint8(2))
    assert confusion_matrix(image, image, 3)[1:, 1:].tolist() == [[2**24 + 1, 0], [0, 1]]


def test_scores_by_hand():
    expected = pd.DataFrame(
        {
            "class": ["Water", "Sand", "ALL", "MACRO"],
            # Weights of 3 and 1 in ALL, of 1 and 1 in MACRO.
            "precision": [2 / 3, 0, 1 / 2, 1 / 3],
            "recall": [2 / 3, 0, 1 / 2, 1 / 3],
            "f1_score": [2 / 3, 0, 1 / 2, 1 / 3],
            "support": [3, 1, 4, 4],
            # Water: P 3 / 6, R 3 / 4. All: P 3 / 8, R 3 / 10.
            "boundary_f1": [3 / 5, 0, 1 / 3, 3 / 10],
            "mapped_Water": [2, 1, 3, 3],
            "mapped_Sand": [1, 0, 1, 1],
            "label_edges": [4, 6, 10, 10],
            "label_edges_matched": [3, 0, 3, 3],
            "map_edges": [6, 2, 8, 8],
            "map_edges_matched": [3, 0, 3, 3],
        }
    )
    pd.testing.assert_frame_equal(scores(LABELS, CODES), expected)


def test_precision_and_recall_are_not_mixed_up():
    # Of 4 pixels mapped as water 3 are water; of 5 water pixels 3 are mapped so.
    table = scores([1, 1, 1, 1, 1, 3], [1, 1, 1, 3, 3, 1])
    water = table.iloc[0]
    assert (water["precision"], water["recall"]) == (3 / 4, 3 / 5)
    assert water["f1_score"] == pytest.approx(2 * 3 / 4 * 3 / 5 / (3 / 4 + 3 / 5))


def test_pixels_mapped_as_no_class_count_as_missed():
    water = scores([1, 1, 3], [1, 0, 3]).iloc[0]
    assert (water["precision"], water["recall"], water["support"]) == (1, 1 / 2, 2)


def test_class_without_support_has_no_part_in_the_means():
    table = scores([1, 1], [1, 3]).set_index("class")
    assert table.loc["Sand", "support"] == 0
    assert table.loc["ALL", "f1_score"] == table.loc["MACRO", "f1_score"] == pytest.approx(2 / 3)


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        ([0, 0, 9, 0], np.nan),  # labels without edges
        ([9, 3, 0, 0], np.nan),  # some matched, none judged: no precision
        ([9, 0, 0, 0], 0),  # no label edge matched
        ([9, 3, 9, 0], 0),  # no map edge matched
    ],
)
def test_boundary_f1_of_a_class_that_lacks_counts(counts, expected):
    counts = np.array([[0] * 4, counts, [0] * 4, [2, 2, 2, 2]])
    table = scores(LABELS, CODES, boundary=counts).set_index("class")
    np.testing.assert_equal(table.loc["Water", "boundary_f1"], expected)
    assert table.loc["MACRO", "boundary_f1"] == (1 if np.isnan(expected) else 1 / 2)


def test_accuracies_are_those_of_congalton_1991():
    # Table 1: four kinds of land cover, there with the mapped classes down.
    table = np.array([[65, 4, 22, 24], [6, 81, 5, 8], [0, 11, 85, 19], [4, 7, 3, 90]])
    agreement = accuracies(table.T)
    assert agreement.overall == pytest.approx(321 / 434)
    assert agreement.producers == pytest.approx([65 / 75, 81 / 103, 85 / 115, 90 / 141])
    assert agreement.users == pytest.approx([65 / 115, 81 / 100, 85 / 115, 90 / 104])
    by_chance = (115 * 75 + 100 * 103 + 115 * 115 + 104 * 141) / 434**2
    assert agreement.kappa == pytest.approx((321 / 434 - by_chance) / (1 - by_chance))
    assert round(agreement.kappa, 2) == 0.65


def test_accuracies_count_unmapped_pixels_as_missed():
    agreement = accuracies(np.array([[2, 0, 2], [0, 4, 0]]))
    assert (agreement.overall, [*agreement.users]) == (6 / 8, [1, 1])
    assert [*agreement.producers] == [1 / 2, 1]
    # By chance 4/8 * 2/8 + 4/8 * 4/8 = 3/8.
    assert agreement.kappa == (6 / 8 - 3 / 8) / (5 / 8)


def test_accuracies_that_nothing_tells_are_nan():
    agreement = accuracies(np.array([[9, 0], [0, 0]]))
    np.testing.assert_equal([agreement.overall, agreement.kappa], [1, np.nan])
    np.testing.assert_equal([agreement.users, agreement.producers], 2 * [[1, np.nan]])


def pixels(low):
    return arrays(np.uint8, 60, elements=st.integers(low, 3), fill=st.nothing())


@given(pixels(0).filter(np.any), pixels(1))
def test_scores_are_those_of_sklearn(labels, codes):
    classes = [LandClass(i, f"c{i}", "red") for i in (1, 2, 3)]
    table = scores(labels, codes, classes).set_index("class")
    shares = ["precision", "recall", "f1_score"]
    truth, mapped = labels[labels > 0], codes[labels > 0]

    def sklearn(**options):
        return precision_recall_fscore_support(truth, mapped, zero_division=0, **options)

    *expected, support = sklearn(labels=[1, 2, 3])
    np.testing.assert_allclose(table.iloc[:3][shares].T, expected)
    assert table["support"].tolist() == [*support, len(truth), len(truth)]
    np.testing.assert_allclose(table.loc["ALL", shares], sklearn(average="weighted")[:3])
    np.testing.assert_allclose(table.loc["ALL", "recall"], accuracy_score(truth, mapped))
    if len(np.unique([truth, mapped])) > 1:
        agreement = accuracies(confusion_matrix(labels, codes, 4)[1:, 1:])
        assert agreement.kappa == pytest.approx(cohen_kappa_score(truth, mapped))
    present = sklearn(average="macro", labels=np.unique(truth))[:3]
    np.testing.assert_allclose(table.loc["MACRO", shares], present)
