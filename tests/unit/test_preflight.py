"""Images and labels are checked before the first long job."""

from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pandas as pd
import PIL.Image
import pytest
import rasterio

from ssc.campaign import Image
from ssc.classes import LandClass
from ssc.errors import InputError
from ssc.io.tables import read_table
from ssc.preflight import (
    LabelSources,
    TileGrid,
    check_columns,
    check_image,
    stop_on_problems,
    summarise_labels,
)

CODES = [1, 2, 4]
TILES = TileGrid(size=4, stride=4, purity=0.9)


def save_image(folder, name, height=8, width=12, mode="RGB"):
    path = str(folder / f"{name}.jpg")
    PIL.Image.new(mode, (width, height)).save(path)
    return path


def save_labels(folder, name, labels):
    path = str(folder / f"SCLS_{name}.tif")
    PIL.Image.fromarray(np.array(labels, np.uint8)).save(path)
    return path


# Two tiles of water and one of road; 12 pixels of sediment in a tile are not enough of 16.
LABELS = np.zeros((8, 12), np.uint8)
LABELS[:4, :8] = 1
LABELS[4:, :4] = 4
LABELS[4:7, 4:8] = 2


@pytest.fixture
def make_image(tmp_path):
    def make(labels=LABELS, river="Ure", number="0001", **options):
        name = f"{river}_{number}"
        path = save_image(tmp_path, name, **options)
        label = None if labels is None else save_labels(tmp_path, name, labels)
        return Image(river, number, path, label)

    return make


def check(image, split="train", tiles=TILES):
    target = nullcontext(Path(image.path).with_name("labels.tif"))
    row = check_image(image, split, CODES, tiles, LabelSources(), target)
    assert set(row) <= set(check_columns(CODES, bool(tiles)))
    return row


@pytest.mark.parametrize("split", ["train", "predict"])
def test_labels_without_a_labelled_pixel_are_a_problem(make_image, split):
    image = make_image(labels=np.zeros((8, 12)))
    assert check(image, split)["problem"] == (
        f"{image.label}: no pixel is labelled; label some of it, or remove the file"
    )


def test_row_of_a_good_training_image(make_image):
    image = make_image()
    assert check(image) == {
        "split": "train",
        "river": "Ure",
        "number": "0001",
        "image": image.path,
        "width": 12,
        "height": 8,
        "label": image.label,
        "labelled_percent": 62.5,
        "classes": "1 2 4",
        "pixels_1": 32,
        "pixels_2": 12,
        "pixels_4": 16,
        "pure_tiles_1": 2,
        "pure_tiles_2": 0,
        "pure_tiles_4": 1,
        "note": "",
        "problem": "",
    }


def test_row_of_an_image_to_classify_has_no_tiles(make_image):
    image = make_image(labels=None)
    assert check(image, "predict") == {
        "split": "predict",
        "river": "Ure",
        "number": "0001",
        "image": image.path,
        "width": 12,
        "height": 8,
        "classes": "",
        "note": "",
        "problem": "",
    }
    row = check(make_image(), "predict")
    assert row["labelled_percent"] == 62.5
    assert not [key for key in row if key.startswith(("pixels", "pure_tiles"))]


@pytest.mark.parametrize(("labels", "size"), [(LABELS[:, :11], "11 x 8"), (LABELS.T, "8 x 12")])
def test_labels_of_another_size_are_a_problem(make_image, labels, size):
    image = make_image(labels=labels)
    assert check(image)["problem"] == (
        f"{image.label}: {size} px, but its image is 12 x 8; export it at the image's size"
    )


def test_unknown_codes_are_a_problem(make_image):
    labels = LABELS.copy()
    labels[7, 10:] = 3, 77
    image = make_image(labels=labels)
    assert check(image)["problem"] == (
        f"{image.label}: code(s) 3, 77 not among the classes 1, 2, 4; "
        "correct the labels or add to classes or remap"
    )


@pytest.mark.parametrize(("height", "width"), [(3, 12), (8, 3)])
def test_image_smaller_than_a_tile_is_a_problem(make_image, height, width):
    image = make_image(labels=None, height=height, width=width)
    assert check(image, "predict")["problem"] == (
        f"{image.path}: {width} x {height} px, smaller than a tile of 4 px; "
        "remove it or set a smaller tile size"
    )
    assert check(make_image(labels=None, height=4, width=4), "predict")["problem"] == ""


