"""Polygons are drawn into the pixels of images, and refused where they cannot be."""

import geopandas
import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from pyproj import Transformer
from rasterio.crs import CRS
from rasterio.features import shapes
from rasterio.transform import Affine

from ssc.classes import LandClass, label_codes
from ssc.errors import InputError
from ssc.io.datasets import RasterGeometry
from ssc.io.polygon_files import read_polygons
from ssc.io.polygons import PixelPolygons, find_labelled_images, polygons_over
from ssc.io.windows import Window

pytestmark = pytest.mark.filterwarnings("ignore:'crs' was not provided:UserWarning")

UTM = CRS.from_epsg(32633)
# 10 x 10 px of half a metre.
NORTH_UP = Affine(0.5, 0, 500_000, 0, -0.5, 5_300_005)
IMAGE = RasterGeometry(10, 10, UTM, NORTH_UP)
FLAT = RasterGeometry(10, 10)
CODES = label_codes([LandClass(1, "Water"), LandClass(2, "Sediment")], {"gravel": "sediment"})


def on_map(left, top, right, bottom):
    """A rectangle of pixels in UTM coordinates."""
    return shapely.transform(
        shapely.box(left, top, right, bottom),
        lambda xy: np.column_stack([500_000 + 0.5 * xy[:, 0], 5_300_005 - 0.5 * xy[:, 1]]),
    )


@pytest.fixture
def save(tmp_path):
    def save(outlines, crs=32633, name="labels.gpkg", **columns):
        path = str(tmp_path / name)
        columns = columns or {"class": ["Water"] * len(outlines)}
        frame = geopandas.GeoDataFrame(columns, geometry=list(outlines), crs=crs)
        frame.to_file(path, **({"layer": "drawn"} if name.endswith("gpkg") else {}))
        return path

    return save


def drawn(path, geometry=IMAGE, image="Ure_0001.jpg", window=None):
    return read_polygons(path, CODES).over(image, geometry).rasterize(window)


@pytest.mark.parametrize("name", ["a.gpkg", "a.geojson", "a.shp"])
def test_polygons_of_another_crs_are_drawn_by_pixel_centres(save, name):
    to_degrees = Transformer.from_crs(32633, 4326, always_xy=True)
    # Columns 2 to 5 and rows 1 to 3: of column 6, less than half is inside.
    outline = shapely.transform(
        on_map(1.6, 0.8, 6.4, 4.3), lambda xy: np.column_stack(to_degrees.transform(*xy.T))
    )
    expected = np.zeros((10, 10), np.uint8)
    expected[1:4, 2:6] = 2
    path = save([outline], crs=4326, name=name, **{"class": ["gravel"]})
    np.testing.assert_array_equal(drawn(path), expected)


def test_later_polygons_lie_over_earlier_ones_and_zero_erases(save):
    outlines = [on_map(0, 0, 4, 10), on_map(2, 0, 6, 10), on_map(3, 0, 4, 10)]
    first = save(outlines, **{"class": ["1", "2", "0"]})
    assert drawn(first)[0].tolist() == [1, 1, 2, 0, 2, 2, 0, 0, 0, 0]
    second = save([on_map(5, 0, 7, 10)], name="second.gpkg")
    layers = [read_polygons(path, CODES) for path in (first, second)]
    both = polygons_over(layers, "Ure_0001.jpg", IMAGE).rasterize()
    assert both[0].tolist() == [1, 1, 2, 0, 2, 1, 1, 0, 0, 0]
    both = polygons_over(layers[::-1], "Ure_0001.jpg", IMAGE).rasterize()
    assert both[0].tolist() == [1, 1, 2, 0, 2, 2, 1, 0, 0, 0]


def test_holes_parts_heights_and_crossing_outlines(save):
    ring = on_map(0, 0, 6, 6).difference(on_map(2, 2, 4, 4))
    solid = shapely.force_3d(shapely.MultiPolygon([ring, on_map(8, 8, 10, 10)]), 7.0)
    expected = np.zeros((10, 10), np.uint8)
    expected[:6, :6] = 1
    expected[2:4, 2:4] = 0
    expected[8:, 8:] = 1
    np.testing.assert_array_equal(drawn(save([solid])), expected)
    # A bow tie: two triangles that meet at (4.75, 5).
    x, y = np.array([-0.25, 9.75, -0.25, 9.75]), np.array([0, 0, 10, 10])
    bow_tie = shapely.Polygon(np.column_stack([500_000 + x / 2, 5_300_005 - y / 2]))
    path = save([on_map(0, 0, 1, 1), bow_tie], name="crossing.gpkg")
    assert drawn(path).sum(axis=1).tolist() == [9, 7, 5, 3, 1, 1, 3, 5, 7, 9]
    assert read_polygons(path).polygons.is_valid.all()
    assert read_polygons(path).note == f"{path}: repaired self-crossing polygons (feature 2)"


