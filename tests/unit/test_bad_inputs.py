"""A table of bad inputs: what is said of each, by the functions that check."""

import errno
import io
import os
import re
import resource
import socket
import struct
import tempfile
import time
import zlib
from contextlib import nullcontext, suppress
from functools import partial
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
import rasterio
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from onnx_models import BY_COLOUR, save_mean_colour_model
from rasterio.transform import Affine, from_origin

from config_reading import find_file_problems, find_problems
from job import REMEDIES, explain_system_error, stop_on_failed_check
from results import atomic_path
from run import REPO
from ssc.campaign import Image, read_campaign
from ssc.classes import LandClass, label_codes
from ssc.cnn.class_key import class_key, read_class_key
from ssc.cnn.classifier import ClassifierSettings, open_classifier
from ssc.errors import InputError
from ssc.evaluation.areas import measure_map
from ssc.groups import find_name_fault
from ssc.io.files import find_file_fault, find_folder_fault, find_input_fault
from ssc.io.rasters import open_band, open_class_raster
from ssc.io.tables import read_table
from ssc.preflight import LabelSources, check_image

SCHEMA = yaml.safe_load((REPO / "config/config.schema.yaml").read_text("utf-8"))
CLASSES = [LandClass(1, "Water", "blue"), LandClass(2, "Sediment", "red")]
PIXELS = np.random.default_rng(1).integers(0, 256, (48, 64, 3)).astype(np.uint8)
LABELS = np.ones((48, 64), np.uint8)
LABELS[:, :20] = 2
UTM = dict(crs="EPSG:32631", transform=from_origin(5e5, 5e6, 1, 1))
# On a busy machine all takes long.
QUICK = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


# Rasters

RAW_VRT = (
    '<VRTDataset rasterXSize="8" rasterYSize="8">{bands}</VRTDataset>',
    '<VRTRasterBand dataType="Byte" subClass="VRTRawRasterBand"><SourceFilename>'
    "/etc/passwd</SourceFilename></VRTRasterBand>",
    '<VRTRasterBand dataType="Byte"><SimpleSource><SourceFilename>{source}</SourceFilename>'
    "</SimpleSource></VRTRasterBand>",
)


def vrt(band, source=""):
    return RAW_VRT[0].format(bands=3 * RAW_VRT[band].format(source=source)).encode()


def encoded(kind, **options):
    file = io.BytesIO()
    PIL.Image.fromarray(PIXELS).save(file, kind, **options)
    return file.getvalue()


jpeg = partial(encoded, "JPEG")
PNG = encoded("PNG")


def turned(orientation):
    exif = PIL.Image.Exif()
    exif[0x0112] = orientation
    return jpeg(exif=exif)


def damaged(content, at, new):
    at = int(len(content) * at)
    return content[:at] + new + content[at + len(new) :]


def claiming(width, height, frame=b"\xff\xc0", **options):
    """A JPEG whose header tells another size."""
    content = jpeg(**options)
    at = content.index(frame) + 5
    return content[:at] + struct.pack(">HH", height, width) + content[at + 4 :]


def png_claiming(width, height):
    def chunk(kind, data):
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    data = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(99))) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + data


def raster(bands, **options):
    bands = bands if bands.ndim == 3 else bands[None]
    count, height, width = bands.shape
    shape = dict(count=count, height=height, width=width, dtype=bands.dtype)

    def write(path):
        with rasterio.open(path, "w", **dict(driver="GTiff") | shape | options) as target:
            target.write(bands)

    return write


def sparse(width, height, **options):
    """A label raster of some bytes that unpacks to gigabytes."""
    form = dict(driver="GTiff", count=1, dtype="uint8", sparse_ok=True, tiled=True, bigtiff="yes")

    def write(path):
        with rasterio.open(path, "w", width=width, height=height, **form, **options):
            pass

    return write


def pages(*images):
    def write(path):
        first, *others = map(PIL.Image.fromarray, images)
        first.save(path, save_all=True, append_images=others)

    return write


def with_world_file(text):
    def write(path):
        path.write_bytes(jpeg())
        path.with_suffix(".jgw").write_text(text)

    return write


def make_socket(path):
    # Its path may have 107 bytes only.
    here = os.getcwd()
    os.chdir(path.parent)
    try:
        socket.socket(socket.AF_UNIX).bind(path.name)
    finally:
        os.chdir(here)


def put(path, content):
    content(path) if callable(content) else path.write_bytes(content)


