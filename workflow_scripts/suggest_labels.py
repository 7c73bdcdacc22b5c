"""Rank the images of a group by what their labels would add; draw where the first are uncertain."""

from pathlib import Path

import numpy as np
import pandas as pd

from job import run_job
from results import atomic_path, label_files
from ssc.classes import read_classes
from ssc.evaluation.active_learning import rank_crops, rank_images, summarise_images
from ssc.evaluation.contact_sheet import plot_contact_sheet
from ssc.evaluation.crop_polygons import locate_crops
from ssc.io.geopackage import write_geopackage
from ssc.io.rasters import open_class_raster, open_image, read_geometry
from ssc.io.tables import read_table
from ssc.io.windows import windows

SHEET_WIDTH = 1800


def main(snakemake):
    params, inputs, output = snakemake.params, snakemake.input, snakemake.output
    classes, maps = read_classes(params.classes), Path(inputs.records[0]).parents[1]
    crops = pd.concat(map(read_table, inputs.uncertainty), ignore_index=True)
    labelled = np.zeros(256, np.int64)
    for path in label_files(inputs.labels[0], params.learned) if inputs.labels else []:
        with open_class_raster(path) as labels:
            for window in windows(labels.shape):
                labelled += np.bincount(labels[window.slices].ravel(), minlength=256)
    images = rank_images(summarise_images(crops, params.labelled), labelled)
    crops = rank_crops(crops, images)
    images["gained_class"] = images["gained_class"].map({c.code: c.name for c in classes})
    shown = crops.head(params.n_crops)
    pictures, class_maps = {}, {}
    for name, of_image in shown.groupby("Image"):
        path = of_image["path"].iloc[0]
        map_path = maps / f"{params.final_stage}_{name}.tif"
        with open_image(path, params.white) as image, open_class_raster(map_path) as class_map:
            for crop in of_image.itertuples():
                rows = slice(crop.row, crop.row + crop.height)
                columns = slice(crop.column, crop.column + crop.width)
                pictures[crop.rank] = image[rows, columns]
                class_maps[crop.rank] = class_map[rows, columns]
    with atomic_path(output.images) as path:
        images.to_csv(path, index=False)
    with atomic_path(output.crops) as path:
        crops.to_csv(path, index=False)
    with atomic_path(output.places) as path:
        files = crops.groupby("Image")["path"].first()
        geometries = {name: read_geometry(file) for name, file in files.items()}
        write_geopackage(path, locate_crops(crops, geometries), "crops", "Polygon")
    with atomic_path(output.sheet) as path:
        title = f"Label these next: what would add most to CNN {snakemake.wildcards.group}"
        ranked = [[parts[rank] for rank in shown["rank"]] for parts in (pictures, class_maps)]
        plot_contact_sheet(path, title, shown, *ranked, classes, SHEET_WIDTH)


if __name__ == "__main__":
    with run_job(snakemake):
        main(snakemake)
