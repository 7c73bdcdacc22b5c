"""Virtual rasters (VRT) name other files; here it is checked that these are rasters."""

import os
from pathlib import Path
from xml.etree import ElementTree

import rasterio
from rasterio.errors import RasterioError
from rasterio.io import DatasetReader

from ..errors import InputError
from .files import is_remote, require_file

# Kinds of bands that show other rasters only. A raw band shows the bytes of any file, a derived one
# may run code.
PLAIN = {"VRTSourcedRasterBand", "VRTWarpedRasterBand", "VRTWarpedDataset"}
SOURCES = ("SourceFilename", "SourceDataset")


def check_vrt(path: str | Path, drivers: list[str]) -> None:
    """Refuse a VRT of anything but rasters.

    Parameters
    ----------
    path : str or pathlib.Path
    drivers : list of str
        Of GDAL: what the rasters may be.

    Raises
    ------
    InputError
        When it has bands of another kind, or names a file that is no such raster.
    """
    remedy = "make it by gdalbuildvrt or QGIS, from GeoTIFFs or JPEGs"
    with rasterio.open(path, driver="VRT") as source:
        try:
            root = ElementTree.fromstring("".join(source.tags(ns="xml:VRT").values()))
        except ElementTree.ParseError as error:
            raise InputError(f"{path}: no VRT that can be read; {remedy}") from error
    for element in root.iter():
        if (kind := element.get("subClass", "VRTSourcedRasterBand")) not in PLAIN:
            raise InputError(f"{path}: has a {kind}, which is not allowed; {remedy}")
        if element.tag not in SOURCES:
            continue
        name = (element.text or "").strip()
        is_relative = element.get("relativeToVRT", element.get("relativetoVRT")) == "1"
        if is_relative and not is_remote(name):
            name = os.path.join(os.path.dirname(path), name)
        if not is_remote(name):
            require_file(name)
        try:
            DatasetReader(name, driver=drivers).close()
        except RasterioError as error:
            raise InputError(
                f"{path}: names {name}, no raster that can be read; correct the path, or {remedy}"
            ) from error
