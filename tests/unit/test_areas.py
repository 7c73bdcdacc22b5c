"""Areas of classes, worked out by hand."""

import numpy as np
import pandas as pd
import pytest
import rasterio
from hypothesis import given
from hypothesis import strategies as st
from map_samples import write_class_raster
from rasterio.transform import Affine

from ssc.evaluation.areas import (
    compile_areas,
    count_rows,
    measure_map,
    pixel_areas,
    pixel_width,
)
from ssc.io.datasets import RasterGeometry, create_dataset, open_dataset

MAP = np.array(
    [[1, 1, 1, 2, 2], [1, 1, 2, 2, 2], [0, 1, 2, 4, 4], [0, 0, 2, 2, 2]],
    np.uint8,
)
HALF_METRE = Affine(0.5, 0, 620000, 0, -0.5, 5050000)


def geometry_of(crs, transform, shape=MAP.shape):
    return RasterGeometry(*shape, crs and rasterio.CRS.from_user_input(crs), transform)


@pytest.fixture
def areas_of(tmp_path, classes):
    """A function that measures the map in a georeference."""

    def areas_of(crs, transform):
        write_class_raster(tmp_path / "map.tif", MAP, geometry_of(crs, transform), classes)
        return measure_map(tmp_path / "map.tif", classes)

    return areas_of


def test_half_metre_pixels_have_a_quarter_of_a_square_metre(areas_of):
    areas = areas_of("EPSG:32618", HALF_METRE)
    assert areas.to_dict("list") == {
        "class_code": [1, 2, 4],
        "class": ["Water", "Sediment", "Road"],
        "pixels": [6, 9, 2],
        "square_metres": [1.5, 2.25, 0.5],
    }


def test_feet_rotation_and_shear_count(areas_of):
    foot = 1200 / 3937
    new_york_feet = Affine(2, 0, 980000, 0, -2, 200000)
    water = areas_of("EPSG:2263", new_york_feet)["square_metres"][0]
    assert water == pytest.approx(6 * 4 * foot**2, rel=1e-12)
    # |2 * -3 - 1 * 1| = 7.
    sheared = Affine(2, 1, 620000, 1, -3, 5050000)
    assert areas_of("EPSG:32618", sheared)["square_metres"].tolist() == [42, 63, 14]
    # By arctan(3/4), with pixels of 0.5 m.
    turned = Affine(0.4, 0.3, 620000, 0.3, -0.4, 5050000)
    assert areas_of("EPSG:32618", turned)["square_metres"].tolist() == pytest.approx(
        [1.5, 2.25, 0.5]
    )


@pytest.mark.parametrize(
    ("crs", "transform"),
    [
        (None, Affine.identity()),
        (None, HALF_METRE),
        ("EPSG:32618", Affine.identity()),
        ('LOCAL_CS["site",UNIT["metre",1]]', HALF_METRE),
    ],
)
def test_without_a_usable_georeference_there_are_pixels_only(areas_of, crs, transform):
    areas = areas_of(crs, transform)
    assert areas["pixels"].tolist() == [6, 9, 2]
    assert areas["square_metres"].isna().all()


def cell_area(latitude, degrees):
    """Square metres of a small cell of WGS 84: radii of curvature M N cos(latitude)."""
    sin, cos = np.sin(np.radians(latitude)), np.cos(np.radians(latitude))
    e2 = 0.00669437999014
    m = 6378137 * (1 - e2) / (1 - e2 * sin**2) ** 1.5
    n = 6378137 / (1 - e2 * sin**2) ** 0.5
    return m * n * cos * np.radians(degrees) ** 2


def test_geographic_pixels_shrink_towards_the_pole(areas_of):
    # Rows from 60 degrees northwards: a degree of latitude apart they would differ by 3 %.
    degrees = 0.01
    transform = Affine(degrees, 0, -72, 0, degrees, 60)
    rows = [cell_area(60 + degrees * (row + 0.5), degrees) for row in range(4)]
    np.testing.assert_allclose(pixel_areas(geometry_of("EPSG:4326", transform)), rows, rtol=1e-7)
    water = areas_of("EPSG:4326", transform)["square_metres"][0]
    assert water == pytest.approx(3 * rows[0] + 2 * rows[1] + rows[2], rel=1e-7)
    assert rows[0] / rows[3] > 1.0008


def test_rows_together_have_the_geodesic_area_of_the_image():
    pyproj = pytest.importorskip("pyproj")
    size, degrees = 100, 1e-4
    areas = pixel_areas(
        geometry_of("EPSG:4326", Affine(degrees, 0, 9, 0, -degrees, 47), (size,) * 2)
    )
    # Along the parallels the corners of all pixels, for a geodesic line would leave them.
    along = 9 + degrees * np.arange(size + 1)
    south = 47 - degrees * size
    ring = [*along, *along[::-1]], [47] * (size + 1) + [south] * (size + 1)
    whole = abs(pyproj.Geod(ellps="WGS84").polygon_area_perimeter(*ring)[0])
    assert size * areas.sum() == pytest.approx(whole, rel=1e-9)


