"""Label rasters of any codes and grid are read in those of their image."""

import numpy as np
import pytest
import rasterio
from rasterio.crs import CRS
from rasterio.transform import Affine

from ssc.classes import LandClass, label_codes
from ssc.errors import InputError, SettingError
from ssc.io.datasets import RasterGeometry
from ssc.io.labels import open_labels, write_labels
from ssc.io.windows import Window

pytestmark = pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")

UTM = CRS.from_epsg(32633)
NORTH_UP = Affine(0.5, 0, 500_000, 0, -0.5, 5_300_000)
CLASSES = [LandClass(1, "Water"), LandClass(2, "Sediment")]
CODES = label_codes(CLASSES, {"12": 1, "255": 0, "-3": "water", "3": "SEDIMENT"})
LABELS = np.array([[0, 1, 2], [12, 255, 3]])


def save(path, values, driver="GTiff", **options):
    height, width = values.shape
    profile = dict(driver=driver, height=height, width=width, count=1, dtype=values.dtype)
    with rasterio.open(path, "w", **profile, **options) as target:
        target.write(values, 1)
    return str(path)


def read(path, geometry=None, codes=CODES, window=None):
    with open_labels(path, geometry, codes) as labels:
        size = labels.geometry
        return labels.read(window or Window(0, 0, size.height, size.width)).tolist()


@pytest.mark.parametrize("dtype", ["uint8", "int16", "float64"])
def test_other_codes_become_classes(tmp_path, dtype):
    path = save(tmp_path / "SCLS_Ure_0001.tif", LABELS.astype(dtype))
    assert read(path) == [[0, 1, 2], [1, 0, 2]]
    assert read(path, window=Window(1, 1, 2, 3)) == [[0, 2]]
    assert read(path, codes={}) == LABELS.tolist()


def test_png_labels_that_begin_with_0(tmp_path):
    path = save(tmp_path / "SCLS_Ure_0001.png", np.array([[0, 1]], np.uint8), "PNG")
    assert read(path, codes=label_codes(CLASSES, {"0": 1, "1": 2})) == [[1, 2]]


@pytest.mark.parametrize(("dtype", "nodata"), [("uint8", 2), ("int32", -9999), ("float32", np.nan)])
def test_nodata_is_unlabelled(tmp_path, dtype, nodata):
    values = np.array([[1, nodata, 1]]).astype(dtype)
    path = save(tmp_path / "SCLS_Ure_0001.tif", values, nodata=nodata)
    assert read(path) == [[1, 0, 1]]


def test_codes_that_no_byte_holds(tmp_path):
    path = save(tmp_path / "SCLS_Ure_0001.tif", np.array([[-3, 2]], np.int16))
    assert read(path) == [[1, 2]]
    for values in ([[-4, 2]], [[300, 2]], [[1.5, 2]]):
        path = save(tmp_path / "SCLS_Ure_0001.tif", np.array(values, np.float32))
        with pytest.raises(InputError, match="not whole class codes from 0 to 255"):
            read(path)


def test_another_grid_is_aligned_by_nearest_neighbour(tmp_path):
    # Pixels of 1 m that begin 1 m to the right: each covers 2 x 2 pixels of the image.
    coarse = NORTH_UP @ Affine.translation(2, 0) @ Affine.scale(2)
    values = np.array([[1, 2, 1], [2, 1, 1]], np.uint8)
    path = save(tmp_path / "SCLS_Ure_0001.tif", values, crs=UTM, transform=coarse)
    image = RasterGeometry(4, 6, UTM, NORTH_UP)
    expected = [[0, 0, 1, 1, 2, 2]] * 2 + [[0, 0, 2, 2, 1, 1]] * 2
    assert read(path, image) == expected
    assert read(path, image, window=Window(1, 3, 3, 5)) == [[1, 2], [2, 1]]
    with open_labels(path, image, CODES) as labels:
        assert labels.note == f"{path}: aligned to its image (nearest neighbour)"
    # What lies beside the raster is unlabelled, whatever 0 stands for.
    assert read(path, image, codes=label_codes(CLASSES, {"0": 2})) == expected


def test_the_same_grid_is_not_aligned(tmp_path):
    near = NORTH_UP @ Affine.translation(0.001, 0)
    path = save(tmp_path / "a.tif", LABELS.astype(np.uint8), crs=UTM, transform=near)
    with open_labels(path, RasterGeometry(2, 3, UTM, NORTH_UP), CODES) as labels:
        assert labels.note == ""
    # Without a CRS on both sides, the size has to be that of the image.
    assert read(path, RasterGeometry(2, 3)) == [[0, 1, 2], [1, 0, 2]]
    with pytest.raises(InputError, match="3 x 2 px, but its image is 4 x 2; export it"):
        read(path, RasterGeometry(2, 4))


@pytest.mark.parametrize("shift", [(3, 0), (-3, 0), (0, 2), (0, -2)])
def test_labels_beside_their_image_are_refused(tmp_path, shift):
    path = save(tmp_path / "a.tif", LABELS.astype(np.uint8), crs=UTM, transform=NORTH_UP)
    image = RasterGeometry(2, 3, UTM, NORTH_UP @ Affine.translation(*shift))
    with pytest.raises(InputError, match="does not overlap its image; correct its georeference"):
        read(path, image)


@pytest.mark.parametrize(
    ("shift", "expected"),
    [
        ((2, 0), [[2, 0, 0], [2, 0, 0]]),
        ((-2, 0), [[0, 0, 0], [0, 0, 1]]),
        ((0, 1), [[1, 0, 2], [0, 0, 0]]),
        ((0, -1), [[0, 0, 0], [0, 1, 2]]),
    ],
)
def test_labels_of_one_row_or_column_of_their_image_are_read(tmp_path, shift, expected):
    path = save(tmp_path / "a.tif", LABELS.astype(np.uint8), crs=UTM, transform=NORTH_UP)
    assert read(path, RasterGeometry(2, 3, UTM, NORTH_UP @ Affine.translation(*shift))) == expected


def test_labels_are_written_strip_by_strip(tmp_path):
    values = np.random.default_rng(1).integers(0, 3, (1030, 7)).astype(np.uint8)
    path = save(tmp_path / "a.tif", values)
    with open_labels(path, RasterGeometry(1030, 7, UTM, NORTH_UP), CODES) as labels:
        counts = write_labels(tmp_path / "b.tif", labels)
    assert counts.tolist() == np.bincount(values.ravel(), minlength=256).tolist()
    with rasterio.open(tmp_path / "b.tif") as source:
        np.testing.assert_array_equal(source.read(1), values)
        assert (source.crs, source.transform, source.nodata) == (UTM, NORTH_UP, 0)


def test_remap_to_no_class_is_refused():
    with pytest.raises(SettingError, match="remap: 7: Sand is no class; give 0 or one of 1 "):
        label_codes(CLASSES, {"7": "Sand"})
