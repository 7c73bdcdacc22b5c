"""Map each image of a batch by the dense CNN, and sharpen its map by the image's own colours."""

from contextlib import ExitStack

import cv2
import pandas as pd

from job import job, progress, whole, whole_folder
from ssc.classes import read_classes
from ssc.dense_classifier import DenseClassifier
from ssc.labelling import describe_doubt
from ssc.pixel_classifier import pixel_classifier
from ssc.raster import read_image, write_class_raster, write_percent_raster
from ssc.refine import most_probable, sharpen, teach
from ssc.tables import read_table


def main(snakemake):
    params, settings = snakemake.params, snakemake.params.refine
    classes, output = read_classes(params.classes), snakemake.output
    network = DenseClassifier(
        *(snakemake.input.onnx, read_table(snakemake.input.key), snakemake.threads),
        *(params.match_colours, params.river),
    )
    doubts = []
    with ExitStack() as stack:
        folders = [stack.enter_context(whole_folder(path)) for path in output[:-1]]
        for number, name in progress(params.names):
            image, grid = read_image(snakemake.input.images[number])
            probabilities = network.probabilities(image)
            areas = [cv2.sumElems(plane)[0] for plane in probabilities]
            mapped, sure = most_probable(probabilities, network.codes)
            write_class_raster(folders[0] / f"CNN_{name}.tif", mapped, grid, classes)
            write_percent_raster(folders[0] / f"confidence_{name}.tif", sure, grid)
            if params.prefix:
                teaching = teach(mapped, settings, params.tile_size, sure, params.seed)
                classifier = pixel_classifier(settings, snakemake.threads, params.seed)
                of_network = probabilities, network.codes, mapped, sure
                mapped, sure = sharpen(image, *of_network, teaching, classifier, settings)
                file = folders[1] / f"{params.prefix}_{name}.tif"
                write_class_raster(file, mapped, grid, classes)
                write_percent_raster(folders[1] / f"confidence_{name}.tif", sure, grid)
            areas = dict(zip(network.codes, areas, strict=True))
            doubts.append(describe_doubt(name, mapped, sure, areas, params.crop))
        doubts_file = stack.enter_context(whole(output.doubts))
        pd.concat(doubts).to_csv(doubts_file, index=False)


if __name__ == "__main__":
    with job(snakemake):
        main(snakemake)
