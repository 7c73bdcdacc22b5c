"""Map each labelled image of a batch by each baseline of its group."""

from contextlib import ExitStack

import numpy as np

from job import log_progress, run_job
from results import open_batch
from ssc.classes import read_classes
from ssc.io.rasters import create_class_raster, open_image
from ssc.io.windows import windows
from ssc.refine.colours import FeatureSettings, read_packed_colours


def main(snakemake):
    params, classes = snakemake.params, read_classes(snakemake.params.classes)
    tables = dict(np.load(snakemake.input.tables))
    features = FeatureSettings(params.median_size, entropy=False, colour_bits=params.colour_bits)
    area = None
    if snakemake.input.area:
        from ssc.io.polygon_files import read_polygons

        area = read_polygons(*snakemake.input.area)
    with open_batch(snakemake.output.record) as batch:
        for number, name in log_progress(params.names):
            path = params.images[number]
            with open_image(path, params.white) as image, ExitStack() as stack:
                inside = area.over(path, image.geometry).rasterize if area else None
                maps = {}
                for baseline in tables:
                    target = stack.enter_context(batch.file(f"{baseline}_{name}.tif"))
                    raster = create_class_raster(target, image.geometry, classes)
                    maps[baseline] = stack.enter_context(raster)
                for window in windows(image.shape):
                    packed = read_packed_colours(image, window, features)
                    for baseline, table in tables.items():
                        codes = table[packed]
                        if inside:
                            codes[inside(window) == 0] = 0
                        maps[baseline].write(window, codes)


if __name__ == "__main__":
    with run_job(snakemake):
        main(snakemake)
