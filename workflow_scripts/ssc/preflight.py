"""What would make a campaign fail later, found before the first long job."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from matplotlib.colors import is_color_like, to_rgba

from .campaign import Image
from .classes import LandClass
from .cnn.tiles import pure_tiles
from .errors import InputError
from .io.datasets import MAX_MEGAPIXELS, check_raster
from .io.labels import Labels, open_labels, write_labels
from .io.rasters import ImageReader, LabelReader, RasterGeometry, open_class_raster, open_image
from .io.windows import WINDOW_SIDE, windows

if TYPE_CHECKING:
    # Slow to import, and few campaigns have polygons.
    from .io.polygons import PolygonLayer


@dataclass(frozen=True)
class TileGrid:
    """Tiles of a tile CNN.

    Attributes
    ----------
    size, stride : int
        Side of a tile, and from one tile to the next, in pixels.
    purity : float
        Share of one class that a training tile needs.
    """

    size: int
    stride: int
    purity: float


@dataclass(frozen=True)
class LabelSources:
    """How the labels of a campaign are read.

    Attributes
    ----------
    codes : mapping of str to int
        Class codes by what label rasters may hold (`ssc.classes.label_codes`).
    polygons : sequence of PolygonLayer
        Files of polygons, the last on top.
    """

    codes: Mapping[str, int] = field(default_factory=dict)
    polygons: Sequence["PolygonLayer"] = ()


def check_columns(class_codes: Sequence[int], tiles: bool) -> list[str]:
    """Columns of a table of rows of `check_image`, in order.

    Parameters
    ----------
    class_codes : sequence of int
    tiles : bool
        Whether tiles are cut.

    Returns
    -------
    list of str
    """
    columns = ["split", "river", "number", "image", "width", "height", "label", "labelled_percent"]
    counts = ["pixels", "pure_tiles"] if tiles else ["pixels"]
    counted = [f"{unit}_{code}" for unit in counts for code in class_codes]
    return [*columns, "classes", *counted, "note", "problem"]


def check_image(
    image: Image,
    split: str,
    class_codes: Sequence[int],
    tiles: TileGrid | None,
    sources: LabelSources,
    target: AbstractContextManager[Path],
    area: "PolygonLayer | None" = None,
    white: int = 65535,
    max_megapixels: float = MAX_MEGAPIXELS,
) -> dict[str, Any]:
    """Check an image and its labels, and write the labels in the codes and grid that others read.

    Parameters
    ----------
    image : Image
    split : str
        `train` or `predict`.
    class_codes : sequence of int
        Codes that labels may have.
    tiles : TileGrid, optional
        Where tiles are cut.
    sources : LabelSources
    target : context manager of pathlib.Path
        Gives the path to write the labels to, where the image has some that can be read.
    area : PolygonLayer, optional
        The area of interest.
    white : int
        As of `open_image`.
    max_megapixels : float
        That the image and its label raster may have.

    Returns
    -------
    dict
        Some of the columns of `check_columns`: what image and labels hold, in `note` what a user
        has to know, and in `problem` what is wrong, "" for nothing.
    """
    row: dict[str, Any] = {"split": split, "river": image.river, "number": image.number}
    row |= {"image": image.path, "classes": ""}
    problems: list[str] = []
    notes: list[str] = []
    geometry = None
    try:
        with open_image(image.path, white) as source:
            geometry = source.geometry
            row |= {"width": geometry.width, "height": geometry.height}
            check_raster(source.source, max_megapixels)
            _decode(source)
            if tiles and min(geometry.width, geometry.height) < tiles.size:
                problems.append(
                    f"{image.path}: {geometry.width} x {geometry.height} px, smaller than a tile "
                    f"of {tiles.size} px; remove it or set a smaller tile size"
                )
    except InputError as error:
        problems += error.problems
    if image.label or (image.polygons and geometry):
        try:
            with (
                _open_labels(image, geometry, sources, max_megapixels) as labels,
                target as path,
            ):
                row["label"] = labels.source
                counts = write_labels(path, labels)
                notes.append(labels.note)
                problems += _label_problems(row["label"], counts, class_codes)
                row |= _describe_labels(counts, split, class_codes)
                if split == "train" and tiles:
                    with open_class_raster(path) as written:
                        row |= _count_pure_tiles(written, class_codes, tiles)
        except InputError as error:
            problems += error.problems
    if area and geometry:
        note, problem = _check_area(image.path, geometry, area)
        notes.append(note)
        problems.append(problem)
    return row | {"note": _join(notes), "problem": _join(problems)}


def _join(sentences: Iterable[str]) -> str:
    return "; ".join(filter(None, sentences))


def _open_labels(
    image: Image, geometry: RasterGeometry | None, sources: LabelSources, max_megapixels: float
) -> AbstractContextManager[Labels]:
    if image.label or geometry is None:
        return open_labels(str(image.label), geometry, sources.codes, max_megapixels)
    from .io.polygons import polygons_over

    layers = [p for p in sources.polygons if len(p.over(image.path, geometry).codes)]
    polygons = polygons_over(layers, image.path, geometry)
    files = ", ".join(layer.path for layer in layers)
    return nullcontext(Labels(files, geometry, polygons.rasterize, _join(p.note for p in layers)))


def _check_area(path: str, geometry: RasterGeometry, area: "PolygonLayer") -> tuple[str, str]:
    """A note and a problem, "" for none."""
    if not area.fits(geometry):
        return "", (
            f"{area.path}: the area of interest and {path} have to be both with or both without a "
            "coordinate reference system; assign it to the one without"
        )
    if not geometry.crs and geometry.transform.is_identity and area.images is None:
        return "", (
            f"{area.path}: no column image, and {path} has no georeference; add the column, with "
            "the name of the image that each polygon was drawn on"
        )
    if len(area.over(path, geometry).outlines) == 0:
        return f"{path}: outside the area of interest, nothing of it is mapped", ""
    return "", ""


def _label_problems(path: str, counts: np.ndarray, class_codes: Sequence[int]) -> list[str]:
    problems = []
    present = np.flatnonzero(counts).tolist()
    unknown = [str(code) for code in present if code and code not in class_codes]
    if present == [0]:
        problems.append(f"{path}: no pixel is labelled; label some of it, or remove the file")
    if unknown:
        problems.append(
            f"{path}: code(s) {', '.join(unknown)} not among the classes "
            f"{', '.join(map(str, class_codes))}; correct the labels or add to classes or remap"
        )
    return problems


def _describe_labels(counts: np.ndarray, split: str, class_codes: Sequence[int]) -> dict[str, Any]:
    """Labelled share, classes and, of training images, pixels of each class."""
    row: dict[str, Any] = {"labelled_percent": round(100 - 100 * counts[0] / counts.sum(), 2)}
    row["classes"] = " ".join(str(code) for code in np.flatnonzero(counts) if code)
    if split == "train":
        row |= {f"pixels_{code}": int(counts[code]) for code in class_codes}
    return row


def _count_pure_tiles(
    labels: LabelReader, class_codes: Sequence[int], tiles: TileGrid
) -> dict[str, int]:
    pure = np.zeros(256, np.int64)
    # Tiles across the edge of a window are not counted.
    for window in windows(labels.shape, 2 * WINDOW_SIDE):
        codes = labels[window.slices]
        of_tiles = pure_tiles(codes, class_codes, tiles.size, tiles.stride, tiles.purity)[2]
        pure += np.bincount(of_tiles, minlength=256)
    return {f"pure_tiles_{code}": int(pure[code]) for code in class_codes}


def summarise_labels(
    preflight: pd.DataFrame, groups: Mapping[str, Sequence[str]], classes: Sequence[LandClass]
) -> pd.DataFrame:
    """Summarise what each CNN learns each class from.

    Parameters
    ----------
    preflight : pandas.DataFrame
        Rows of `check_image`; counts are missing where labels could not be read.
    groups : mapping
        Paths of the images that each CNN to train learns from.
    classes : sequence of LandClass

    Returns
    -------
    pandas.DataFrame
        group, class, images (that show the class), pixels (labelled), pure_tiles (where tiles are
        cut) and warning, where a CNN has nothing to learn a class from.
    """
    train = preflight[preflight["split"] == "train"]
    units = [unit for unit in ("pixels", "pure_tiles") if f"{unit}_{classes[0].code}" in train]
    name = {"pixels": "labelled pixel", "pure_tiles": "pure tile"}[units[-1]]
    rows = []
    for group, images in groups.items():
        own = train[train["image"].isin(images)]
        shown = own["classes"].fillna("").astype(str).str.split()
        for c in classes:
            row: dict[str, Any] = {"group": group, "class": c.name}
            row["images"] = sum(str(c.code) in codes for codes in shown)
            row |= {unit: int(own[f"{unit}_{c.code}"].sum()) for unit in units}
            enough = row[units[-1]] > 0
            row["warning"] = "" if enough else f"no {name}: the CNN {group} cannot map {c.name}"
            rows.append(row)
    return pd.DataFrame(rows, columns=["group", "class", "images", *units, "warning"])


def stop_on_problems(
    preflight: pd.DataFrame, labels: pd.DataFrame, classes: Sequence[LandClass]
) -> None:
    """Refuse a campaign that has problems.

    Parameters
    ----------
    preflight : pandas.DataFrame
        Rows of `check_image`.
    labels : pandas.DataFrame
        From `summarise_labels`.
    classes : sequence of LandClass

    Raises
    ------
    InputError
        With every problem of images, labels, classes and groups.
    """
    problems = [
        f"class {c.code}: {c.colour} is no visible matplotlib colour; give a name or #rrggbb"
        for c in classes
        if not is_color_like(c.colour) or not to_rgba(c.colour)[3]
    ]
    problems += [
        f"classes: {name} is the name of {n} classes; name each its own"
        for name, n in Counter(c.name for c in classes).items()
        if n > 1
    ]
    problems += [problem for problem in preflight["problem"].dropna() if problem]
    for group, rows in labels.groupby("group", sort=False):
        n = int((rows["warning"] == "").sum())
        if n < 2 and "pure_tiles" in labels:
            problems.append(
                f"group {group}: pure tiles of {n} class(es) only, a CNN needs two; label larger "
                "areas, or set a smaller tile size, purity or training stride"
            )
        elif n < 2:
            problems.append(
                f"group {group}: labels of {n} class(es) only, a CNN needs two; label another"
            )
    if problems:
        raise InputError(*problems)


def _decode(image: ImageReader) -> None:
    """Decode all of an image, for what is damaged in its middle shows only then."""
    for window in windows(image.shape):
        image[window.slices]
