"""GeoPackages: vector layers that any geographic information system opens, with their colours."""

import warnings
from collections.abc import Sequence
from pathlib import Path

import geopandas
import pandas as pd
import pyogrio

from ..classes import LandClass
from .datasets import name_full_disk
from .qgis_style import style_polygons

# The same layer makes the same bytes: GDAL would write down the time.
DATE = "2000-01-01T00:00:00.000Z"

ERRORS = (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError)


def write_geopackage(
    path: str | Path,
    table: geopandas.GeoDataFrame,
    layer: str,
    geometry_type: str,
    classes: Sequence[LandClass] = (),
) -> None:
    """Write a table of geometries as the only layer of a GeoPackage.

    Parameters
    ----------
    path : str or pathlib.Path
    table : geopandas.GeoDataFrame
        May be empty.
    layer : str
        Name of the layer.
    geometry_type : str
        Of GDAL, such as `Polygon`.
    classes : sequence of LandClass, optional
        QGIS draws the layer in their colours, by its column class_code.

    Raises
    ------
    InputError
        When it cannot be written.
    """
    Path(path).unlink(missing_ok=True)
    pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": DATE})
    try:
        with name_full_disk(path, ERRORS), warnings.catch_warnings():
            # Photographs without a georeference have none.
            warnings.filterwarnings("ignore", "'crs' was not provided")
            form = dict(driver="GPKG", geometry_type=geometry_type)
            pyogrio.write_dataframe(table, path, layer, **form)
            if classes:
                # Where QGIS keeps the styles of the layers of a GeoPackage.
                style = {
                    "f_table_catalog": "",
                    "f_table_schema": "",
                    "f_table_name": layer,
                    "f_geometry_column": "geom",
                    "styleName": "classes",
                    "styleQML": style_polygons(classes),
                    "styleSLD": "",
                    "useAsDefault": True,
                    "description": "",
                    "owner": "",
                    "ui": "",
                    "update_time": pd.Timestamp(DATE),
                }
                pyogrio.write_dataframe(pd.DataFrame([style]), path, "layer_styles", driver="GPKG")
    finally:
        pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": None})
