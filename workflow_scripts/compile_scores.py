"""Put the scores of all images into one tidy table; sum them up by CNN and by experiment."""

from collections import defaultdict

import pandas as pd

from job import job, whole
from ssc.calibration import expected_calibration_error
from ssc.class_key import key_rivers
from ssc.classes import read_classes
from ssc.figures import plot_reliability
from ssc.scores import compare_experiments, compile_scores, total_scores
from ssc.tables import read_table
from ssc.web import write_table


def main(snakemake):
    params, inputs, output = snakemake.params, snakemake.input, snakemake.output
    learned = {
        group: key_rivers(read_table(key))
        for group, key in zip(params.groups, inputs.class_keys, strict=True)
    }
    tables, reliability = [], defaultdict(list)
    for folder, doubts, batch in zip(inputs.scores, inputs.doubts, params.batches, strict=True):
        confidence = read_table(doubts).groupby("Image")["confidence"].first()
        common = {
            "RiverName": batch["river"],
            "experiment": params.experiment,
            "model": batch["group"],
            "design": batch["design"],
            "sample": "in" if batch["river"] in learned[batch["group"]] else "out",
        }
        for name in batch["names"]:
            for stage in batch["stages"]:
                table = read_table(f"{folder}/{stage}_{name}.csv")
                sure = confidence[name] if stage == params.sure else None
                own = {"Image": name, "type": stage, "confidence": sure}
                tables.append((common | own, table))
            reliability[common["model"], common["sample"]].append(
                pd.read_csv(f"{folder}/reliability_{name}.csv")
            )
    classes = read_classes(params.classes)
    totals = total_scores(tables, classes, ["model", "sample", "type"])
    counts = {key: pd.concat(parts) for key, parts in reliability.items()}
    add_calibration_error(totals, counts, params.sure)
    experiments = compare_experiments(tables, classes)
    with whole(output.compiled) as path:
        compile_scores(tables).to_csv(path, index=False)
    for table, csv, html in (
        (totals, output.totals, output.totals_page),
        (experiments, output.experiments, output.experiments_page),
    ):
        with whole(csv) as path:
            table.to_csv(path, index=False)
        with whole(html) as path:
            write_table(path, table)
    with whole(output.reliability) as path:
        plot_reliability(path, {f"{model} ({sample})": t for (model, sample), t in counts.items()})


def add_calibration_error(totals, counts, sure):
    """Add the column calibration_error, percent, for the maps whose confidence is judged."""
    totals["calibration_error"] = [
        round(100 * expected_calibration_error(counts[row.model, row.sample]), 2)
        if row.type == sure
        else None
        for row in totals.itertuples()
    ]


if __name__ == "__main__":
    with job(snakemake):
        main(snakemake)
