import subprocess
import sys
from xml.etree import ElementTree

import numpy as np
import PIL.Image
import pytest
import rasterio
from map_samples import write_class_raster
from rasterio.transform import Affine

from run import REPO
from ssc.errors import InputError
from ssc.io import rasters
from ssc.io.datasets import create_dataset
from ssc.io.rasters import (
    RasterGeometry,
    black_patches,
    create_class_raster,
    create_confidence,
    open_band,
    open_image,
    read_class_raster,
    read_geometry,
    read_image,
    read_probabilities,
    write_probabilities,
)
from ssc.io.windows import Window, whole, windows
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
    with pytest.raises(InputError, match="0001.tif: truncated or damaged; delete it and run"):
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
        with open_image(str(path)) as image:
            preview = image.preview(width)
        assert preview.shape == (*size, 3)
        for half, colour in zip(
            np.split(preview, [size[1] // 2], 1), [(200, 0, 0), 0], strict=True
        ):
            np.testing.assert_allclose(np.median(half, (0, 1)), colour, atol=2)


def test_preview_of_a_large_image_is_averaged_whatever_its_shape(tmp_path, monkeypatch):
    monkeypatch.setattr(rasters, "PREVIEW_PIXELS", 1000)
    values = np.zeros((3, 90, 40), np.uint8)
    values[:, :, ::2] = 100
    # Squares of 4 x 4 pixels are half of 100; a narrow image keeps its pixels.
    for width, size, expected in ((10, (23, 10), 50), (80, (90, 40), None)):
        path = write_bands(tmp_path / "Ure_0001.tif", values, photometric="RGB")
        with open_image(path) as image:
            preview = image.preview(width)
        assert preview.shape == (*size, 3)
        if expected:
            assert (preview == expected).all()
        else:
            np.testing.assert_array_equal(preview, values.transpose(1, 2, 0))


@pytest.mark.parametrize(
    ("bands", "driver", "kind"),
    [
        (noise(1, 8, 9), "JPEG", r"1 band\(s\) of uint8"),
        (noise(5, 8, 9), "GTiff", r"5 band\(s\) of uint8"),
        (noise(3, 8, 9, dtype=np.float32), "GTiff", r"3 band\(s\) of float32"),
    ],
    ids=["grey", "bands without colours", "floats"],
)
@pytest.mark.parametrize("read", [read_geometry, read_image])
def test_image_without_red_green_and_blue_is_refused(tmp_path, bands, driver, kind, read):
    path = write_bands(tmp_path / "Ure_0001.jpg", bands, driver)
    expected = f"Ure_0001.jpg: {kind}, not red, green and blue of 8 or 16 bits; convert it"
    with pytest.raises(InputError, match=expected):
        read(path)


def test_turned_photograph_is_refused(tmp_path):
    path = tmp_path / "Ure_0001.jpg"
    photograph = PIL.Image.new("RGB", (16, 8), (200, 100, 50))
    for orientation, upright in ((1, True), (6, False)):
        exif = PIL.Image.Exif()
        exif[0x0112] = orientation
        photograph.save(path, exif=exif)
        if upright:
            assert read_image(str(path))[0].shape == (8, 16, 3)
        else:
            with pytest.raises(InputError, match="Ure_0001.jpg: is to be turned .*orientation 6"):
                read_image(str(path))


def test_16_bits_are_scaled_by_the_white_level(tmp_path):
    values = np.array([[[0, 2, 5], [510, 4080, 65535]]] * 3, np.uint16)
    path = write_bands(tmp_path / "Ure_0001.tif", values, photometric="RGB")
    # 255 / 1020 of each, and white above 1020; 255 / 65535 is 1 / 257.
    for white, expected in (
        (1020, [[0, 0, 1], [128, 255, 255]]),
        (65535, [[0, 0, 0], [2, 16, 255]]),
    ):
        image, _ = read_image(path, white)
        assert image.dtype == np.uint8
        assert image[..., 0].tolist() == image[..., 2].tolist() == expected


# Pixels of the right half show nothing, and the left half has black ones that do.
BANDS = np.where(np.arange(80) < 40, 0, 90).astype(np.uint8) * np.ones((3, 40, 1), np.uint8)
RIGHT = np.arange(80) >= 40


def test_alpha_mask_and_nodata_say_where_an_image_shows_nothing(tmp_path):
    alpha = np.where(RIGHT, 0, 255).astype(np.uint8) * np.ones((1, 40, 1), np.uint8)
    rgba = np.concatenate([BANDS, alpha])
    paths = [
        write_bands(tmp_path / "alpha.png", rgba, "PNG"),
        write_bands(tmp_path / "alpha.tif", rgba, photometric="RGB", alpha="YES"),
        write_bands(tmp_path / "nodata.tif", BANDS, photometric="RGB", nodata=90),
    ]
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True):
        paths.append(str(tmp_path / "mask.tif"))
        shape = dict(count=3, height=40, width=80, dtype="uint8", photometric="RGB")
        with rasterio.open(paths[-1], "w", driver="GTiff", **shape) as target:
            target.write(BANDS)
            target.write_mask(~np.tile(RIGHT, (40, 1)))
    for path in paths:
        with open_image(path) as image:
            window = Window(5, 30, 25, 50)
            assert image.no_data(window).tolist() == [RIGHT[30:50].tolist()] * 20
            np.testing.assert_array_equal(
                image[window.slices], BANDS[:, 5:25, 30:50].transpose(1, 2, 0)
            )
    # Without any of these it is the black half.
    with open_image(write_bands(tmp_path / "plain.tif", BANDS, photometric="RGB")) as image:
        assert image.no_data(whole(image.shape)).tolist() == [(~RIGHT).tolist()] * 40


def test_bands_are_found_by_their_colour(tmp_path):
    path = write_bands(tmp_path / "Ure_0001.tif", noise(4, 8, 9))
    with rasterio.open(path, "r+") as target:
        target.colorinterp = [
            rasterio.enums.ColorInterp[name] for name in ("undefined", "blue", "green", "red")
        ]
    with pytest.warns(rasterio.errors.NotGeoreferencedWarning):
        image, _ = read_image(path)
    np.testing.assert_array_equal(image, noise(4, 8, 9)[[3, 2, 1]].transpose(1, 2, 0))


def test_map_written_by_windows_is_a_cog_with_overviews_of_the_majority(tmp_path, classes):
    codes = np.ones((1200, 900), np.uint8)
    codes[:, ::5] = 2
    path = tmp_path / "CNN_Ure_0001.tif"
    with create_class_raster(path, RasterGeometry(1200, 900, UTM, NORTH_UP), classes) as target:
        for window in windows(codes.shape, 256):
            target.write(window, codes[window.slices])
    with rasterio.open(path) as source:
        assert source.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
        assert source.overviews(1) == [2, 4]
        np.testing.assert_array_equal(source.read(1), codes)
    with rasterio.open(path, overview_level=0) as source:
        assert source.read(1).shape == (600, 450)
        assert (source.read(1) == 1).mean() > 0.75
    assert [p.name for p in tmp_path.iterdir() if "draft" in p.name] == []


def test_an_address_that_does_not_answer_is_refused():
    # Nothing listens at port 1.
    address = "http://127.0.0.1:1/Ure_0001.tif"
    with pytest.raises(InputError, match=f"^{address}: not to be read from there; try its address"):
        read_image(address)


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


@pytest.mark.parametrize(
    ("content", "problem"), [(b"", "is empty"), (b"not an image", "no raster .*, or damaged")]
)
def test_file_that_is_no_image_is_refused(tmp_path, content, problem):
    path = tmp_path / "Ure_0001.jpg"
    path.write_bytes(content)
    with pytest.raises(InputError, match=f"Ure_0001.jpg: {problem}; copy it anew"):
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


def test_full_disk_is_told_and_leaves_nothing(tmp_path):
    program = """
import resource, signal, sys
import numpy as np
from ssc.errors import InputError
from ssc.io.rasters import RasterGeometry, create_class_raster
from ssc.io.windows import windows
# As on a full disk, a file cannot grow.
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))
codes = np.random.default_rng(1).integers(0, 5, (1000, 1000)).astype(np.uint8)
try:
    with create_class_raster(sys.argv[1], RasterGeometry(1000, 1000), []) as target:
        for window in windows(codes.shape, 256):
            target.write(window, codes[window.slices])
except InputError as error:
    print(error)
"""
    command = [sys.executable, "-c", program, str(tmp_path / "CNN_Ure_0001.tif")]
    run = subprocess.run(
        command, cwd=REPO / "workflow_scripts", capture_output=True, text=True, check=True
    )
    assert run.stdout.startswith(f"{tmp_path}: cannot be written to; is the disk full")
    assert not [path for path in tmp_path.iterdir() if path.suffix in (".draft", ".xml")]


def test_disk_that_fills_up_only_as_the_file_is_closed_is_told(tmp_path, full_disk):
    # One block of 10 kB, which GDAL holds back until the end.
    with (
        pytest.raises(InputError, match="is the disk full"),
        full_disk(),
        create_dataset(tmp_path / "labels.tif", RasterGeometry(100, 100)) as target,
    ):
        target.write(noise(100, 100), 1)


def test_map_of_an_image_without_georeference_has_none(tmp_path, classes):
    path = tmp_path / "MLP_Ure_0001.tif"
    write_class_raster(str(path), np.ones((3, 4), np.uint8), RasterGeometry(3, 4), classes)
    with pytest.warns(rasterio.errors.NotGeoreferencedWarning), rasterio.open(path):
        pass


UTM = rasterio.CRS.from_epsg(32618)


def test_confidence_is_a_single_band_of_percent_with_nodata(tmp_path):
    path, percent = tmp_path / "confidence_Ure_0001.tif", np.array([[0, 1, 50], [99, 100, 7]])
    tags = {"CNN_SHA256": "ab", "SEED": 42}
    with create_confidence(path, RasterGeometry(2, 3, UTM, NORTH_UP), tags) as target:
        target.write(whole(percent.shape), percent.astype(np.uint8))
    with rasterio.open(path) as source:
        assert (source.driver, source.count, source.dtypes) == ("GTiff", 1, ("uint8",))
        assert (source.nodata, source.units, source.descriptions) == (
            *(0, ("percent",), ("confidence",)),
        )
        assert source.compression == rasterio.enums.Compression.deflate
        assert (source.crs, source.transform) == (UTM, NORTH_UP)
    with open_band(path) as band:
        confidence = band[whole(band.shape).slices]
        assert tags.keys() <= band.tags.keys() and band.tags["SEED"] == "42"
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
    image[:25, :40] = 2
    assert black_patches(image).sum() == 1000
    assert black_patches(image)[24, 39]
    image[:30, :40] = 2
    # A pixel that any band lights up, a patch of 999 pixels, and contact by a corner.
    image[0, 0, 2] = 3
    assert not black_patches(image)[0, 0]
    image[:] = 40
    image[:27, :37] = 0
    image[27:, 37:] = 0
    assert black_patches(image).sum() == 0