def problem_of(folder, image, suffix=".jpg", label=None, **options):
    path, target = folder / f"Ure_0001{suffix}", folder / "SCLS_Ure_0001.tif"
    put(path, image)
    if label is not None:
        put(target, label)
    checked = Image("Ure", "0001", str(path), str(target) if label is not None else None)
    sources = LabelSources(label_codes(CLASSES, {}))
    made = nullcontext(folder / "made.tif")
    row = check_image(checked, "train", [1, 2], None, sources, made, **options)
    return row["problem"] or row["note"]


NO_RASTER = r"no raster \(.*\), or damaged; copy it anew"
BANDS = PIXELS.transpose(2, 0, 1)


@pytest.mark.parametrize(
    ("image", "suffix", "problem"),
    [
        (b"", ".jpg", "is empty; copy it anew"),
        (b"text", ".jpg", NO_RASTER),
        (b"<html><body>404</body></html>", ".jpg", NO_RASTER),
        (b"%PDF-1.4\n", ".jpg", NO_RASTER),
        (b"GIF89a" + bytes(50), ".jpg", NO_RASTER),
        (b"PK\x03\x04" + bytes(50), ".tif", NO_RASTER),
        (b"\x89HDF\r\n\x1a\n" + bytes(90), ".tif", NO_RASTER),
        (b"version https://git-lfs.github.com/spec/v1\n", ".tif", NO_RASTER),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", ".png", NO_RASTER),
        (vrt(1), ".jpg", NO_RASTER),
        (vrt(1), ".png", NO_RASTER),
        (vrt(2, "/etc/passwd"), ".tif", NO_RASTER),
        (vrt(1), ".vrt", "has a VRTRawRasterBand, which is not allowed; make it by"),
        (vrt(2, "/etc/passwd"), ".vrt", "names /etc/passwd, no raster that can be read"),
        (vrt(2, "/nowhere/a.tif"), ".vrt", "no such file"),
        (vrt(2, "/dev/zero"), ".vrt", "is a pipe, socket or device"),
        (b"<VRTDataset", ".vrt", NO_RASTER),
        (Path.mkdir, ".jpg", "is a folder, not a file; rename or remove it"),
        (os.mkfifo, ".jpg", "is a pipe, socket or device, not a file; remove it"),
        (os.mkfifo, ".vrt", "is a pipe, socket or device, not a file; remove it"),
        (make_socket, ".jpg", "is a pipe, socket or device, not a file; remove it"),
        (lambda p: p.symlink_to("/dev/zero"), ".jpg", "is a pipe, socket or device"),
        (lambda p: p.symlink_to("/nowhere"), ".jpg", "a link to a file that does not exist"),
        (lambda p: p.symlink_to(p.name), ".jpg", "cannot be read .*; correct or remove it"),
        (lambda p: None, ".jpg", "no such file; correct its path"),
        (jpeg()[:300], ".jpg", "truncated or damaged|no raster"),
        (jpeg()[:-600], ".jpg", "truncated or damaged; copy it anew"),
        (jpeg()[:-600] + b"\xff\xd9", ".jpg", "truncated or damaged; copy it anew"),
        (damaged(jpeg(quality=95), 0.5, PIXELS.tobytes()[:500]), ".jpg", "truncated or damaged"),
        (claiming(65000, 65000), ".jpg", "65000 x 65000 px, more than max_megapixels, 4000; cut"),
        (claiming(900, 700), ".jpg", "truncated or damaged; copy it anew"),
        *(
            (
                claiming(20_000, 12_000, b"\xff\xc2", progressive=True, subsampling=n),
                ".jpg",
                "a progressive JPEG too large to decode; save it as baseline JPEG or TIFF, or set",
            )
            for n in ("4:2:0", "4:4:4")
        ),
        (claiming(0, 0), ".jpg", "truncated or damaged|no raster"),
        (png_claiming(200_000, 200_000), ".png", "more than max_megapixels"),
        (png_claiming(100, 100), ".png", "truncated or damaged; copy it anew"),
        *((PNG[: n * len(PNG) // 9], ".png", "truncated or damaged; copy it") for n in (3, 6, 8)),
        *((turned(n), ".jpg", f"EXIF orientation {n}") for n in range(2, 9)),
        (raster(BANDS[0]), ".tif", r"1 band\(s\) of uint8, not red, green and blue"),
        (raster(BANDS[:2]), ".tif", r"2 band\(s\) of uint8, not red"),
        (raster(BANDS.astype(np.float32)), ".tif", r"3 band\(s\) of float32, not red"),
        (raster(BANDS.astype(np.int16)), ".tif", r"3 band\(s\) of int16, not red"),
        (raster(BANDS.astype(np.complex64)), ".tif", r"3 band\(s\) of complex64, not red"),
        (pages(PIXELS, PIXELS), ".tif", "a TIFF of 2 images; save the one that is meant"),
        (with_world_file("nan\n0\n0\n-1\n0\n0\n"), ".jpg", "its georeference is no number or 0"),
        (with_world_file("inf\n0\n0\n-1\n0\n0\n"), ".jpg", "its georeference is no number or 0"),
    ],
)
def test_bad_image(tmp_path, image, suffix, problem):
    assert re.search(
        f"Ure_0001{suffix}: .*({problem})|{problem}", problem_of(tmp_path, image, suffix)
    )


WHOLE = "holds values that are not whole class codes from 0 to 255; correct them"
NAN = np.where(LABELS == 1, np.nan, 1)


@pytest.mark.parametrize(
    ("label", "problem"),
    [
        (b"", "is empty"),
        (b"text", NO_RASTER),
        (vrt(1), NO_RASTER),
        (Path.mkdir, "is a folder"),
        (os.mkfifo, "is a pipe, socket or device"),
        (lambda p: p.symlink_to("/nowhere"), "a link to a file that does not exist"),
        (raster(LABELS[:, :-1]), "63 x 48 px, but its image is 64 x 48; export it"),
        (raster(LABELS.T.copy()), "48 x 64 px, but its image is 64 x 48; export it"),
        (raster(BANDS), "3 bands; a label raster has one"),
        (raster(0 * LABELS), "no pixel is labelled; label some of it"),
        (raster(9 * LABELS), r"code\(s\) 9, 18 not among the classes 1, 2; correct the labels"),
        (raster(LABELS / 2), WHOLE),
        (raster(NAN), WHOLE),
        (raster(NAN.astype(np.float32)), WHOLE),
        (raster(np.where(LABELS == 1, np.inf, 1)), WHOLE),
        (raster(-LABELS.astype(np.int16)), WHOLE),
        (raster(LABELS.astype(np.uint16) + 256), WHOLE),
        (raster(LABELS.astype(np.int32) * 2**24), WHOLE),
        (raster(LABELS, nodata=1, dtype="uint8"), ""),
        (pages(LABELS, LABELS), "a TIFF of 2 images; save the one that is meant"),
        (raster(LABELS, photometric="palette"), "has a palette; the numbers of its colours are"),
        (sparse(165_000, 165_000), "more than max_megapixels, 4000; cut it into parts, or raise"),
        (sparse(64, 48), "no pixel is labelled"),
        (
            raster(LABELS, crs="EPSG:32631", transform=Affine(1, 0, 5e5, 0, 1, 5e6)),
            "stored from south to north; export it north up",
        ),
    ],
)
def test_bad_label_raster(tmp_path, label, problem):
    assert re.search(problem, problem_of(tmp_path, jpeg(), label=label))


@pytest.mark.parametrize(
    ("georeference", "problem"),
    [
        (UTM | dict(transform=from_origin(9e5, 5e6, 1, 1)), "does not overlap its image; correct"),
        (UTM | dict(crs="EPSG:32660"), "does not overlap its image|no way from its CRS|damaged"),
        (UTM | dict(transform=Affine(0, 0, 5e5, 0, 0, 5e6)), "its georeference is no number or 0"),
        (
            UTM | dict(transform=Affine(float("nan"), 0, 0, 0, -1, 0)),
            "its georeference is no number or 0",
        ),
        (
            dict(crs="+proj=longlat +R=3396190", transform=from_origin(0, 0, 1, 1)),
            "no way from its CRS to that of its image; correct the CRS",
        ),
        (UTM | dict(transform=from_origin(5e5, 5e6, 2, 2)), "aligned to its image"),
    ],
)
def test_bad_georeference_of_labels(tmp_path, georeference, problem):
    image = raster(BANDS, photometric="RGB", **UTM)
    label = raster(LABELS, **georeference)
    assert re.search(problem, problem_of(tmp_path, image, ".tif", label))


def test_vrt_of_rasters_is_read(tmp_path):
    raster(BANDS, photometric="RGB")(tmp_path / "a.tif")
    bands = "".join(
        f'<VRTRasterBand dataType="Byte" band="{n}"><SimpleSource><SourceFilename '
        f'relativeToVRT="1">a.tif</SourceFilename><SourceBand>{n}</SourceBand></SimpleSource>'
        "</VRTRasterBand>"
        for n in (1, 2, 3)
    )
    text = f'<VRTDataset rasterXSize="64" rasterYSize="48">{bands}</VRTDataset>'
    assert problem_of(tmp_path, text.encode(), ".vrt") == ""


def test_the_config_raises_the_limit_of_pixels(tmp_path):
    assert "more than max_megapixels, 0.003" in problem_of(tmp_path, jpeg(), max_megapixels=0.003)
    assert problem_of(tmp_path, jpeg(), max_megapixels=0.0031) == ""


# Names


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        *((f"U{c}re_0001", "has one of {}<> in its name") for c in "{}<>"),
        *((name, "has / in its name, or is empty or a dot") for name in ("", ".", "..")),
        *((name, "has / in its name, or is empty or a dot") for name in ("/Ure", "../Ure", "a/b")),
        *((f"U{chr(c)}re", "has a line break, control") for c in (0, 1, 9, 10, 13, 27, 127, 133)),
        *((f"U{c}re", "has a line break, control") for c in ("\u2028", "\u2029", "\udce9")),
        ("U" * 200 + "_", "has a name of more than 200 bytes"),
        ("Ure_" + "9" * 20, "ends with 20 or more repeats in its name"),
        ("Ure_" + "123" * 20, "ends with 20 or more repeats in its name"),
        ("é" * 101 + "a", "has a name of more than 200 bytes"),
        ("🙂" * 51 + "a", "has a name of more than 200 bytes"),
    ],
)
def test_name_that_is_refused(name, fault):
    assert find_name_fault(name).startswith(fault)


@pytest.mark.parametrize(
    "name",
    [
        *("Hérault_0001", "長江_0001", "U r e_0001", "U're_0001", 'U"re_0001', "U$re_0001"),
        *("U;re_0001", "U|re_0001", "U&re_0001", "U`re`_0001", "U*re_0001", "U?re_0001"),
        *("-Ure_0001", "~Ure_0001", "U\\re_0001", "U[re]_0001", "U(re)_0001", "U%re_0001"),
        *("🙂_0001", "NA_0001", "0012_0001", "U#re_0001", "U,re_0001", "U=re_0001"),
        *("".join(map(str, range(99)))[:190] + "_0001", "Ure_" + "9" * 19),
    ],
)
def test_name_that_is_mapped(tmp_path, name):
    (tmp_path / f"{name}.jpg").write_bytes(jpeg())
    (tmp_path / f"SCLS_{name}.tif").write_bytes(b"tif")
    campaign = read_campaign(str(tmp_path), str(tmp_path), "per_river")
    assert [*campaign.predict] == [name]


def problems_of_names(folder, *names, sources=None, groups="per_river"):
    for name in names:
        path = folder / name
        with suppress(FileExistsError):
            path.parent.mkdir()
        path.write_bytes(b"x")
    train = {"Ure": str(folder / "train")}
    try:
        read_campaign(train, sources or str(folder / "predict"), groups)
    except InputError as error:
        return "\n".join(error.problems)
    return ""


TRAIN = ("train/Ure_0001.jpg", "train/SCLS_Ure_0001.tif")


@pytest.mark.parametrize(
    ("names", "problem"),
    [
        (["predict/ure_0001.jpg"], "Ure and ure: differ in upper and lower case only; rename one"),
        (["predict/URE_0001.jpg"], "URE and Ure: differ in upper and lower case only"),
        (
            ["predict/Cl\u00e9_0001.jpg", "predict/Cle\u0301_0001.jpg"],
            "two files for one image; remove one",
        ),
        (["predict/Ure_0001.jpg", "predict/Ure_0001.png"], "two files for one image"),
        (["predict/Ure_0001.jpg", "predict/Ure_0001.JPG"], "two files for one image"),
        (["predict/Ure_1.jpg"], "not named RiverName_NNNN.jpg with a number of at least 4"),
        (["predict/U{re_0001.jpg"], "has one of {}<> in its name; rename it"),
        (["predict/U\x1bre_0001.jpg"], r"U\x1bre_0001.jpg: has a line break, control character"),
        ([f"predict/{'U' * 210}_0001.jpg"], "has a name of more than 200 bytes; rename it"),
        (["predict/a.txt"], "no image RiverName_NNNN.jpg in"),
        (["predict/SCLS_Ure_0009.tif"], "labels of an image that is not among the predict images"),
        (["predict/Wye_0001.jpg"], "river Wye has images to classify but none to learn from"),
    ],
)
def test_bad_names_of_files(tmp_path, names, problem):
    assert problem in problems_of_names(tmp_path, *TRAIN, *names)


def test_a_folder_that_is_named_twice_in_whatever_way(tmp_path):
    for name in (*TRAIN, "predict/Ure_0002.jpg"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    train, predict = str(tmp_path / "train"), str(tmp_path / "predict")
    for again in (predict, f"{train}/../predict/"):
        with pytest.raises(InputError, match="^predict: .* is named 2 times; name it once$"):
            read_campaign(train, [predict, again], "per_river")


@pytest.mark.parametrize(
    ("river", "problem"),
    [
        ("..", "river .. has / in its name, or is empty or a dot; rename it"),
        ("../../home", "river ../../home has / in its name"),
        ("", "river  has / in its name, or is empty"),
        ("a\nb", r"river a\nb has a line break"),
        ("U<re>", "river U<re> has one of {}<> in its name"),
        ("ure", "Ure and ure: differ in upper and lower case only"),
    ],
)
def test_bad_names_of_rivers(tmp_path, river, problem):
    sources = {river: str(tmp_path / "predict")}
    groups = {"own": {"train": ["Ure"], "predict": [river]}}
    names = (*TRAIN, "predict/DJI_1.jpg")
    assert problem in problems_of_names(tmp_path, *names, sources=sources, groups=groups)


@pytest.mark.parametrize(
    ("group", "problem"),
    [
        *((name, "may not be named") for name in ("report", "logs", "labels", "check")),
        *((name, "may not be named") for name in ("preflight.csv", "training_labels.csv")),
        ("..", "groups: .. has / in its name, or is empty or a dot; rename it"),
        ("a/b", "groups: a/b has / in its name"),
        ("a\nb", r"groups: a\nb has a line break"),
        ("g" * 250 + "a", "has a name of more than 200 bytes"),
    ],
)
def test_bad_names_of_groups(tmp_path, group, problem):
    groups = {group: {"train": ["Ure"], "predict": ["Ure"]}}
    names = (*TRAIN, "predict/Ure_0002.jpg")
    assert problem in problems_of_names(tmp_path, *names, groups=groups)


@settings(QUICK)
@given(st.text(min_size=1, max_size=210))
def test_a_name_is_refused_or_stays_one_part_of_a_path(name):
    if not find_name_fault(name):
        path = Path("results") / f".part-probabilities_{name}.tif.draft.aux.xml"
        assert path.parent == Path("results") and len(path.name.encode()) <= 255
        assert (Path("results") / name).name == name and "\n" not in name


# Config files

CAMPAIGN = {"train": "train", "predict": "predict"}
NAN_, INF = float("nan"), float("inf")


@pytest.mark.parametrize(
    ("section", "key", "value"),
    [
        *(("refine", key, NAN_) for key in ("cnn_weight", "colour_weight", "max_changed_fraction")),
        *(("refine", key, NAN_) for key in ("min_probability", "pixel_fraction", "n_samples")),
        *(("cnn", key, NAN_) for key in ("learning_rate", "encoder_learning_rate")),
        *(("cnn", key, INF) for key in ("learning_rate", "brightness_jitter", "steps")),
        *(("tiles", "purity", value) for value in (NAN_, INF, -INF)),
        *(("campaign", "max_megapixels", value) for value in (NAN_, INF, 0, -1, 10**9)),
        *(("polygons", "simplify", value) for value in (NAN_, -1, 10**6)),
        ("polygons", "minimum_mapping_unit", {"square_metres": NAN_}),
        *(("figures", "width", value) for value in (0, -1, 10**9, "wide", None)),
        *(("figures", "in_report", value) for value in (-1, 10**9)),
        *(("refine", "hidden_layers", value) for value in ([10**9], [8] * 99, [], [0], "deeper")),
        *(("refine", key, 10**12) for key in ("epochs", "n_samples", "n_trees", "min_pixels")),
        *(("refine", key, 10**12) for key in ("majority_radius", "median_size", "min_tiles")),
        *(("cnn", key, 10**9) for key in ("steps", "batch_size", "patch_size", "learning_rate")),
        *(("cnn", "channels", value) for value in ([8, 10**9], [8] * 9, [8], ["8", "8"])),
        *(("tiles", key, 10**9) for key in ("size", "train_stride", "predict_stride")),
        *(("suggest_labels", key, 10**9) for key in ("crop_size", "n_crops")),
        ("check_points", "n", 10**9),
        *(("campaign", key, 10**9) for key in ("folds", "images_per_job", "white_level")),
        *(("campaign", "train", value) for value in ([""], [1], {"Ure": [""]}, 7)),
    ],
)
def test_setting_out_of_bounds(section, key, value):
    config = {"campaign": CAMPAIGN} | {section: {key: value}}
    if section == "campaign":
        config = {"campaign": CAMPAIGN | {key: value}}
    elif section == "tiles":
        config["cnn"] = {"architecture": "compact"}
    problems = find_problems(config, SCHEMA)
    assert any(line.startswith(f"{section}.{key}") for line in problems)


@pytest.mark.parametrize(
    ("config", "key"),
    [
        *(({"results": value}, "results") for value in ("", "a{b}", "a<b", "a\nb", "a\0b", "a\n")),
        *(
            ({"experiment": value}, "experiment")
            for value in ("{a}", "</script>", "a\nb", "x" * 300)
        ),
        *(
            (
                {"classes": {1: {"name": name, "colour": "red"}, 2: {"name": "b", "colour": "b"}}},
                "cl",
            )
            for name in ("", "</script>", "a\x01", "a\nb", "US$ 5 $", "x" * 200, "ALL", "a\n")
        ),
    ],
)
def test_text_that_no_result_can_bear(config, key):
    (problem,) = find_problems({"campaign": CAMPAIGN} | config, SCHEMA)
    assert problem.startswith(key)


BOMB = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{chr(98 + i)}: &{chr(98 + i)} [{','.join(['*' + chr(97 + i)] * 9)}]\n" for i in range(8)
)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("a: b\nriver: Hérault\n".encode("latin-1"), "line 2: is not in UTF-8; save the file in"),
        ("a: b".encode("utf-16"), "line 1: is not in UTF-8"),
        (
            b"a: b\nseed: [1,\nc: 3\n",
            "line 4: is no YAML .did not find expected ',' or ']', while parsing a flow sequence "
            "of line 2.; correct it",
        ),
        (b"a:\n\tseed: 1\n", "line 2: is no YAML .found character that cannot start any token"),
        (b"a: b: c\n", "line 1: is no YAML .mapping values are not allowed in this context"),
        (b"a: *b\n", "line 1: is no YAML .found undefined alias"),
        (b"a: b\nc: \0\n", "line 2: is no YAML .control characters are not allowed"),
        (b"a: b\n---\na: b\n", "line 2: is no YAML .but found another document"),
    ],
)
def test_config_file_that_yaml_cannot_read(tmp_path, content, problem):
    path = tmp_path / "config.yaml"
    path.write_bytes(content)
    (line,) = find_file_problems(str(path))
    assert re.match(f"{re.escape(str(path))}, {problem}", line)


