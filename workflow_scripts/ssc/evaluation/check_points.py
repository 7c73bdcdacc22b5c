"""Check points: a stratified random sample of pixels of the maps, for a person to classify."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pandas as pd
from rasterio.transform import Affine, xy
from rasterio.windows import Window

from ..errors import InputError
from ..io.datasets import name_damage, open_dataset
from ..io.windows import Raster
from .areas import count_rows

if TYPE_CHECKING:
    import geopandas

# Of each class, if so many fit: section 5.1 of Olofsson et al. 2014 advises 50 to 100.
MIN_POINTS = 50
# Pixels of the image in a chip, and those of the chip for each of them.
CHIP_SIZE = 128
CHIP_SCALE = 3
PLACE = ["id", "image", "row", "column"]


def allocate_points(pixels: np.ndarray, n: int) -> np.ndarray:
    """Allocate points to strata: proportional to their pixels, but many enough in each.

    Parameters
    ----------
    pixels : numpy.ndarray
        Of each stratum, at least 1, int64 (strata,).
    n : int
        Points in all.

    Returns
    -------
    numpy.ndarray
        Points of each stratum, int64 (strata,). Their sum is `n`, or less where there are fewer
        pixels.

    Notes
    -----
    Olofsson et al. 2014, Remote Sensing of Environment 148, 42-57, section 5.1: rare classes get a
    fixed number (here `MIN_POINTS`, or as many for all where `n` is too small), and the rest goes
    to the others in proportion to their area.
    """
    least = np.minimum(pixels, min(MIN_POINTS, n // len(pixels)))
    rare = np.zeros(len(pixels), bool)
    while True:
        weights = np.where(rare, 0, pixels)
        shares = (n - least[rare].sum()) * weights / max(weights.sum(), 1)
        too_few = ~rare & (shares < least)
        if not too_few.any():
            break
        rare |= too_few
    points = np.where(rare, least, np.floor(shares).astype(int))
    left = n - points.sum()
    if not rare.all():
        # The largest remainders first.
        points[np.argsort(np.where(rare, 1, np.floor(shares) - shares), kind="stable")[:left]] += 1
    return np.minimum(points, pixels)


def draw_points(
    areas: pd.DataFrame, maps: Mapping[str, str | Path], group: str, n: int, seed: int
) -> pd.DataFrame:
    """Draw stratified random pixels from the maps of a group; the strata are the mapped classes.

    Parameters
    ----------
    areas : pandas.DataFrame
        A row for each image and class: image, class_code and pixels.
    maps : mapping
        Path of the map by image.
    group : str
        Name that the ids of the points begin with.
    n : int
        Points in all, at least two for each class.
    seed : int

    Returns
    -------
    pandas.DataFrame
        A row for each point, in the order of images, rows and columns, which says nothing about
        its class: id, image, row, column (pixel, from 0) and class_code (mapped).

    Raises
    ------
    InputError
        When a map cannot be read or no map shows a class.
    """
    areas = areas[areas["pixels"] > 0]
    if areas.empty:
        raise InputError(
            f"{group}: no check points, for its maps show no class; look at its images"
        )
    random = np.random.default_rng(seed)
    drawn: dict[str, list[tuple[int, int]]] = defaultdict(list)
    pixels = areas.groupby("class_code")["pixels"].sum()
    for code, count in zip(pixels.index, allocate_points(pixels.to_numpy(), n), strict=True):
        stratum = areas[areas["class_code"] == code]
        ends = stratum["pixels"].cumsum().to_numpy()
        ranks = np.sort(random.choice(ends[-1], count, replace=False))
        places = np.searchsorted(ends, ranks, side="right")
        begins = ends - stratum["pixels"].to_numpy()
        for place, rank in zip(places, ranks - begins[places], strict=True):
            drawn[stratum["image"].iloc[place]].append((code, rank))
    rows = [
        (image, *pixel)
        for image in areas["image"].unique()
        if image in drawn
        for pixel in _locate(maps[image], drawn[image])
    ]
    table = pd.DataFrame(rows, columns=["image", "row", "column", "class_code"])
    table.insert(0, "id", [f"{group}-{number:04}" for number in range(1, len(table) + 1)])
    return table


def _locate(path: str | Path, drawn: Sequence[tuple[int, int]]) -> list[tuple[int, int, int]]:
    """Row, column and class code, in order, of pixels by class code and rank row by row, from 0."""
    codes = sorted({code for code, _ in drawn})
    with open_dataset(path, is_result=True) as source, name_damage(path, is_result=True):
        counts = count_rows(source, codes)
        ends = counts.cumsum(axis=0)
        begins = ends - counts
        in_rows = []
        for code, rank in drawn:
            of_class = codes.index(code)
            row = int(np.searchsorted(ends[:, of_class], rank, side="right"))
            in_rows.append((row, code, rank - begins[row, of_class]))
        pixels = []
        # In the order of rows a block is decoded once.
        for row, code, rank in sorted(in_rows):
            of_row = source.read(1, window=Window(0, row, source.width, 1))[0]
            pixels.append((row, int(np.flatnonzero(of_row == code)[rank]), code))
    return sorted(pixels)


def make_point_layer(
    points: pd.DataFrame, maps: Mapping[str, str | Path]
) -> "geopandas.GeoDataFrame":
    """Give points their place on the ground: the middle of their pixels.

    Parameters
    ----------
    points : pandas.DataFrame
        Columns image, row and column, and others.
    maps : mapping
        Path of the map by image.

    Returns
    -------
    geopandas.GeoDataFrame
        In the CRS of the maps, or in EPSG:4326 where these have several. Among maps with a CRS,
        points of those without have no geometry. If none has a CRS, coordinates are those in which
        QGIS shows the images: of the world file, or pixels, x to the right and y downwards from 0.
    """
    import geopandas

    parts = []
    for image in points["image"].unique():
        own = points[points["image"] == image]
        with open_dataset(maps[image], is_result=True) as source:
            crs, transform = source.crs, source.transform
        if transform.is_identity:
            crs, transform = None, Affine.scale(1, -1)
        middles = geopandas.points_from_xy(*xy(transform, own["row"], own["column"]))
        parts.append(geopandas.GeoDataFrame(own, geometry=middles, crs=crs and crs.to_wkt()))
    known = {part.crs for part in parts} - {None}
    if known:
        target = known.pop() if len(known) == 1 else "EPSG:4326"
        nowhere = geopandas.GeoSeries([None] * len(points), index=points.index, crs=target)
        parts = [
            part.to_crs(target) if part.crs else part.set_geometry(nowhere[part.index])
            for part in parts
        ]
    return pd.concat(parts)


def read_chip(image: Raster, row: int, column: int) -> np.ndarray:
    """Read the surroundings of a pixel of an image, enlarged and with a cross about the pixel.

    Parameters
    ----------
    image : Raster
        RGB, uint8 (height, width, 3).
    row, column : int

    Returns
    -------
    numpy.ndarray
        RGB, uint8 (`CHIP_SIZE` * `CHIP_SCALE`, as many, 3); black beyond the edge of the image.
    """
    chip = np.zeros((CHIP_SIZE, CHIP_SIZE, 3), np.uint8)
    top, left = row - CHIP_SIZE // 2, column - CHIP_SIZE // 2
    down, across = max(top, 0), max(left, 0)
    part = image[
        down : min(top + CHIP_SIZE, image.shape[0]), across : min(left + CHIP_SIZE, image.shape[1])
    ]
    height, width = part.shape[:2]
    inside = slice(down - top, down - top + height), slice(across - left, across - left + width)
    chip[inside] = part
    chip = chip.repeat(CHIP_SCALE, axis=0).repeat(CHIP_SCALE, axis=1)
    middle = CHIP_SIZE // 2 * CHIP_SCALE + CHIP_SCALE // 2
    for thickness, colour in ((3, (0, 0, 0)), (1, (255, 255, 255))):
        for x, y in ((1, 0), (-1, 0), (0, 1), (0, -1)):
            # The pixel itself stays visible.
            start, end = ((middle + length * x, middle + length * y) for length in (8, 32))
            cv2.line(chip, start, end, colour, thickness)
    return chip
