"""Rasters in and out: the only module that reads or writes image files.

All of it goes through GDAL by way of rasterio, which reads and writes windows and carries
the coordinate reference system and transform from image to map.
"""

import logging
import os
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from xml.etree import ElementTree

import cv2
import numpy as np
import rasterio
from matplotlib.colors import to_rgb
from rasterio.errors import NotGeoreferencedWarning, RasterioError
from rasterio.transform import Affine

from .classes import LandClass
from .errors import InputError

# What GDAL has to say comes with the exception.
logging.getLogger("rasterio").setLevel(logging.CRITICAL)
warnings.filterwarnings("ignore", category=NotGeoreferencedWarning)
# A truncated JPEG is a warning to GDAL, which fills up with grey.
os.environ.setdefault("GDAL_ERROR_ON_LIBJPEG_WARNING", "TRUE")


# Connected black pixels: shadows are smaller, or lighter.
LEAST_NO_DATA = 1000


@dataclass(frozen=True)
class Grid:
    """Where the pixels of an image lie: size in pixels, and georeference if it has one."""

    height: int
    width: int
    crs: rasterio.crs.CRS | None = None
    transform: Affine = Affine.identity()


def read_grid(path: str) -> Grid:
    """The grid of an image, from its header.

    Raises
    ------
    InputError
        When the file is not an 8-bit RGB image that can be opened.
    """
    with _open(path) as source:
        if source.count != 3 or source.dtypes[0] != "uint8":
            kind = f"{source.count} band(s) of {source.dtypes[0]}"
            raise InputError(f"{path}: {kind}, not 8-bit RGB; convert it to 8-bit RGB JPEG")
        return Grid(source.height, source.width, source.crs, source.transform)


def read_image(path: str) -> tuple[np.ndarray, Grid]:
    """An RGB image, uint8 (height, width, 3), and its grid.

    Raises
    ------
    InputError
        When the file is not an 8-bit RGB image or is damaged.
    """
    grid = read_grid(path)
    with _open(path) as source:
        return _pixels(source, grid.height, grid.width), grid


def read_preview(path: str, width: int) -> np.ndarray:
    """An RGB image for figures, uint8 (height, width, 3), of no fewer pixels across than `width`.

    It is as small as the file offers: a JPEG is decoded at half, a quarter or an eighth of its
    size in half the time.

    Raises
    ------
    InputError
        As `read_image`.
    """
    grid = read_grid(path)
    with _open(path) as source:
        factor = max(f for f in [1, *source.overviews(1)] if f == 1 or grid.width // f >= width)
        return _pixels(source, -(-grid.height // factor), -(-grid.width // factor))


def no_data(image: np.ndarray) -> np.ndarray:
    """Where an RGB image, uint8 (height, width, 3), shows nothing, bool (height, width).

    JPEGs have no code for it: orthophotos are black beside what was flown. Black is up to 2 in
    every band, for JPEG is not exact, in patches of `LEAST_NO_DATA` connected pixels or more.
    """
    black = cv2.inRange(image, (0, 0, 0), (2, 2, 2))
    if cv2.countNonZero(black) < LEAST_NO_DATA:
        return np.zeros(black.shape, bool)
    _, patches, sizes, _ = cv2.connectedComponentsWithStats(black, connectivity=4)
    large = sizes[:, cv2.CC_STAT_AREA] >= LEAST_NO_DATA
    large[0] = False
    return large[patches]


def read_class_raster(path: str) -> np.ndarray:
    """A label raster or map: class codes, uint8 (height, width), 0 = unlabelled.

    Any data type is read (the published labels are float64), as long as it holds whole
    numbers from 0 to 255.

    Raises
    ------
    InputError
        When the file cannot be read, has several bands or holds other values.
    """
    with _open(path) as source:
        if source.count != 1:
            raise InputError(f"{path}: {source.count} bands; a label raster has one")
        try:
            codes = source.read(1)
        except RasterioError as error:
            raise _damaged(path, error) from error
    if codes.dtype == np.uint8:
        return codes
    with np.errstate(invalid="ignore"):
        whole = codes.astype(np.uint8)
    if not np.array_equal(whole, codes):
        raise InputError(f"{path}: holds values that are not whole class codes from 0 to 255")
    return whole


def write_class_raster(
    path: str, codes: np.ndarray, grid: Grid, classes: Sequence[LandClass]
) -> None:
    """Write a class raster: single band GeoTIFF, deflate, 0 = nodata, colours and names.

    Parameters
    ----------
    codes
        Class codes, uint8 (height, width).

    Notes
    -----
    GDAL keeps class names in `<path>.aux.xml` beside a GeoTIFF; QGIS shows them in its legend.
    """
    profile = _profile(grid) | {"nodata": 0, "photometric": "palette"}
    with rasterio.open(path, "w", **profile) as target:
        target.write_colormap(1, {0: (0, 0, 0, 0)} | {c.code: _rgba(c.colour) for c in classes})
        target.write(codes, 1)
    dataset = ElementTree.Element("PAMDataset")
    band = ElementTree.SubElement(dataset, "PAMRasterBand", band="1")
    names = ElementTree.SubElement(band, "CategoryNames")
    by_code = {0: "Unclassified"} | {c.code: c.name for c in classes}
    for code in range(max(by_code) + 1):
        ElementTree.SubElement(names, "Category").text = by_code.get(code, "")
    ElementTree.ElementTree(dataset).write(f"{path}.aux.xml", encoding="utf-8")


def write_percent_raster(path: str, percent: np.ndarray, grid: Grid) -> None:
    """Write whole percents, uint8 (height, width): single band GeoTIFF, deflate."""
    with rasterio.open(path, "w", **_profile(grid)) as target:
        target.write(percent, 1)


def _pixels(source: rasterio.DatasetReader, height: int, width: int) -> np.ndarray:
    image = np.empty((height, width, 3), np.uint8)
    try:
        source.read(out=image.transpose(2, 0, 1))
    except RasterioError as error:
        raise _damaged(source.name, error) from error
    return image


def _profile(grid: Grid) -> dict:
    return dict(
        driver="GTiff",
        height=grid.height,
        width=grid.width,
        count=1,
        dtype="uint8",
        crs=grid.crs,
        # Written, an identity would have QGIS draw the map upside down.
        transform=None if grid.transform.is_identity else grid.transform,
        compress="deflate",
        # Two thirds of the time of the usual 6, and a tenth larger.
        zlevel=5,
        tiled=True,
        blockxsize=256,
        blockysize=256,
    )


def _rgba(colour: str) -> tuple[int, int, int, int]:
    return (*(round(255 * v) for v in to_rgb(colour)), 255)


def _open(path: str) -> rasterio.DatasetReader:
    try:
        return rasterio.open(path)
    except RasterioError as error:
        raise _damaged(path, error) from error


def _damaged(path: str, error: RasterioError) -> InputError:
    return InputError(f"{path}: truncated or damaged; copy it anew ({error.__cause__ or error})")
