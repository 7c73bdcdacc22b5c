"""Check some images and their labels; write down what they hold and what is wrong.

The labels are written again in the grid of their image and the codes of the campaign, from whatever
they were: later jobs read these.
"""

import csv
from concurrent.futures import ThreadPoolExecutor

from job import run_job
from results import atomic_path, open_batch
from ssc.campaign import Image
from ssc.classes import label_codes, read_classes
from ssc.io.rasters import read_area
from ssc.preflight import LabelSources, TileGrid, check_columns, check_image
from ssc.report.provenance import digest_file


def main(snakemake):
    params, split = snakemake.params, snakemake.wildcards.split
    classes = read_classes(params.classes)
    class_codes = [c.code for c in classes]
    codes = label_codes(classes, params.remap)
    tiles = TileGrid(**params.tiles) if params.tiles else None
    area, polygons = read_area(snakemake.input.area), []
    if params.polygons:
        # Slow to import, and few campaigns have polygons.
        from ssc.io.polygon_files import read_polygons

        polygons = [read_polygons(path, codes, params.class_column) for path in params.polygons]
    sources = LabelSources(codes, polygons)

    with open_batch(snakemake.output.labels) as batch:

        def check(image):
            target = batch.file(f"SCLS_{image.name}.tif")
            row = check_image(
                image,
                split,
                class_codes,
                tiles,
                sources,
                target,
                area,
                params.white,
                params.max_megapixels,
            )
            if row["problem"]:
                return row
            files = {"sha256": image.is_file and image.path, "label_sha256": image.label}
            return row | {column: digest_file(path) for column, path in files.items() if path}

        with ThreadPoolExecutor(snakemake.threads) as pool:
            rows = list(pool.map(check, [Image(**image) for image in params.images]))
    columns = check_columns(class_codes, bool(params.tiles)) + ["sha256", "label_sha256"]
    with (
        atomic_path(snakemake.output.table) as path,
        open(path, "w", newline="", encoding="utf-8") as file,
    ):
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        writer.writerows(rows)


if __name__ == "__main__":
    with run_job(snakemake):
        main(snakemake)
