import io

import numpy as np
import pandas as pd
import seaborn
from matplotlib.figure import Figure
from test_scores import BOUNDARY, CODES, LABELS, WATER_AND_SAND, scores

from ssc.classes import LandClass
from ssc.evaluation.summaries import (
    compare_experiments,
    compile_scores,
    spread_over_seeds,
    sum_confusion,
    total_scores,
)

BY_MODEL = ["model", "type"]


def describe(name="Ure_0001", kind="CNN", model="Ure", river="Ure", in_sample=True, seed=42):
    return dict(
        **dict(RiverName=river, Image=name, type=kind, experiment="demo", model=model),
        **dict(in_sample=in_sample, seed=seed, design="own", learned_from=False, confidence=87.5),
    )


def test_compiled_table_is_in_percent_with_the_published_columns():
    compiled = compile_scores([(describe(), scores(LABELS, CODES))])
    assert compiled.to_csv(index=False).splitlines() == [
        "class,f1_score,support,RiverName,Image,type,experiment,model,"
        "seed,design,in_sample,learned_from,boundary_f1,confidence",
        "Water,66.667,3,Ure,Ure_0001,CNN,demo,Ure,42,own,True,False,60.0,87.5",
        "Sand,0.0,1,Ure,Ure_0001,CNN,demo,Ure,42,own,True,False,0.0,87.5",
        "ALL,50.0,4,Ure,Ure_0001,CNN,demo,Ure,42,own,True,False,33.333,87.5",
    ]


def test_compiled_table_leaves_boundary_f1_empty_without_edges():
    compiled = compile_scores([(describe(), scores(LABELS, CODES, boundary=0 * BOUNDARY))])
    assert compiled["boundary_f1"].isna().all()
    assert compiled.to_csv(index=False).splitlines()[-1].endswith(",True,False,,87.5")


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


def test_compiled_table_can_be_plotted_by_seaborn():
    kinds = [describe(kind=kind) for kind in ("CNN", "MLP")]
    compiled = compile_scores([(d, scores(LABELS, CODES)) for d in kinds])
    assert compiled["f1_score"].dtype == float
    assert compiled["support"].dtype == int
    again = pd.read_csv(io.StringIO(compiled.to_csv(index=False)))
    pd.testing.assert_frame_equal(again, compiled)
    ax = Figure().subplots()
    seaborn.stripplot(compiled, x="class", y="f1_score", hue="type", ax=ax)
    assert [tick.get_text() for tick in ax.get_xticklabels()] == ["Water", "Sand", "ALL"]