@pytest.mark.parametrize("sign", [1, -1])
def test_polygons_in_pixels_with_rows_down_or_as_qgis_draws_them(save, sign):
    # A line drawn a little above the image does not turn it over.
    rows = [(-1, 3), (4, 10)]
    outlines = [shapely.box(0, sign * top, 2, sign * bottom) for top, bottom in rows]
    columns = {"class": [1.0, 2.0], "image": ["Ure_0001", "train/Ure_0002.jpg"]}
    path = save(outlines, crs=None, **columns)
    first, second = (drawn(path, FLAT, f"/data/train/Ure_000{n}.jpg") for n in (1, 2))
    assert first[:, 0].tolist() == [1] * 3 + [0] * 7
    assert second[:, 0].tolist() == [0] * 4 + [2] * 6
    assert first[:, 2:].max() == 0
    assert not drawn(path, FLAT, "/data/predict/Ure_0002.jpg").any()


def test_polygons_without_crs_lie_over_images_with_a_world_file(save):
    path = save([on_map(0, 0, 3, 10)], crs=None)
    image = RasterGeometry(10, 10, None, NORTH_UP)
    assert drawn(path, image)[0].tolist() == [1, 1, 1, 0, 0, 0, 0, 0, 0, 0]
    assert not drawn(path, IMAGE).any()
    # Nor are they in pixels, as long as no column names the image.
    assert read_polygons(path, CODES).over("Ure_0001.jpg", FLAT).codes.size == 0


def test_images_may_be_wider_than_high(save):
    image = RasterGeometry(4, 12, UTM, NORTH_UP)
    layer = read_polygons(save([on_map(8, 1, 11, 3)]), CODES)
    expected = np.zeros((4, 12), np.uint8)
    expected[1:3, 8:11] = 1
    for polygons in (layer.over("a.jpg", image), polygons_over([layer], "a.jpg", image)):
        np.testing.assert_array_equal(polygons.rasterize(), expected)
    assert set(find_labelled_images([layer], {"a.jpg": image})) == {"a.jpg"}


def test_drawing_the_outlines_of_labels_gives_the_labels_back(save):
    labels = np.random.default_rng(1).integers(0, 3, (10, 10)).astype(np.uint8)
    outlines = [(shapely.geometry.shape(s), int(v)) for s, v in shapes(labels, None, 4, NORTH_UP)]
    kept = [(outline, code) for outline, code in outlines if code]
    path = save([o for o, _ in kept], **{"class": [c for _, c in kept]})
    np.testing.assert_array_equal(drawn(path), labels)


points = st.tuples(st.integers(-8 * 4, 40 * 4), st.integers(-8 * 4, 40 * 4))
sides = st.integers(0, 24), st.integers(0, 20), st.integers(1, 24), st.integers(1, 20)


@given(
    st.lists(st.lists(points, min_size=3, max_size=6), min_size=1, max_size=4), st.tuples(*sides)
)
def test_a_window_is_that_part_of_the_whole(rings, side):
    """Vertices on quarters of pixels: edges run through many pixel centres."""
    left, top, width, height = side
    outlines = np.array([shapely.Polygon(np.array(ring) / 4) for ring in rings])
    polygons = PixelPolygons(outlines, np.arange(1, len(rings) + 1, dtype=np.uint8), 40, 48)
    part = polygons.rasterize(Window(top, left, top + height, left + width))
    whole = polygons.rasterize()[top : top + height, left : left + width]
    np.testing.assert_array_equal(part, whole)


def test_images_that_polygons_cover_are_labelled_and_told_apart(save):
    shift = Affine.translation(20, 0)
    images = {
        "a.jpg": IMAGE,
        "b.jpg": RasterGeometry(10, 10, UTM, NORTH_UP @ shift),
        # In degrees, at the place of the first.
        "c.jpg": RasterGeometry(4, 4, CRS.from_epsg(4326), Affine(1e-5, 0, 15, 0, -1e-5, 47.853)),
        # The edge of the polygons only.
        "d.jpg": RasterGeometry(10, 10, UTM, NORTH_UP @ Affine.translation(-10, 0)),
    }
    x, y = Transformer.from_crs(4326, 32633, always_xy=True).transform(15.00002, 47.85298)
    place = on_map(0, 0, 3, 3), shapely.box(x - 1, y - 1, x + 1, y + 1)
    layer = read_polygons(save(place), CODES)
    found = find_labelled_images([layer], images)
    assert set(found) == {"a.jpg", "c.jpg"}
    # Another polygon changes only the image that it lies over, not one that it bends about.
    bent = on_map(5, 12, 14, 13).union(on_map(13, 5, 14, 13))
    others = on_map(22, 1, 24, 5), bent
    more = read_polygons(save([*place, *others], name="more.gpkg"), CODES)
    again = find_labelled_images([more], images)
    assert set(again) == {"a.jpg", "b.jpg", "c.jpg"}
    assert (again["a.jpg"], again["c.jpg"]) == (found["a.jpg"], found["c.jpg"])
    other = read_polygons(save([*place], name="other.gpkg", **{"class": ["2", "1"]}), CODES)
    assert find_labelled_images([other], images)["a.jpg"] != found["a.jpg"]


