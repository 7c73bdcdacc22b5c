"""Put the scores of all images into one tidy table; sum them up by CNN and by experiment.

The CNNs of all folds of a river are summed up as one: a fold has few images.
"""

from collections import defaultdict
from pathlib import Path

import pandas as pd

from job import run_job
from results import atomic_path
from ssc.classes import read_classes
from ssc.cnn.class_key import key_rivers
from ssc.evaluation.agreement import sum_confusions
from ssc.evaluation.calibration import expected_calibration_error
from ssc.evaluation.charts import plot_reliability
from ssc.evaluation.summaries import compare_experiments, compile_scores, total_scores
from ssc.io.tables import read_table


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
            counts = pd.read_csv(scores / f"reliability_{name}.csv")
            reliability[common["pool"], common["in_sample"]].append(counts)
    classes = read_classes(params.classes)
    # How well a CNN maps what it learned from says little.
    honest = [table for table in tables if not table[0]["learned_from"]]
    by = ["design", "pool", "in_sample", "type"]
    totals = total_scores(honest, classes, by).rename(columns={"pool": "model"})
    confusion = sum_confusions(honest, classes, by).rename(columns={"pool": "model"})
    counts = {
        key: pd.concat(parts).groupby("percent", as_index=False).sum()
        for key, parts in reliability.items()
    }
    totals["calibration_error"] = [
        round(100 * expected_calibration_error(counts[row.model, row.in_sample]), 2)
        if row.type == params.final_stage
        else None
        for row in totals.itertuples()
    ]
    tables_by_path = {
        output.compiled: compile_scores(tables),
        output.totals: totals,
        output.experiments: compare_experiments(honest, classes),
        output.confusion: confusion,
        output.reliability: pd.concat(
            [
                pd.DataFrame(columns=["model", "in_sample", "percent", "pixels", "correct"]),
                *(t.assign(model=model, in_sample=own) for (model, own), t in counts.items()),
            ]
        ),
    }
    for csv, table in tables_by_path.items():
        with atomic_path(csv) as path:
            table.to_csv(path, index=False)
    with atomic_path(output.diagram) as path:
        names = {True: "rivers with training images", False: "other rivers"}
        plot_reliability(path, {f"{model}, {names[own]}": t for (model, own), t in counts.items()})


if __name__ == "__main__":
    with run_job(snakemake):
        main(snakemake)
