"""Fit the baselines of a group to the labelled pixels of its training images."""

import logging

import numpy as np
from scipy.sparse import load_npz

from job import run_job
from results import atomic_path
from settings import read_settings
from ssc.io.files import name_damaged_result
from ssc.refine.baselines import fit_baseline
from ssc.refine.pixel_classifiers import PixelClassifierSettings


def main(snakemake):
    params = snakemake.params
    settings = read_settings(PixelClassifierSettings, params.settings, method="mlp")
    counts = sum(map(read_counts, snakemake.input.counts))
    logging.info("%d labelled pixels, %d pairs of colour and class", counts.sum(), counts.nnz)
    tables = {}
    for name in params.baselines:
        logging.info("%s", name)
        tables[name] = fit_baseline(name, counts, settings, params.seed)
    with atomic_path(snakemake.output.tables) as path, open(path, "wb") as file:
        np.savez_compressed(file, **tables)


def read_counts(path):
    with name_damaged_result(path):
        return load_npz(path)


if __name__ == "__main__":
    with run_job(snakemake):
        main(snakemake)
