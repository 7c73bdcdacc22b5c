"""The files of an image's map: classes and confidence, written window by window."""

import json
from functools import cache
from pathlib import Path

import pandas as pd

from results import Batch
from ssc.evaluation.active_learning import summarise_uncertainty
from ssc.io.qgis_style import write_map_style
from ssc.io.rasters import create_class_raster, create_confidence, open_band, open_class_raster
from ssc.report.provenance import find_commit, read_version


@cache
def describe_code():
    """Tags of the code; a job asks git once."""
    project = Path(__file__).parents[1]
    return {
        "TIFFTAG_SOFTWARE": f"SSC {read_version(project)}",
        "COMMIT": find_commit(project),
    }


def write_map(
    batch: Batch, stage: str, name: str, geometry, classes, windows, read, origin
) -> None:
    """Write `<stage>_<name>.tif`, its style for QGIS, and `confidence_<name>.tif`.

    Parameters
    ----------
    batch : Batch
    stage : str
        `CNN`, `MLP` or `RF`.
    name : str
        Of the image.
    geometry : RasterGeometry
        Of the image.
    classes : sequence of LandClass
    windows : sequence of Window
        All of the image.
    read : callable
        Makes class codes and confidence of a window.
    origin : mapping
        What the map was made of, by tag; None for what is not known.
    """
    tags = {
        "TIFFTAG_IMAGEDESCRIPTION": f"Land cover of {name}: {stage} map",
        **describe_code(),
        **origin,
    }
    tags = {
        key: json.dumps(value, sort_keys=True) if isinstance(value, dict) else value
        for key, value in tags.items()
        if value is not None
    }
    with (
        batch.file(f"{stage}_{name}.tif") as map_path,
        batch.file(f"confidence_{name}.tif") as confidence_path,
        create_class_raster(map_path, geometry, classes, tags) as class_map,
        create_confidence(confidence_path, geometry, tags) as confidence,
    ):
        for window in windows:
            codes, percent = read(window)
            class_map.write(window, codes)
            confidence.write(window, percent)
    with batch.file(f"{stage}_{name}.qml") as path:
        write_map_style(path, classes)


def summarise_map(
    batch: Batch, stage: str, name: str, river: str, areas, crop_size: int
) -> pd.DataFrame:
    """Summarise the uncertainty of the map that `write_map` wrote.

    Parameters
    ----------
    batch, stage, name
        As of `write_map`.
    river : str
        Of the image.
    areas : mapping of int to float
        As of `summarise_uncertainty`.
    crop_size : int
        Side of the squares in pixels.

    Returns
    -------
    pandas.DataFrame
        Of `summarise_uncertainty`.
    """
    with (
        open_class_raster(batch.folder / f"{stage}_{name}.tif") as class_map,
        open_band(batch.folder / f"confidence_{name}.tif") as confidence,
    ):
        return summarise_uncertainty(name, river, class_map, confidence, areas, crop_size)
