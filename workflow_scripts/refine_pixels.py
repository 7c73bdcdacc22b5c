"""Refine the CNN's map of each image of a batch by the image's own colours (phase 2)."""

import pandas as pd

from job import log_progress, run_job
from results import atomic_path, open_batch
from settings import read_settings
from ssc.classes import read_classes
from ssc.evaluation.active_learning import summarise_uncertainty
from ssc.io.rasters import (
    read_class_raster,
    read_confidence,
    read_image,
    read_probabilities,
    write_class_raster,
    write_confidence,
)
from ssc.refine.colours import FeatureSettings
from ssc.refine.fusion import FusionSettings, refine_map
from ssc.refine.pixel_classifiers import PixelClassifierSettings, make_pixel_classifier
from ssc.refine.pseudo_labels import PseudoLabelSettings, make_pseudo_labels


def main(snakemake):
    params, classes = snakemake.params, read_classes(snakemake.params.classes)
    selection = read_settings(PseudoLabelSettings, params.refine, tile_size=params.tile_size)
    kind = read_settings(PixelClassifierSettings, params.refine)
    features = read_settings(FeatureSettings, params.refine)
    fusion = read_settings(FusionSettings, params.refine)
    summaries = []
    with open_batch(snakemake.output.record) as batch:
        cnn = batch.folder.with_name("cnn")
        for number, name in log_progress(params.names):
            image, geometry = read_image(params.images[number])
            cnn_map = read_class_raster(cnn / f"CNN_{name}.tif")
            cnn_confidence = read_confidence(cnn / f"confidence_{name}.tif")
            probabilities = read_probabilities(cnn / f"probabilities_{name}.tif")
            pseudo_labels = make_pseudo_labels(cnn_map, cnn_confidence, selection, params.seed)
            classifier = make_pixel_classifier(kind, snakemake.threads, params.seed)
            of_cnn = cnn_map, cnn_confidence, probabilities
            class_map, confidence = refine_map(
                image, *of_cnn, pseudo_labels, classifier, features, fusion
            )
            with batch.file(f"{params.stage}_{name}.tif") as path:
                write_class_raster(path, class_map, geometry, classes)
            with batch.file(f"confidence_{name}.tif") as path:
                write_confidence(path, confidence, geometry)
            areas = probabilities.class_areas(cnn_map > 0)
            summary = name, class_map, confidence, areas, params.crop_size
            summaries.append(summarise_uncertainty(*summary).assign(path=params.images[number]))
        with atomic_path(snakemake.output.uncertainty) as path:
            pd.concat(summaries).to_csv(path, index=False)


if __name__ == "__main__":
    with run_job(snakemake):
        main(snakemake)
