"""Count the colours of the labelled pixels of a river's training images."""

import logging

from scipy.sparse import save_npz

from job import run_job
from results import atomic_path, label_files
from ssc.io.rasters import read_class_raster, read_image
from ssc.refine.baselines import count_labels
from ssc.refine.colours import pixel_features


def main(snakemake):
    params, counts = snakemake.params, 0
    labels = label_files(snakemake.input.labels[0], params.names)
    for path, label in zip(snakemake.input.images, labels, strict=True):
        image = pixel_features(read_image(path)[0], params.median_size, entropy=False)
        of_image = count_labels(image, read_class_raster(label), params.colour_bits)
        logging.info("%s: %d labelled pixels", path, of_image.sum())
        counts += of_image
    with atomic_path(snakemake.output.counts) as path, open(path, "wb") as file:
        save_npz(file, counts)


if __name__ == "__main__":
    with run_job(snakemake):
        main(snakemake)
