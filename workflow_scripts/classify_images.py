"""Map each image of a batch by the CNN of its group (phase 1)."""

import pandas as pd

from job import log_progress, run_job
from results import atomic_path, open_batch
from ssc.classes import read_classes
from ssc.cnn.classifier import ClassifierSettings, open_classifier
from ssc.evaluation.active_learning import summarise_uncertainty
from ssc.io.rasters import read_image, write_class_raster, write_confidence, write_probabilities
from ssc.io.tables import read_table


def main(snakemake):
    params, inputs, classes = (
        snakemake.params,
        snakemake.input,
        read_classes(snakemake.params.classes),
    )
    settings = ClassifierSettings(snakemake.threads, params.tile_stride, params.match_colours)
    classifier = open_classifier(inputs.onnx, read_table(inputs.key), settings, params.river)
    area = None
    if inputs.area:
        from ssc.io.polygon_files import read_polygons

        area = read_polygons(*inputs.area)
    summaries = []
    with open_batch(snakemake.output.record) as batch:
        for number, name in log_progress(params.names):
            image, geometry = read_image(inputs.images[number])
            outside = None
            if area:
                outside = area.over(inputs.images[number], geometry).rasterize() == 0
            result = classifier.classify(image, inputs.images[number], outside)
            with batch.file(f"CNN_{name}.tif") as path:
                write_class_raster(path, result.class_map, geometry, classes)
            with batch.file(f"confidence_{name}.tif") as path:
                write_confidence(path, result.confidence, geometry)
            with batch.file(f"probabilities_{name}.tif") as path:
                write_probabilities(path, result.probabilities, geometry)
            if params.crop_size:
                areas = result.probabilities.class_areas(result.class_map > 0)
                summary = name, result.class_map, result.confidence, areas, params.crop_size
                summaries.append(summarise_uncertainty(*summary).assign(path=inputs.images[number]))
        if params.crop_size:
            with atomic_path(snakemake.output.uncertainty) as path:
                pd.concat(summaries).to_csv(path, index=False)


if __name__ == "__main__":
    with run_job(snakemake):
        main(snakemake)
