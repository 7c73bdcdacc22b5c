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

from ..classes import LandClass
from ..errors import InputError
from ..io.datasets import open_dataset
from ..io.tables import read_table
from ..io.windows import Raster
from .areas import count_rows

if TYPE_CHECKING:
    import geopandas

# Of each class, if so many fit: section 5.1 of Olofsson et al. 2014 advises 50 to 100.
MIN_POINTS = 50
# Of each class, for a standard error.
MIN_ANSWERS = 2
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
        Points in all, at least `MIN_ANSWERS` for each class.
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
    with open_dataset(path) as source:
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
        with open_dataset(maps[image]) as source:
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


def read_answers(
    paths: Sequence[str | Path], points: pd.DataFrame, classes: Sequence[LandClass]
) -> pd.DataFrame:
    """Read which classes a person has seen at check points.

    Parameters
    ----------
    paths : sequence of str or pathlib.Path
        Copies of the drawn points as CSV or in a format of GDAL such as GeoPackage, with the code
        or name of a class in the column true_class; empty where there is no answer.
    points : pandas.DataFrame
        All drawn points: group and the columns of `draw_points`.
    classes : sequence of LandClass

    Returns
    -------
    pandas.DataFrame
        A row for each answered point: the columns of `points` and true_code.

    Raises
    ------
    InputError
        When a file cannot be read, lacks a column or has an unknown class, when its points are
        not the drawn ones, or when a class of an answered group has fewer than `MIN_ANSWERS`
        answers.
    """
    answers = pd.concat([_read_file(path, points, classes) for path in paths], ignore_index=True)
    twice = answers.loc[answers["id"].duplicated(), "id"]
    if len(twice):
        raise InputError(f"check point {twice.iloc[0]} is answered twice; remove one answer")
    names: dict = {c.code: c.name for c in classes}
    drawn = points[points["group"].isin(answers["group"])]
    # Of a class with one pixel one is enough.
    few = [
        f"group {group}: {answered} of its {len(stratum)} check points on mapped {names[code]} are "
        f"answered; answer more, {MIN_ANSWERS} at least"
        for (group, code), stratum in drawn.groupby(["group", "class_code"])
        if (answered := stratum["id"].isin(answers["id"]).sum()) < min(MIN_ANSWERS, len(stratum))
    ]
    if few:
        raise InputError(*few)
    return answers


def _read_file(
    path: str | Path, points: pd.DataFrame, classes: Sequence[LandClass]
) -> pd.DataFrame:
    """The answered points of one file, and the codes of their true classes."""
    import pyogrio

    try:
        if Path(path).suffix.lower() == ".csv":
            table = read_table(path)
        else:
            table = pyogrio.read_dataframe(path, read_geometry=False)
    except (ValueError, RuntimeError) as error:
        raise InputError(f"{path}: unreadable; save it as GeoPackage, or CSV in UTF-8") from error
    missing = [column for column in (*PLACE, "true_class") if column not in table]
    if missing:
        raise InputError(
            f"{path}: no column {', '.join(missing)}; fill in true_class in a copy of the check "
            "points and keep all columns"
        )
    # A column of numbers with gaps has 1.0 for 1.
    text = table["true_class"].astype("string").str.strip().str.removesuffix(".0").str.casefold()
    answered = text.notna() & (text != "")
    codes = {c.name.casefold(): c.code for c in classes} | {str(c.code): c.code for c in classes}
    unknown = table[answered & ~text.isin(codes)]
    if len(unknown):
        known = ", ".join(f"{c.code} ({c.name})" for c in classes)
        raise InputError(
            f"{path}: check point {unknown['id'].iloc[0]} has the true_class "
            f"{unknown['true_class'].iloc[0]}; give a code or name of {known}"
        )
    table = table[answered].assign(true_code=text[answered].map(codes).astype(int))
    table[["row", "column"]] = table[["row", "column"]].apply(pd.to_numeric, errors="coerce")
    fitting = table[[*PLACE, "true_code"]].merge(points, on=PLACE)
    strange = table[~table["id"].isin(fitting["id"])]
    if len(strange):
        raise InputError(
            f"{path}: {len(strange)} check points, such as {strange['id'].iloc[0]}, are not those "
            "drawn from the present maps; answer these, or run with the images, config and seed "
            "that the old points were drawn with"
        )
    return fitting
