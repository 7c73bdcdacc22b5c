"""Map each labelled image of a batch by each baseline of its group."""

from contextlib import ExitStack

import numpy as np

from job import log_progress, run_job
from results import open_batch
from ssc.classes import read_classes
from ssc.io.files import name_damaged_result
from ssc.io.rasters import create_class_raster, open_image, read_area
from ssc.io.windows import windows
from ssc.refine.colours import FeatureSettings, read_packed_colours


def main(snakemake):
    params, classes = snakemake.params, read_classes(snakemake.params.classes)
    with name_damaged_result(snakemake.input.tables):
        tables = dict(np.load(snakemake.input.tables))
    features = FeatureSettings(params.median_size, entropy=False, colour_bits=params.colour_bits)
    area = read_area(snakemake.input.area)
    with open_batch(snakemake.output.record) as batch:
        for number, name in log_progress(params.names):
            path = params.images[number]
            with open_image(path, params.white, area) as image, ExitStack() as stack:
                maps = {}
                for baseline in tables:
                    target = stack.enter_context(batch.file(f"{baseline}_{name}.tif"))
                    raster = create_class_raster(target, image.geometry, classes)
                    maps[baseline] = stack.enter_context(raster)
                for window in windows(image.shape):
                    packed = read_packed_colours(image, window, features)
                    has_data = ~image.no_data(window)
                    for baseline, table in tables.items():
                        maps[baseline].write(window, table[packed] * has_data)


if __name__ == "__main__":
    with run_job(snakemake):
        main(snakemake)
