"""Polygons of the regions of a class map, for a geographic information system."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import geopandas
import numpy as np
import rasterio
import shapely
from rasterio.features import shapes
from rasterio.transform import Affine

from ..classes import LandClass
from ..errors import SettingError
from ..io.datasets import RasterGeometry, create_dataset
from ..io.windows import Raster
from .areas import pixel_areas
from .regions import Regions, find_regions


@dataclass(frozen=True)
class PolygonSettings:
    """How polygons are made of a class map.

    Attributes
    ----------
    minimum_mapping_unit : int or mapping
        Smallest region, in pixels or as `{"square_metres": ...}`; 0 for all.
    simplify : float
        Tolerance in pixels, 0 for none: the square root of the area of the smallest triangle of
        neighbouring vertices that stays.
    """

    minimum_mapping_unit: int | Mapping[str, float] = 0
    simplify: float = 0


def polygonize_map(
    class_map: Raster,
    confidence: Raster,
    geometry: RasterGeometry,
    classes: Sequence[LandClass],
    settings: PolygonSettings,
    name: str,
) -> geopandas.GeoDataFrame:
    """Make a polygon of each region of a class map.

    Parameters
    ----------
    class_map : Raster
        Class codes, uint8 (height, width); 0, no data, has no polygons.
    confidence : Raster
        Percent, uint8 (height, width).
    geometry : RasterGeometry
        Of the map. Without a georeference x is the column and y the row, in negative numbers, as
        QGIS draws such a map.
    classes : sequence of LandClass
    settings : PolygonSettings
    name : str
        Of the image, for the error.

    Returns
    -------
    geopandas.GeoDataFrame
        Valid polygons, pixels connected by their sides, that neither overlap nor leave gaps:
        class_code, class, pixels, square_metres (two decimals, NaN where `areas.pixel_areas` has
        none) and mean_confidence (percent, two decimals). These are of the mapped pixels, also
        where the polygon is simplified.

    Raises
    ------
    SettingError
        When the minimum mapping unit is in square metres, but the image has no CRS.
    """
    unit, minimum = _minimum(settings.minimum_mapping_unit)
    areas = pixel_areas(geometry)
    if unit == "square_metres" and areas is None:
        raise SettingError(
            "minimum_mapping_unit", f"{name} has no CRS to measure in; give a number of pixels"
        )
    regions = find_regions(class_map, confidence, areas, unit, minimum)
    numbers, polygons = _trace(class_map, regions)
    if settings.simplify and len(polygons):
        polygons = _simplify(polygons, settings.simplify)
    polygons = to_map_coordinates(polygons, geometry.transform)
    names = {c.code: c.name for c in classes}
    codes = regions.class_codes[numbers]
    columns = {
        "class_code": codes.astype(np.int32),
        "class": np.array([names[code] for code in codes], object),
        "pixels": regions.pixels[numbers],
        "square_metres": regions.square_metres[numbers].round(2),
        "mean_confidence": regions.mean_confidence[numbers].round(2),
    }
    return geopandas.GeoDataFrame(
        columns, geometry=polygons, crs=geometry.crs and geometry.crs.to_wkt()
    )


def to_map_coordinates(polygons: np.ndarray, transform: Affine) -> np.ndarray:
    """Transform polygons from columns and rows of pixels to map coordinates.

    Parameters
    ----------
    polygons : numpy.ndarray
        Of shapely, object (n,).
    transform : rasterio.transform.Affine
        The identity stands for none: QGIS then draws rows downward from 0.

    Returns
    -------
    numpy.ndarray
        Of shapely, object (n,).
    """
    a, b, c, d, e, f = (Affine.scale(1, -1) if transform.is_identity else transform)[:6]
    return shapely.transform(polygons, lambda xy: xy @ np.array([[a, d], [b, e]]) + (c, f))


def _minimum(unit: int | Mapping[str, float]) -> tuple[str, float]:
    if isinstance(unit, Mapping):
        return next(iter(unit.items()))
    return "pixels", unit


def _trace(class_map: Raster, regions: Regions) -> tuple[np.ndarray, np.ndarray]:
    """Row of the region, and polygon in columns and rows of pixels, of all regions.

    GDAL traces line by line through all of a file: no polygon is cut, and none is to be joined.
    """
    height, width = class_map.shape
    form = dict(dtype="int32", tiled=False, blockysize=1, blockxsize=width, zlevel=1)
    with rasterio.MemoryFile() as memory:
        with create_dataset(memory.name, RasterGeometry(height, width), **form) as target:
            for rows, numbers in regions.strips(class_map):
                area = rasterio.windows.Window(0, rows.start, width, len(numbers))
                target.write(numbers, 1, window=area)
        with memory.open() as source:
            traced = [
                (
                    int(number) - 1,
                    shapely.Polygon(shape["coordinates"][0], shape["coordinates"][1:]),
                )
                for shape, number in shapes(rasterio.band(source, 1))
                if number
            ]
    numbers = np.array([number for number, _ in traced], int)
    return numbers, np.array([polygon for _, polygon in traced], object)


def _simplify(polygons: np.ndarray, tolerance: float) -> np.ndarray:
    """Simplify borders that two polygons share as one (Visvalingam & Whyatt 1993)."""
    # A corner of one polygon becomes a vertex of all that meet there.
    steps = shapely.transform(shapely.segmentize(polygons, 1), np.round)
    return shapely.coverage_simplify(steps, tolerance)
