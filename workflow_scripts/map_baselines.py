"""Map each labelled image of a batch by each baseline of its group."""

import numpy as np

from job import log_progress, run_job
from results import open_batch
from ssc.classes import read_classes
from ssc.io.rasters import read_image, write_class_raster
from ssc.refine.baselines import apply_lookup_table
from ssc.refine.colours import pixel_features


def main(snakemake):
    params, classes = snakemake.params, read_classes(snakemake.params.classes)
    tables = dict(np.load(snakemake.input.tables))
    area = None
    if snakemake.input.area:
        from ssc.io.polygon_files import read_polygons

        area = read_polygons(*snakemake.input.area)
    with open_batch(snakemake.output.record) as batch:
        for number, name in log_progress(params.names):
            image, geometry = read_image(params.images[number])
            smooth = pixel_features(image, params.median_size, entropy=False)
            for baseline, table in tables.items():
                codes = apply_lookup_table(smooth, table)
                if area:
                    codes[area.over(params.images[number], geometry).rasterize() == 0] = 0
                with batch.file(f"{baseline}_{name}.tif") as path:
                    write_class_raster(path, codes, geometry, classes)


if __name__ == "__main__":
    with run_job(snakemake):
        main(snakemake)
