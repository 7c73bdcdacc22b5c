"""Refine the CNN's map of each image of a batch by the image's own colours (phase 2)."""

import pandas as pd

from job import log_progress, run_job
from map_files import summarise_map, write_map
from results import atomic_path, open_batch
from settings import read_settings
from ssc.classes import read_classes
from ssc.errors import InputError
from ssc.io.rasters import open_band, open_class_raster, open_image, read_probabilities
from ssc.refine.colours import FeatureSettings
from ssc.refine.fusion import FusionSettings, RefinedMap
from ssc.refine.pixel_classifiers import PixelClassifierSettings, make_pixel_classifier
from ssc.refine.pseudo_labels import PseudoLabels, PseudoLabelSettings

# Tags of the CNN's map that hold for the final map too.
OF_CNN = ("CNN_SHA256", "CNN_SETTINGS", "IMAGE_SHA256")


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
            path = params.images[number]
            probabilities = read_probabilities(cnn / f"probabilities_{name}.tif")
            with (
                open_image(path, params.white) as image,
                open_class_raster(cnn / f"CNN_{name}.tif") as cnn_map,
                open_band(cnn / f"confidence_{name}.tif") as cnn_confidence,
            ):
                if image.shape[:2] != cnn_map.shape:
                    raise InputError(f"{path}: has another size than when it was mapped; run again")
                pseudo_labels = PseudoLabels(cnn_map, cnn_confidence, selection, params.seed)
                classifier = make_pixel_classifier(kind, snakemake.threads, params.seed)
                of_cnn = cnn_map, cnn_confidence, probabilities
                refined = RefinedMap(image, *of_cnn, pseudo_labels, classifier, features, fusion)
                origin = {key: cnn_map.tags.get(key) for key in OF_CNN} | {
                    "SEED": params.seed,
                    "REFINE_SETTINGS": params.refine,
                }
                how = classes, refined.windows, refined.read, origin
                write_map(batch, params.stage, name, image.geometry, *how)
            of_map = name, params.river, refined.expected_areas, params.crop_size
            summary = summarise_map(batch, params.stage, *of_map)
            summaries.append(summary.assign(path=path))
        with atomic_path(snakemake.output.uncertainty) as path:
            pd.concat(summaries).to_csv(path, index=False)


if __name__ == "__main__":
    with run_job(snakemake):
        main(snakemake)
