"""Map each image of a batch by the CNN of its group (phase 1)."""

import pandas as pd

from job import log_progress, run_job
from map_files import summarise_map, write_map
from results import atomic_path, open_batch
from ssc.classes import read_classes
from ssc.cnn.classifier import ClassifierSettings, TileClassifier, open_classifier
from ssc.io.rasters import open_image, read_area, write_probabilities
from ssc.io.tables import read_table
from ssc.io.windows import windows
from ssc.report.provenance import digest_file


def main(snakemake):
    params, inputs = snakemake.params, snakemake.input
    classes = read_classes(params.classes)
    settings = ClassifierSettings(snakemake.threads, params.tile_stride, params.match_colours)
    classifier = open_classifier(inputs.onnx, read_table(inputs.key), settings, params.river)
    area = read_area(inputs.area)
    checked = pd.concat(map(read_table, inputs.check)).set_index("image")["sha256"].dropna()
    used = ["match_colours", "white"]
    if isinstance(classifier, TileClassifier):
        used.append("tile_stride")
    origin = {
        "SEED": params.seed,
        "CNN_SHA256": digest_file(inputs.onnx),
        "CNN_SETTINGS": {key: params[key] for key in used},
    }
    summaries = []
    with open_batch(snakemake.output.record) as batch:
        for number, name in log_progress(params.names):
            path = params.images[number]
            with open_image(path, params.white, area) as image:
                result = classifier.classify(image)
                geometry, parts = image.geometry, windows(image.shape)
                origin["IMAGE_SHA256"] = checked.get(path)
                write_map(batch, "CNN", name, geometry, classes, parts, result.read, origin)
                with batch.file(f"probabilities_{name}.tif") as target:
                    write_probabilities(target, result.probabilities, geometry)
                if params.crop_size:
                    areas = result.expected_areas()
                    summary = summarise_map(
                        batch, "CNN", name, params.river, areas, params.crop_size
                    )
                    summaries.append(summary.assign(path=path))
        if params.crop_size:
            with atomic_path(snakemake.output.uncertainty) as path:
                pd.concat(summaries).to_csv(path, index=False)


if __name__ == "__main__":
    with run_job(snakemake):
        main(snakemake)
