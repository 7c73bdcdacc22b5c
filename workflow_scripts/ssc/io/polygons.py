"""Polygons over images, drawn into their pixels: labels, and areas of interest.

GeoPandas is slow to import, so only what has polygons imports this module.
"""

import hashlib
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePath

import geopandas
import numpy as np
import shapely
from rasterio.features import rasterize
from rasterio.transform import Affine

from ..errors import InputError
from .datasets import RasterGeometry
from .windows import Window, whole

IMAGE_COLUMN = "image"
# Vertices are rounded to this share of a pixel. The edges then cross each line of pixel centres at
# the same place, bit by bit, from wherever one counts.
VERTEX_STEP = 1 / 256


@dataclass(frozen=True)
class PixelPolygons:
    """Polygons over one image, in its pixels (column, row).

    Attributes
    ----------
    outlines : numpy.ndarray
        n shapely polygons or multipolygons; later ones lie over earlier ones.
    codes : numpy.ndarray
        Their class codes, uint8 (n,).
    height, width : int
        Of the image.
    """

    outlines: np.ndarray
    codes: np.ndarray
    height: int
    width: int

    @property
    def checksum(self) -> str:
        """16 hexadecimal digits; "" where no polygon with a class covers a pixel's worth."""
        image = shapely.box(0, 0, self.width, self.height)
        covered = shapely.area(shapely.intersection(self.outlines, image))
        if not (covered[self.codes > 0] > 1).any():
            return ""
        content = b"".join(shapely.to_wkb(self.outlines)) + self.codes.tobytes()
        return hashlib.sha256(content).hexdigest()[:16]

    def rasterize(self, window: Window | None = None) -> np.ndarray:
        """Draw the polygons: a pixel belongs to the last polygon that holds its centre.

        Parameters
        ----------
        window : Window, optional
            Of the image; by default all of it. A window is equal to that part of the whole.

        Returns
        -------
        numpy.ndarray
            Class codes, uint8 (height, width) of the window; 0 outside of all polygons.
        """
        window = window or whole((self.height, self.width))
        codes = np.zeros(window.shape, np.uint8)
        left, top, right, bottom = shapely.bounds(self.outlines).T
        near = (right > window.left) & (left < window.right)
        near &= (bottom > window.top) & (top < window.bottom)
        if near.any():
            shapes = zip(self.outlines[near], self.codes[near].tolist(), strict=True)
            rasterize(shapes, out=codes, transform=Affine.translation(window.left, window.top))
        return codes


@dataclass(frozen=True)
class PolygonLayer:
    """The polygons of one file.

    Attributes
    ----------
    path : str
    polygons : geopandas.GeoSeries
        n valid polygons and multipolygons in the order of the file, with its CRS if it has one.
    codes : numpy.ndarray
        Class codes, uint8 (n,).
    images : numpy.ndarray, optional
        What the column `image` says, str (n,).
    note : str
        What was repaired, "" for nothing.

    Notes
    -----
    Polygons with a CRS lie over images with a CRS, their own or another: vertices are reprojected,
    edges between them are straight. Polygons without a CRS lie over images without one. They are in
    the map coordinates of an image that has a world file. Otherwise they are in pixels: x is the
    column, y the row, counted downward or, as QGIS draws such images, in negative numbers; the
    column `image` then names the image of each polygon.
    """

    path: str
    polygons: geopandas.GeoSeries
    codes: np.ndarray
    images: np.ndarray | None = None
    note: str = ""
    _by_crs: dict = field(default_factory=dict, repr=False, compare=False)

    def fits(self, geometry: RasterGeometry) -> bool:
        """Whether the polygons can lie over such an image: both have a CRS, or none."""
        return (self.polygons.crs is None) == (geometry.crs is None)

    def over(self, image: str, geometry: RasterGeometry) -> PixelPolygons:
        """Find the polygons over an image.

        Parameters
        ----------
        image : str
            Path of the image.
        geometry : RasterGeometry
            Of the image.

        Returns
        -------
        PixelPolygons
            In the order of the file; none where polygons and image do not fit.
        """
        outlines, number = np.empty(0, object), np.empty(0, int)
        if self.fits(geometry) and in_pixels(geometry):
            number = self.named(image)
            # QGIS has the rows of an image without georeference go down from 0.
            downward = shapely.bounds(self.polygons.to_numpy())[:, [1, 3]].mean() >= 0
            to_pixels = Affine.identity() if downward else Affine.scale(1, -1)
            outlines = self.polygons.to_numpy()[number]
        elif self.fits(geometry):
            polygons, tree = self._in_crs(geometry.crs)
            corners = np.array([(0, 0), (1, 0), (1, 1), (0, 1)]) * (geometry.width, geometry.height)
            footprint = shapely.Polygon([geometry.transform @ tuple(c) for c in corners.tolist()])
            number = np.sort(tree.query(footprint, predicate="intersects"))
            to_pixels = ~geometry.transform
            outlines = polygons[number]
        if len(outlines):
            a, b, c, d, e, f = to_pixels[:6]
            matrix, shift = np.array([[a, d], [b, e]]), (c, f)
            outlines = shapely.transform(
                shapely.force_2d(outlines),
                lambda xy: np.rint((xy @ matrix + shift) / VERTEX_STEP) * VERTEX_STEP,
            )
        return PixelPolygons(outlines, self.codes[number], geometry.height, geometry.width)

    def named(self, image: str) -> np.ndarray:
        """Find the polygons whose column `image` names an image.

        Parameters
        ----------
        image : str
            Its path. A name is the end of it, with or without folders and suffix.

        Returns
        -------
        numpy.ndarray
            Their numbers, int.
        """
        if self.images is None:
            return np.empty(0, int)
        path = PurePath(unicodedata.normalize("NFC", image))
        ends = [
            "/".join(p.parts[n:]) for p in (path, path.with_suffix("")) for n in range(len(p.parts))
        ]
        return np.flatnonzero(np.isin(self.images, ends))

    def _in_crs(self, crs) -> tuple[np.ndarray, shapely.STRtree]:
        """The polygons in a CRS of rasterio, and an index of them."""
        wkt = crs and crs.to_wkt()
        if wkt not in self._by_crs:
            series = self.polygons.to_crs(wkt) if wkt else self.polygons
            # What lies outside the domain of the CRS is infinitely far away.
            finite = np.isfinite(series.bounds).all(axis=1)
            polygons = series.where(finite, shapely.Polygon()).to_numpy()
            self._by_crs[wkt] = polygons, shapely.STRtree(polygons)
        return self._by_crs[wkt]


