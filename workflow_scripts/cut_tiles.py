"""Cut the pure training tiles of a batch of images."""

import logging

import numpy as np

from job import job, whole
from ssc.raster import read_class_raster, read_image
from ssc.tiles import cut_tiles, pure_tiles, write_training_tiles


def main(snakemake):
    params = snakemake.params
    chosen = [params.classes, params.size, params.stride, params.purity]
    found = [pure_tiles(read_class_raster(path), *chosen) for path in snakemake.input.labels]
    codes = [of_image for _, _, of_image in found]
    # One array, for the tiles of a batch may take gigabytes.
    tiles = np.empty((sum(map(len, codes)), params.size, params.size, 3), np.uint8)
    start = 0
    for path, (rows, columns, _) in zip(snakemake.input.images, found, strict=True):
        end = start + len(rows)
        tiles[start:end] = cut_tiles(read_image(path)[0], rows, columns, params.size)
        start = end
        logging.info("%s: %d pure tiles", path, len(rows))
    with whole(snakemake.output.tiles) as path:
        write_training_tiles(path, tiles, codes)


if __name__ == "__main__":
    with job(snakemake):
        main(snakemake)
