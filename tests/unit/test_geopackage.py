"""GeoPackages and styles for QGIS."""

import sqlite3
import time
from xml.etree import ElementTree

import geopandas
import numpy as np
import pandas as pd
import pytest
import shapely
from rasterio.crs import CRS
from rasterio.transform import Affine

from ssc.errors import InputError
from ssc.evaluation.crop_polygons import locate_crops
from ssc.io.datasets import RasterGeometry
from ssc.io.geopackage import write_geopackage
from ssc.io.qgis_style import write_map_style


def test_the_legend_of_a_map_has_exactly_the_classes(tmp_path, classes):
    write_map_style(tmp_path / "MLP_Ure_0001.qml", classes)
    text = (tmp_path / "MLP_Ure_0001.qml").read_text("utf-8")
    assert text.startswith("<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>\n<qgis ")
    root = ElementTree.fromstring(text)
    (renderer,) = root.findall("pipe/rasterrenderer")
    assert (renderer.get("type"), renderer.get("band")) == ("paletted", "1")
    assert [entry.attrib for entry in renderer.findall("colorPalette/paletteEntry")] == [
        {"value": "1", "color": "#add8e6", "label": "Water", "alpha": "255"},
        {"value": "2", "color": "#ffa500", "label": "Sediment", "alpha": "255"},
        {"value": "4", "color": "#ff0000", "label": "Road", "alpha": "255"},
    ]


def test_a_layer_keeps_its_table_and_has_a_style_by_default(tmp_path, classes):
    path = tmp_path / "Ure_0001.gpkg"
    squares = [shapely.box(0, 0, 1, 1), shapely.box(1, 0, 2, 1)]
    table = geopandas.GeoDataFrame(
        {"class_code": [1, 2], "square_metres": [1.0, np.nan]}, geometry=squares, crs=32632
    )
    write_geopackage(path, table, "classes", "Polygon", classes)
    read = geopandas.read_file(path, layer="classes")
    pd.testing.assert_frame_equal(read, table, check_dtype=False)
    with sqlite3.connect(path) as database:
        columns = "f_table_schema, f_table_name, f_geometry_column, useAsDefault, styleQML"
        (row,) = database.execute(f"SELECT {columns} FROM layer_styles")
        (geometry,) = database.execute("SELECT table_name, column_name FROM gpkg_geometry_columns")
    assert row[:4] == ("", *geometry, 1)
    root = ElementTree.fromstring(row[4])
    renderer = root.find("renderer-v2")
    assert (renderer.get("type"), renderer.get("attr")) == ("categorizedSymbol", "class_code")
    colours = {
        symbol.get("name"): symbol.find("layer/Option/Option[@name='color']").get("value")
        for symbol in renderer.findall("symbols/symbol")
    }
    assert [
        (c.get("value"), c.get("label"), colours[c.get("symbol")])
        for c in renderer.findall("categories/category")
    ] == [
        ("1", "Water", "173,216,230,255"),
        ("2", "Sediment", "255,165,0,255"),
        ("4", "Road", "255,0,0,255"),
    ]


def test_a_full_disk_is_told(tmp_path, classes, full_disk):
    table = geopandas.GeoDataFrame({"class_code": [1]}, geometry=[shapely.box(0, 0, 1, 1)])
    with pytest.raises(InputError, match="is the disk full"), full_disk():
        write_geopackage(tmp_path / "a.gpkg", table, "classes", "Polygon", classes)


def test_the_same_layer_makes_the_same_bytes(tmp_path, classes):
    table = geopandas.GeoDataFrame({"class_code": [1]}, geometry=[shapely.box(0, 0, 1, 1)])
    contents = []
    for _ in range(2):
        write_geopackage(tmp_path / "a.gpkg", table, "classes", "Polygon", classes)
        contents.append((tmp_path / "a.gpkg").read_bytes())
        # GDAL writes down milliseconds.
        time.sleep(0.01)
    assert contents[0] == contents[1]


def crops_of(*images):
    columns = dict(RiverName="Ure", row=2, column=4, height=2, width=6)
    columns |= dict(uncertainty=20.5, majority_class=1, path="")
    return pd.DataFrame({"rank": range(1, len(images) + 1), "Image": images} | columns)


def geometry_of(epsg, left, top):
    return RasterGeometry(9, 9, CRS.from_epsg(epsg), Affine(0.5, 0, left, 0, -0.5, top))


def test_crops_lie_where_their_pixels_do():
    geometries = {
        "Ure_0002": geometry_of(32632, 400_000, 5_300_000),
        "Ure_0001": RasterGeometry(9, 9),
    }
    table = locate_crops(crops_of("Ure_0001", "Ure_0002"), geometries)
    assert table.crs == "EPSG:32632"
    assert table.drop(columns="geometry").to_numpy().tolist() == [[2, "Ure_0002", "Ure", 20.5, 1]]
    assert table.total_bounds.tolist() == [400_002, 5_299_998, 400_005, 5_299_999]
    assert table.area.tolist() == [3]


def test_crops_in_several_crs_are_in_longitude_and_latitude():
    # On the central meridian of each zone.
    geometries = {f"Ure_000{n}": geometry_of(32630 + n, 500_000, 5_300_000) for n in (1, 2)}
    table = locate_crops(crops_of("Ure_0002", "Ure_0001"), geometries)
    assert table.crs == "EPSG:4326"
    assert table["rank"].tolist() == [1, 2]
    np.testing.assert_allclose(table.bounds.minx, [9, 3], atol=1e-3)


def test_without_a_georeference_the_layer_of_crops_is_empty(tmp_path):
    table = locate_crops(crops_of("Ure_0001"), {"Ure_0001": RasterGeometry(9, 9)})
    write_geopackage(tmp_path / "a.gpkg", table, "crops", "Polygon")
    read = geopandas.read_file(tmp_path / "a.gpkg")
    assert (len(read), list(read.columns[:3])) == (0, ["rank", "Image", "RiverName"])
