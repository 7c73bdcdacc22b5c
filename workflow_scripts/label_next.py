"""Rank the images of a group, and places in them, by how unsure their maps are; draw the first."""

import pandas as pd

from job import job, whole
from ssc.campaign import read_campaign
from ssc.classes import read_classes
from ssc.figures import plot_contact_sheet
from ssc.labelling import rank_crops, rank_images
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
    doubts.insert(1, "RiverName", doubts["Image"].str.rsplit("_", n=1).str[0])
    doubts.insert(2, "labelled", doubts["Image"].isin(params.labelled))
    images = doubts.drop_duplicates("Image")[["Image", "RiverName", "labelled", "confidence"]]
    crops = rank_crops(doubts)
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
        rank_images(images).to_csv(path, index=False)
    with whole(output.crops) as path:
        crops.to_csv(path, index=False)
    with whole(output.sheet) as path:
        title = f"Label these next: where CNN {snakemake.wildcards.group} is least sure"
        ranked = [[parts[rank] for rank in shown["rank"]] for parts in (pictures, maps)]
        plot_contact_sheet(path, title, shown, *ranked, read_classes(params.classes), 1800)


if __name__ == "__main__":
    with job(snakemake):
        main(snakemake)
