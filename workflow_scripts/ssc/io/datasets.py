"""GDAL datasets by way of rasterio: their geometry, and how they are opened and created."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import rasterio
import rasterio.shutil
from rasterio._err import CPLE_BaseError
from rasterio.errors import RasterioError, RasterioIOError
from rasterio.io import DatasetReader
from rasterio.transform import Affine

from ..errors import InputError
from .files import REMAKE, is_remote, require_file
from .vrt import check_vrt

# What images and labels may be: other formats bring code, queries or paths of other files along.
DRIVERS = ["BMP", "GTiff", "HFA", "JP2OpenJPEG", "JPEG", "PNG", "WEBP"]
# Of blocks that were read or are to be written; GDAL would take a twentieth of the memory.
CACHE_MEGABYTES = 256
# Of images and label rasters, by default.
MAX_MEGAPIXELS = 4000
# GDAL decodes a block at once.
MAX_BLOCK_BYTES = 1_000_000_000
# What GDAL or libjpeg says where it would need more than 500 MB.
LARGE_JPEG = ("GDAL_ALLOW_LARGE_LIBJPEG_MEM_ALLOC", "Backing store not supported")


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
def open_dataset(path: str | Path, is_result: bool = False) -> Iterator[DatasetReader]:
    """Open a raster file to read; where that fails, an InputError says so.

    Reading from it belongs into `name_damage`, with the same `is_result`: whether the
    workflow wrote the file.
    """
    # Only a file that says so by its name.
    is_vrt = Path(path).suffix.lower() == ".vrt"
    if not is_remote(str(path)) and not is_result:
        require_file(path)
    # Also headers are read at need, for example the meaning of bands.
    with (
        name_damage(path, is_result),
        rasterio.Env(
            # A truncated JPEG is a warning to GDAL, which fills up with grey.
            GDAL_ERROR_ON_LIBJPEG_WARNING="TRUE",
            # Its own way to decode passes over missing data.
            GDAL_PNG_WHOLE_IMAGE_OPTIM="NO",
            GDAL_CACHEMAX=CACHE_MEGABYTES,
            GDAL_VRT_ENABLE_PYTHON="NO",
        ),
    ):
        try:
            if is_vrt:
                check_vrt(path, DRIVERS)
            # `rasterio.open` takes one driver only.
            source = DatasetReader(path, driver=["VRT"] if is_vrt else DRIVERS)
        except RasterioIOError as error:
            if "not recognized" not in str(error) or is_result:
                raise
            raise InputError(
                f"{path}: no raster ({', '.join(DRIVERS)}), or damaged; copy it anew, or "
                "convert it to TIFF"
            ) from error
        with source:
            yield source


def check_raster(source: DatasetReader, max_megapixels: float) -> None:
    """Refuse a raster by its header: too large, in blocks too large, of several images, misplaced.

    Parameters
    ----------
    source : rasterio.io.DatasetReader
    max_megapixels : float

    Raises
    ------
    InputError
        With the first of these.
    """
    path, size = source.name, f"{source.width} x {source.height} px"
    if source.width * source.height > max_megapixels * 1e6:
        raise InputError(
            f"{path}: {size}, more than max_megapixels, {max_megapixels:g}; cut it into parts, or "
            "raise max_megapixels"
        )
    height, width = source.block_shapes[0]
    itemsize = np.dtype(source.dtypes[0]).itemsize
    if height * width * itemsize * source.count > MAX_BLOCK_BYTES:
        raise InputError(
            f"{path}: {size} in blocks of {width} x {height}, too large for memory; save it with "
            "tiles (gdal_translate -co TILED=YES)"
        )
    if source.driver == "GTiff" and source.subdatasets:
        raise InputError(
            f"{path}: a TIFF of {len(source.subdatasets)} images; save the one that is meant"
        )
    if not np.isfinite(source.transform).all() or not source.transform.determinant:
        raise InputError(
            f"{path}: its georeference is no number or 0; correct its world file or its tags"
        )


@contextmanager
def name_damage(path: str | Path, is_result: bool = False) -> Iterator[None]:
    """Make an error of GDAL while it reads a file an InputError."""
    try:
        yield
    except (RasterioError, CPLE_BaseError, UnicodeDecodeError) as error:
        reason = error.__cause__ or error
        if any(text in str(reason) for text in LARGE_JPEG):
            raise InputError(
                f"{path}: a progressive JPEG too large to decode; save it as baseline JPEG or "
                "TIFF, or set JPEGMEM=2000M in the environment"
            ) from error
        if is_remote(str(path)):
            raise InputError(
                f"{path}: not to be read from there; try its address in QGIS, or copy it here "
                f"({reason})"
            ) from error
        remedy = REMAKE if is_result else "copy it anew"
        raise InputError(f"{path}: truncated or damaged; {remedy} ({reason})") from error


@contextmanager
def create_dataset(
    path: str | Path, geometry: RasterGeometry, **options
) -> Iterator[rasterio.io.DatasetWriter]:
    """Create a GeoTIFF; rasterio's `options` replace the defaults, uint8 in one band.

    Raises
    ------
    InputError
        When it cannot be written.
    """
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
    with name_full_disk(path):
        with rasterio.open(path, "w", **profile | options) as target:
            yield target
        read_back(path)


@contextmanager
def name_full_disk(
    path: str | Path, errors: tuple[type[Exception], ...] = (RasterioError, CPLE_BaseError)
) -> Iterator[None]:
    """Make an error of GDAL while it writes a file an InputError."""
    try:
        yield
    except errors as error:
        reason = error.__cause__ or error
        raise InputError(
            f"{Path(path).parent}: cannot be written to; is the disk full, or the folder "
            f"protected? ({reason})"
        ) from error


def read_back(path: str | Path) -> None:
    """Read a file just written: GDAL says nothing of a disk that fills up as it closes the file."""
    with rasterio.open(path) as written:
        for band in written.indexes:
            written.checksum(band)


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
            with name_full_disk(path):
                rasterio.shutil.copy(
                    draft, path, driver="COG", overview_resampling=overviews, **form
                )
                read_back(path)
        finally:
            draft.unlink(missing_ok=True)
            Path(f"{draft}.aux.xml").unlink(missing_ok=True)
