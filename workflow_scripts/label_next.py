"""Rank the images of a group by what their labels would add; draw where the first are unsure."""

import numpy as np
import pandas as pd

from job import job, whole
from ssc.campaign import read_campaign
from ssc.classes import read_classes
from ssc.figures import plot_contact_sheet
from ssc.labelling import AREA, rank_crops, rank_images
from ssc.raster import read_class_raster, read_image


def main(snakemake):
    params, inputs, output = snakemake.params, snakemake.input, snakemake.output
    batches = [pd.read_csv(path) for path in inputs.doubts]
    folder_of = {
        name: folder
        for folder, batch in zip(inputs.maps, batches, strict=True)
        for name in batch["Image"]
    }
    image_of = read_campaign([], params.predict, {}).predict
    doubts = pd.concat(batches, ignore_index=True)
    known = np.zeros(256, np.int64)
    for path in inputs.labels:
        known += np.bincount(read_class_raster(path).ravel(), minlength=256)
    images = rank_images(describe_images(doubts, params.labelled), known)
    crops = rank_crops(doubts, images)
    classes = read_classes(params.classes)
    images["adds"] = images["adds"].map({c.code: c.name for c in classes})
    shown = crops.head(params.sheet)
    pictures, maps = {}, {}
    for name, crops_of_image in shown.groupby("Image"):
        image, _ = read_image(image_of[name].path)
        codes = read_class_raster(f"{folder_of[name]}/{params.stage}_{name}.tif")
        for crop in crops_of_image.itertuples():
            rows = slice(crop.row, crop.row + crop.height)
            columns = slice(crop.column, crop.column + crop.width)
            pictures[crop.rank] = image[rows, columns].copy()
            maps[crop.rank] = codes[rows, columns].copy()
    with whole(output.images) as path:
        images.to_csv(path, index=False)
    with whole(output.crops) as path:
        crops.to_csv(path, index=False)
    with whole(output.sheet) as path:
        title = f"Label these next: what would add most to CNN {snakemake.wildcards.group}"
        ranked = [[parts[rank] for rank in shown["rank"]] for parts in (pictures, maps)]
        plot_contact_sheet(path, title, shown, *ranked, classes, 1800)


def describe_images(doubts, labelled):
    """A row for each image, from those of its crops."""
    images = doubts.drop_duplicates("Image")
    areas = images.filter(like=AREA)
    images = images[["Image", "confidence"]]
    images.insert(1, "RiverName", images["Image"].str.rsplit("_", n=1).str[0])
    images.insert(2, "labelled", images["Image"].isin(labelled))
    return images.join(areas)


if __name__ == "__main__":
    with job(snakemake):
        main(snakemake)
