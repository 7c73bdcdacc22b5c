"""Cut the pure training tiles of a batch of images."""

import logging

from job import job, whole
from ssc.raster import read_class_raster, read_image
from ssc.tiles import cut_tiles, pure_tiles, write_training_tiles


def main(snakemake):
    params, tiles, codes = snakemake.params, [], []
    for image, label in zip(snakemake.input.images, snakemake.input.labels, strict=True):
        labels = read_class_raster(label)
        rows, columns, found = pure_tiles(
            labels, params.classes, params.size, params.stride, params.purity
        )
        tiles.append(cut_tiles(read_image(image)[0], rows, columns, params.size))
        codes.append(found)
        logging.info("%s: %d pure tiles", image, len(found))
    with whole(snakemake.output.tiles) as path:
        write_training_tiles(path, tiles, codes)


if __name__ == "__main__":
    with job(snakemake):
        main(snakemake)
