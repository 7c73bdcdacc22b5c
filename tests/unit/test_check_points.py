"""Check points: where they lie, what is written of them, and how answers are read."""

import numpy as np
import pandas as pd
import pytest
import rasterio
from hypothesis import given
from hypothesis import strategies as st
from rasterio.transform import Affine

from ssc.errors import InputError
from ssc.evaluation.areas import measure_map
from ssc.evaluation.check_answers import read_answers
from ssc.evaluation.check_points import (
    allocate_points,
    draw_points,
    make_point_layer,
    read_chip,
)
from ssc.io.datasets import RasterGeometry, create_dataset
from ssc.io.geopackage import write_geopackage
from ssc.io.rasters import open_image

HALF_METRE = Affine(0.5, 0, 620000, 0, -0.5, 5050000)


def test_points_of_the_published_example():
    # The rare classes get their number, the others 490 in proportion: 162.5 and 327.5.
    pixels = np.array([20_000, 15_000, 320_000, 645_000])
    assert allocate_points(pixels, 590).tolist() == [50, 50, 162, 328]
    # Too few for 50 each: the same for all.
    assert allocate_points(pixels, 100).tolist() == [25, 25, 25, 25]
    # 30 points are more than there are pixels.
    assert allocate_points(np.array([3, 1000]), 60).tolist() == [3, 57]
    assert allocate_points(np.array([3, 5]), 60).tolist() == [3, 5]


