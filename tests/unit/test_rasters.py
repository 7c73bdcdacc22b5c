from xml.etree import ElementTree

import numpy as np
import PIL.Image
import pytest
import rasterio
from rasterio.transform import Affine

from ssc.errors import InputError
from ssc.io.rasters import (
    RasterGeometry,
    no_data_mask,
    read_class_raster,
    read_confidence,
    read_geometry,
    read_image,
    read_preview,
    read_probabilities,
    write_class_raster,
    write_confidence,
    write_probabilities,
)
from ssc.probabilities import CoarseProbabilities

pytestmark = pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")

NORTH_UP = Affine(0.5, 0, 400_000, 0, -0.5, 5_300_000)


def write_bands(path, bands, driver="GTiff", **options):
    """Write an array (count, height, width) as it is."""
    count, height, width = bands.shape
    shape = dict(count=count, height=height, width=width, dtype=bands.dtype)
    with rasterio.open(path, "w", driver=driver, **shape, **options) as target:
        target.write(bands)
    return str(path)


def noise(*shape, dtype=np.uint8):
    return np.random.default_rng(1).integers(0, 256, shape).astype(dtype)


@pytest.mark.parametrize("dtype", ["float64", "float32", "int16", "int32", "uint16", "uint8"])
def test_labels_of_any_type_are_read_as_codes(tmp_path, dtype):
    codes = np.array([[0, 1, 5], [2, 255, 0]])
    path = write_bands(tmp_path / "SCLS_Ure_0001.tif", codes[None].astype(dtype))
    labels = read_class_raster(path)
    assert labels.dtype == np.uint8
    np.testing.assert_array_equal(labels, codes)


@pytest.mark.parametrize(
    ("dtype", "value"),
    [
        ("float64", 1.5),
        ("float64", -1),
        ("float64", 300),
        ("float32", np.nan),
        ("float64", np.inf),
        ("int16", -1),
        ("int32", 300),
        ("uint16", 256),
    ],
)
def test_labels_with_other_values_are_refused(tmp_path, dtype, value):
    path = write_bands(tmp_path / "SCLS_Ure_0001.tif", np.array([[[1, value]]], dtype))
    with pytest.raises(InputError) as caught:
        read_class_raster(path)
    assert caught.value.problems == (
        f"{path}: holds values that are not whole class codes from 0 to 255",
    )


def test_labels_of_several_bands_are_refused(tmp_path):
    path = write_bands(tmp_path / "SCLS_Ure_0001.tif", noise(3, 4, 5))
    with pytest.raises(InputError, match="0001.tif: 3 bands; a label raster has one"):
        read_class_raster(path)


def test_damaged_labels_are_refused(tmp_path):
    path = tmp_path / "SCLS_Ure_0001.tif"
    write_bands(path, noise(1, 100, 100), compress="deflate")
    path.write_bytes(path.read_bytes()[:2000])
    with pytest.raises(InputError, match="0001.tif: truncated or damaged; copy it anew"):
        read_class_raster(str(path))


def test_rgb_is_read_as_written(tmp_path):
    bands = noise(3, 4, 5)
    path = write_bands(tmp_path / "Ure_0001.tif", bands, crs="EPSG:32618", transform=NORTH_UP)
    image, grid = read_image(path)
    assert image.flags.c_contiguous
    np.testing.assert_array_equal(image, bands.transpose(1, 2, 0))
    assert (
        grid == read_geometry(path) == RasterGeometry(4, 5, rasterio.CRS.from_epsg(32618), NORTH_UP)
    )


def test_colours_of_a_jpeg_are_red_green_blue(tmp_path):
    path = tmp_path / "Ure_0001.jpg"
    PIL.Image.new("RGB", (16, 8), (200, 100, 50)).save(path, quality=95)
    image, grid = read_image(str(path))
    assert (grid.height, grid.width) == image.shape[:2] == (8, 16)
    np.testing.assert_allclose(image, np.full((8, 16, 3), (200, 100, 50)), atol=2)


