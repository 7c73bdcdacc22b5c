"""Check some images and their labels; write down what they hold and what is wrong."""

import csv
from concurrent.futures import ThreadPoolExecutor

from job import run_job
from results import atomic_path
from ssc.campaign import Image
from ssc.preflight import TileGrid, check_columns, check_image


def main(snakemake):
    params, split = snakemake.params, snakemake.wildcards.split
    tiles = TileGrid(**params.tiles) if params.tiles else None

    def check(image):
        return check_image(Image(**image), split, params.class_codes, tiles, params.white)

    with ThreadPoolExecutor(snakemake.threads) as pool:
        rows = list(pool.map(check, params.images))
    columns = check_columns(params.class_codes, bool(params.tiles))
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
