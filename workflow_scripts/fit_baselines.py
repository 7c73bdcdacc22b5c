"""Teach the baselines of one group the labelled pixels of its training images."""

import logging

import numpy as np
from scipy.sparse import load_npz

from job import job, whole
from ssc.baselines import fit_baseline


def main(snakemake):
    params = snakemake.params
    counts = sum(map(load_npz, snakemake.input.counts))
    logging.info("%d labelled pixels, %d pairs of colour and class", counts.sum(), counts.nnz)
    tables = {}
    for name in params.baselines:
        logging.info("%s", name)
        tables[name] = fit_baseline(name, counts, params.settings, params.seed)
    with whole(snakemake.output.tables) as path, open(path, "wb") as file:
        np.savez_compressed(file, **tables)


if __name__ == "__main__":
    with job(snakemake):
        main(snakemake)
