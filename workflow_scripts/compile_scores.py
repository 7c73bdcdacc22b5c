"""Put the scores of all images into one tidy table; sum them up by CNN and by experiment.

The CNNs of all folds of a river are summed up as one: a fold has few images.
"""

import logging
from collections import defaultdict
from pathlib import Path

import pandas as pd

from job import run_job
from results import atomic_path
from ssc.classes import read_classes
from ssc.cnn.class_key import key_rivers
from ssc.evaluation.calibration import expected_calibration_error
from ssc.evaluation.charts import draw_reliability
from ssc.evaluation.figures import save_figure
from ssc.evaluation.latex import write_latex_experiments
from ssc.evaluation.summaries import (
    compare_experiments,
    compile_scores,
    spread_over_seeds,
    sum_confusion,
    total_scores,
)
from ssc.io.tables import read_table
from ssc.numbers import count


def main(snakemake):
    params, inputs, output = snakemake.params, snakemake.input, snakemake.output
    training_rivers = {
        group: key_rivers(read_table(key))
        for group, key in zip(params.groups, inputs.class_keys, strict=True)
    }
    tables, reliability = [], defaultdict(list)
    batches = zip(inputs.records, inputs.uncertainty, params.batches, strict=True)
    for record, uncertainty, batch in batches:
        scores = Path(record).parents[1]
        confidence = read_table(uncertainty).groupby("Image")["confidence"].first()
        common = {
            "RiverName": batch["river"],
            "experiment": params.experiment,
            "model": batch["group"],
            "seed": batch["seed"],
            "pool": batch["pool"],
            "design": batch["design"],
            "in_sample": batch["river"] in training_rivers[batch["group"]],
        }
        for name in batch["names"]:
            for stage in batch["stages"]:
                own = {"Image": name, "type": stage, "learned_from": name in batch["learned_from"]}
                own["confidence"] = confidence[name] if stage == params.final_stage else None
                tables.append((common | own, read_table(scores / f"{stage}_{name}.csv")))
            if name in batch["learned_from"]:
                continue
            counts = read_table(scores / f"reliability_{name}.csv")
            own = common["pool"], common["in_sample"], common["seed"]
            reliability[own].append(counts)
    classes = read_classes(params.classes)
    # How well a CNN maps what it learned from says little.
    honest = [table for table in tables if not table[0]["learned_from"]]
    by_cnn = ["design", "pool", "in_sample", "seed", "type"]
    totals = total_scores(honest, classes, by_cnn).rename(columns={"pool": "model"})
    confusion = sum_confusion(honest, classes, by_cnn).rename(columns={"pool": "model"})
    counts = {
        key: pd.concat(parts).groupby("percent", as_index=False).sum()
        for key, parts in reliability.items()
    }
    totals["calibration_error"] = [
        round(100 * expected_calibration_error(counts[row.model, row.in_sample, row.seed]), 2)
        if row.type == params.final_stage
        else None
        for row in totals.itertuples()
    ]
    for row in totals[totals["type"] == params.final_stage].itertuples():
        logging.info(
            "FOUND: maps of %s: F1 %.1f %%, mean of classes %.1f %%, %s",
            *(row.model, row.weighted_f1, row.macro_f1, count(row.images, "labelled image")),
        )
    experiments = compare_experiments(honest, classes)
    parts = [
        t.assign(**dict(zip(["model", "in_sample", "seed"], key, strict=True)))
        for key, t in counts.items()
    ]
    no_pixels = pd.DataFrame(columns=["percent", "pixels", "correct", "model", "in_sample", "seed"])
    for path, table in (
        (output.compiled, compile_scores(tables)),
        (output.totals, totals),
        (output.confusion, confusion),
        (output.experiments, experiments),
        (output.reliability, pd.concat(parts) if parts else no_pixels),
    ):
        with atomic_path(path) as target:
            table.to_csv(target, index=False)
    with atomic_path(output.experiments_latex) as path:
        write_latex_experiments(path, experiments)
    if output.seeds:
        with atomic_path(output.seeds) as path:
            spread_over_seeds(totals).to_csv(path, index=False)
    names = {True: "rivers with training images", False: "other rivers"}
    first = {key: t for key, t in counts.items() if key[2] == params.seed}
    figure = draw_reliability({f"{model}, {names[own]}": t for (model, own, _), t in first.items()})
    for target in (output.diagram, output.diagram_pdf):
        with atomic_path(target) as path:
            save_figure(figure, path)


if __name__ == "__main__":
    with run_job(snakemake):
        main(snakemake)