def test_preview_of_a_jpeg_is_the_image_at_the_smallest_size_that_will_do(tmp_path):
    path = tmp_path / "Ure_0001.jpg"
    left_red = np.zeros((410, 806, 3), np.uint8)
    left_red[:, :403, 0] = 200
    PIL.Image.fromarray(left_red).save(path, quality=95)
    sizes = {2000: (410, 806), 403: (205, 403), 202: (205, 403), 201: (103, 202)}
    for width, size in sizes.items():
        preview = read_preview(str(path), width)
        assert preview.shape == (*size, 3)
        for half, colour in zip(
            np.split(preview, [size[1] // 2], 1), [(200, 0, 0), 0], strict=True
        ):
            np.testing.assert_allclose(np.median(half, (0, 1)), colour, atol=2)


@pytest.mark.parametrize(
    ("bands", "driver", "kind"),
    [
        (noise(1, 8, 9), "JPEG", r"1 band\(s\) of uint8"),
        (noise(4, 8, 9), "PNG", r"4 band\(s\) of uint8"),
        (noise(3, 8, 9, dtype=np.uint16), "PNG", r"3 band\(s\) of uint16"),
        (noise(3, 8, 9, dtype=np.uint16), "GTiff", r"3 band\(s\) of uint16"),
    ],
    ids=["grey", "RGBA", "16-bit PNG", "16-bit TIFF"],
)
@pytest.mark.parametrize("read", [read_geometry, read_image])
def test_image_that_is_not_8_bit_rgb_is_refused(tmp_path, bands, driver, kind, read):
    path = write_bands(tmp_path / "Ure_0001.jpg", bands, driver)
    with pytest.raises(InputError, match=f"Ure_0001.jpg: {kind}, not 8-bit RGB; convert it"):
        read(path)


@pytest.mark.parametrize("share", [0.5, 0.95])
def test_truncated_jpeg_is_refused(tmp_path, share):
    path = tmp_path / "Ure_0001.jpg"
    PIL.Image.fromarray(noise(200, 300, 3)).save(path)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(InputError, match="Ure_0001.jpg: truncated or damaged; copy it anew"):
        read_image(str(path))


def test_jpeg_with_a_hole_is_refused(tmp_path):
    path = tmp_path / "Ure_0001.jpg"
    PIL.Image.fromarray(noise(200, 300, 3)).save(path)
    content = path.read_bytes()
    # It ends well, but GDAL fills the lower half with grey by default.
    path.write_bytes(content[: len(content) // 2] + content[-2:])
    with pytest.raises(InputError, match="Ure_0001.jpg: truncated or damaged; copy it anew"):
        read_image(str(path))
    # The option of GDAL is no longer set.
    with rasterio.open(path) as source:
        assert source.read().shape == (3, 200, 300)


@pytest.mark.parametrize("content", [b"", b"not an image"])
def test_file_that_is_no_image_is_refused(tmp_path, content):
    path = tmp_path / "Ure_0001.jpg"
    path.write_bytes(content)
    with pytest.raises(InputError, match="Ure_0001.jpg: truncated or damaged; copy it anew"):
        read_geometry(str(path))


def test_class_raster_is_a_compressed_single_band_with_colours_and_nodata(tmp_path, classes):
    path, codes = tmp_path / "CNN_Ure_0001.tif", np.array([[0, 1, 2], [4, 4, 1]], np.uint8)
    write_class_raster(str(path), codes, RasterGeometry(2, 3), classes)
    with rasterio.open(path) as source:
        assert (source.driver, source.count, source.dtypes) == ("GTiff", 1, ("uint8",))
        assert source.compression == rasterio.enums.Compression.deflate
        assert source.nodata == 0
        colours = source.colormap(1)
    assert [colours[c] for c in (1, 2, 4)] == [
        (173, 216, 230, 255),
        (255, 165, 0, 255),
        (255, 0, 0, 255),
    ]
    np.testing.assert_array_equal(read_class_raster(str(path)), codes)


def test_class_raster_names_its_classes_for_gdal(tmp_path, classes):
    path = tmp_path / "CNN_Ure_0001.tif"
    write_class_raster(str(path), np.ones((2, 3), np.uint8), RasterGeometry(2, 3), classes)
    # Rasterio cannot ask GDAL for category names, so the file that GDAL reads is looked at.
    (band,) = ElementTree.parse(f"{path}.aux.xml").getroot().iter("PAMRasterBand")
    assert band.get("band") == "1"
    names = [category.text or "" for category in band.find("CategoryNames")]
    assert names == ["Unclassified", "Water", "Sediment", "", "Road"]


def test_map_lies_where_its_georeferenced_image_lies(tmp_path, classes):
    place = dict(crs="EPSG:32618", transform=NORTH_UP)
    _, grid = read_image(write_bands(tmp_path / "Ure_0001.tif", noise(3, 2, 3), **place))
    path = tmp_path / "CNN_Ure_0001.tif"
    write_class_raster(str(path), np.ones((2, 3), np.uint8), grid, classes)
    with rasterio.open(path) as source:
        assert (source.crs, source.transform) == (rasterio.CRS.from_epsg(32618), NORTH_UP)


def test_same_map_gives_the_same_bytes(tmp_path, classes):
    codes = noise(300, 300) % 3
    paths = [tmp_path / "a.tif", tmp_path / "b.tif"]
    for path in paths:
        write_class_raster(str(path), codes, RasterGeometry(300, 300, transform=NORTH_UP), classes)
    a, b = paths
    assert a.read_bytes() == b.read_bytes()
    assert (tmp_path / "a.tif.aux.xml").read_bytes() == (tmp_path / "b.tif.aux.xml").read_bytes()


def test_map_of_an_image_without_georeference_has_none(tmp_path, classes):
    path = tmp_path / "MLP_Ure_0001.tif"
    write_class_raster(str(path), np.ones((3, 4), np.uint8), RasterGeometry(3, 4), classes)
    with pytest.warns(rasterio.errors.NotGeoreferencedWarning), rasterio.open(path):
        pass


UTM = rasterio.CRS.from_epsg(32618)


def test_confidence_is_a_single_band_of_percent_with_nodata(tmp_path):
    path, percent = tmp_path / "confidence_Ure_0001.tif", np.array([[0, 1, 50], [99, 100, 7]])
    write_confidence(path, percent.astype(np.uint8), RasterGeometry(2, 3, UTM, NORTH_UP))
    with rasterio.open(path) as source:
        assert (source.driver, source.count, source.dtypes) == ("GTiff", 1, ("uint8",))
        assert (source.nodata, source.units, source.descriptions) == (
            *(0, ("percent",), ("confidence",)),
        )
        assert source.compression == rasterio.enums.Compression.deflate
        assert (source.crs, source.transform) == (UTM, NORTH_UP)
    confidence = read_confidence(path)
    assert confidence.dtype == np.uint8
    np.testing.assert_array_equal(confidence, percent)


# Cells of 8 pixels over an image of 20 x 30; one row and two columns more than full cells.
CELLS = np.arange(2 * 3 * 4, dtype=np.uint16).reshape(2, 3, 4) * 2849
COARSE = CoarseProbabilities(CELLS, np.array([2, 255], np.uint8), 8, (20, 30))


def test_probabilities_come_back_with_their_16_bits(tmp_path):
    path = tmp_path / "probabilities_Ure_0001.tif"
    assert CELLS.max() == 65527
    write_probabilities(path, COARSE, RasterGeometry(20, 30, UTM, NORTH_UP))
    read = read_probabilities(path)
    assert (read.values.dtype, read.class_codes.dtype) == (np.uint16, np.uint8)
    np.testing.assert_array_equal(read.values, CELLS)
    assert read.class_codes.tolist() == [2, 255]
    assert (read.pixels_per_cell, read.shape) == (8, (20, 30))


def test_probabilities_lie_over_their_image_in_larger_pixels(tmp_path):
    path = tmp_path / "probabilities_Ure_0001.tif"
    rotated = Affine(0.5, 0.25, 400_000, -0.125, -0.5, 5_300_000)
    write_probabilities(path, COARSE, RasterGeometry(20, 30, UTM, rotated))
    with rasterio.open(path) as source:
        assert source.crs == UTM
        # Cells of 8 x 8 pixels, from the same corner.
        assert source.transform == Affine(4, 2, 400_000, -1, -4, 5_300_000)
        assert (source.dtypes, source.descriptions) == (("uint16",) * 2, ("2", "255"))
        assert source.scales == pytest.approx((1 / 65535,) * 2)


def test_probabilities_of_an_image_without_georeference_have_none(tmp_path):
    path = tmp_path / "probabilities_Ure_0001.tif"
    write_probabilities(path, COARSE, RasterGeometry(20, 30))
    with pytest.warns(rasterio.errors.NotGeoreferencedWarning), rasterio.open(path):
        pass


def test_no_data_is_black_in_large_patches_only():
    image = np.full((60, 60, 3), 40, np.uint8)
    image[:30, :35] = 2
    assert no_data_mask(image).sum() == 30 * 35
    assert no_data_mask(image)[29, 34]
    # A pixel that any band lights up, a patch of 999 pixels, and contact by a corner.
    image[0, 0, 2] = 3
    assert not no_data_mask(image)[0, 0]
    image[:] = 40
    image[:27, :37] = 0
    image[27:, 37:] = 0
    assert no_data_mask(image).sum() == 0
