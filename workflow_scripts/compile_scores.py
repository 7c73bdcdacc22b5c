"""Put the scores of all images into one tidy table, and sum them up for each CNN."""

import pandas as pd

from job import job, whole
from ssc.classes import read_classes
from ssc.scores import compile_scores, total_scores
from ssc.web import write_table


def main(snakemake):
    params, output = snakemake.params, snakemake.output
    tables = []
    for folder, batch in zip(snakemake.input.scores, params.batches, strict=True):
        for name in batch["names"]:
            for stage in params.stages:
                description = {
                    "RiverName": batch["river"],
                    "Image": name,
                    "type": stage,
                    "experiment": params.experiment,
                    "model": batch["group"],
                }
                tables.append((description, pd.read_csv(f"{folder}/{stage}_{name}.csv")))
    totals = total_scores(tables, read_classes(params.classes))
    with whole(output.compiled) as path:
        compile_scores(tables).to_csv(path, index=False)
    with whole(output.totals) as path:
        totals.to_csv(path, index=False)
    with whole(output.table) as path:
        write_table(path, totals)


if __name__ == "__main__":
    with job(snakemake.log[0]):
        main(snakemake)