def test_config_file_that_cannot_be_opened_and_json_with_tabs(tmp_path):
    path = tmp_path / "config.yaml"
    assert find_file_problems(str(path)) == [
        f"{path}: No such file or directory; give yours by --configfile"
    ]
    path.write_text('{\t"seed":\t1}')
    assert find_file_problems(str(path)) == []


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("seed: 1\nseed: 2\n", "line 2: key seed is there twice; remove one"),
        ("classes:\n  1: {name: a}\n  1: {name: b}\n", "line 3: key 1 is there twice"),
        ("classes:\n  1: {name: a}\n  '1': {name: b}\n", "line 3: key 1 is there twice"),
        ("cnn: {steps: 30, steps: 40}\n", "line 1: key steps is there twice"),
        ('{"seed": 1, "seed": 2}', "key seed is there twice"),
        ("a: {b: [{c: 1, c: 1}]}\n", "key c is there twice"),
        (BOMB, r"more than 100000 values by its aliases \(\*\); write them out"),
        ("a: &a [*a]\n", "more than 100000 values by its aliases"),
        ("a: &a {b: *a}\n", "more than 100000 values by its aliases"),
    ],
)
def test_config_file_that_yaml_reads_without_a_word(tmp_path, text, problem):
    (tmp_path / "config.yaml").write_text(text)
    (line,) = find_file_problems(str(tmp_path / "config.yaml"))
    assert re.search(problem, line)


