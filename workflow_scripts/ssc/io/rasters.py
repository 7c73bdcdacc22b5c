"""Rasters in and out: images, labels, class maps, confidence and probabilities.

The coordinate reference system and transform are carried from image to map.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import cv2
import numpy as np
import rasterio
from matplotlib.colors import to_rgb
from rasterio.transform import Affine

from ..classes import LandClass
from ..errors import InputError
from ..probabilities import CERTAIN, CoarseProbabilities
from .datasets import RasterGeometry, create_dataset, open_dataset

# Connected black pixels that count as no data: shadows are smaller, or lighter.
MIN_NODATA_PIXELS = 1000


def read_geometry(path: str) -> RasterGeometry:
    """Read the size and georeference of an image from its header.

    Parameters
    ----------
    path : str

    Returns
    -------
    RasterGeometry

    Raises
    ------
    InputError
        When the file is not an 8-bit RGB image that can be opened.
    """
    with open_dataset(path) as source:
        return _geometry(source)


def read_image(path: str) -> tuple[np.ndarray, RasterGeometry]:
    """Read an RGB image.

    Parameters
    ----------
    path : str

    Returns
    -------
    image : numpy.ndarray
        uint8 (height, width, 3).
    geometry : RasterGeometry

    Raises
    ------
    InputError
        When the file is not an 8-bit RGB image or is damaged.
    """
    with open_dataset(path) as source:
        geometry = _geometry(source)
        return _read_rgb(source, geometry.height, geometry.width), geometry


def read_preview(path: str, width: int) -> np.ndarray:
    """Read an RGB image for figures, as small as the file offers.

    A JPEG can be decoded at half, a quarter or an eighth of its size, in half the time.

    Parameters
    ----------
    path : str
    width : int
        Pixels across that the result has at least, if the image has them.

    Returns
    -------
    numpy.ndarray
        uint8 (height, width, 3).

    Raises
    ------
    InputError
        As `read_image`.
    """
    with open_dataset(path) as source:
        full = _geometry(source)
        factor = max(f for f in [1, *source.overviews(1)] if f == 1 or full.width // f >= width)
        return _read_rgb(source, -(-full.height // factor), -(-full.width // factor))


def no_data_mask(image: np.ndarray) -> np.ndarray:
    """Find where an image shows nothing.

    JPEGs have no code for it: orthophotos are black beside what was flown. Black is up to 2 in
    every band, for JPEG is not exact, in patches of `MIN_NODATA_PIXELS` connected pixels or more.

    Parameters
    ----------
    image : numpy.ndarray
        RGB, uint8 (height, width, 3).

    Returns
    -------
    numpy.ndarray
        bool (height, width).
    """
    black = cv2.inRange(image, (0, 0, 0), (2, 2, 2))
    if cv2.countNonZero(black) < MIN_NODATA_PIXELS:
        return np.zeros(black.shape, bool)
    _, patches, sizes, _ = cv2.connectedComponentsWithStats(black, connectivity=4)
    large = sizes[:, cv2.CC_STAT_AREA] >= MIN_NODATA_PIXELS
    large[0] = False
    return large[patches]


def read_class_raster(path: str | Path) -> np.ndarray:
    """Read a label raster or class map.

    Any data type is read (the published labels are float64), as long as it holds integers from 0
    to 255.

    Parameters
    ----------
    path : str or pathlib.Path

    Returns
    -------
    numpy.ndarray
        Class codes, uint8 (height, width), 0 = unlabelled.

    Raises
    ------
    InputError
        When the file cannot be read, has several bands or holds other values.
    """
    codes = _read_band(path)
    if codes.dtype == np.uint8:
        return codes
    with np.errstate(invalid="ignore"):
        rounded = codes.astype(np.uint8)
    if not np.array_equal(rounded, codes):
        raise InputError(f"{path}: holds values that are not whole class codes from 0 to 255")
    return rounded


def read_confidence(path: str | Path) -> np.ndarray:
    """Read a raster of `write_confidence`.

    Parameters
    ----------
    path : str or pathlib.Path

    Returns
    -------
    numpy.ndarray
        Percent, uint8 (height, width); 0 is no data.

    Raises
    ------
    InputError
        When the file cannot be read or has several bands.
    """
    return _read_band(path)


def write_class_raster(
    path: str | Path, codes: np.ndarray, geometry: RasterGeometry, classes: Sequence[LandClass]
) -> None:
    """Write a class raster: single band GeoTIFF, deflate, 0 = no data, colours and names.

    Parameters
    ----------
    path : str or pathlib.Path
    codes : numpy.ndarray
        Class codes, uint8 (height, width).
    geometry : RasterGeometry
        Of the image.
    classes : sequence of LandClass

    Notes
    -----
    GDAL keeps class names in `<path>.aux.xml` beside a GeoTIFF; QGIS shows them in its legend.
    """
    colours = {0: (0, 0, 0, 0)} | {c.code: _rgba(c.colour) for c in classes}
    with create_dataset(path, geometry, nodata=0, photometric="palette") as target:
        target.write_colormap(1, colours)
        target.write(codes, 1)
    dataset = ElementTree.Element("PAMDataset")
    band = ElementTree.SubElement(dataset, "PAMRasterBand", band="1")
    names = ElementTree.SubElement(band, "CategoryNames")
    by_code = {0: "Unclassified"} | {c.code: c.name for c in classes}
    for code in range(max(by_code) + 1):
        ElementTree.SubElement(names, "Category").text = by_code.get(code, "")
    ElementTree.ElementTree(dataset).write(f"{path}.aux.xml", encoding="utf-8")


def write_confidence(path: str | Path, percent: np.ndarray, geometry: RasterGeometry) -> None:
    """Write the confidence of a map: single band GeoTIFF, deflate, percent, 0 = no data.

    Parameters
    ----------
    path : str or pathlib.Path
    percent : numpy.ndarray
        Probability of the mapped class, uint8 (height, width), 0 to 100.
    geometry : RasterGeometry
        Of the image.
    """
    with create_dataset(path, geometry, nodata=0) as target:
        target.write(percent, 1)
        target.set_band_description(1, "confidence")
        target.set_band_unit(1, "percent")


def write_probabilities(
    path: str | Path, probabilities: CoarseProbabilities, geometry: RasterGeometry
) -> None:
    """Write coarse probabilities: GeoTIFF of 16 bits, a band for each class, deflate.

    Each band is described by its class code and has a scale of 1 / 65535. The georeference is
    that of the image, with larger pixels.

    Parameters
    ----------
    path : str or pathlib.Path
    probabilities : CoarseProbabilities
    geometry : RasterGeometry
        Of the image.
    """
    count, rows, columns = probabilities.values.shape
    step = probabilities.pixels_per_cell
    coarse = RasterGeometry(rows, columns, geometry.crs)
    if not geometry.transform.is_identity:
        a, b, c, d, e, f = geometry.transform[:6]
        scaled = Affine(a * step, b * step, c, d * step, e * step, f)
        coarse = replace(coarse, transform=scaled)
    height, width = probabilities.shape
    # Noise in the lower bits: more effort would save little.
    options = dict(count=count, dtype="uint16", interleave="band", predictor=2, zlevel=1)
    with create_dataset(path, coarse, **options) as target:
        target.write(probabilities.values)
        target.scales = [1 / CERTAIN] * count
        target.descriptions = [str(code) for code in probabilities.class_codes]
        target.update_tags(PIXELS_PER_CELL=step, IMAGE_HEIGHT=height, IMAGE_WIDTH=width)


def read_probabilities(path: str | Path) -> CoarseProbabilities:
    """Read a raster of `write_probabilities`.

    Parameters
    ----------
    path : str or pathlib.Path

    Returns
    -------
    CoarseProbabilities

    Raises
    ------
    InputError
        When the file cannot be read.
    """
    with open_dataset(path) as source:
        tags = source.tags()
        return CoarseProbabilities(
            source.read(),
            np.array(source.descriptions, np.uint8),
            int(tags["PIXELS_PER_CELL"]),
            (int(tags["IMAGE_HEIGHT"]), int(tags["IMAGE_WIDTH"])),
        )


def _geometry(source: rasterio.DatasetReader) -> RasterGeometry:
    if source.count != 3 or source.dtypes[0] != "uint8":
        kind = f"{source.count} band(s) of {source.dtypes[0]}"
        raise InputError(f"{source.name}: {kind}, not 8-bit RGB; convert it to 8-bit RGB JPEG")
    return RasterGeometry(source.height, source.width, source.crs, source.transform)


def _read_rgb(source: rasterio.DatasetReader, height: int, width: int) -> np.ndarray:
    image = np.empty((height, width, 3), np.uint8)
    source.read(out=image.transpose(2, 0, 1))
    return image


def _read_band(path: str | Path) -> np.ndarray:
    with open_dataset(path) as source:
        if source.count != 1:
            raise InputError(f"{path}: {source.count} bands; a label raster has one")
        return source.read(1)


def _rgba(colour: str) -> tuple[int, int, int, int]:
    red, green, blue = (round(255 * value) for value in to_rgb(colour))
    return red, green, blue, 255
