"""Write one mosaic of the final maps of a group, and the style of QGIS for it."""

import logging
from pathlib import Path

from job import run_job
from results import atomic_path
from ssc.classes import read_classes
from ssc.io.mosaic import select_maps, write_mosaic
from ssc.io.qgis_style import write_map_style


def main(snakemake):
    params, group = snakemake.params, snakemake.wildcards.group
    classes, maps = read_classes(params.classes), Path(snakemake.input.records[0]).parents[1]
    folder = Path(snakemake.output.folder)
    folder.mkdir(exist_ok=True)
    selected, problems = select_maps([maps / f"{params.stage}_{name}.tif" for name in params.names])
    for problem in problems:
        logging.info(problem)
    if not selected:
        logging.info("%s has no mosaic: no map has a georeference that points north", group)
        return
    with atomic_path(folder / f"{group}.qml") as path:
        write_map_style(path, classes)
    with atomic_path(folder / f"{group}.vrt") as path:
        write_mosaic(path, selected, classes)


if __name__ == "__main__":
    with run_job(snakemake):
        main(snakemake)