KEYS = st.text("abc", min_size=1, max_size=2)
TREES = st.recursive(
    st.one_of(st.integers(), st.floats(), st.text(max_size=3), st.none(), st.booleans()),
    lambda part: st.lists(part, max_size=4) | st.dictionaries(KEYS, part, max_size=4),
)


@settings(QUICK)
@given(st.dictionaries(KEYS | st.sampled_from([*SCHEMA["properties"]]), TREES, max_size=4))
def test_any_config_is_answered_by_sentences(tmp_path_factory, config):
    path = tmp_path_factory.mktemp("config") / "config.yaml"
    path.write_text(yaml.safe_dump(config), "utf-8")
    assert find_file_problems(str(path)) == []
    problems = find_problems(config, SCHEMA)
    assert problems or "campaign" in config
    assert all(isinstance(line, str) and ": " in line for line in problems)


# Class keys

HEAD = "LocalClass,HierarchClass,River,ClassName\n"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "is empty"),
        ("\n", "no class key, a CSV with"),
        ("a\n1\n", r"needs the column\(s\) LocalClass, HierarchClass"),
        (HEAD, "has to name each of the outputs 1 to 2"),
        *(
            (f"{HEAD}1,{v}\n2,2\n", "not whole numbers from 0 to 65535")
            for v in ("inf", "nan", "x")
        ),
        *((f"{HEAD}1,{v}\n2,2\n", "not whole numbers") for v in ("-1", "1.5", "1e300", "")),
        *((f"{HEAD}{v},1\n2,2\n", "not whole numbers") for v in ("inf", "1e30", "-2", "a")),
        (f"{HEAD}1,1\n", "has to name each of the outputs 1 to 2 of the CNN once"),
        (f"{HEAD}1,1\n2,2\n3,1\n", "has to name each of the outputs"),
        (f"{HEAD}1,1\n1,2\n", "has to name each of the outputs"),
        (f"{HEAD}1,1\n2,7\n", "HierarchClass 7 not among the classes 1, 2; add them"),
        (f"{HEAD}1,1,Ure,Sediment\n2,2,Ure,Water\n", "calls class 1 Sediment, but the classes"),
        ('"' + HEAD, "no class key, a CSV with"),
        (HEAD + "1,1,2,3,4,5,6\n2\n", "no class key|not whole numbers|has to name"),
        ("\0" * 50, "no class key|needs the column"),
    ],
)
def test_bad_class_key(tmp_path, text, problem):
    (tmp_path / "key.csv").write_text(text)
    with pytest.raises(InputError, match=f"key.csv: .*({problem})"):
        read_class_key(tmp_path / "key.csv", CLASSES, 3)