def test_totals_sum_pixels_instead_of_averaging_images():
    edges = np.array([[0] * 4, [40, 40, 40, 40], [0] * 4, [40, 40, 40, 40]])
    good = scores([1] * 9 + [3] * 90, [1] * 9 + [3] * 90, boundary=edges)
    bad = scores([1], [3])
    totals = total_scores(
        [(describe(), good), (describe("Ure_0002"), bad)], WATER_AND_SAND, BY_MODEL
    )
    # Water: 9 of 10 mapped as such, none wrongly. Sand: all 90, and 91 mapped.
    water, sand = 2 * 9 / (9 + 10), 2 * 90 / (90 + 91)
    assert totals.to_dict("records") == [
        {
            "model": "Ure",
            "type": "CNN",
            "images": 2,
            "support": 100,
            "accuracy": 99.0,
            # By chance 0.1 * 0.09 + 0.9 * 0.91 = 0.828.
            "kappa": round(100 * (0.99 - 0.828) / (1 - 0.828), 2),
            "weighted_f1": round(10 * water + 90 * sand, 2),
            "macro_f1": round(50 * (water + sand), 2),
            # Label edges: 80 + 3 of 80 + 10 match; map edges: 80 + 3 of 80 + 8.
            "boundary_f1": round(100 * 2 * 83 / (90 + 88), 2),
            "f1_Water": round(100 * water, 2),
            "f1_Sand": round(100 * sand, 2),
            "users_accuracy_Water": 100.0,
            "users_accuracy_Sand": round(100 * 90 / 91, 2),
            "producers_accuracy_Water": 90.0,
            "producers_accuracy_Sand": 100.0,
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


def test_confusion_is_summed_by_model_and_type():
    tables = [
        (describe(), scores(LABELS, CODES)),
        (describe("Ure_0002"), scores([1, 1, 3], [0, 1, 3])),
        (describe(kind="MLP"), scores([3], [3])),
    ]
    confusion = sum_confusion(tables, WATER_AND_SAND, BY_MODEL)
    assert confusion.to_csv(index=False).splitlines() == [
        "model,type,label,mapped_Water,mapped_Sand,unmapped",
        "Ure,CNN,Water,3,1,1",
        "Ure,CNN,Sand,1,1,0",
        "Ure,MLP,Water,0,0,0",
        "Ure,MLP,Sand,0,1,0",
    ]
    assert sum_confusion([], WATER_AND_SAND, BY_MODEL).columns.equals(confusion.columns)


def test_totals_count_unmapped_pixels_as_missed():
    totals = total_scores(
        [(describe(), scores([1, 1, 3, 3], [1, 0, 3, 3]))], WATER_AND_SAND, BY_MODEL
    )
    assert totals.loc[0, ["accuracy", "f1_Water", "f1_Sand"]].tolist() == [75.0, 66.67, 100.0]


def test_totals_leave_a_class_without_support_empty():
    totals = total_scores([(describe(), scores([1, 1], [1, 3]))], WATER_AND_SAND, BY_MODEL)
    assert pd.isna(totals.loc[0, "f1_Sand"])
    assert totals.loc[0, "macro_f1"] == totals.loc[0, "f1_Water"] == 66.67


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
    def image(river, in_sample, kind, hits):
        """A hundred pixels of water, of which `hits` are mapped as water."""
        table = scores([1] * 100, [1] * hits + [3] * (100 - hits))
        return describe(f"{river}_0001", kind, river=river, in_sample=in_sample), table

    tables = [
        image("Ure", True, "ML", 50),
        image("Ure", True, "MLP", 90),
        image("Wye", False, "MLP", 0),
        image("Dee", False, "MLP", 100),
        image("Exe", False, "MLP", 50),
    ]
    compared = compare_experiments(tables, WATER_AND_SAND)
    assert list(compared.columns) == [
        *("design", "in_sample", "seed", "rivers", "images", "F1", "ML", "MLP")
    ]
    # Water F1 of h hits is 2h / (h + 100); sand has no support. Out: 150 of 300.
    half = round(100 * 2 * 50 / 150, 2)
    assert compared.fillna(-1).to_numpy().tolist() == [
        ["own", True, 42, 1, 1, "weighted", half, round(100 * 180 / 190, 2)],
        ["own", True, 42, 1, 1, "median of rivers", half, round(100 * 180 / 190, 2)],
        ["own", False, 42, 3, 3, "weighted", -1, round(100 * 300 / 450, 2)],
        ["own", False, 42, 3, 3, "median of rivers", -1, half],
    ]


def test_seeds_are_no_more_images():
    tables = [
        (describe(seed=seed), scores([1] * 100, [1] * hits + [3] * (100 - hits)))
        for seed, hits in ((42, 90), (7, 80), (8, 85))
    ]
    by = ["design", "model", "in_sample", "seed", "type"]
    totals = total_scores(tables, WATER_AND_SAND, by)
    assert totals[["seed", "images", "support", "accuracy"]].to_numpy().tolist() == [
        [42, 1, 100, 90],
        [7, 1, 100, 80],
        [8, 1, 100, 85],
    ]
    spread = spread_over_seeds(totals)
    assert spread[["design", "model", "in_sample", "type"]].to_numpy().tolist() == [
        ["own", "Ure", True, "CNN"]
    ]
    # Deviations of 5, -5 and 0: the variance is (25 + 25) / 2.
    accuracies = ["seeds", "images", "support", "accuracy", "accuracy_sd"]
    assert spread.loc[0, accuracies].tolist() == [3, 1, 100, 85, 5]
    assert spread["f1_Sand"].isna().all()
    compared = compare_experiments(tables, WATER_AND_SAND)
    weighted = compared[compared["F1"] == "weighted"]
    f1 = [round(100 * 2 * hits / (100 + hits), 2) for hits in (90, 80, 85)]
    assert weighted[["seed", "images", "CNN"]].to_numpy().tolist() == [
        [seed, 1, value] for seed, value in zip((42, 7, 8), f1, strict=True)
    ]
    totals.loc[0, "kappa"] = np.nan
    assert np.isnan(spread_over_seeds(totals).loc[0, "kappa"])
    assert spread_over_seeds(totals.iloc[:0]).columns.equals(spread.columns)


def test_experiments_of_no_image_have_their_columns():
    assert compare_experiments([], WATER_AND_SAND).empty


def test_totals_of_a_campaign_without_labels_have_the_columns_and_no_row():
    totals = total_scores([], WATER_AND_SAND, BY_MODEL)
    scored = total_scores([(describe(), scores([1], [1]))], WATER_AND_SAND, BY_MODEL)
    assert len(totals) == 0
    assert totals.columns.tolist() == scored.columns.tolist()


def test_a_class_may_have_the_name_of_a_measure():
    classes = [LandClass(1, "images"), LandClass(3, "Sand")]
    totals = total_scores([(describe(), scores([1, 1], [1, 3], classes))], classes, BY_MODEL)
    assert totals.loc[0, ["images", "f1_images"]].tolist() == [1, 66.67]