def test_web_mercator_is_measured_on_the_ground_and_utm_in_its_plane():
    # At 60 degrees Web Mercator enlarges lengths by about two.
    transform = Affine(0.5, 0, -8e6, 0, -0.5, 8399737.89)
    mercator = pixel_areas(geometry_of("EPSG:3857", transform))
    np.testing.assert_allclose(
        mercator, cell_area(60, 1) * (0.5 / 111319.490793) ** 2 / 2, rtol=0.01
    )
    np.testing.assert_array_equal(pixel_areas(geometry_of("EPSG:32618", HALF_METRE)), [0.25] * 4)


def test_the_middle_of_the_image_decides_between_plane_and_ellipsoid():
    # Along the equator, where Web Mercator is right; 10,000 km further south it is not.
    transform = Affine(10, 0, -1e7, 0, -10, 10)
    np.testing.assert_array_equal(
        pixel_areas(geometry_of("EPSG:3857", transform, (2, 2_000_000))), [100, 100]
    )


@pytest.mark.parametrize(
    ("crs", "transform", "metres"),
    [
        ("EPSG:32618", Affine(0.5, 0, 620000, 0, -0.25, 5050000), 0.5),
        # By arctan(3/4).
        ("EPSG:32618", Affine(0.4, 0.3, 620000, 0.3, -0.4, 5050000), 0.5),
        ("EPSG:2263", Affine(2, 0, 980000, 0, -2, 200000), 2 * 1200 / 3937),
        # At 60 degrees, in the third row of three: half as wide as in the plane.
        ("EPSG:3857", Affine(1e4, 0, -8e6, 0, -1e4, 8399738 + 1.5e4), 0.5e4),
        ("EPSG:4326", Affine(0.01, 0, -72, 0, -0.01, 60), None),
        ("EPSG:32618", Affine.identity(), None),
        (None, HALF_METRE, None),
    ],
)
def test_width_of_a_pixel_on_the_ground(crs, transform, metres):
    width = pixel_width(geometry_of(crs, transform, (3, 9)))
    assert width == (metres and pytest.approx(metres, rel=0.004))


BLOCKS = st.sampled_from(
    [{"tiled": False, "blockysize": n} for n in (1, 3, 40)]
    + [{"blockxsize": w, "blockysize": h} for w, h in [(16, 16), (64, 16), (16, 48)]]
)


@given(st.integers(1, 70), st.integers(1, 70), BLOCKS, st.integers(0, 2**32 - 1))
def test_counts_do_not_depend_on_the_blocks_of_the_file(
    tmp_path_factory, height, width, blocks, seed
):
    codes = np.random.default_rng(seed).integers(0, 5, (height, width)).astype(np.uint8)
    path = tmp_path_factory.mktemp("blocks") / "map.tif"
    with create_dataset(path, RasterGeometry(height, width), **blocks) as target:
        target.write(codes, 1)
    with open_dataset(path) as source:
        counts = count_rows(source, [1, 2, 4])
    expected = [[(row == code).sum() for code in (1, 2, 4)] for row in codes]
    np.testing.assert_array_equal(counts, expected)


def table(group, river, image, pixels, square_metres):
    return pd.DataFrame(
        {
            **{"group": group, "river": river, "image": image},
            **{"class_code": [1, 2], "class": ["Water", "Sediment"]},
            **{"pixels": pixels, "square_metres": square_metres},
        }
    )


def test_images_sum_to_rivers_and_groups():
    areas = compile_areas(
        pd.concat(
            [
                table("g", "Ure", "Ure_0001", [30, 10], [3e4, 1e4]),
                table("g", "Ure", "Ure_0002", [0, 20], [0.0, 2e4]),
                # Without a georeference, as is then the sum.
                table("g", "Wye", "Wye_0001", [0, 0], [np.nan, np.nan]),
            ]
        )
    )
    assert list(areas.columns) == [
        *("level", "group", "river", "image", "class_code", "class", "pixels", "percent"),
        *("square_metres", "hectares"),
    ]
    of_class = ["pixels", "percent", "square_metres", "hectares"]
    rows = areas.set_index(["level", "river", "image", "class"])[of_class]
    assert len(rows) == (3 + 2 + 1) * 2
    assert rows.loc[("image", "Ure", "Ure_0001", "Water")].tolist() == [30, 75, 3e4, 3]
    ure = areas[(areas["level"] == "river") & (areas["river"] == "Ure")]
    assert ure[of_class].to_numpy().tolist() == [[30, 50, 3e4, 3], [30, 50, 3e4, 3]]
    group = areas[areas["level"] == "group"]
    assert group["river"].isna().all()
    assert group["image"].isna().all()
    assert group["pixels"].tolist() == [30, 30]
    assert group[["square_metres", "hectares"]].isna().all(axis=None)
    assert areas[areas["river"] == "Wye"]["percent"].isna().all()