def test_class_key_that_is_no_text_or_has_no_end(tmp_path):
    path = tmp_path / "key.csv"
    path.write_bytes(HEAD.encode() + b"1,1,Ure,\xe9\xff\n2,2,Ure,b\n")
    with pytest.raises(InputError, match="no class key"):
        read_class_key(path, CLASSES, 3)
    path.write_bytes(bytes(10_000_001))
    with pytest.raises(InputError, match="larger than 10000000 bytes, no class key"):
        read_class_key(path, CLASSES, 3)
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(InputError, match="is a pipe"):
        read_class_key(path, CLASSES, 3)


# The operating system


@pytest.mark.parametrize("number", [*REMEDIES])
def test_error_of_the_system_is_a_sentence_with_a_remedy(number):
    text = explain_system_error(OSError(number, os.strerror(number), "a.tif"))
    assert text == f"a.tif: {os.strerror(number)}; {REMEDIES[number]}"


def test_memory_temporary_files_and_faults_of_the_code(monkeypatch):
    assert explain_system_error(MemoryError()).startswith("not enough memory; close")
    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.setattr(tempfile, "_candidate_tempdir_list", lambda: ["/nowhere"])
    with pytest.raises(OSError) as caught:
        tempfile.gettempdir()
    assert explain_system_error(caught.value).endswith("set TMPDIR")
    assert explain_system_error(OSError(errno.EPIPE, "broken pipe")) is None


