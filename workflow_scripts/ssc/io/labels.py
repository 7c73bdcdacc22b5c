"""Labels in: rasters of other codes, nodata or grids than those of their image."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import rasterio
import rasterio.windows
from rasterio._err import CPLE_BaseError
from rasterio.enums import ColorInterp, Resampling
from rasterio.transform import array_bounds
from rasterio.vrt import WarpedVRT
from rasterio.warp import transform_bounds

from ..errors import InputError
from .datasets import (
    MAX_MEGAPIXELS,
    RasterGeometry,
    check_raster,
    create_dataset,
    name_damage,
    open_dataset,
)
from .windows import Window, windows

# Share of a pixel by which the corners of two grids may differ that are the same.
SAME_GRID = 0.01
# Error in pixels of aligned labels: as good as none, which rasterio does not allow.
WARP_TOLERANCE = 1e-6


@dataclass(frozen=True)
class Labels:
    """Labels of an image, read by windows; made by `open_labels`.

    Attributes
    ----------
    source : str
        File or files that they come from.
    geometry : RasterGeometry
        Of the image.
    read : callable
        From a window to class codes, uint8 (height, width), 0 = unlabelled.
    note : str
        What was done to them, "" for nothing.
    """

    source: str
    geometry: RasterGeometry
    read: Callable[[Window], np.ndarray]
    note: str = ""


@contextmanager
def open_labels(
    path: str | Path,
    geometry: RasterGeometry | None,
    codes: Mapping[str, int],
    max_megapixels: float = MAX_MEGAPIXELS,
) -> Iterator[Labels]:
    """Open a label raster, to be read in the pixels of its image.

    Any data type is read (the published labels are float64), as long as it holds whole numbers.
    Declared nodata, and what a mask or alpha band hides, is unlabelled. A raster with another
    grid than its image is aligned by nearest neighbour where both have a CRS.

    Parameters
    ----------
    path : str or pathlib.Path
    geometry : RasterGeometry, optional
        Of the image; by default that of the raster.
    codes : mapping of str to int
        Class codes by the text of the raster's values (`ssc.classes.label_codes`); other values
        from 0 to 255 stay as they are.
    max_megapixels : float
        Of the raster.

    Yields
    ------
    Labels

    Raises
    ------
    InputError
        When the file cannot be read, has several bands, holds other values, does not overlap its
        image, or has another size and no CRS. Reading raises it, too.
    """
    with open_dataset(path) as source:
        if source.count != 1:
            raise InputError(f"{path}: {source.count} bands; a label raster has one")
        check_raster(source, max_megapixels)
        notes = []
        if source.colorinterp[0] is ColorInterp.palette:
            notes.append(f"{path}: has a palette; the numbers of its colours are read as codes")
        own = RasterGeometry(source.height, source.width, source.crs, source.transform)
        geometry = geometry or own
        if own.crs is None or geometry.crs is None:
            if (own.height, own.width) != (geometry.height, geometry.width):
                raise InputError(
                    f"{path}: {own.width} x {own.height} px, but its image is "
                    f"{geometry.width} x {geometry.height}; export it at the image's size"
                )
            if _is_south_up(own) and not _is_south_up(geometry):
                raise InputError(f"{path}: stored from south to north; export it north up")
        elif not _same_grid(own, geometry):
            _check_overlap(path, own, geometry)
            notes.append(f"{path}: aligned to its image (nearest neighbour)")
            with WarpedVRT(
                source,
                crs=geometry.crs,
                transform=geometry.transform,
                height=geometry.height,
                width=geometry.width,
                resampling=Resampling.nearest,
                tolerance=WARP_TOLERANCE,
                add_alpha=True,
            ) as aligned:
                yield Labels(
                    str(path),
                    geometry,
                    lambda w: _read_codes(aligned, w, path, codes),
                    "; ".join(notes),
                )
            return
        yield Labels(
            str(path), geometry, lambda w: _read_codes(source, w, path, codes), "; ".join(notes)
        )


def write_labels(path: str | Path, labels: Labels) -> np.ndarray:
    """Write labels as a class raster of the image's grid, window by window.

    Parameters
    ----------
    path : str or pathlib.Path
    labels : Labels

    Returns
    -------
    numpy.ndarray
        How many pixels have each code, int64 (256,).
    """
    geometry, counts = labels.geometry, np.zeros(256, np.int64)
    with create_dataset(path, geometry, nodata=0) as target:
        for window in windows((geometry.height, geometry.width)):
            codes = labels.read(window)
            counts += np.bincount(codes.ravel(), minlength=256)
            area = rasterio.windows.Window.from_slices(*window.slices)
            target.write(codes, 1, window=area)
    return counts


def _same_grid(first: RasterGeometry, second: RasterGeometry) -> bool:
    shape = first.height, first.width
    if first.crs != second.crs or shape != (second.height, second.width):
        return False
    to_second = ~second.transform @ first.transform
    corners = [(0, 0), (first.width, 0), (0, first.height)]
    return all(np.allclose(to_second @ c, c, rtol=0, atol=SAME_GRID) for c in corners)


def _is_south_up(geometry: RasterGeometry) -> bool:
    return geometry.transform.e > 0 and not geometry.transform.is_identity


def _check_overlap(path: str | Path, own: RasterGeometry, geometry: RasterGeometry) -> None:
    bounds = array_bounds(own.height, own.width, own.transform)
    try:
        left, bottom, right, top = transform_bounds(own.crs, geometry.crs, *bounds)
    except CPLE_BaseError as error:
        raise InputError(
            f"{path}: no way from its CRS to that of its image; correct the CRS of one of them"
        ) from error
    of_image = array_bounds(geometry.height, geometry.width, geometry.transform)
    if left >= of_image[2] or right <= of_image[0] or bottom >= of_image[3] or top <= of_image[1]:
        raise InputError(
            f"{path}: does not overlap its image; correct its georeference, or remove it"
        )


def _read_codes(
    source: rasterio.DatasetReader, window: Window, path: str | Path, codes: Mapping[str, int]
) -> np.ndarray:
    area = rasterio.windows.Window.from_slices(*window.slices)
    with name_damage(path):
        values = source.read(1, window=area)
        labelled = source.read_masks(1, window=area) > 0
    values[~labelled] = 0
    with np.errstate(invalid="ignore"):
        read = values.astype(np.uint8)
    known = read == values
    read = np.array([codes.get(str(value), value) for value in range(256)], np.uint8)[read]
    if not known.all():
        for value, code in codes.items():
            if value.removeprefix("-").isdecimal():
                at = ~known & (values == int(value))
                read[at], known[at] = code, True
    if not known.all():
        raise InputError(
            f"{path}: holds values that are not whole class codes from 0 to 255; correct them, or "
            "add them to remap"
        )
    read[~labelled] = 0
    return read