def test_damage_in_the_middle_of_a_large_tiff_is_found(tmp_path):
    path = tmp_path / "Ure_0001.tif"
    bands = np.random.default_rng(1).integers(0, 256, (3, 600, 900)).astype(np.uint8)
    options = dict(
        photometric="RGB", compress="deflate", tiled=True, blockxsize=256, blockysize=256
    )
    shape = dict(count=3, height=600, width=900, dtype="uint8")
    with rasterio.open(path, "w", driver="GTiff", **shape, **options) as target:
        target.write(bands)
    image = Image("Ure", "0001", str(path))
    assert check(image, "predict")["problem"] == ""
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 200] = bytes(200)
    path.write_bytes(content)
    assert "Ure_0001.tif: truncated or damaged; copy it anew" in check(image, "predict")["problem"]


def test_grey_image_is_a_problem(make_image):
    row = check(make_image(mode="L"))
    assert row["problem"].endswith(
        "1 band(s) of uint8, not red, green and blue of 8 or 16 bits; convert it to RGB"
    )
    # The labels are looked at all the same.
    assert row["pure_tiles_1"] == 2


def save_noise(path):
    noise = np.random.default_rng(1).integers(0, 256, (200, 200, 3)).astype(np.uint8)
    PIL.Image.fromarray(noise).save(path)
    with open(path, "rb") as file:
        return file.read()


@pytest.mark.parametrize("share", [0.5, 0.95])
def test_truncated_image_is_a_problem(make_image, share):
    image = make_image(labels=None)
    content = save_noise(image.path)
    with open(image.path, "wb") as file:
        file.write(content[: int(len(content) * share)])
    problem = check(image, "predict")["problem"]
    assert problem.startswith(f"{image.path}: truncated or damaged; copy it anew")


def test_bytes_after_the_end_of_a_complete_image_are_no_problem(make_image):
    image = make_image(labels=None)
    with open(image.path, "ab") as file:
        file.write(b"camera notes")
    assert check(image, "predict")["problem"] == ""


def test_damaged_labels_are_a_problem(make_image):
    image = make_image()
    with open(image.label, "wb") as file:
        file.write(b"no raster")
    row = check(image)
    assert row["problem"].startswith(f"{image.label}: no raster (BMP,")
    assert row["width"] == 12


def test_all_problems_of_an_image_come_at_once(make_image):
    problem = check(make_image(labels=np.full((8, 11), 9), width=3))["problem"]
    for part in ("smaller than a tile", "11 x 8 px, but its image is 3 x 8"):
        assert part in problem
    problem = check(make_image(labels=np.full((8, 3), 9), width=3))["problem"]
    for part in ("smaller than a tile", "code(s) 9 not among"):
        assert part in problem


def test_columns_keep_their_order():
    image = ["split", "river", "number", "image", "width", "height", "label", "labelled_percent"]
    assert check_columns([1, 4], tiles=True) == [
        *image,
        *("classes", "pixels_1", "pixels_4", "pure_tiles_1", "pure_tiles_4", "note", "problem"),
    ]
    assert check_columns([1, 4], tiles=False) == [
        *image,
        *("classes", "pixels_1", "pixels_4", "note", "problem"),
    ]


def test_where_no_tiles_are_cut_an_image_may_be_small(make_image):
    row = check(make_image(labels=LABELS[:3], height=3), tiles=None)
    assert row["problem"] == ""
    assert row["pixels_1"] == 24
    assert not [key for key in row if key.startswith("pure_tiles")]


@pytest.fixture
def make_table(tmp_path):
    """A table of checked images, written and read as the workflow does."""

    def make(train, predict=(), tiles=TILES):
        rows = [check(i, "train", tiles) for i in train] + [check(i, "predict") for i in predict]
        path = tmp_path / "check.csv"
        pd.DataFrame(rows, columns=check_columns(CODES, bool(tiles))).to_csv(path, index=False)
        return read_table(path)

    return make


