import numpy as np
import PIL.Image
import pytest

from ssc.campaign import Campaign, Group, Image
from ssc.classes import LandClass
from ssc.errors import InputError
from ssc.preflight import check_campaign, check_image, count_training, stop_on_problems

TILES = dict(size=4, train_stride=4, purity=0.9)


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


@pytest.fixture
def check(classes):
    def check(image, role="train"):
        return check_image(image, role, classes, TILES)

    return check


@pytest.mark.parametrize("role", ["train", "predict"])
def test_labels_without_a_labelled_pixel_are_a_problem(make_image, check, role):
    image = make_image(labels=np.zeros((8, 12)))
    assert check(image, role)["problem"] == (
        f"{image.label}: no pixel is labelled; label some of it, or remove the file"
    )


def test_row_of_a_good_training_image(make_image, check):
    image = make_image()
    assert check(image) == {
        "set": "train",
        "river": "Ure",
        "number": "0001",
        "image": image.path,
        "width": 12,
        "height": 8,
        "label": image.label,
        "labelled_share": 0.625,
        "classes": "1 2 4",
        "pixels_1": 32,
        "pixels_2": 12,
        "pixels_4": 16,
        "pure_tiles_1": 2,
        "pure_tiles_2": 0,
        "pure_tiles_4": 1,
        "problem": "",
    }


def test_row_of_an_image_to_classify_has_no_tiles(make_image, check):
    image = make_image(labels=None)
    assert check(image, "predict") == {
        "set": "predict",
        "river": "Ure",
        "number": "0001",
        "image": image.path,
        "width": 12,
        "height": 8,
        "classes": "",
        "problem": "",
    }
    row = check(make_image(), "predict")
    assert row["labelled_share"] == 0.625
    assert not [key for key in row if key.startswith("pure_tiles")]


@pytest.mark.parametrize(("labels", "size"), [(LABELS[:, :11], "11 x 8"), (LABELS.T, "8 x 12")])
def test_labels_of_another_size_are_a_problem(make_image, check, labels, size):
    image = make_image(labels=labels)
    assert check(image)["problem"] == (
        f"{image.label}: {size} px, but its image is 12 x 8; export it at the image's size"
    )


def test_unknown_codes_are_a_problem(make_image, check):
    labels = LABELS.copy()
    labels[7, 10:] = 3, 77
    image = make_image(labels=labels)
    assert check(image)["problem"] == (
        f"{image.label}: code(s) 3, 77 not among the classes 1, 2, 4; "
        "correct the labels or add to classes"
    )


@pytest.mark.parametrize(("height", "width"), [(3, 12), (8, 3)])
def test_image_smaller_than_a_tile_is_a_problem(make_image, check, height, width):
    image = make_image(labels=None, height=height, width=width)
    assert check(image, "predict")["problem"] == (
        f"{image.path}: {width} x {height} px, smaller than a tile of 4 px; "
        "remove it or set a smaller tiles.size"
    )
    assert check(make_image(labels=None, height=4, width=4), "predict")["problem"] == ""


def test_grey_image_is_a_problem(make_image, check):
    row = check(make_image(mode="L"))
    assert row["problem"].endswith(
        "1 band(s) of uint8, not 8-bit RGB; convert it to 8-bit RGB JPEG"
    )
    # The labels are looked at all the same.
    assert row["pure_tiles_1"] == 2


def save_noise(path):
    noise = np.random.default_rng(1).integers(0, 256, (200, 200, 3)).astype(np.uint8)
    PIL.Image.fromarray(noise).save(path)
    with open(path, "rb") as file:
        return file.read()


@pytest.mark.parametrize("share", [0, 0.5, 0.95])
def test_truncated_image_is_a_problem(make_image, check, share):
    image = make_image(labels=None)
    whole = save_noise(image.path)
    with open(image.path, "wb") as file:
        file.write(whole[: int(len(whole) * share)])
    problem = check(image, "predict")["problem"]
    assert problem.startswith(f"{image.path}: truncated or damaged; copy it anew")


def test_bytes_after_the_end_of_a_whole_image_are_no_problem(make_image, check):
    image = make_image(labels=None)
    with open(image.path, "ab") as file:
        file.write(b"camera notes")
    assert check(image, "predict")["problem"] == ""


def test_damaged_labels_are_a_problem(make_image, check):
    image = make_image()
    with open(image.label, "wb") as file:
        file.write(b"no raster")
    row = check(image)
    assert row["problem"].startswith(f"{image.label}: truncated or damaged")
    assert row["width"] == 12


def test_all_problems_of_an_image_come_at_once(make_image, check):
    labels = np.full((8, 11), 9)
    problem = check(make_image(labels=labels, width=3))["problem"]
    for part in ("smaller than a tile", "code(s) 9 not among", "11 x 8 px, but its image is 3 x 8"):
        assert part in problem


def campaign(train, predict=(), groups=None):
    by_name = [{i.name: i for i in images} for images in (train, predict)]
    rivers = tuple(sorted({i.river for i in train}))
    groups = groups or {"all": Group("all", rivers, (), "all")}
    return Campaign(*by_name, groups)


