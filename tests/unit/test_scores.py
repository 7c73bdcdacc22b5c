import io

import numpy as np
import pandas as pd
import pytest
import seaborn
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.ndimage import distance_transform_edt
from sklearn.metrics import accuracy_score, precision_recall_fscore_support

from ssc.classes import LandClass
from ssc.scores import (
    boundary_counts,
    compare_experiments,
    compile_scores,
    confusion_matrix,
    score_table,
    total_scores,
)

WATER_AND_SAND = [LandClass(1, "Water", "blue"), LandClass(3, "Sand", "orange")]

# Two pixels unlabelled; of three water pixels two are mapped so, of one sand pixel none.
LABELS = np.array([[1, 1, 1], [3, 0, 0]], np.uint8)
CODES = np.array([[1, 3, 1], [1, 3, 1]], np.uint8)


# A row a code: edge pixels of the labels, found, edge pixels of the map, right.
BOUNDARY = np.array([[0, 0, 0, 0], [4, 3, 6, 3], [0, 0, 0, 0], [6, 0, 2, 0]])


def scores(labels, codes, classes=WATER_AND_SAND, boundary=BOUNDARY):
    confusion = confusion_matrix(np.array(labels, np.uint8), np.array(codes, np.uint8), 4)
    return score_table(confusion, classes, boundary)


BY_MODEL = ["model", "type"]


def describe(name="Ure_0001", kind="CNN", model="Ure", river="Ure", sample="in", design="own"):
    return dict(
        **dict(RiverName=river, Image=name, type=kind, experiment="demo", model=model),
        **dict(sample=sample, design=design, confidence=87.5),
    )


def test_confusion_counts_label_by_row_and_ignores_unlabelled_pixels():
    assert confusion_matrix(LABELS, CODES, 4).tolist() == [
        [0, 0, 0, 0],
        [0, 2, 0, 1],
        [0, 0, 0, 0],
        [0, 1, 0, 0],
    ]


def test_confusion_counts_the_highest_codes():
    found = confusion_matrix(np.array([255, 254], np.uint8), np.array([255, 0], np.uint8), 256)
    assert found.shape == (256, 256)
    assert found[255, 255] == found[254, 0] == 1
    assert found.sum() == 2


def test_confusion_of_a_large_image_counts_every_pixel():
    # One more than floats of 32 bits can count.
    water = np.ones(2**24 + 1, np.uint8)
    assert confusion_matrix(water, water, 2).tolist() == [[0, 0], [0, 2**24 + 1]]


def row(*runs):
    """A raster of one row, from pairs of a code and how often it comes."""
    codes, lengths = zip(*runs, strict=True)
    return np.repeat(np.array(codes, np.uint8), lengths)[None]


def counts_of_one(labels, codes, **options):
    (counts,) = boundary_counts(labels, [codes], 4, **options)
    return counts


def edge_counts(labels, codes, **options):
    return counts_of_one(labels, codes, **options)[[1, 3]].tolist()


def test_several_maps_are_counted_as_each_alone():
    labels, maps = row((1, 5), (3, 5)), [row((1, 7), (3, 3)), row((1, 2), (2, 8))]
    together = boundary_counts(labels, maps, 4)
    assert [c.tolist() for c in together] == [counts_of_one(labels, m).tolist() for m in maps]
    assert together[0].tolist() != together[1].tolist()


def test_edges_match_up_to_the_tolerance():
    labels = row((1, 10), (3, 10))
    assert edge_counts(labels, row((1, 13), (3, 7))) == [[1, 1, 1, 1], [1, 1, 1, 1]]
    assert edge_counts(labels, row((1, 14), (3, 6))) == [[1, 0, 1, 0], [1, 0, 1, 0]]
    assert edge_counts(labels, row((1, 14), (3, 6)), tolerance=4) == [[1, 1, 1, 1], [1, 1, 1, 1]]
    assert edge_counts(labels, row((1, 20))) == [[1, 0, 0, 0], [1, 0, 0, 0]]


@pytest.mark.parametrize(("shift", "matched"), [((2, 2), 1), ((2, 3), 0), ((0, 3), 1)])
def test_edges_match_by_straight_distance(shift, matched):
    labels = np.ones((20, 20), np.uint8)
    labels[9, 9] = 3
    assert edge_counts(labels, np.roll(labels, shift, axis=(0, 1)))[1] == [1, matched, 1, matched]


def test_diagonal_neighbours_make_no_edge():
    labels = np.ones((3, 3), np.uint8)
    labels[2, 2] = 3
    assert edge_counts(labels, labels) == [[2, 2, 2, 2], [1, 1, 1, 1]]