def in_pixels(geometry: RasterGeometry) -> bool:
    """Whether the coordinates of an image are its pixels: it has no georeference."""
    return geometry.crs is None and geometry.transform.is_identity


def polygons_over(
    layers: Sequence[PolygonLayer], image: str, geometry: RasterGeometry
) -> PixelPolygons:
    """Find the polygons of several files over an image; those of later files lie above.

    Parameters
    ----------
    layers : sequence of PolygonLayer
    image, geometry
        As for `PolygonLayer.over`.

    Returns
    -------
    PixelPolygons
    """
    parts = [layer.over(image, geometry) for layer in layers]
    outlines = np.concatenate([part.outlines for part in parts])
    codes = np.concatenate([part.codes for part in parts])
    return PixelPolygons(outlines, codes, geometry.height, geometry.width)


def find_labelled_images(
    layers: Sequence[PolygonLayer], images: Mapping[str, RasterGeometry]
) -> dict[str, str]:
    """Find the images that polygons label, and what tells their polygons apart.

    Parameters
    ----------
    layers : sequence of PolygonLayer
    images : mapping of str to RasterGeometry
        By path of the image.

    Returns
    -------
    dict of str to str
        By path of the labelled images: the checksum of their polygons.

    Raises
    ------
    InputError
        Naming each file whose polygons lie over none of the images.
    """
    problems = [problem for layer in layers if (problem := _misplaced(layer, images))]
    if problems:
        raise InputError(*problems)
    checksums = {path: polygons_over(layers, path, g).checksum for path, g in images.items()}
    return {path: checksum for path, checksum in checksums.items() if checksum}


def _misplaced(layer: PolygonLayer, images: Mapping[str, RasterGeometry]) -> str:
    """What keeps polygons of a file from the images; "" for nothing."""
    fitting = {path: geometry for path, geometry in images.items() if layer.fits(geometry)}
    if not fitting and layer.polygons.crs is None:
        return (
            f"{layer.path}: has no coordinate reference system, but all images have one; assign "
            "that in which the polygons were drawn, and save the file with it"
        )
    if not fitting:
        return (
            f"{layer.path}: has the coordinate reference system {layer.polygons.crs.name}, but no "
            "image has one; assign one to the images, or save the polygons without (GeoJSON "
            "always has one: use GeoPackage)"
        )
    if all(in_pixels(geometry) for geometry in fitting.values()):
        return _misnamed(layer, [*fitting])
    if not any(len(layer.over(path, geometry).codes) for path, geometry in fitting.items()):
        return (
            f"{layer.path}: no polygon lies over an image; correct its coordinate reference "
            "system, or remove it from the config"
        )
    return ""


def _misnamed(layer: PolygonLayer, images: Sequence[str]) -> str:
    """What is wrong with the column `image` of polygons in pixels; "" for nothing."""
    if layer.images is None:
        return (
            f"{layer.path}: no column {IMAGE_COLUMN}, and the images have no georeference; add the "
            "column, with the name of the image that each polygon was drawn on"
        )
    n_images = np.zeros(len(layer.images), int)
    for path in images:
        n_images[layer.named(path)] += 1
    for wrong, problem in (
        (n_images == 0, "names images that the campaign does not have"),
        (
            n_images > 1,
            "names several images at a time (put the folder before it, as in Ouse/1.jpg)",
        ),
    ):
        if wrong.any():
            names = ", ".join(sorted(set(layer.images[wrong].tolist()))[:5])
            return f"{layer.path}: the column {IMAGE_COLUMN} {problem}: {names}; correct it"
    return ""
