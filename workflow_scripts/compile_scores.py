"""Put the scores of all images into one tidy table; sum them up by CNN and by experiment."""

import pandas as pd

from job import job, whole
from ssc.class_key import key_rivers
from ssc.classes import read_classes
from ssc.scores import compare_experiments, compile_scores, total_scores
from ssc.web import write_table


def main(snakemake):
    params, inputs, output = snakemake.params, snakemake.input, snakemake.output
    learned = {
        group: key_rivers(pd.read_csv(key))
        for group, key in zip(params.groups, inputs.class_keys, strict=True)
    }
    tables = []
    for folder, batch in zip(inputs.scores, params.batches, strict=True):
        common = {
            "RiverName": batch["river"],
            "experiment": params.experiment,
            "model": batch["group"],
            "design": batch["design"],
            "sample": "in" if batch["river"] in learned[batch["group"]] else "out",
        }
        for name in batch["names"]:
            for stage in batch["stages"]:
                table = pd.read_csv(f"{folder}/{stage}_{name}.csv")
                tables.append((common | {"Image": name, "type": stage}, table))
    classes = read_classes(params.classes)
    totals = total_scores(tables, classes, ["model", "sample", "type"])
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


if __name__ == "__main__":
    with job(snakemake.log[0]):
        main(snakemake)