def test_a_file_that_could_not_be_written_leaves_nothing(tmp_path):
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    with pytest.raises(OSError) as caught, atomic_path(tmp_path / "a.csv") as path:
        path.write_text("a")
        path.with_name(path.name + ".aux.xml").write_text("a")
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))
        try:
            path.write_bytes(bytes(100_000))
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert explain_system_error(caught.value).startswith("File too large; raise the limit")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("path", "make", "problem"),
    [
        ("results", Path.touch, "results is not a folder; remove it, or choose another"),
        ("results", lambda p: p.symlink_to("/nowhere/x"), "results is not a folder"),
        ("results", lambda p: p.symlink_to(p.name), "no folder of this name is possible|not a fol"),
        ("results", os.mkfifo, "results is not a folder"),
        (
            "results/logs",
            lambda p: p.parent.touch(),
            "no folder of this name|results is not a folder",
        ),
        ("r" * 300, lambda p: None, "no folder of this name is possible .File name too long"),
        ("a/b/c", lambda p: None, "^$"),
        ("results", Path.mkdir, "^$"),
    ],
)
def test_folder_that_nothing_can_be_written_into(tmp_path, path, make, problem):
    make(tmp_path / path)
    assert re.search(problem, find_folder_fault(tmp_path / path))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read and write all")
