"""Refine the tile map of each image of a batch to pixels."""

from job import job, progress, whole_folder
from ssc.classes import read_classes
from ssc.pixel_classifier import pixel_classifier
from ssc.raster import read_class_raster, read_image, write_class_raster
from ssc.refine import refine_map, teach


def main(snakemake):
    params, settings = snakemake.params, snakemake.params.refine
    classes, tiles = read_classes(params.classes), snakemake.input.tile_maps
    with whole_folder(snakemake.output.maps) as folder:
        for number, name in progress(params.names):
            image, grid = read_image(snakemake.input.images[number])
            tile_map = read_class_raster(f"{tiles}/CNN_{name}.tif")
            confidence = read_class_raster(f"{tiles}/confidence_{name}.tif")
            teaching = teach(tile_map, settings, params.tile_size, confidence, params.seed)
            classifier = pixel_classifier(settings, snakemake.threads, params.seed)
            final = refine_map(image, teaching, classifier, settings)
            final[tile_map == 0] = 0
            write_class_raster(folder / f"{params.prefix}_{name}.tif", final, grid, classes)


if __name__ == "__main__":
    with job(snakemake):
        main(snakemake)
