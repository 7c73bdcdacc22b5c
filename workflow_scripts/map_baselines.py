"""Map each image of a batch by each baseline of its group."""

import numpy as np

from job import job, progress, whole_folder
from ssc.baselines import map_colours
from ssc.classes import read_classes
from ssc.raster import read_image, write_class_raster
from ssc.refine import feature_bands


def main(snakemake):
    params, classes = snakemake.params, read_classes(snakemake.params.classes)
    tables = dict(np.load(snakemake.input.tables))
    with whole_folder(snakemake.output.maps) as folder:
        for number, name in progress(params.names):
            image, grid = read_image(snakemake.input.images[number])
            smooth = feature_bands(image, params.median_size, entropy=False)
            for baseline, table in tables.items():
                codes = map_colours(smooth, table)
                write_class_raster(folder / f"{baseline}_{name}.tif", codes, grid, classes)


if __name__ == "__main__":
    with job(snakemake):
        main(snakemake)
