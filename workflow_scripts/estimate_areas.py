"""Estimate the areas of true classes from answered check points, or else labelled images."""

import logging
from pathlib import Path

import numpy as np
import pandas as pd

from job import run_job
from results import atomic_path
from ssc.classes import read_classes
from ssc.evaluation.area_estimates import estimate_areas
from ssc.evaluation.check_answers import read_answers
from ssc.io.tables import read_table


def main(snakemake):
    params, inputs, output = snakemake.params, snakemake.input, snakemake.output
    classes, results = read_classes(params.classes), Path(output.estimates).parents[1]
    mapped = [f"mapped_{c.name}" for c in classes]
    areas = read_table(inputs.areas)
    areas = areas[areas["level"] == "image"]
    answers = pd.DataFrame(columns=["group"])
    if inputs.answers:
        points = pd.concat(map(read_table, inputs.strata), ignore_index=True)
        answers = read_answers(inputs.answers, points, classes)
        for group, drawn in points.groupby("group"):
            missing = len(drawn) - (answers["group"] == group).sum()
            if missing:
                counts = missing, len(drawn), group
                logging.warning("WARNING: %d of %d check points of %s are not answered", *counts)
    tables = []
    for group, names in params.labelled.items():
        scores = [results / group / "scores" / f"{params.stage}_{name}.csv" for name in names]
        # The tables have labels down and mapped classes across.
        confusions = [read_table(path)[mapped].iloc[: len(classes)].to_numpy().T for path in scores]
        confusions = np.reshape(confusions, (-1, len(classes), len(classes)))
        data = (frame[frame["group"] == group] for frame in (areas, answers))
        table = estimate_areas(*data, confusions, params.seed)
        table.insert(0, "group", group)
        tables.append(table)
    estimates = pd.concat(tables, ignore_index=True)
    estimates = estimates.astype({"class_code": "Int64", "points": "Int64"})
    with atomic_path(output.estimates) as path:
        estimates.to_csv(path, index=False, float_format="%.8g")


if __name__ == "__main__":
    with run_job(snakemake):
        main(snakemake)
