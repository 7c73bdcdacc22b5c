"""GDAL datasets by way of rasterio: their geometry, and how they are opened and created."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import rasterio
from rasterio.errors import RasterioError
from rasterio.transform import Affine

from ..errors import InputError


@dataclass(frozen=True)
class RasterGeometry:
    """Size of a raster in pixels, and its georeference if it has one.

    Attributes
    ----------
    height, width : int
    crs : rasterio.crs.CRS, optional
    transform : rasterio.transform.Affine
        From pixels (column, row) to map coordinates; the identity stands for none.
    """

    height: int
    width: int
    crs: rasterio.crs.CRS | None = None
    transform: Affine = Affine.identity()


@contextmanager
def open_dataset(path: str | Path) -> Iterator[rasterio.DatasetReader]:
    """Open a raster file to read; an error of GDAL becomes an InputError."""
    # A truncated JPEG is a warning to GDAL, which fills up with grey.
    with rasterio.Env(GDAL_ERROR_ON_LIBJPEG_WARNING="TRUE"):
        try:
            with rasterio.open(path) as source:
                yield source
        except RasterioError as error:
            reason = error.__cause__ or error
            raise InputError(f"{path}: truncated or damaged; copy it anew ({reason})") from error


def create_dataset(
    path: str | Path, geometry: RasterGeometry, **options
) -> rasterio.io.DatasetWriter:
    """Create a GeoTIFF; rasterio's `options` replace the defaults, uint8 in one band."""
    profile = dict(
        driver="GTiff",
        height=geometry.height,
        width=geometry.width,
        count=1,
        dtype="uint8",
        crs=geometry.crs,
        # Written, an identity would have QGIS draw the map upside down.
        transform=None if geometry.transform.is_identity else geometry.transform,
        compress="deflate",
        # Two thirds of the time of the usual 6, and a tenth larger.
        zlevel=5,
        tiled=True,
        blockxsize=256,
        blockysize=256,
    )
    return rasterio.open(path, "w", **profile | options)
