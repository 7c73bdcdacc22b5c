"""Count the colours of the labelled pixels of a batch of training images."""

import logging

from scipy.sparse import save_npz

from job import job, whole
from ssc.baselines import count_labels
from ssc.raster import read_class_raster, read_image
from ssc.refine import feature_bands


def main(snakemake):
    params, counts = snakemake.params, 0
    for path, label in zip(snakemake.input.images, snakemake.input.labels, strict=True):
        image = feature_bands(read_image(path)[0], params.median_size, entropy=False)
        found = count_labels(image, read_class_raster(label), params.colour_bits)
        logging.info("%s: %d labelled pixels", path, found.sum())
        counts += found
    with whole(snakemake.output.counts) as path, open(path, "wb") as file:
        save_npz(file, counts)


if __name__ == "__main__":
    with job(snakemake):
        main(snakemake)