@pytest.mark.parametrize("threads", [1, 4])
def test_table_has_a_row_for_each_image_and_whole_numbers(make_image, classes, threads):
    train = [make_image(), make_image(number="0002", labels=LABELS * 0 + 2)]
    predict = [make_image(number="0003", labels=None)]
    table = check_campaign(campaign(train, predict), classes, TILES, threads=threads)
    names = ["set", "number", "width", "labelled_share", "classes"]
    text = table[[*names, "pure_tiles_1", "pure_tiles_2", "problem"]].to_csv(index=False)
    assert text.splitlines()[1:] == [
        "train,0001,12,0.625,1 2 4,2,0,",
        "train,0002,12,1.0,2,0,6,",
        "predict,0003,12,,,,,",
    ]


def test_images_mapped_by_a_trained_cnn_only_may_be_smaller_than_a_tile(make_image, classes):
    train = [make_image()]
    predict = [make_image(river=r, number="0002", labels=None, height=3) for r in ("Ure", "Dee")]
    groups = {
        "own": Group("own", ("Ure",), ("Ure",), "own"),
        "trained": Group("trained", (), ("Ure", "Dee"), "trained", "model.h5", "model.csv"),
    }
    preflight = check_campaign(campaign(train, predict, groups), classes, TILES, threads=1)
    (problem,) = filter(None, preflight["problem"])
    assert problem.startswith(f"{predict[0].path}: 12 x 3 px, smaller than a tile of 4 px")


def test_what_is_learned_from_is_summed_over_the_rivers_of_a_cnn(make_image, classes):
    train = [
        make_image(),
        make_image(river="Wye", labels=LABELS * (LABELS != 4)),
        make_image(river="Dee", labels=LABELS * 0 + 2),
    ]
    groups = {
        "ab": Group("ab", ("Ure", "Wye"), (), "ab"),
        "c": Group("c", ("Dee",), (), "c"),
        "trained": Group("trained", (), ("Dee",), "trained", "model.h5", "model.csv"),
    }
    # Labelled images to classify teach nothing.
    found = campaign(train, [make_image(number="0002")], groups)
    preflight = check_campaign(found, classes, TILES, threads=1)
    tiles = count_training(preflight, found, classes)
    assert tiles.to_numpy().tolist() == [
        ["ab", "Water", 2, 64, 4, ""],
        ["ab", "Sediment", 2, 24, 0, "no pure tile: the CNN ab cannot map Sediment"],
        ["ab", "Road", 1, 16, 1, ""],
        ["c", "Water", 0, 0, 0, "no pure tile: the CNN c cannot map Water"],
        ["c", "Sediment", 1, 96, 6, ""],
        ["c", "Road", 0, 0, 0, "no pure tile: the CNN c cannot map Road"],
    ]
    # Where no tiles are cut, a labelled pixel is enough.
    training = count_training(check_campaign(found, classes, None, 1), found, classes)
    assert list(training.columns) == ["group", "class", "images", "pixels", "warning"]
    assert training["pixels"].tolist() == [64, 24, 16, 0, 96, 0]
    assert training.loc[1, "warning"] == ""
    assert training.loc[3, "warning"] == "no labelled pixel: the CNN c cannot map Water"


def problems_of(found, classes, tiles=TILES):
    preflight = check_campaign(found, classes, tiles, threads=1)
    training = count_training(preflight, found, classes)
    with pytest.raises(InputError) as caught:
        stop_on_problems(preflight, training, classes)
    return list(caught.value.problems)


def test_campaign_without_fault_is_not_stopped(make_image, classes):
    # A class that cannot be learned is a warning only.
    found = campaign([make_image()])
    preflight = check_campaign(found, classes, TILES, threads=1)
    stop_on_problems(preflight, count_training(preflight, found, classes), classes)


def test_cnn_with_fewer_than_two_classes_is_a_problem(make_image, classes):
    found = campaign([make_image(labels=LABELS * (LABELS == 1))])
    (problem,) = problems_of(found, classes)
    assert problem.startswith("group all: pure tiles of 1 class(es) only, a CNN needs two;")
    (problem,) = problems_of(found, classes, tiles=None)
    assert problem == "group all: labels of 1 class(es) only, a CNN needs two; label another"


def test_bad_colours_and_shared_names_are_problems(make_image, classes):
    wrong = [LandClass(1, "Water", "lightbleu"), classes[1], LandClass(4, "Sediment", "red")]
    assert problems_of(campaign([make_image()]), wrong) == [
        "classes.1.colour: lightbleu is no matplotlib colour; give a name or #rrggbb",
        "classes: Sediment is the name of 2 classes; name each its own",
    ]


def test_problems_of_all_images_and_classes_come_at_once(make_image, classes):
    grey = make_image(labels=None, mode="L", number="0002")
    found = campaign([make_image(labels=LABELS[:, :4])], [grey])
    wrong = [*classes[:2], LandClass(4, "Road", "rot")]
    colour, size, mode = problems_of(found, wrong)
    assert colour.startswith("classes.4.colour: rot")
    assert "4 x 8 px, but its image" in size
    assert mode.startswith(grey.path)


# Pandas 4 will raise where pandas 3 warns.
@pytest.mark.filterwarnings("error::DeprecationWarning")
def test_campaign_with_no_readable_label_is_reported_not_crashed_on(make_image, classes):
    image = make_image()
    with open(image.label, "wb") as file:
        file.write(b"no raster")
    found = problems_of(campaign([image]), classes)
    assert found[0].startswith(f"{image.label}: truncated or damaged")
