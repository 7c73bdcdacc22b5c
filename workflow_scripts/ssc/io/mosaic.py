"""Mosaic of class maps: a VRT, a text file by which GDAL and QGIS open many maps as one."""

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from math import ceil
from pathlib import Path
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

from matplotlib.colors import to_rgb

from ..classes import LandClass
from .datasets import RasterGeometry
from .rasters import open_band


def select_maps(paths: Sequence[Path]) -> tuple[dict[Path, RasterGeometry], list[str]]:
    """Select the maps that one mosaic can have: north up, in the CRS that most of them have.

    Parameters
    ----------
    paths : sequence of Path

    Returns
    -------
    maps : dict of Path to RasterGeometry
        In the order of `paths`.
    problems : list of str
        For each map that is left out, a sentence that says why.

    Raises
    ------
    InputError
        When a map cannot be read.
    """
    geometries = {}
    for path in paths:
        with open_band(path) as class_map:
            geometries[path] = class_map.geometry
    maps = {p: g for p, g in geometries.items() if g.crs and _is_north_up(g)}
    (crs, _), *_ = Counter(g.crs for g in maps.values()).most_common(1) or [(None, 0)]
    problems = []
    for path, geometry in geometries.items():
        reason = None
        if not geometry.crs or geometry.transform.is_identity:
            reason = "it has no georeference"
        elif path not in maps:
            reason = "it is rotated or mirrored"
        elif geometry.crs != crs:
            reason = f"its CRS is {geometry.crs}, that of most maps {crs}"
        if reason:
            problems.append(f"{path} is not in the mosaic: {reason}")
    return {path: g for path, g in maps.items() if g.crs == crs}, problems


def write_mosaic(
    path: str | Path, maps: Mapping[Path, RasterGeometry], classes: Sequence[LandClass]
) -> None:
    """Write a VRT of class maps, with pixels of the smallest size that a map has.

    Parameters
    ----------
    path : str or pathlib.Path
        The VRT names the maps by their places relative to its own.
    maps : mapping of Path to RasterGeometry
        From `select_maps`, one at least. Where maps overlap, the later covers the earlier, but not
        where it has no data.
    classes : sequence of LandClass
        For colours and names.

    Notes
    -----
    The elements are described in GDAL's documentation of the VRT driver. Pixels of other sizes are
    resampled to the nearest neighbour.
    """
    crs = next(iter(maps.values())).crs
    assert crs, "select_maps takes maps with a CRS"
    pixel_width = min(g.transform.a for g in maps.values())
    pixel_height = min(-g.transform.e for g in maps.values())
    left = min(g.transform.c for g in maps.values())
    top = max(g.transform.f for g in maps.values())
    places = {}
    for file, geometry in maps.items():
        a, _, c, _, e, f = geometry.transform[:6]
        rectangle = (
            (c - left) / pixel_width,
            (top - f) / pixel_height,
            geometry.width * a / pixel_width,
            geometry.height * -e / pixel_height,
        )
        # Coordinates of metres have rounding errors: a grid that is shared must remain so.
        places[file] = [round(value, 6) for value in rectangle]
    width = ceil(max(x + columns for x, _, columns, _ in places.values()))
    height = ceil(max(y + rows for _, y, _, rows in places.values()))
    root = Element("VRTDataset", rasterXSize=str(width), rasterYSize=str(height))
    SubElement(root, "SRS", dataAxisToSRSAxisMapping="1,2").text = crs.to_wkt()
    transform = left, pixel_width, 0.0, top, 0.0, -pixel_height
    SubElement(root, "GeoTransform").text = ", ".join(map(repr, transform))
    band = SubElement(root, "VRTRasterBand", dataType="Byte", band="1")
    SubElement(band, "NoDataValue").text = "0"
    SubElement(band, "ColorInterp").text = "Palette"
    names, colours = SubElement(band, "CategoryNames"), SubElement(band, "ColorTable")
    by_code = {c.code: c for c in classes}
    for code in range(max(by_code) + 1):
        land = by_code.get(code)
        SubElement(names, "Category").text = land.name if land else ""
        rgb = [round(255 * value) for value in to_rgb(land.colour)] if land else [0, 0, 0]
        entry = dict(zip(("c1", "c2", "c3", "c4"), [*rgb, 255 if land else 0], strict=True))
        SubElement(colours, "Entry", {key: str(value) for key, value in entry.items()})
    for file, place in places.items():
        source = SubElement(band, "ComplexSource")
        relative = Path(os.path.relpath(file, Path(path).parent)).as_posix()
        SubElement(source, "SourceFilename", relativeToVRT="1").text = relative
        SubElement(source, "SourceBand").text = "1"
        of_map = maps[file]
        # With it GDAL opens a map only when it is drawn.
        size = dict(RasterXSize=str(of_map.width), RasterYSize=str(of_map.height))
        SubElement(source, "SourceProperties", size, DataType="Byte")
        for rect, values in (("SrcRect", [0, 0, of_map.width, of_map.height]), ("DstRect", place)):
            form = dict(zip(("xOff", "yOff", "xSize", "ySize"), map(str, values), strict=True))
            SubElement(source, rect, form)
        SubElement(source, "NODATA").text = "0"
    ElementTree.indent(root)
    ElementTree.ElementTree(root).write(path, encoding="utf-8")


def _is_north_up(geometry: RasterGeometry) -> bool:
    a, b, _, d, e, _ = geometry.transform[:6]
    return a > 0 and e < 0 and b == d == 0