def refused(path, images=None):
    with pytest.raises(InputError) as caught:
        layer = read_polygons(path, CODES)
        find_labelled_images([layer], images or {"Ure_0001.jpg": IMAGE})
    (problem,) = caught.value.problems
    assert problem.startswith(f"{path}: ")
    return problem.removeprefix(f"{path}: ")


def test_what_is_wrong_with_classes_is_named_by_feature(save):
    outlines = [on_map(0, 0, 3, 3)] * 4
    path = save(outlines, **{"Klasse": ["1"] * 4, "area": [1] * 4})
    assert refused(path) == (
        "no column class; name the column of the classes in class_column (there are: Klasse, area)"
    )
    path = save(outlines, name="empty.gpkg", **{"class": ["1", None, "water", ""]})
    assert refused(path) == "no class in feature 2, 4; fill the column class"
    path = save(outlines, name="unknown.gpkg", **{"class": ["1", "Sand", "9", "sand"]})
    assert refused(path).startswith(
        "unknown classes: 9 (feature 3); sand (feature 2, 4); correct them, or add them to classes"
    )


def test_files_without_polygons(save, tmp_path):
    assert refused(str(tmp_path / "no.gpkg")).startswith("no such file")
    (tmp_path / "text.gpkg").write_text("no layers")
    assert refused(str(tmp_path / "text.gpkg")).startswith("cannot be read; save it as GeoPackage")
    line = save([shapely.LineString([(0, 0), (1, 1)])], name="line.gpkg")
    assert refused(line) == "holds LineString, no polygons; name a file with polygons"
    mixed = save([on_map(0, 0, 1, 1), shapely.Point(1, 1)], name="mixed.geojson")
    assert refused(mixed) == ("Point instead of polygons (feature 1); draw polygons in their place")
    empty = save([shapely.Polygon()], name="empty.gpkg")
    assert refused(empty).startswith("holds no polygon; draw some")
    path = save([on_map(0, 0, 1, 1)])
    frame = geopandas.read_file(path)
    frame.to_file(path, layer="again")
    assert refused(path).startswith("several layers have polygons, drawn, again; save the one")


def test_polygons_that_lie_over_no_image(save):
    away = save([on_map(30, 0, 40, 3)])
    assert refused(away).startswith("no polygon lies over an image; correct its coordinate")
    without = save([on_map(0, 0, 3, 3)], crs=None, name="without.gpkg")
    assert refused(without).startswith(
        "has no coordinate reference system, but all images have one"
    )
    flat = {"data/Ure/1.jpg": FLAT, "data/Dee/1.jpg": FLAT}
    assert refused(away, flat).startswith(
        "has the coordinate reference system WGS 84 / UTM zone 33N, but no image has one"
    )
    assert refused(without, flat).startswith("no column image, and the images have no georeference")
    box = [shapely.box(0, 0, 3, 3)] * 2
    columns = {"class": ["1", "1"], "image": ["Ure/1.jpg", "Wye/1.jpg"]}
    path = save(box, crs=None, name="unknown.gpkg", **columns)
    assert refused(path, flat) == (
        "the column image names images that the campaign does not have: Wye/1.jpg; correct it"
    )
    path = save(box, crs=None, name="right.gpkg", **(columns | {"image": ["Ure/1.jpg", "Dee/1"]}))
    assert find_labelled_images([read_polygons(path, CODES)], flat).keys() == flat.keys()
    path = save(box, crs=None, name="twice.gpkg", **(columns | {"image": ["Ure/1.jpg", "1"]}))
    assert refused(path, flat).startswith("the column image names several images at a time")


def test_virtual_layer_is_refused_whatever_its_name(tmp_path):
    (tmp_path / "a.geojson").write_text(
        '{"type": "FeatureCollection", "features": [{"type": "Feature", "properties": {"class": 1},'
        '"geometry": {"type": "Polygon", "coordinates": [[[0,0],[1,0],[1,1],[0,0]]]}}]}'
    )
    (tmp_path / "b.gpkg").write_text(
        f'<OGRVRTDataSource><OGRVRTLayer name="a"><SrcDataSource>{tmp_path}/a.geojson'
        "</SrcDataSource></OGRVRTLayer></OGRVRTDataSource>"
    )
    with pytest.raises(InputError, match=r"b.gpkg: is a file of the kind OGR_VRT, which is not"):
        read_polygons(str(tmp_path / "b.gpkg"))
    assert len(read_polygons(str(tmp_path / "a.geojson")).codes) == 1
