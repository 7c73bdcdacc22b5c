"""Rasters in and out: images, labels, class maps, confidence and probabilities.

The coordinate reference system and transform are carried from image to map.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree

import cv2
import numpy as np
import rasterio
import rasterio.windows
from matplotlib.colors import to_rgb
from rasterio.enums import MaskFlags
from rasterio.transform import Affine

from ..classes import LandClass
from ..errors import InputError
from ..probabilities import CERTAIN, CoarseProbabilities
from .datasets import (
    RasterGeometry,
    create_cog,
    create_dataset,
    name_damage,
    open_dataset,
)
from .windows import WINDOW_SIDE, Raster, Window, whole

if TYPE_CHECKING:
    from .polygons import PolygonLayer

# Connected black pixels that count as no data: shadows are smaller, or lighter.
MIN_NODATA_PIXELS = 1000
# Pixels about a window in which its black patches are followed.
PATCH_MARGIN = 256
# Above it a preview is averaged strip by strip.
PREVIEW_PIXELS = 16_000_000
NO_TAGS: Mapping[str, object] = {}


class ImageReader:
    """An open image, read where it is indexed: `image[rows, columns]`; made by `open_image`.

    Parameters
    ----------
    source : rasterio.DatasetReader
    white : int
        Value of a 16-bit image that becomes 255.
    area : PolygonLayer, optional
        Outside of it the image counts as without data.

    Attributes
    ----------
    name : str
        Path of the file.
    geometry : RasterGeometry
    shape : tuple of int
        Height, width and 3.
    """

    def __init__(
        self, source: rasterio.DatasetReader, white: int, area: "PolygonLayer | None" = None
    ):
        self.source, self.white, self.name = source, white, source.name
        self.bands = _rgb_bands(source)
        self.geometry = _geometry(source)
        self.shape = (source.height, source.width, 3)
        # A mask, an alpha band or a value for no data says where the image shows nothing.
        self.has_mask = MaskFlags.all_valid not in source.mask_flag_enums[self.bands[0] - 1]
        self.inside = area.over(self.name, self.geometry).rasterize if area else None

    def __getitem__(self, index: tuple[slice, slice]) -> np.ndarray:
        """Colours, uint8 (height, width, 3)."""
        window = rasterio.windows.Window.from_slices(*index, *self.shape[:2])
        return self._read((round(window.height), round(window.width)), window=window)

    def no_data(self, window: Window) -> np.ndarray:
        """Where the image shows nothing: by its mask, or else `black_patches`; or outside the area.

        Parameters
        ----------
        window : Window

        Returns
        -------
        numpy.ndarray
            bool (height, width) of the window.
        """
        if self.has_mask:
            area = rasterio.windows.Window.from_slices(*window.slices)
            with name_damage(self.name):
                empty = self.source.dataset_mask(window=area) == 0
        else:
            empty = black_patches_within(self, window)
        if self.inside:
            empty |= self.inside(window) == 0
        return empty

    def preview(self, width: int) -> np.ndarray:
        """Colours at a lower resolution, as low as the file offers, for figures.

        A JPEG can be decoded at half, a quarter or an eighth of its size, in half the time. A large
        image without such levels is averaged.

        Parameters
        ----------
        width : int
            Pixels across that the result has at least, if the image has them.

        Returns
        -------
        numpy.ndarray
            uint8 (height, width, 3).
        """
        factors = [1, *self.source.overviews(1)]
        factor = max(f for f in factors if f == 1 or self.shape[1] // f >= width)
        if self.shape[0] * self.shape[1] > PREVIEW_PIXELS * factor**2:
            return self._average(max(1, self.shape[1] // width))
        return self._read((-(-self.shape[0] // factor), -(-self.shape[1] // factor)))

    def _average(self, factor: int) -> np.ndarray:
        """Colours of squares of `factor` pixels, read in strips."""
        columns = -(-self.shape[1] // factor)
        rows_at_once = factor * max(1, WINDOW_SIDE**2 // (factor * self.shape[1]))
        strips = []
        for top in range(0, self.shape[0], rows_at_once):
            strip = self[top : min(top + rows_at_once, self.shape[0]), 0 : self.shape[1]]
            size = columns, -(-strip.shape[0] // factor)
            strips.append(cv2.resize(strip, size, interpolation=cv2.INTER_AREA))
        return np.concatenate(strips)

    def _read(self, size: tuple[int, int], **options) -> np.ndarray:
        dtype = self.source.dtypes[0]
        values = np.empty((*size, 3), dtype)
        with name_damage(self.name):
            self.source.read(self.bands, out=values.transpose(2, 0, 1), **options)
        if dtype == "uint8":
            return values
        scaled = np.minimum(values, self.white) * np.float32(255 / self.white)
        return np.rint(scaled).astype(np.uint8)


class ImageArray:
    """An image in memory, read like one in a file.

    Parameters
    ----------
    pixels : numpy.ndarray
        RGB, uint8 (height, width, 3).
    name : str
        What messages call it.
    """

    def __init__(self, pixels: np.ndarray, name: str = "image"):
        self.pixels, self.name, self.shape = pixels, name, pixels.shape

    def __getitem__(self, index: tuple[slice, slice]) -> np.ndarray:
        return self.pixels[index]

    def no_data(self, window: Window) -> np.ndarray:
        """As of `ImageReader`."""
        return black_patches_within(self, window)


@contextmanager
def open_image(
    path: str, white: int = 65535, area: "PolygonLayer | None" = None
) -> Iterator[ImageReader]:
    """Open a colour image.

    Parameters
    ----------
    path : str
        Of any format that GDAL reads: 8 or 16 bits, with bands for red, green and blue.
    white : int
        Value of a 16-bit image that becomes 255; values between are scaled linearly, higher ones
        are 255 too.
    area : PolygonLayer, optional
        Area of interest, from `read_area`.

    Yields
    ------
    ImageReader

    Raises
    ------
    InputError
        When the file is no such image, is damaged, or is to be turned by its EXIF orientation.
    """
    with open_dataset(path) as source:
        yield ImageReader(source, white, area)


def read_area(paths: Sequence[str]) -> "PolygonLayer | None":
    """Read the area of interest from its file; None where `paths` is empty.

    Raises
    ------
    InputError
        With every problem of the file.
    """
    if not paths:
        return None
    # Slow to import, and few campaigns have polygons.
    from .polygon_files import read_polygons

    (path,) = paths
    return read_polygons(path)


def read_geometry(path: str) -> RasterGeometry:
    """Read the size and georeference of an image from its header; errors as of `open_image`."""
    with open_image(path) as image:
        return image.geometry


def read_image(path: str, white: int = 65535) -> tuple[np.ndarray, RasterGeometry]:
    """Read an image whole; parameters and errors as of `open_image`.

    Returns
    -------
    image : numpy.ndarray
        RGB, uint8 (height, width, 3).
    geometry : RasterGeometry
    """
    with open_image(path, white) as image:
        return image[whole(image.shape).slices], image.geometry


def black_patches(image: np.ndarray) -> np.ndarray:
    """Find where an image without a mask shows nothing.

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