def test_missing_permissions(tmp_path):
    tmp_path.chmod(0o500)
    assert "no permission to write in" in find_folder_fault(tmp_path / "results")
    tmp_path.chmod(0o700)
    (tmp_path / "a.jpg").write_text("a")
    (tmp_path / "a.jpg").chmod(0)
    assert "no permission to read it; change" in find_file_fault(tmp_path / "a.jpg")


def test_a_file_from_the_future(tmp_path):
    path = tmp_path / "a.jpg"
    path.write_text("a")
    os.utime(path, (time.time() + 30,) * 2)
    assert find_input_fault(path) == ""
    os.utime(path, (time.time() + 3600,) * 2)
    assert "its time lies in the future; correct it (touch) or the clock" in find_input_fault(path)


def test_folders_that_cannot_be_listed(tmp_path, monkeypatch):
    def refuse(path):
        raise PermissionError(errno.EACCES, "Permission denied", path)

    (tmp_path / "train").mkdir()
    monkeypatch.setattr(os, "listdir", refuse)
    with pytest.raises(InputError, match=r"train: folder .* cannot be read \(Permission denied\)"):
        read_campaign(str(tmp_path / "train"), [], "cross_validation")


# Results that are damaged after they were made


def read_band(path):
    with open_band(path) as band:
        return band[0:48, 0:64]