@given(st.lists(st.integers(1, 10**9), min_size=1, max_size=8), st.integers(16, 5000))
def test_all_points_are_allocated_and_no_class_goes_without(pixels, n):
    points = allocate_points(np.array(pixels), n)
    assert points.sum() == min(n, sum(pixels))
    assert (points <= pixels).all()
    assert (points >= np.minimum(pixels, min(50, n // len(pixels)))).all()


def write_map(path, codes, georeference=(), **options):
    with create_dataset(path, RasterGeometry(*codes.shape, *georeference), **options) as target:
        target.write(codes, 1)


@pytest.fixture
def maps_of(tmp_path, classes):
    """A function that writes maps and measures them."""

    def maps_of(codes, **options):
        maps = {}
        for name, own in codes.items():
            maps[name] = tmp_path / f"{name}.tif"
            write_map(maps[name], own, **options)
        areas = [measure_map(path, classes).assign(image=name) for name, path in maps.items()]
        return pd.concat(areas, ignore_index=True), maps

    return maps_of


def random_maps(n, size=(60, 70)):
    random = np.random.default_rng(0)
    codes = random.choice([0, 1, 2, 4], (n, *size), p=[0.1, 0.5, 0.35, 0.05]).astype(np.uint8)
    return {f"Ure_{number:04}": own for number, own in enumerate(codes)}


def test_points_lie_on_their_class_and_are_the_same_in_other_blocks(maps_of):
    codes = random_maps(3)
    points = draw_points(*maps_of(codes), "Ure", 200, seed=1)
    assert points["id"].tolist() == [f"Ure-{n:04}" for n in range(1, 201)]
    assert points["class_code"].value_counts().to_dict().keys() == {1, 2, 4}
    assert points["class_code"].value_counts()[4] == 50
    assert not points.duplicated(["image", "row", "column"]).any()
    for point in points.itertuples():
        assert codes[point.image][point.row, point.column] == point.class_code
    place = points[["image", "row", "column"]]
    assert place.equals(place.sort_values(["image", "row", "column"]))
    strips = draw_points(*maps_of(codes, tiled=False, blockysize=7), "Ure", 200, seed=1)
    pd.testing.assert_frame_equal(points, strips)
    assert not points.equals(draw_points(*maps_of(codes), "Ure", 200, seed=2))


def test_each_pixel_of_a_class_is_as_likely(maps_of):
    # 12 pixels of water in two images, 6 of 12 drawn 400 times: 200 times each, within 4.5 sigma.
    codes = {
        "a_0001": np.array([[1, 2, 1], [1, 1, 0]], np.uint8),
        "b_0001": np.ones((2, 4), np.uint8),
    }
    areas, maps = maps_of(codes)
    counts = {name: np.zeros(own.shape) for name, own in codes.items()}
    for seed in range(400):
        for point in draw_points(areas, maps, "g", 7, seed).itertuples():
            counts[point.image][point.row, point.column] += 1
    water = [*counts["a_0001"][codes["a_0001"] == 1], *counts["b_0001"].ravel()]
    assert counts["a_0001"][0, 1] == 400
    assert counts["a_0001"][1, 2] == 0
    assert sum(water) == 400 * 6
    np.testing.assert_allclose(water, 200, atol=45)


def test_maps_without_any_class_are_refused(maps_of):
    with pytest.raises(InputError, match="Ure: no check points"):
        draw_points(*maps_of({"Ure_0001": np.zeros((5, 5), np.uint8)}), "Ure", 20, seed=1)


POINTS = pd.DataFrame({"image": ["a", "a", "b"], "row": [0, 2, 1], "column": [0, 3, 1]})


def layer_of(tmp_path, a, b):
    maps = {"a": tmp_path / "a.tif", "b": tmp_path / "b.tif"}
    for path, georeference in zip(maps.values(), (a, b), strict=True):
        write_map(path, np.ones((4, 5), np.uint8), georeference)
    return make_point_layer(POINTS, maps)


def coordinates(layer):
    return layer.get_coordinates().to_numpy().tolist()


UTM = ("EPSG:32618", HALF_METRE)
IN_UTM = [[620000.25, 5049999.75], [620001.75, 5049998.75], [620000.75, 5049999.25]]


def test_points_are_in_the_crs_of_the_maps(tmp_path):
    layer = layer_of(tmp_path, UTM, UTM)
    assert layer.crs == "EPSG:32618"
    assert coordinates(layer) == IN_UTM


def test_points_of_several_crs_are_in_degrees(tmp_path):
    # At 75 degrees west, in the middle of one zone, and in degrees already.
    a = ("EPSG:32618", Affine(2, 0, 499999, 0, -2, 0))
    b = ("EPSG:4326", Affine(0.1, 0, 7, 0, -0.1, 50))
    layer = layer_of(tmp_path, a, b)
    assert layer.crs == "EPSG:4326"
    x, y = np.array(coordinates(layer)).T
    assert x == pytest.approx([-75, -75 + 6 / 111_274, 7.15], abs=1e-6)
    assert y == pytest.approx([0, -4 / 110_574, 49.85], abs=1e-5)


def test_points_without_a_crs_are_where_qgis_shows_the_image(tmp_path):
    layer = layer_of(tmp_path, (None, Affine.identity()), (None, HALF_METRE))
    assert layer.crs is None
    assert coordinates(layer) == [[0.5, -0.5], [3.5, -2.5], IN_UTM[2]]
    layer = layer_of(tmp_path, (None, Affine.identity()), UTM)
    assert layer.crs == "EPSG:32618"
    assert layer.geometry.isna().tolist() == [True, True, False]
    assert coordinates(layer) == [IN_UTM[2]]


def test_chip_shows_the_pixel_in_the_middle_and_black_beyond_the_edge(tmp_path):
    image = np.full((3, 100, 300), 200, np.uint8)
    image[:, 10, 290] = 90
    path = tmp_path / "image.tif"
    with create_dataset(path, RasterGeometry(100, 300), count=3) as target:
        target.write(image)
    with open_image(path) as source:
        chip = read_chip(source, 10, 290)
    assert chip.shape == (384, 384, 3)
    # The pixel is the 65th of 128, three times as large, and stays free of the cross.
    assert (chip[192:195, 192:195] == 90).all()
    assert (chip[189:192, 189:198] == 200).all()
    for row, column in ((0, 20), (0, -20), (20, 0), (-20, 0)):
        assert (chip[193 + row, 193 + column] == 255).all()
    # 54 rows of the chip are above the image, and 54 columns right of it.
    assert (chip[: 54 * 3, :150] == 0).all()
    assert (chip[54 * 3 : 150, :150] == 200).all()
    assert (chip[250:, : (128 - 54) * 3] == 200).all()
    assert (chip[250:, (128 - 54) * 3 :] == 0).all()


@pytest.fixture
def drawn():
    """Six points of a group, three each mapped as water and sediment."""
    return pd.DataFrame(
        {
            "id": [f"Ure-000{n}" for n in range(1, 7)],
            **{"image": "Ure_0001", "row": range(6), "column": 7, "group": "Ure"},
            "class_code": [1, 2, 1, 2, 1, 2],
        }
    )


@pytest.fixture
def read(tmp_path, drawn, classes):
    """A function that writes answers, changed as told, and reads them."""

    def read(true_class, change=lambda table: table, suffix=".csv", points=drawn):
        table = change(drawn.drop(columns=["group", "class_code"]).assign(true_class=true_class))
        path = tmp_path / f"answers{suffix}"
        if suffix == ".csv":
            table.to_csv(path, index=False)
        else:
            import pyogrio

            pyogrio.write_dataframe(table, path, layer="Ure", driver="GPKG")
        return read_answers([path], points, classes)

    return read


@pytest.mark.parametrize("suffix", [".csv", ".gpkg"])
def test_answers_are_codes_or_names_and_may_be_missing(read, suffix):
    answers = read(["1", "Sediment", " water ", "4", None, ""], suffix=suffix)
    assert answers["id"].tolist() == ["Ure-0001", "Ure-0002", "Ure-0003", "Ure-0004"]
    assert answers["class_code"].tolist() == [1, 2, 1, 2]
    assert answers["true_code"].tolist() == [1, 2, 1, 4]
    numbers = read([1, 2, 1, 4, np.nan, np.nan], suffix=suffix)
    assert numbers["true_code"].tolist() == [1, 2, 1, 4]


def test_groups_without_answers_need_none(read, drawn):
    wye = drawn.assign(id=drawn["id"].str.replace("Ure", "Wye"), group="Wye")
    assert len(read(["1"] * 6, points=pd.concat([drawn, wye]))) == 6


@pytest.mark.parametrize(
    ("true_class", "change", "message"),
    [
        (["1"] * 6, lambda t: t.drop(columns=["row", "true_class"]), "no column row, true_class;"),
        (["1"] * 5 + ["Watr"], None, "Ure-0006 has the true_class Watr; give .* 2 \\(Sediment\\)"),
        (["1"] * 5 + ["3"], None, "Ure-0006 has the true_class 3;"),
        (["1"] * 6, lambda t: t.assign(row=t["row"] + (t["row"] > 3)), "2 check .* Ure-0005, are"),
        (["1"] * 6, lambda t: t.assign(id="Wye" + t["id"].str[3:]), "6 check points, .* Wye-0001"),
        (["1"] * 6, lambda t: pd.concat([t, t[:1]]), "Ure-0001 is answered twice"),
        (["1"] * 6, lambda t: t.iloc[[0, 1, 2, 4]], "Ure: 1 of its 3 .* Sediment"),
    ],
)
def test_bad_answers_are_refused_in_a_sentence(read, true_class, change, message):
    with pytest.raises(InputError, match=message) as caught:
        read(true_class, change or (lambda table: table))
    assert len(caught.value.problems) == 1


def test_unreadable_answers_are_refused(tmp_path, drawn, classes):
    for name in ("answers.gpkg", "answers.csv"):
        (tmp_path / name).write_bytes(b"id,\xff\xfe\n")
        with pytest.raises(InputError, match=f"{name}: unreadable"):
            read_answers([tmp_path / name], drawn, classes)


def test_class_of_one_pixel_needs_one_answer(read, drawn):
    points = drawn.iloc[[0, 1, 2, 4]]
    answers = read(["1", "2", "1", "", "1", ""], lambda t: t.iloc[[0, 1, 2]], points=points)
    assert len(answers) == 3


def test_layer_is_the_same_file_each_time(tmp_path):
    layer = layer_of(tmp_path, UTM, UTM).assign(true_class=pd.Series(dtype="str"))
    paths = [tmp_path / "first.gpkg", tmp_path / "second.gpkg"]
    for path in paths:
        write_geopackage(path, layer, "Ure", "Point")
    assert paths[0].read_bytes() == paths[1].read_bytes()
    import pyogrio

    info = pyogrio.read_info(paths[0])
    assert info["ogr_types"][info["fields"].tolist().index("true_class")] == "OFTString"
    assert rasterio.CRS.from_user_input(info["crs"]) == rasterio.CRS.from_epsg(32618)