def test_only_edges_of_the_same_class_match():
    counts = counts_of_one(row((1, 10), (3, 10)), row((2, 10), (3, 10)))
    assert counts.tolist() == [[0, 0, 0, 0], [1, 0, 0, 0], [0, 0, 1, 0], [1, 1, 1, 1]]


@pytest.mark.parametrize(("water", "matched"), [(8, 0), (9, 1), (13, 1), (15, 1), (16, 0)])
def test_closed_seam_has_an_edge_along_its_middle(water, matched):
    # A seam of 4 pixels, 10 to 13, so that water's last pixel is 11.
    labels, codes = row((1, 10), (0, 4), (3, 10)), row((1, water), (3, 24 - water))
    assert edge_counts(labels, codes) == [[1, matched, 1, matched]] * 2


@pytest.mark.parametrize(("width", "edges"), [(6, 1), (7, 0)])
def test_seams_are_closed_up_to_twice_the_tolerance(width, edges):
    labels, codes = row((1, 10), (0, width), (3, 10)), row((1, 13), (3, 7 + width))
    assert edge_counts(labels, codes) == [[edges] * 4] * 2


@pytest.mark.parametrize(("width", "judged"), [(3, 1), (4, 0)])
def test_strips_along_the_border_are_closed_up_to_the_tolerance(width, judged):
    labels = row((0, width), (1, 4), (3, 4), (0, width))
    codes = row((1, 4 + width), (3, 4 + width))
    assert edge_counts(labels, codes) == [[1, 1, judged, judged]] * 2


def test_unlabelled_ground_makes_no_edge_and_judges_none():
    # The map edge at the gap is not judged, the one far from it is wrong.
    labels, codes = row((1, 10), (0, 7), (3, 20)), row((1, 11), (3, 16), (1, 10))
    assert edge_counts(labels, codes) == [[0, 0, 1, 0], [0, 0, 1, 0]]


def test_map_edges_that_are_not_judged_find_label_edges():
    labels = row((0, 4), (1, 4), (3, 4), (0, 4))
    assert edge_counts(labels, labels.clip(1)) == [[1, 1, 0, 0], [1, 1, 0, 0]]


def test_map_edges_are_judged_only_where_no_label_edge_could_hide():
    # Water's edge could be 3 pixels off, which the 4th, unlabelled, would have to show.
    codes = row((1, 10), (3, 10))
    assert edge_counts(row((1, 13), (0, 7)), codes) == [[0, 0, 0, 0], [0, 0, 0, 0]]
    assert edge_counts(row((1, 14), (0, 6)), codes) == [[0, 0, 1, 0], [0, 0, 0, 0]]
    assert edge_counts(row((1, 15), (0, 5)), codes) == [[0, 0, 1, 0], [0, 0, 1, 0]]


def rasters(low):
    codes = st.integers(low, 3)
    return arrays(np.uint8, (9, 12), elements=codes, fill=st.just(low) | st.just(1))


def disk_centres():
    return arrays(bool, (9, 12), fill=st.just(False))


@given(rasters(1), disk_centres(), rasters(0), st.integers(1, 4))
def test_edges_are_matched_as_by_exact_distances(labels, centres, codes, tolerance):
    # Gaps made of whole disks are too wide to close.
    labels = labels * (distance_to(centres) > tolerance)
    drawn, mapped = (edge_pixels_one_by_one(raster) for raster in (labels, codes))
    judged = mapped & (distance_to(labels == 0) > tolerance + 1)
    for code, found in enumerate(counts_of_one(labels, codes, tolerance=tolerance)):
        ours, theirs = drawn & (labels == code), mapped & (codes == code)
        right = judged & theirs & (distance_to(ours) <= tolerance)
        assert found.tolist() == [
            ours.sum(),
            (ours & (distance_to(theirs) <= tolerance)).sum(),
            (judged & theirs).sum(),
            right.sum(),
        ]


def edge_pixels_one_by_one(raster):
    edge = np.zeros(raster.shape, bool)
    padded = np.pad(raster, 1)
    for (i, j), code in np.ndenumerate(raster):
        near = {padded[i, j + 1], padded[i + 2, j + 1], padded[i + 1, j], padded[i + 1, j + 2]}
        edge[i, j] = code > 0 and bool(near - {0, code})
    return edge


def distance_to(mask):
    return distance_transform_edt(~mask) if mask.any() else np.full(mask.shape, np.inf)


