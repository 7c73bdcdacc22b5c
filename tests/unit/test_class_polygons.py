"""Regions of a map and their polygons, by strips of any height."""

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from rasterio.crs import CRS
from rasterio.transform import Affine

from ssc.classes import LandClass
from ssc.errors import SettingError
from ssc.evaluation.class_polygons import PolygonSettings, polygonize_map
from ssc.evaluation.regions import find_regions
from ssc.io.datasets import RasterGeometry

CLASSES = [LandClass(1, "Water"), LandClass(2, "Sediment"), LandClass(4, "Road")]
HALF_METRES = Affine(0.5, 0, 400_000, 0, -0.5, 5_300_000)

SHAPES = st.tuples(st.integers(1, 9), st.integers(1, 9))
MAPS = SHAPES.flatmap(lambda shape: arrays(np.uint8, shape, elements=st.sampled_from([0, 1, 2, 4])))


def polygons_of(class_map, confidence=None, transform=HALF_METRES, **settings):
    class_map = np.array(class_map, np.uint8)
    confidence = np.full_like(class_map, 50) if confidence is None else np.array(confidence, "u1")
    geometry = RasterGeometry(*class_map.shape, CRS.from_epsg(32632), transform)
    settings = PolygonSettings(**settings)
    return polygonize_map(class_map, confidence, geometry, CLASSES, settings, "Ure_0001")


def regions_of(class_map, strip_rows, minimum=0, unit="pixels", areas=None):
    confidence = np.arange(class_map.size, dtype=np.uint8).reshape(class_map.shape) % 101
    return find_regions(class_map, confidence, areas, unit, minimum, strip_rows)


def numbers_of(regions, class_map):
    return np.concatenate([numbers for _, numbers in regions.strips(class_map)])


def mapped_codes(class_map, minimum, **options):
    """Class map after regions below the minimum mapping unit were joined."""
    class_map = np.array(class_map, np.uint8)
    regions = regions_of(class_map, 2, minimum, **options)
    return np.append(0, regions.class_codes)[numbers_of(regions, class_map)].tolist()


def test_polygons_have_the_area_and_confidence_of_their_pixels():
    class_map = [[1, 1, 2], [1, 0, 2]]
    confidence = [[60, 70, 90], [81, 0, 91]]
    table = polygons_of(class_map, confidence).set_index("class")
    assert table.crs == "EPSG:32632"
    assert table.drop(columns="geometry").to_dict("index") == {
        "Water": dict(class_code=1, pixels=3, square_metres=0.75, mean_confidence=70.33),
        "Sediment": dict(class_code=2, pixels=2, square_metres=0.5, mean_confidence=90.5),
    }
    x, y = 400_000, 5_300_000
    corners = [(0, 0), (2, 0), (2, 1), (1, 1), (1, 2), (0, 2)]
    water = shapely.Polygon([(x + column / 2, y - row / 2) for column, row in corners])
    assert table.loc["Water", "geometry"].normalize() == water.normalize()
    assert table.loc["Sediment", "geometry"].bounds == (x + 1, y - 1, x + 1.5, y)


def test_without_a_georeference_rows_go_down_from_0():
    table = polygons_of([[1, 2]], transform=Affine.identity())
    assert sorted(table.bounds.to_numpy().tolist()) == [[0, -1, 1, 0], [1, -1, 2, 0]]


@given(MAPS, st.integers(1, 5), st.sampled_from([0, 2, 4]))
def test_regions_do_not_depend_on_the_strips(class_map, strip_rows, minimum):
    whole = regions_of(class_map, len(class_map), minimum)
    parts = regions_of(class_map, strip_rows, minimum)
    np.testing.assert_array_equal(numbers_of(parts, class_map), numbers_of(whole, class_map))
    for name in ("class_codes", "pixels", "mean_confidence"):
        np.testing.assert_array_equal(getattr(parts, name), getattr(whole, name))


@given(MAPS)
def test_polygons_are_the_pixels_of_each_class(class_map):
    table = polygons_of(class_map)
    for code in (1, 2, 4):
        own = table[table["class_code"] == code]
        rows, columns = np.nonzero(class_map == code)
        x, y = 400_000 + columns / 2, 5_300_000 - rows / 2
        pixels = shapely.union_all(shapely.box(x, y - 0.5, x + 0.5, y))
        assert shapely.union_all(own.geometry).equals(pixels)
        assert own["pixels"].sum() == len(rows)
        # Connected by sides, not by corners.
        assert len(own) == len(getattr(pixels.buffer(-0.01), "geoms", [0][: len(rows)]))
    assert table.is_valid.all()
    np.testing.assert_array_equal(table.area, table["square_metres"])