def black_patches_within(image: Raster, window: Window) -> np.ndarray:
    """The `black_patches` of an image in a window, bool (height, width)."""
    outer = window.grown(PATCH_MARGIN, image.shape)
    return black_patches(image[outer.slices])[window.within(outer)]


class BandReader:
    """The only band of an open result, read where it is indexed; made by `open_band`."""

    def __init__(self, source: rasterio.DatasetReader):
        self.source, self.shape = source, (source.height, source.width)
        self.geometry, self.tags = _geometry(source), source.tags()

    def __getitem__(self, index: tuple[slice, slice]) -> np.ndarray:
        """Values (height, width), in the data type of the file."""
        window = rasterio.windows.Window.from_slices(*index, *self.shape)
        with name_damage(self.source.name, is_result=True):
            return self.source.read(1, window=window)

    def preview(self, width: int) -> np.ndarray:
        """Values at a lower resolution, the nearest to each pixel; `width` as of `ImageReader`."""
        factor = max(1, self.shape[1] // width)
        size = tuple(-(-side // factor) for side in self.shape)
        with name_damage(self.source.name, is_result=True):
            return self.source.read(1, out_shape=size)


class LabelReader(BandReader):
    """Class codes of an open raster; made by `open_class_raster`."""

    def __getitem__(self, index: tuple[slice, slice]) -> np.ndarray:
        """Class codes, uint8 (height, width), 0 = unlabelled."""
        return self._codes(super().__getitem__(index))

    def preview(self, width: int) -> np.ndarray:
        return self._codes(super().preview(width))

    def _codes(self, values: np.ndarray) -> np.ndarray:
        if values.dtype == np.uint8:
            return values
        with np.errstate(invalid="ignore"):
            rounded = values.astype(np.uint8)
        if not np.array_equal(rounded, values):
            raise InputError(
                f"{self.source.name}: holds values that are not whole class codes from 0 to 255"
            )
        return rounded


@contextmanager
def open_band(path: str | Path) -> Iterator[BandReader]:
    """Open a raster of one band that the workflow wrote, such as one of `create_confidence`.

    Raises
    ------
    InputError
        When the file cannot be read or has several bands.
    """
    with open_dataset(path, is_result=True) as source:
        yield BandReader(_one_band(source))


@contextmanager
def open_class_raster(path: str | Path) -> Iterator[LabelReader]:
    """Open a label raster or class map.

    Any data type is read (the published labels are float64), as long as it holds integers from 0
    to 255.

    Raises
    ------
    InputError
        When the file cannot be read, has several bands or, where it is read, holds other values.
    """
    with open_dataset(path, is_result=True) as source:
        yield LabelReader(_one_band(source))


def read_class_raster(path: str | Path) -> np.ndarray:
    """Read a label raster or class map whole; errors as of `open_class_raster`.

    Returns
    -------
    numpy.ndarray
        Class codes, uint8 (height, width), 0 = unlabelled.
    """
    with open_class_raster(path) as codes:
        return codes[whole(codes.shape).slices]


class BandWriter:
    """Writes the windows of a raster of one band."""

    def __init__(self, target: rasterio.io.DatasetWriter):
        self.target = target

    def write(self, window: Window, values: np.ndarray) -> None:
        """Write the values (height, width) of a window."""
        area = rasterio.windows.Window.from_slices(*window.slices)
        self.target.write(values, 1, window=area)


@contextmanager
def create_class_raster(
    path: str | Path,
    geometry: RasterGeometry,
    classes: Sequence[LandClass],
    tags: Mapping[str, object] = NO_TAGS,
) -> Iterator[BandWriter]:
    """Create a class raster: Cloud Optimized GeoTIFF, 0 = no data, colours and names.

    Parameters
    ----------
    path : str or pathlib.Path
    geometry : RasterGeometry
        Of the image.
    classes : sequence of LandClass
    tags : mapping, optional
        Metadata by name.

    Yields
    ------
    BandWriter
        Takes class codes, uint8.

    Notes
    -----
    GDAL keeps class names in `<path>.aux.xml` beside a GeoTIFF.
    """
    colours = {0: (0, 0, 0, 0)} | {c.code: _rgba(c.colour) for c in classes}
    with create_cog(path, geometry, "MODE", nodata=0, photometric="palette") as target:
        target.write_colormap(1, colours)
        target.update_tags(**tags)
        yield BandWriter(target)
    dataset = ElementTree.Element("PAMDataset")
    band = ElementTree.SubElement(dataset, "PAMRasterBand", band="1")
    names = ElementTree.SubElement(band, "CategoryNames")
    by_code = {0: "Unclassified"} | {c.code: c.name for c in classes}
    for code in range(max(by_code) + 1):
        ElementTree.SubElement(names, "Category").text = by_code.get(code, "")
    ElementTree.ElementTree(dataset).write(f"{path}.aux.xml", encoding="utf-8")


@contextmanager
def create_confidence(
    path: str | Path, geometry: RasterGeometry, tags: Mapping[str, object] = NO_TAGS
) -> Iterator[BandWriter]:
    """Create a raster of confidence: Cloud Optimized GeoTIFF, percent, 0 = no data.

    Parameters
    ----------
    path : str or pathlib.Path
    geometry : RasterGeometry
        Of the image.
    tags : mapping, optional
        Metadata by name.

    Yields
    ------
    BandWriter
        Takes the probability of the mapped class, uint8, 0 to 100.
    """
    with create_cog(path, geometry, "AVERAGE", nodata=0) as target:
        target.set_band_description(1, "confidence")
        target.set_band_unit(1, "percent")
        target.update_tags(**tags)
        yield BandWriter(target)


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
    with open_dataset(path, is_result=True) as source, name_damage(path, is_result=True):
        tags = source.tags()
        return CoarseProbabilities(
            source.read(),
            np.array(source.descriptions, np.uint8),
            int(tags["PIXELS_PER_CELL"]),
            (int(tags["IMAGE_HEIGHT"]), int(tags["IMAGE_WIDTH"])),
        )


def _geometry(source: rasterio.DatasetReader) -> RasterGeometry:
    return RasterGeometry(source.height, source.width, source.crs, source.transform)


def _rgb_bands(source: rasterio.DatasetReader) -> list[int]:
    """Numbers of the bands of red, green and blue."""
    turned = source.tags().get("EXIF_Orientation", "1")
    if turned not in ("", "0", "1"):
        raise InputError(
            f"{source.name}: is to be turned before it is shown (EXIF orientation {turned}), so "
            "labels may not fit; save it upright, for example with ImageMagick's -auto-orient"
        )
    meaning = [interpretation.name for interpretation in source.colorinterp]
    is_rgb = {"red", "green", "blue"} <= set(meaning)
    if not (is_rgb or source.count == 3) or source.dtypes[0] not in ("uint8", "uint16"):
        kind = f"{source.count} band(s) of {source.dtypes[0]}"
        raise InputError(
            f"{source.name}: {kind}, not red, green and blue of 8 or 16 bits; convert it to RGB"
        )
    if not is_rgb:
        return [1, 2, 3]
    return [meaning.index(colour) + 1 for colour in ("red", "green", "blue")]


def _one_band(source: rasterio.DatasetReader) -> rasterio.DatasetReader:
    if source.count != 1:
        raise InputError(f"{source.name}: {source.count} bands; a label raster has one")
    return source


def _rgba(colour: str) -> tuple[int, int, int, int]:
    red, green, blue = (round(255 * value) for value in to_rgb(colour))
    return red, green, blue, 255