@given(rasters(1), rasters(1))
def test_labels_and_map_swapped_swap_recall_and_precision(labels, codes):
    # Fully labelled, so that all edges are judged.
    counts = counts_of_one(labels, codes)
    assert counts[:, [2, 3, 0, 1]].tolist() == counts_of_one(codes, labels).tolist()


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
            "edges": [4, 6, 10, 10],
            "edges_found": [3, 0, 3, 3],
            "edges_mapped": [6, 2, 8, 8],
            "edges_right": [3, 0, 3, 3],
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
        ([0, 0, 9, 0], np.nan),  # no edges to be found
        ([9, 3, 0, 0], np.nan),  # some found, none judged: no precision
        ([9, 0, 0, 0], 0),  # none found
        ([9, 3, 9, 0], 0),  # none right
    ],
)
def test_boundary_f1_of_a_class_that_lacks_counts(counts, expected):
    counts = np.array([[0] * 4, counts, [0] * 4, [2, 2, 2, 2]])
    table = scores(LABELS, CODES, boundary=counts).set_index("class")
    np.testing.assert_equal(table.loc["Water", "boundary_f1"], expected)
    assert table.loc["MACRO", "boundary_f1"] == (1 if np.isnan(expected) else 1 / 2)


def pixels(low):
    return arrays(np.uint8, 60, elements=st.integers(low, 3), fill=st.nothing())


@given(pixels(0).filter(np.any), pixels(1))
def test_scores_are_those_of_sklearn(labels, codes):
    classes = [LandClass(i, f"c{i}", "red") for i in (1, 2, 3)]
    table = scores(labels, codes, classes).set_index("class")
    shares = ["precision", "recall", "f1_score"]
    truth, found = labels[labels > 0], codes[labels > 0]

    def sklearn(**options):
        return precision_recall_fscore_support(truth, found, zero_division=0, **options)

    *expected, support = sklearn(labels=[1, 2, 3])
    np.testing.assert_allclose(table.iloc[:3][shares].T, expected)
    assert table["support"].tolist() == [*support, len(truth), len(truth)]
    np.testing.assert_allclose(table.loc["ALL", shares], sklearn(average="weighted")[:3])
    np.testing.assert_allclose(table.loc["ALL", "recall"], accuracy_score(truth, found))
    present = sklearn(average="macro", labels=np.unique(truth))[:3]
    np.testing.assert_allclose(table.loc["MACRO", shares], present)


def test_compiled_table_is_in_percent_with_the_published_columns():
    compiled = compile_scores([(describe(), scores(LABELS, CODES))])
    assert compiled.to_csv(index=False).splitlines() == [
        "class,f1_score,support,RiverName,Image,type,experiment,model,sample,boundary_f1,confidence",
        "Water,66.667,3,Ure,Ure_0001,CNN,demo,Ure,in,60.0,87.5",
        "Sand,0.0,1,Ure,Ure_0001,CNN,demo,Ure,in,0.0,87.5",
        "ALL,50.0,4,Ure,Ure_0001,CNN,demo,Ure,in,33.333,87.5",
    ]


def test_compiled_table_leaves_boundary_f1_empty_without_edges():
    compiled = compile_scores([(describe(), scores(LABELS, CODES, boundary=0 * BOUNDARY))])
    assert compiled["boundary_f1"].isna().all()
    assert compiled.to_csv(index=False).splitlines()[-1].endswith(",in,,87.5")


def test_compiled_table_leaves_out_classes_without_support():
    unlabelled = scores([0, 0], [1, 3])
    tables = [(describe(), scores([1, 1], [1, 3])), (describe("Ure_0002"), unlabelled)]
    compiled = compile_scores(tables)
    assert compiled[["class", "Image"]].to_numpy().tolist() == [
        ["Water", "Ure_0001"],
        ["ALL", "Ure_0001"],
    ]


def test_compiled_table_of_no_image_has_its_columns():
    assert len(compile_scores([])) == 0
    assert compile_scores([]).columns[0] == "class"


def test_compiled_table_can_be_plotted_by_seaborn(tmp_path):
    kinds = [describe(kind=kind) for kind in ("CNN", "MLP")]
    compiled = compile_scores([(d, scores(LABELS, CODES)) for d in kinds])
    assert compiled["f1_score"].dtype == float
    assert compiled["support"].dtype == int
    again = pd.read_csv(io.StringIO(compiled.to_csv(index=False)))
    pd.testing.assert_frame_equal(again, compiled)
    ax = seaborn.stripplot(compiled, x="class", y="f1_score", hue="type")
    assert [tick.get_text() for tick in ax.get_xticklabels()] == ["Water", "Sand", "ALL"]


