"""A made-up campaign for the tests of the report."""

from datetime import date

import numpy as np
import pandas as pd

from ssc.classes import LandClass
from ssc.evaluation.area_estimates import COLUMNS
from ssc.report.image_table import compile_images
from ssc.report.page import ReportContent
from ssc.report.previews import jpeg_uri, make_layers

CLASSES = [LandClass(1, "Water", "lightblue"), LandClass(2, "Sand", "orange")]
# Image, confidence, F1 of the final map (None without labels), learned from.
IMAGES = [
    ("Ure_0001", 95.0, None, False),
    ("Ure_0002", 90.0, 60.0, False),
    ("Ure_0003", 66.0, None, False),
    ("Wye_0001", 80.0, 99.0, True),
    ("Wye_0002", 85.0, 99.5, False),
]


def make_confidence(images=IMAGES):
    rows = [(name.split("_")[0], name, name.split("_")[0], value) for name, value, *_ in images]
    return pd.DataFrame(rows, columns=["group", "image", "river", "confidence"])


def make_compiled(images=IMAGES, classes=CLASSES):
    rows = [
        (name_of_class, f1 - lower, name, stage, name.split("_")[0], "per_river", learned)
        for name, _, f1, learned in images
        if f1 is not None
        for stage, lower in (("CNN", 1), ("MLP", 0))
        for name_of_class in (*(c.name for c in classes), "ALL")
    ]
    columns = ["class", "f1_score", "Image", "type", "model", "design", "learned_from"]
    return pd.DataFrame(rows, columns=columns)


def make_areas(images=IMAGES):
    rows = [
        ("image", name.split("_")[0], name, code, percent, percent / 10)
        for name, *_ in images
        for code, percent in ((1, 30.0), (2, 70.0))
    ]
    columns = ["level", "group", "image", "class_code", "percent", "hectares"]
    return pd.DataFrame(rows, columns=columns)


def make_images(images=IMAGES):
    tables = make_confidence(images), make_compiled(images), make_areas(images)
    return compile_images(*tables, CLASSES, "MLP")


def make_experiments():
    columns = ["design", "in_sample", "seed", "rivers", "images", "F1", "CNN", "MLP"]
    rows = [
        ("per_river", True, 42, 2, 2, "weighted", 78.75, 79.75),
        ("per_river", True, 42, 2, 2, "median of rivers", 79, 80),
    ]
    return pd.DataFrame(rows, columns=columns)


def make_content(experiment="summer survey", classes=CLASSES, images=IMAGES):
    """Content of a report; every table has a row or more."""
    rng = np.random.default_rng(0)
    codes = rng.integers(1, 3, (40, 60), dtype=np.uint8)
    photo = jpeg_uri(rng.integers(0, 255, (40, 60, 3), dtype=np.uint8))
    layers = make_layers({"CNN map": codes, "Final map": codes[::-1]}, codes, codes, classes)
    table = make_images(images)
    figures = [
        {
            "group": row.group,
            "image": row.image,
            "title": row.image,
            "photo": photo,
            "layers": layers,
        }
        for row in table.head(12).itertuples()
    ]
    names = [c.name for c in classes]
    by = [("per_river", "Ure", True, stage) for stage in ("CNN", "MLP")]
    counts = zip(names, (20, 10), (5, 15), strict=True)
    confusion = [(*key, *row, 0) for row in counts for key in by]
    keys = ["design", "model", "in_sample", "type"]
    totals = pd.DataFrame(by, columns=keys).assign(
        seed=42,
        images=2,
        support=50,
        accuracy=70,
        weighted_f1=79,
        macro_f1=78,
        boundary_f1=None,
        calibration_error=1,
    )
    estimates = pd.DataFrame(
        {
            "group": "Ure",
            "class": names,
            "mapped_percent": [30, 70],
            "method": "stratified check points",
        }
        | {"percent": [28, 72], "percent_low": [25, 69], "percent_high": [31, 75]}
    ).reindex(columns=["group", *COLUMNS])
    reliability = pd.DataFrame({"percent": [60, 90], "pixels": [100, 900], "correct": [50, 850]})
    history = pd.DataFrame({"epoch": [1, 2], "loss": [0.5, 0.2], "accuracy": [80, 90]})
    ranking = pd.DataFrame({"Image": ["Ure_0003"], "gained_class": names[:1], "confidence": [66.0]})
    labels = {"group": ["Ure"], "class": names[:1], "images": [2], "pixels": [500]}
    return ReportContent(
        experiment=experiment,
        methods=["By a CNN.", "Its reference."],
        day=date(2026, 11, 27),
        classes=classes,
        final_stage="MLP",
        images=table,
        thumbnails={(row.group, row.image): (photo, 60, 40) for row in table.itertuples()},
        figures=figures,
        warnings=pd.DataFrame({"image": ["Wye_0002"], "warning": ["dark"], "remedy": ["check it"]}),
        labels=pd.DataFrame(labels),
        seed=42,
        experiments=make_experiments(),
        totals=totals.assign(**{f"f1_{name}": 75 for name in names}),
        confusion=pd.DataFrame(
            confusion, columns=[*keys, "label", *(f"mapped_{name}" for name in names), "unmapped"]
        ).assign(seed=42),
        compiled=make_compiled(images, classes),
        reliability=reliability.assign(model="Ure", in_sample=True),
        estimates=estimates,
        histories={"Ure": history},
        suggestions={"Ure": (ranking, photo)},
        provenance={"seed": 42, "commit": None, "versions": {"Python": "3.11"}, "files": []},
        settings=f"experiment: {experiment}\n",
        digest="0" * 64,
        files=[("compiled.csv", "scores")],
    )
