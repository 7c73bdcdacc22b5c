"""A VRT of maps, as GDAL reads it."""

import shutil

import numpy as np
import pytest
import rasterio
from rasterio.crs import CRS
from rasterio.transform import Affine

from ssc.io.datasets import RasterGeometry
from ssc.io.mosaic import select_maps, write_mosaic
from ssc.io.rasters import create_class_raster
from ssc.io.windows import whole

UTM = CRS.from_epsg(32632)


@pytest.fixture
def make_map(tmp_path, classes):
    (tmp_path / "maps").mkdir()

    def make(name, codes, left=0, top=0, pixel=0.1, crs=UTM, transform=None):
        codes = np.array(codes, np.uint8)
        if transform is None:
            transform = Affine(pixel, 0, 400_000 + left, 0, -pixel, 5_300_000 - top)
        path = tmp_path / f"maps/MLP_{name}.tif"
        with create_class_raster(path, RasterGeometry(*codes.shape, crs, transform), classes) as t:
            t.write(whole(codes.shape), codes)
        return path

    return make


def test_later_maps_cover_earlier_ones_but_not_with_no_data(tmp_path, make_map, classes):
    # The second map begins one pixel to the right and two below.
    paths = [make_map("a", [[1, 1, 1], [1, 1, 1], [1, 1, 1]])]
    paths.append(make_map("b", [[2, 0, 4], [2, 2, 2]], left=0.1, top=0.2))
    maps, problems = select_maps(paths)
    assert (list(maps), problems) == (paths, [])
    (tmp_path / "mosaic").mkdir()
    write_mosaic(tmp_path / "mosaic/Ure.vrt", maps, classes)
    # The folder can be moved.
    moved = tmp_path / "elsewhere"
    moved.mkdir()
    for part in ("maps", "mosaic"):
        shutil.move(tmp_path / part, moved / part)
    with rasterio.open(moved / "mosaic/Ure.vrt") as mosaic:
        assert mosaic.read(1).tolist() == [[1, 1, 1, 0], [1, 1, 1, 0], [1, 2, 1, 4], [0, 2, 2, 2]]
        assert (mosaic.crs, mosaic.nodata, mosaic.dtypes) == (UTM, 0, ("uint8",))
        assert mosaic.transform == Affine(0.1, 0, 400_000, 0, -0.1, 5_300_000)
        assert mosaic.colorinterp == (rasterio.enums.ColorInterp.palette,)
        # Classes are 1, 2 and 4.
        assert (tmp_path / "elsewhere/mosaic/Ure.vrt").read_text().count("<Entry ") == 5
        colours = mosaic.colormap(1)
        assert [colours[c] for c in (0, 2, 4)] == [
            (0, 0, 0, 0),
            (255, 165, 0, 255),
            (255, 0, 0, 255),
        ]


def test_of_maps_with_other_pixels_the_smallest_are_taken(tmp_path, make_map, classes):
    paths = [make_map("a", [[1, 2]], pixel=0.2), make_map("b", [[4]], left=0.4)]
    write_mosaic(tmp_path / "Ure.vrt", select_maps(paths)[0], classes)
    with rasterio.open(tmp_path / "Ure.vrt") as mosaic:
        assert mosaic.read(1).tolist() == [[1, 1, 2, 2, 4], [1, 1, 2, 2, 0]]


def test_maps_that_do_not_fit_are_left_out_and_named(make_map):
    other = make_map("a", [[1]], crs=CRS.from_epsg(32633))
    paths = [other, make_map("b", [[1]]), make_map("c", [[1]])]
    paths.append(make_map("d", [[1]], transform=Affine.rotation(10) @ Affine.scale(0.1, -0.1)))
    paths.append(make_map("e", [[1]], crs=None, transform=Affine.identity()))
    maps, problems = select_maps(paths)
    assert list(maps) == paths[1:3]
    assert problems == [
        f"{other} is not in the mosaic: its CRS is EPSG:32633, that of most maps EPSG:32632",
        f"{paths[3]} is not in the mosaic: it is rotated or mirrored",
        f"{paths[4]} is not in the mosaic: it has no georeference",
    ]
    assert select_maps(paths[4:])[0] == {}
