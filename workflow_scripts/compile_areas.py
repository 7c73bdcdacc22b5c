"""Put the areas of all images into one tidy table, with those of rivers and groups."""

import pandas as pd

from job import run_job
from results import atomic_path
from ssc.evaluation.areas import compile_areas
from ssc.io.tables import read_table


def main(snakemake):
    areas = compile_areas(pd.concat(map(read_table, snakemake.input.areas), ignore_index=True))
    areas.insert(2, "seed", areas["group"].map(snakemake.params.seeds))
    with atomic_path(snakemake.output.areas) as path:
        areas.to_csv(path, index=False, float_format="%.8g")


if __name__ == "__main__":
    with run_job(snakemake):
        main(snakemake)
