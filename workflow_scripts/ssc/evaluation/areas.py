"""How much of each class maps show, in pixels and on the ground."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import rasterio
from rasterio.transform import xy

from ..classes import LandClass
from ..io.datasets import RasterGeometry, name_damage, open_dataset

# Share by which areas in the plane of a projected CRS may differ from those on the ground.
MAX_DISTORTION = 0.01
# Columns that say of what an area is, from the coarsest level to the finest.
LEVELS = ["group", "river", "image"]
CLASS = ["class_code", "class"]


def measure_map(path: str | Path, classes: Sequence[LandClass]) -> pd.DataFrame:
    """Measure the area of each class of a map.

    Parameters
    ----------
    path : str or pathlib.Path
        Class map; 0 is no data.
    classes : sequence of LandClass

    Returns
    -------
    pandas.DataFrame
        A row for each class: class_code, class, pixels and square_metres, which is NaN where
        `pixel_areas` has none.

    Raises
    ------
    InputError
        When the file cannot be read.
    """
    codes = [c.code for c in classes]
    with open_dataset(path, is_result=True) as source, name_damage(path, is_result=True):
        counts = count_rows(source, codes)
        geometry = RasterGeometry(source.height, source.width, source.crs, source.transform)
    areas = pixel_areas(geometry)
    return pd.DataFrame(
        {
            "class_code": codes,
            "class": [c.name for c in classes],
            "pixels": counts.sum(axis=0),
            "square_metres": np.nan if areas is None else areas @ counts,
        }
    )


def count_rows(source: rasterio.DatasetReader, class_codes: Sequence[int]) -> np.ndarray:
    """Count the pixels of each class in each row of a map, block by block.

    Parameters
    ----------
    source : rasterio.DatasetReader
        Class map, uint8.
    class_codes : sequence of int

    Returns
    -------
    numpy.ndarray
        int64 (height, number of classes).
    """
    counts = np.zeros((source.height, len(class_codes)), np.int64)
    for _, window in source.block_windows(1):
        codes = source.read(1, window=window)
        cells = codes + 256 * np.arange(len(codes))[:, np.newaxis]
        rows = slice(window.row_off, window.row_off + len(codes))
        of_codes = np.bincount(cells.ravel(), minlength=256 * len(codes)).reshape(-1, 256)
        counts[rows] += of_codes[:, class_codes]
    return counts


def pixel_areas(geometry: RasterGeometry) -> np.ndarray | None:
    """Compute the area on the ground of a pixel of each row.

    Parameters
    ----------
    geometry : RasterGeometry

    Returns
    -------
    numpy.ndarray or None
        Square metres, float64 (height,); None without a transform or without a geographic or
        projected CRS.

    Notes
    -----
    In a projected CRS it is the determinant of the transform, in the CRS's linear unit. In a
    geographic one, and in a projected one whose areas are wrong by more than `MAX_DISTORTION` in
    the middle of the image (Web Mercator, for example), it is the geodesic area of the pixel in the
    middle of the row: the polygon of its corners on the ellipsoid of the CRS (Karney 2013, Journal
    of Geodesy 87, 43-55).
    """
    crs, transform = geometry.crs, geometry.transform
    if crs is None or transform.is_identity or not (crs.is_projected or crs.is_geographic):
        return None
    if crs.is_projected:
        metres = crs.linear_units_factor[1]
        planar = abs(transform.determinant) * metres**2
        geodesic = _geodesic_areas(geometry, [geometry.height // 2])[0]
        # False also where the coordinates are of no place on the ellipsoid.
        if not abs(planar - geodesic) > MAX_DISTORTION * geodesic:
            return np.full(geometry.height, planar)
    return _geodesic_areas(geometry, range(geometry.height))


def _geodesic_areas(geometry: RasterGeometry, rows: Sequence[int]) -> np.ndarray:
    """Square metres of the pixel in the middle of each of the rows."""
    import pyproj

    crs = pyproj.CRS.from_user_input(geometry.crs)
    geographic, geod = crs.geodetic_crs, crs.get_geod()
    assert geographic and geod, "a CRS of places on the Earth has an ellipsoid"
    degrees = np.degrees(geographic.axis_info[0].unit_conversion_factor)
    to_geographic = pyproj.Transformer.from_crs(crs, geographic, always_xy=True)
    down = np.add.outer(rows, [0, 0, 1, 1]).ravel()
    across = geometry.width // 2 + np.tile([0, 1, 1, 0], len(rows))
    corners = to_geographic.transform(*xy(geometry.transform, down, across, offset="ul"))
    cells = zip(*(degrees * np.reshape(values, (-1, 4)) for values in corners), strict=True)
    return np.array([abs(geod.polygon_area_perimeter(*cell)[0]) for cell in cells])


def compile_areas(areas: pd.DataFrame) -> pd.DataFrame:
    """Sum the areas of images by river and by group.

    Images that overlap are summed as they are: what two of them show counts twice.

    Parameters
    ----------
    areas : pandas.DataFrame
        Rows of `measure_map` with the columns group, river and image.

    Returns
    -------
    pandas.DataFrame
        The rows of images, then those of rivers, then those of groups: level (which of them),
        group, river, image, class_code, class, pixels, percent (of the mapped pixels, NaN without
        any), square_metres and hectares (NaN where an image has none).
    """
    parts = []
    for level in reversed(LEVELS):
        keys = LEVELS[: LEVELS.index(level) + 1]
        parts.append(
            areas.groupby([*keys, *CLASS], sort=False)[["pixels", "square_metres"]]
            .sum(skipna=False)
            .reset_index()
            .assign(level=level)
        )
    table = pd.concat(parts, ignore_index=True)
    mapped = table.groupby(["level", *LEVELS], dropna=False)["pixels"].transform("sum")
    table["percent"] = 100 * table["pixels"] / mapped
    table["hectares"] = table["square_metres"] / 1e4
    return table[["level", *LEVELS, *CLASS, "pixels", "percent", "square_metres", "hectares"]]


def pixel_width(geometry: RasterGeometry) -> float | None:
    """Width on the ground of the pixels in the middle of an image whose CRS has lengths.

    Parameters
    ----------
    geometry : RasterGeometry

    Returns
    -------
    float or None
        Metres; None without a projected CRS or a transform.

    Notes
    -----
    Where areas of the plane are wrong (see `pixel_areas`), lengths are wrong by their square root.
    """
    areas = pixel_areas(geometry) if geometry.crs and geometry.crs.is_projected else None
    if areas is None:
        return None
    transform = geometry.transform
    across = np.hypot(transform.a, transform.d)
    return float(across * np.sqrt(areas[geometry.height // 2] / abs(transform.determinant)))
