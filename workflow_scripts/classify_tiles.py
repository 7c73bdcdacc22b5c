"""Give each image of a batch its tile map."""

import numpy as np
import pandas as pd

from job import job, progress, whole, whole_folder
from ssc.classes import read_classes
from ssc.labelling import describe_doubt
from ssc.raster import read_image, write_class_raster, write_percent_raster
from ssc.tile_classifier import TileClassifier


def main(snakemake):
    params, classes = snakemake.params, read_classes(snakemake.params.classes)
    key = pd.read_csv(snakemake.input.key)
    classifier = TileClassifier(snakemake.input.onnx, key, snakemake.threads)
    doubts = []
    with whole_folder(snakemake.output.maps) as folder:
        for number, name in progress(params.names):
            path = snakemake.input.images[number]
            image, grid = read_image(path)
            tile_map, confidence = classifier.classify(image, params.stride, path)
            write_class_raster(folder / f"CNN_{name}.tif", tile_map, grid, classes)
            write_percent_raster(folder / f"confidence_{name}.tif", confidence, grid)
            counts = np.bincount(tile_map.ravel(), minlength=256)
            areas = {c.code: counts[c.code] for c in classes}
            doubts.append(describe_doubt(name, tile_map, confidence, areas, params.crop))
    with whole(snakemake.output.doubts) as path:
        pd.concat(doubts).to_csv(path, index=False)


if __name__ == "__main__":
    with job(snakemake):
        main(snakemake)
