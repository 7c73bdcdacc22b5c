"""Count the colours of the labelled pixels of a river's training images."""

import logging

import numpy as np
from scipy.sparse import csr_array, save_npz

from job import run_job
from results import atomic_path
from ssc.io.rasters import open_class_raster, open_image
from ssc.io.windows import MaskedRaster, Raster, block_of, windows
from ssc.refine.colours import FeatureSettings, count_colours, read_packed_colours


def main(snakemake):
    params, bits = snakemake.params, snakemake.params.colour_bits
    features = FeatureSettings(params.median_size, entropy=False, colour_bits=bits)
    counts: csr_array = csr_array((256, 1 << 3 * bits), dtype=np.int64)
    for path, label in zip(params.images, snakemake.input.labels, strict=True):
        before = counts[1:].sum()
        with open_image(path, params.white) as image, open_class_raster(label) as source:
            labels: Raster = source
            if params.block:
                labels = MaskedRaster(source, block_of(source.shape, *params.block), inside=False)
            for window in windows(image.shape):
                codes = labels[window.slices]
                if codes.any():
                    packed = read_packed_colours(image, window, features)
                    counts += count_colours(packed, codes, 1 << 3 * bits)
        logging.info("%s: %d labelled pixels", path, counts[1:].sum() - before)
    # What has no label counts for nothing.
    counts.data[: counts.indptr[1]] = 0
    counts.eliminate_zeros()
    with atomic_path(snakemake.output.counts) as path, open(path, "wb") as file:
        save_npz(file, counts)


if __name__ == "__main__":
    with run_job(snakemake):
        main(snakemake)