def test_what_is_learned_from_is_summed_over_the_images_of_a_cnn(make_image, make_table, classes):
    train = [
        make_image(),
        make_image(river="Wye", labels=LABELS * (LABELS != 4)),
        make_image(river="Dee", labels=LABELS * 0 + 2),
        # Held out of the training of all CNNs.
        make_image(number="0003"),
    ]
    groups = {"ab": [train[0].path, train[1].path], "c": [train[2].path]}
    # No CNN learns from the labels of images to classify.
    labels = summarise_labels(make_table(train, [make_image(number="0002")]), groups, classes)
    columns = ["group", "class", "images", "pixels", "pure_tiles", "warning"]
    assert list(labels.columns) == columns
    assert labels.to_numpy().tolist() == [
        ["ab", "Water", 2, 64, 4, ""],
        ["ab", "Sediment", 2, 24, 0, "no pure tile: the CNN ab cannot map Sediment"],
        ["ab", "Road", 1, 16, 1, ""],
        ["c", "Water", 0, 0, 0, "no pure tile: the CNN c cannot map Water"],
        ["c", "Sediment", 1, 96, 6, ""],
        ["c", "Road", 0, 0, 0, "no pure tile: the CNN c cannot map Road"],
    ]
    # Where no tiles are cut, a labelled pixel is enough.
    labels = summarise_labels(make_table(train, tiles=None), groups, classes)
    assert list(labels.columns) == ["group", "class", "images", "pixels", "warning"]
    assert labels["pixels"].tolist() == [64, 24, 16, 0, 96, 0]
    assert labels.loc[1, "warning"] == ""
    assert labels.loc[3, "warning"] == "no labelled pixel: the CNN c cannot map Water"


def test_campaign_of_trained_cnns_has_no_labels_to_summarise(make_image, make_table, classes):
    preflight = make_table([], [make_image()])
    labels = summarise_labels(preflight, {}, classes)
    assert labels.empty
    stop_on_problems(preflight, labels, classes)


def problems_of(preflight, classes):
    labels = summarise_labels(preflight, {"all": preflight["image"]}, classes)
    with pytest.raises(InputError) as caught:
        stop_on_problems(preflight, labels, classes)
    return list(caught.value.problems)


def test_campaign_without_fault_is_not_stopped(make_image, make_table, classes):
    # A class that cannot be learned is a warning only.
    preflight = make_table([make_image()])
    labels = summarise_labels(preflight, {"all": preflight["image"]}, classes)
    assert [bool(warning) for warning in labels["warning"]] == [False, True, False]
    stop_on_problems(preflight, labels, classes)


def test_cnn_with_fewer_than_two_classes_is_a_problem(make_image, make_table, classes):
    image = make_image(labels=LABELS * (LABELS == 1))
    assert problems_of(make_table([image]), classes) == [
        "group all: pure tiles of 1 class(es) only, a CNN needs two; label larger areas, or set a "
        "smaller tile size, purity or training stride"
    ]
    assert problems_of(make_table([image], tiles=None), classes) == [
        "group all: labels of 1 class(es) only, a CNN needs two; label another"
    ]


def test_problems_of_all_images_and_classes_come_at_once(make_image, make_table, classes):
    grey = make_image(labels=None, mode="L", number="0002")
    preflight = make_table([make_image(labels=LABELS[:, :4])], [grey])
    wrong = [LandClass(1, "Water", "lightbleu"), classes[1], LandClass(4, "Sediment", "red")]
    colour, names, size, mode, _ = problems_of(preflight, wrong)
    assert colour == "class 1: lightbleu is no visible matplotlib colour; give a name or #rrggbb"
    assert names == "classes: Sediment is the name of 2 classes; name each its own"
    assert "4 x 8 px, but its image" in size
    assert mode.startswith(grey.path)


# Pandas 4 will raise where pandas 3 warns.
@pytest.mark.filterwarnings("error::DeprecationWarning")
def test_campaign_with_no_readable_label_is_reported_not_crashed_on(
    make_image, make_table, classes
):
    image = make_image()
    with open(image.label, "wb") as file:
        file.write(b"no raster")
    problems = problems_of(make_table([image]), classes)
    assert problems[0].startswith(f"{image.label}: no raster (BMP,")
    assert problems[1].startswith("group all: pure tiles of 0 class(es) only")
