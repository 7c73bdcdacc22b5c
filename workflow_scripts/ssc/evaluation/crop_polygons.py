"""Where the crops that are suggested for labelling lie on the map."""

from collections.abc import Mapping

import geopandas
import pandas as pd
import shapely
from rasterio.crs import CRS
from rasterio.transform import Affine

from ..io.datasets import RasterGeometry
from .class_polygons import to_map_coordinates

COLUMNS = ["rank", "Image", "RiverName", "uncertainty", "majority_class"]


def locate_crops(
    crops: pd.DataFrame, geometries: Mapping[str, RasterGeometry]
) -> geopandas.GeoDataFrame:
    """Make a polygon in map coordinates of each crop.

    Parameters
    ----------
    crops : pandas.DataFrame
        From `rank_crops`.
    geometries : mapping of str to RasterGeometry
        By name of the image.

    Returns
    -------
    geopandas.GeoDataFrame
        `COLUMNS` and a polygon for each crop of a georeferenced image, in order of rank. They are
        in the CRS of the images; in longitude and latitude (EPSG:4326) where these have several.
    """
    placed = {n: g for n, g in geometries.items() if g.crs and not g.transform.is_identity}
    parts = [
        _locate(crops[crops["Image"] == name], geometry.crs, geometry.transform)
        for name, geometry in placed.items()
    ]
    if not parts:
        return geopandas.GeoDataFrame(crops[COLUMNS].head(0), geometry=[])
    crs = {geometry.crs for geometry in placed.values()}
    if len(crs) > 1:
        parts = [part.to_crs(4326) for part in parts]
    return pd.concat(parts).sort_values("rank", ignore_index=True)


def _locate(crops: pd.DataFrame, crs: CRS, transform: Affine) -> geopandas.GeoDataFrame:
    left, top = crops["column"], crops["row"]
    squares = shapely.box(left, top, left + crops["width"], top + crops["height"])
    squares = to_map_coordinates(squares, transform)
    return geopandas.GeoDataFrame(crops[COLUMNS], geometry=squares, crs=crs.to_wkt())