def read_map(path):
    with open_class_raster(path) as codes:
        return codes[0:48, 0:64]


CPU = ClassifierSettings(threads=1)


def write_table(path):
    path.write_text("Image,problem\nUre_0001,\nUre_0002,\n")


READERS = {
    "map": (read_map, raster(LABELS, compress="deflate")),
    "confidence": (read_band, raster(LABELS, compress="deflate")),
    "area": (
        partial(measure_map, classes=CLASSES),
        raster(LABELS, compress="deflate"),
    ),
    "table": (read_table, write_table),
    "check": (stop_on_failed_check, write_table),
    "cnn": (
        lambda path: open_classifier(path, class_key(CLASSES, ["Ure"], False), CPU),
        partial(save_mean_colour_model, matrix=BY_COLOUR),
    ),
}


@pytest.mark.parametrize("damage", ["half", "zeros", "empty"])
@pytest.mark.parametrize("kind", READERS)
def test_damaged_result_is_to_be_removed(tmp_path, kind, damage):
    read, write = READERS[kind]
    path = tmp_path / "result"
    write(path)
    read(str(path))
    n = path.stat().st_size
    path.write_bytes({"half": path.read_bytes()[: n // 2], "zeros": bytes(n), "empty": b""}[damage])
    with pytest.raises(InputError) as caught:
        read(str(path))
    (problem,) = caught.value.problems
    assert problem.startswith(f"{path}: ") and "damaged" in problem
    assert "; delete it and run again" in problem


# Mutations of whole files: a sentence, or a row; never another error.

SEEDS = {
    ".jpg": (jpeg(), jpeg(progressive=True)),
    ".tif": (raster(BANDS, photometric="RGB", **UTM), raster(BANDS, compress="deflate")),
    ".vrt": (vrt(2, "a.tif"),),
}


def mutate(content, rng):
    """Change, remove or repeat some bytes."""
    content = bytearray(content)
    for _ in range(rng.integers(1, 6)):
        at, n = rng.integers(0, len(content) + 1), int(2 ** rng.uniform(0, 8))
        kind = rng.integers(0, 4)
        if kind == 0:
            content[at : at + n] = rng.bytes(n)
        elif kind == 1:
            del content[at : at + n]
        elif kind == 2:
            content[at:at] = content[at : at + n]
        else:
            content[at : at + 4] = rng.choice([b"\xff" * 4, b"\x7f\xff\xff\xff", b"\0" * 4])
        content = content or bytearray(b"x")
    return bytes(content)


def mutants(folder, rng):
    """Mutated images, label rasters and class keys for ever, each checked as it would be."""
    valid = []
    for suffix, seeds in SEEDS.items():
        for seed in seeds:
            put(folder / f"seed{suffix}", seed)
            valid.append((suffix, (folder / f"seed{suffix}").read_bytes()))
    raster(LABELS, compress="lzw", **UTM)(folder / "label.tif")
    label = (folder / "label.tif").read_bytes()
    raster(BANDS, photometric="RGB", **UTM)(folder / "a.tif")
    image = (folder / "a.tif").read_bytes()
    key = f"{HEAD}1,1,Ure,Water\n2,2,Ure,Sediment\n".encode()
    while True:
        suffix, content = valid[rng.integers(len(valid))]
        yield problem_of(folder, mutate(content, rng), suffix, max_megapixels=1)
        yield problem_of(folder, image, ".tif", mutate(label, rng), max_megapixels=1)
        (folder / "key.csv").write_bytes(mutate(key, rng))
        try:
            read_class_key(folder / "key.csv", CLASSES, 3)
            yield ""
        except InputError as error:
            yield str(error)


def test_mutated_files_are_answered_by_sentences(tmp_path):
    answers = mutants(tmp_path, np.random.default_rng(7))
    refused = [bool(next(answers)) for _ in range(450)]
    assert 100 < sum(refused) < 450