def test_totals_sum_pixels_instead_of_averaging_images():
    edges = np.array([[0] * 4, [40, 40, 40, 40], [0] * 4, [40, 40, 40, 40]])
    good = scores([1] * 9 + [3] * 90, [1] * 9 + [3] * 90, boundary=edges)
    bad = scores([1], [3])
    totals = total_scores(
        [(describe(), good), (describe("Ure_0002"), bad)], WATER_AND_SAND, BY_MODEL
    )
    # Water: 9 of 10 found, none wrongly. Sand: 90 of 90 found, 91 mapped.
    water, sand = 2 * 9 / (9 + 10), 2 * 90 / (90 + 91)
    assert totals.to_dict("records") == [
        {
            "model": "Ure",
            "type": "CNN",
            "images": 2,
            "support": 100,
            "accuracy": 99.0,
            "weighted_f1": round(10 * water + 90 * sand, 2),
            "macro_f1": round(50 * (water + sand), 2),
            # Of 80 + 10 edges 80 + 3 found; of 80 + 8 mapped 80 + 3 right.
            "boundary_f1": round(100 * 2 * 83 / (90 + 88), 2),
            "Water": round(100 * water, 2),
            "Sand": round(100 * sand, 2),
        }
    ]


def test_totals_have_a_row_for_each_model_and_type():
    good, bad = scores([1, 3], [1, 3]), scores([1, 3], [3, 1])
    tables = [
        (describe(kind="CNN"), bad),
        (describe(kind="MLP"), good),
        (describe(kind="CNN", model="Wye"), good),
    ]
    totals = total_scores(tables, WATER_AND_SAND, BY_MODEL)
    assert totals[["model", "type", "images", "accuracy"]].to_numpy().tolist() == [
        ["Ure", "CNN", 1, 0.0],
        ["Ure", "MLP", 1, 100.0],
        ["Wye", "CNN", 1, 100.0],
    ]


def test_totals_count_unmapped_pixels_as_missed():
    totals = total_scores(
        [(describe(), scores([1, 1, 3, 3], [1, 0, 3, 3]))], WATER_AND_SAND, BY_MODEL
    )
    assert totals.loc[0, ["accuracy", "Water", "Sand"]].tolist() == [75.0, 66.67, 100.0]


def test_totals_leave_a_class_without_support_empty():
    totals = total_scores([(describe(), scores([1, 1], [1, 3]))], WATER_AND_SAND, BY_MODEL)
    assert pd.isna(totals.loc[0, "Sand"])
    assert totals.loc[0, "macro_f1"] == totals.loc[0, "Water"] == 66.67


def test_totals_leave_boundary_f1_empty_without_edges():
    tables = [(describe(), scores(LABELS, CODES, boundary=0 * BOUNDARY))]
    assert pd.isna(total_scores(tables, WATER_AND_SAND, BY_MODEL).loc[0, "boundary_f1"])


def test_totals_are_the_same_from_tables_read_back_from_csv():
    tables = [(describe(), scores(LABELS, CODES))]
    text = tables[0][1].to_csv(index=False, float_format="%.6f")
    again = [(describe(), pd.read_csv(io.StringIO(text)))]
    pd.testing.assert_frame_equal(
        total_scores(again, WATER_AND_SAND, BY_MODEL),
        total_scores(tables, WATER_AND_SAND, BY_MODEL),
    )


def test_experiments_are_compared_by_pixels_and_by_the_median_river():
    def image(river, sample, kind, hits):
        """A hundred pixels of water, of which so many are found."""
        found = scores([1] * 100, [1] * hits + [3] * (100 - hits))
        return describe(f"{river}_0001", kind, river=river, sample=sample), found

    tables = [
        image("Ure", "in", "ML", 50),
        image("Ure", "in", "MLP", 90),
        image("Wye", "out", "MLP", 0),
        image("Dee", "out", "MLP", 100),
        image("Exe", "out", "MLP", 50),
    ]
    compared = compare_experiments(tables, WATER_AND_SAND)
    assert list(compared.columns) == [
        *("experiment", "sample", "rivers", "images", "F1", "ML", "MLP")
    ]
    # Water F1 of h hits is 2h / (h + 100); sand has no support. Out: 150 of 300.
    half = round(100 * 2 * 50 / 150, 2)
    assert compared.fillna(-1).to_numpy().tolist() == [
        ["own", "in", 1, 1, "weighted", half, round(100 * 180 / 190, 2)],
        ["own", "in", 1, 1, "median of rivers", half, round(100 * 180 / 190, 2)],
        ["own", "out", 3, 3, "weighted", -1, round(100 * 300 / 450, 2)],
        ["own", "out", 3, 3, "median of rivers", -1, half],
    ]


def test_experiments_of_no_image_have_their_columns():
    assert compare_experiments([], WATER_AND_SAND).empty


def test_totals_of_a_campaign_without_labels_have_the_columns_and_no_row():
    totals = total_scores([], WATER_AND_SAND, BY_MODEL)
    scored = total_scores([(describe(), scores([1], [1]))], WATER_AND_SAND, BY_MODEL)
    assert len(totals) == 0
    assert totals.columns.tolist() == scored.columns.tolist()