@given(MAPS, st.sampled_from([0, 3]), st.sampled_from([0.8, 2]))
def test_simplified_polygons_leave_no_gaps_and_do_not_overlap(class_map, minimum, simplify):
    table = polygons_of(class_map, minimum_mapping_unit=minimum, simplify=simplify)
    assert table.is_valid.all()
    assert shapely.coverage_is_valid(table.geometry.to_numpy())
    assert shapely.union_all(table.geometry).area == pytest.approx(table.area.sum())


def test_a_staircase_becomes_a_line_on_both_sides():
    class_map = np.where(np.tri(20, 20, dtype=bool), 1, 2)
    table = polygons_of(class_map, simplify=2).set_index("class_code")
    assert all(shapely.get_num_coordinates(table.geometry) < 10)
    border = table.geometry[1].intersection(table.geometry[2])
    assert border.length == pytest.approx(9.5 * 2**0.5, abs=0.3)
    assert table["pixels"].to_dict() == {1: 210, 2: 190}


def test_small_regions_take_the_class_across_their_longest_border():
    class_map = [[1, 1, 2, 2, 2], [1, 4, 2, 2, 2], [1, 4, 2, 2, 2], [1, 1, 1, 1, 2]]
    # The 4s have 2 sides with the 2s, and 1 above, 2 to the left and 1 below with the 1s.
    joined = [[c if c != 4 else 1 for c in row] for row in class_map]
    assert mapped_codes(class_map, 3) == joined
    assert mapped_codes(class_map, 2) == class_map
    areas = np.full(4, 0.5)
    assert mapped_codes(class_map, 1.5, unit="square_metres", areas=areas) == joined
    assert mapped_codes(class_map, 1.0, unit="square_metres", areas=areas) == class_map


def test_what_a_small_region_joins_becomes_one_region():
    class_map = np.array([[1, 1, 2, 1, 1]], np.uint8)
    regions = regions_of(class_map, 1, minimum=2)
    assert (regions.class_codes.tolist(), regions.pixels.tolist()) == ([1], [5])
    assert regions.mean_confidence.tolist() == [2]


def test_of_equal_borders_the_larger_neighbour_takes_a_small_region():
    assert mapped_codes([[1, 1, 4, 2, 2, 2]], 2) == [[1, 1, 2, 2, 2, 2]]
    assert mapped_codes([[2, 2, 4, 1, 1, 1]], 2) == [[2, 2, 1, 1, 1, 1]]


def test_small_regions_among_themselves_take_the_class_of_the_largest():
    assert mapped_codes([[1, 2, 2, 0, 4]], 9) == [[2, 2, 2, 0, 4]]


@given(MAPS, st.integers(2, 8))
def test_no_region_with_a_neighbour_stays_below_the_unit(class_map, minimum):
    regions = regions_of(class_map, 3, minimum)
    numbers = np.pad(numbers_of(regions, class_map), 1)
    np.testing.assert_array_equal(numbers[1:-1, 1:-1] > 0, class_map > 0)
    assert regions.pixels.sum() == np.count_nonzero(class_map)
    for number in np.flatnonzero(regions.pixels < minimum) + 1:
        around = [np.roll(numbers, s, axis)[numbers == number] for s in (-1, 1) for axis in (0, 1)]
        assert set(np.concatenate(around)) <= {0, number}


def test_a_unit_in_square_metres_needs_areas():
    class_map = np.ones((2, 2), np.uint8)
    settings = PolygonSettings({"square_metres": 4})
    with pytest.raises(SettingError, match="minimum_mapping_unit: Ure_0001 has no CRS"):
        polygonize_map(class_map, class_map, RasterGeometry(2, 2), CLASSES, settings, "Ure_0001")


def test_a_map_without_data_has_no_polygons():
    table = polygons_of(np.zeros((2, 3)), minimum_mapping_unit=3, simplify=1)
    assert len(table) == 0
    assert table.crs == "EPSG:32632"
