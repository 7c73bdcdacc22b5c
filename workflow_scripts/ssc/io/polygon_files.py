"""Polygons in: files of labels that were drawn as polygons, and of areas of interest.

GeoPandas is slow to import, so only what has polygons imports this module.
"""

import unicodedata
import warnings
from collections.abc import Iterable, Mapping

import geopandas
import numpy as np
import pandas as pd
import pyogrio
import shapely

from ..errors import InputError
from .files import require_file
from .polygons import IMAGE_COLUMN, PolygonLayer
from .tables import class_text

# Others may name further files, databases or addresses.
DRIVERS = {
    *("GPKG", "GeoJSON", "GeoJSONSeq", "TopoJSON", "ESRI Shapefile", "FlatGeobuf", "KML"),
    *("LIBKML", "GML", "MapInfo File", "DXF"),
}
# Different texts of a column that may say the class.
MOST_CLASSES = 20
# Kinds of layers that may have polygons beside other shapes.
MIXED_SHAPES = {"Unknown", "GeometryCollection", "GeometryCollection Z", "None"}


def read_polygons(
    path: str, codes: Mapping[str, int] | None = None, class_column: str = "class"
) -> PolygonLayer:
    """Read and check the polygons of a file, of any format that GDAL reads.

    Self-crossing polygons are repaired, and the note names them.

    Parameters
    ----------
    path : str
    codes : mapping, optional
        Class codes by what the class column may say, in lower case (`label_codes`). Without it
        polygons have no classes, and code 1.
    class_column : str
        The column of the class, a code or a name.

    Returns
    -------
    PolygonLayer

    Raises
    ------
    InputError
        With every problem of the file.
    """
    frame = _read_frame(path)
    frame = frame[~(frame.geometry.isna() | frame.geometry.is_empty)]
    if frame.empty:
        raise InputError(f"{path}: holds no polygon; draw some, or remove it from the config")
    other = ~frame.geom_type.isin(["Polygon", "MultiPolygon"])
    problems = []
    if other.any():
        kinds = ", ".join(sorted(set(frame.geom_type[other])))
        problems.append(
            f"{path}: {kinds} instead of polygons (feature {_ids(frame.index[other])}); draw "
            "polygons in their place"
        )
    of_feature = np.ones(len(frame), np.uint8)
    if codes is not None:
        of_feature = _read_classes(path, frame, codes, class_column, problems)
    if problems:
        raise InputError(*problems)
    polygons, note = frame.geometry, ""
    if (crossing := ~polygons.is_valid).any():
        polygons = polygons.make_valid(method="structure", keep_collapsed=False)
        note = f"{path}: repaired self-crossing polygons (feature {_ids(frame.index[crossing])})"
    names = _column(frame, IMAGE_COLUMN)
    images = None
    if names is not None:
        images = np.array(
            [unicodedata.normalize("NFC", str(name).replace("\\", "/")) for name in frame[names]]
        )
    return PolygonLayer(path, polygons.reset_index(drop=True), of_feature, images, note)


def find_class_column(path: str, codes: Mapping[str, int]) -> tuple[str, list[str]]:
    """Find the column that says the classes of the polygons of a file, by what it holds.

    Parameters
    ----------
    path : str
    codes : mapping
        As for `read_polygons`.

    Returns
    -------
    (str, list of str)
        The column and its different texts, sorted; "" and none where no column has few texts. A
        column of known classes is preferred, then one that is named class, then the first.
    """
    frame = _read_frame(path)
    texts = {
        column: sorted({text for text in frame[column].map(class_text) if text})
        for column in frame.columns.drop(frame.geometry.name)
        if column.casefold() != IMAGE_COLUMN
    }
    few = {column: found for column, found in texts.items() if 0 < len(found) <= MOST_CLASSES}
    ranked = sorted(few, key=lambda c: (not set(few[c]) <= set(codes), c.casefold() != "class"))
    return (ranked[0], few[ranked[0]]) if ranked else ("", [])


def _read_frame(path: str) -> geopandas.GeoDataFrame:
    """The only layer of a file that has polygons, by feature id."""
    require_file(path)
    try:
        layers = dict(pyogrio.list_layers(path).tolist())
        # A layer may also hold all kinds of shapes.
        drawn = [name for name, kind in layers.items() if "Polygon" in str(kind)]
        drawn = drawn or [name for name, kind in layers.items() if str(kind) in MIXED_SHAPES]
        if not drawn:
            kinds = ", ".join(str(kind) for kind in layers.values()) or "nothing"
            raise InputError(f"{path}: holds {kinds}, no polygons; name a file with polygons")
        if len(drawn) > 1:
            raise InputError(
                f"{path}: several layers have polygons, {', '.join(drawn)}; save the one that is "
                "meant as a file of its own"
            )
        driver = pyogrio.read_info(path, layer=drawn[0])["driver"]
        if driver not in DRIVERS:
            raise InputError(
                f"{path}: is a file of the kind {driver}, which is not read; save it as "
                "GeoPackage, GeoJSON or shapefile"
            )
        # Of rings that are not closed, GDAL says which.
        with warnings.catch_warnings(action="ignore", category=UserWarning):
            return pyogrio.read_dataframe(path, layer=drawn[0], fid_as_index=True)
    except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError,
            pyogrio.errors.GeometryError, shapely.errors.ShapelyError) as error:  # fmt: skip
        raise InputError(
            f"{path}: cannot be read; save it as GeoPackage, GeoJSON or shapefile ({error})"
        ) from error


def _read_classes(
    path: str,
    frame: geopandas.GeoDataFrame,
    codes: Mapping[str, int],
    class_column: str,
    problems: list[str],
) -> np.ndarray:
    """Class codes of features, uint8; what is wrong goes into `problems`."""
    column = _column(frame, class_column)
    if column is None:
        others = ", ".join(frame.columns.drop(frame.geometry.name)) or "none"
        problems.append(
            f"{path}: no column {class_column}; name the column of the classes in class_column "
            f"(there are: {others})"
        )
        return np.zeros(len(frame), np.uint8)
    texts = frame[column].map(class_text)
    if (empty := texts == "").any():
        problems.append(
            f"{path}: no class in feature {_ids(frame.index[empty])}; fill the column {column}"
        )
    unknown = texts[~empty & ~texts.isin(list(codes))]
    if len(unknown):
        listed = "; ".join(
            f"{text} (feature {_ids(features.index)})"
            for text, features in unknown.groupby(unknown)
        )
        problems.append(
            f"{path}: unknown classes: {listed}; correct them, or add them to classes or remap "
            f"(known: {', '.join(codes)})"
        )
    return texts.map(codes).fillna(0).to_numpy(np.uint8)


def _column(frame: pd.DataFrame, name: str) -> str | None:
    """The column of this name; a shapefile may have it in capitals."""
    wanted = name.casefold()
    return next((c for c in frame.columns if c.casefold() == wanted), None)


def _ids(features: Iterable[int]) -> str:
    """The first feature ids."""
    ids = [str(feature) for feature in features]
    return ", ".join(ids[:10]) + (f" and {len(ids) - 10} more" if len(ids) > 10 else "")
