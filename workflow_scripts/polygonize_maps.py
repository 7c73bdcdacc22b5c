"""Make polygons of the classes of the final map of each image of a batch."""

from pathlib import Path

from job import log_progress, run_job
from results import open_batch
from settings import read_settings
from ssc.classes import read_classes
from ssc.evaluation.class_polygons import PolygonSettings, polygonize_map
from ssc.io.geopackage import write_geopackage
from ssc.io.rasters import open_band, open_class_raster


def main(snakemake):
    params, classes = snakemake.params, read_classes(snakemake.params.classes)
    settings = read_settings(PolygonSettings, params.polygons)
    maps = Path(snakemake.input.record).parents[1]
    with open_batch(snakemake.output.record) as batch:
        for _, name in log_progress(params.names):
            with (
                open_class_raster(maps / f"{params.stage}_{name}.tif") as class_map,
                open_band(maps / f"confidence_{name}.tif") as confidence,
            ):
                of_map = class_map, confidence, class_map.geometry
                table = polygonize_map(*of_map, classes, settings, name)
            with batch.file(f"{name}.gpkg") as part:
                write_geopackage(part, table, name, "Polygon", classes)


if __name__ == "__main__":
    with run_job(snakemake):
        main(snakemake)
