"""GDAL datasets by way of rasterio: their geometry, and how they are opened and created."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import rasterio
import rasterio.shutil
from rasterio.errors import RasterioError
from rasterio.transform import Affine

from ..errors import InputError

# Of blocks that were read or are to be written; GDAL would take a twentieth of the memory.
CACHE_MEGABYTES = 256


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
    """Open a raster file to read; where that fails, an InputError says so.

    Reading from it belongs into `name_damage`.
    """
    # A truncated JPEG is a warning to GDAL, which fills up with grey.
    with rasterio.Env(GDAL_ERROR_ON_LIBJPEG_WARNING="TRUE", GDAL_CACHEMAX=CACHE_MEGABYTES):
        with name_damage(path):
            source = rasterio.open(path)
        with source:
            yield source


@contextmanager
def name_damage(path: str | Path) -> Iterator[None]:
    """Make an error of GDAL while it reads a file an InputError."""
    try:
        yield
    except RasterioError as error:
        reason = error.__cause__ or error
        remedy = "truncated or damaged; copy it anew"
        if "://" in str(path):
            remedy = "not to be read from there; try its address in QGIS, or copy it here"
        raise InputError(f"{path}: {remedy} ({reason})") from error


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
        bigtiff="if_safer",
        tiled=True,
        blockxsize=256,
        blockysize=256,
    )
    return rasterio.open(path, "w", **profile | options)


@contextmanager
def create_cog(
    path: str | Path, geometry: RasterGeometry, overviews: str, **options
) -> Iterator[rasterio.io.DatasetWriter]:
    """Create a Cloud Optimized GeoTIFF: a GeoTIFF to write windows to, copied at the end.

    GDAL 3.10 can only copy into this format.

    Parameters
    ----------
    path : str or pathlib.Path
    geometry : RasterGeometry
    overviews : str
        GDAL's name for how pixels of lower resolution are made, such as `MODE`.
    **options
        As for `create_dataset`.

    Raises
    ------
    InputError
        When it cannot be written.
    """
    draft = Path(f"{path}.draft")
    with rasterio.Env(GDAL_CACHEMAX=CACHE_MEGABYTES):
        try:
            with create_dataset(draft, geometry, **options, zlevel=1) as target:
                yield target
            # Two thirds of the time of the usual level 6, and a tenth larger.
            form = dict(compress="DEFLATE", level=5, blocksize=512, bigtiff="IF_SAFER")
            rasterio.shutil.copy(draft, path, driver="COG", overview_resampling=overviews, **form)
        except RasterioError as error:
            reason = error.__cause__ or error
            raise InputError(
                f"{path}: cannot be written; is the disk full, or the folder protected? ({reason})"
            ) from error
        finally:
            draft.unlink(missing_ok=True)
            Path(f"{draft}.aux.xml").unlink(missing_ok=True)
