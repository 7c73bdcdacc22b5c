"""Measure the area of each class of the final map of each image of a batch."""

from pathlib import Path

import pandas as pd

from job import log_progress, run_job
from results import atomic_path
from ssc.classes import read_classes
from ssc.evaluation.areas import measure_map


def main(snakemake):
    params, classes = snakemake.params, read_classes(snakemake.params.classes)
    maps = Path(snakemake.input.record).parents[1]
    of_batch = {"group": snakemake.wildcards.group, "river": params.river}
    tables = [
        measure_map(maps / f"{params.stage}_{name}.tif", classes).assign(**of_batch, image=name)
        for _, name in log_progress(params.names)
    ]
    with atomic_path(snakemake.output.areas) as path:
        pd.concat(tables).to_csv(path, index=False)


if __name__ == "__main__":
    with run_job(snakemake):
        main(snakemake)
