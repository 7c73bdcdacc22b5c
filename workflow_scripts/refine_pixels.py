"""Refine the tile map of each image of a batch to pixels."""

import cv2

from job import job, progress, whole_folder
from ssc.classes import read_classes
from ssc.raster import read_class_raster, read_image, write_class_raster
from ssc.refine import pixel_classifier, refine_map


def main(snakemake):
    params, refine = snakemake.params, snakemake.params.refine
    classes = read_classes(params.classes)
    cv2.setNumThreads(snakemake.threads)
    with whole_folder(snakemake.output.maps) as folder:
        for number, name in progress(params.names):
            image, grid = read_image(snakemake.input.images[number])
            tile_map = read_class_raster(f"{snakemake.input.tile_maps}/CNN_{name}.tif")
            classifier = pixel_classifier(refine, snakemake.threads, params.seed)
            final = refine_map(
                image, tile_map, classifier, refine["median_size"], refine["colour_bits"]
            )
            write_class_raster(folder / f"{params.prefix}_{name}.tif", final, grid, classes)


if __name__ == "__main__":
    with job(snakemake.log[0]):
        main(snakemake)
