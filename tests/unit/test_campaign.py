"""Images and their labels are found by name, and images are cut into batches."""

import os
import unicodedata

import pytest
from campaign_samples import fill, labelled, problems_of
from hypothesis import given
from hypothesis import strategies as st

from ssc.campaign import Image, batches, files_digest, read_campaign


@pytest.fixture
def one_river(tmp_path):
    """A train and a predict folder without fault, of the river Ure."""
    train = fill(tmp_path / "train", *labelled("Ure_0001"))
    return train, fill(tmp_path / "predict", "Ure_0002.jpg")


@pytest.mark.parametrize(
    ("image", "label", "river", "number"),
    [
        ("StMarg_26607.jpg", "SCLS_StMarg_26607.tif", "StMarg", "26607"),
        ("StMarg_26607.jpg", "SCLS_StMarg26607.tif", "StMarg", "26607"),
        ("Ure_0001.JPG", "SCLS_Ure_0001.tiff", "Ure", "0001"),
        ("Ure_0001.jpeg", "SCLS_Ure_0001.TIF", "Ure", "0001"),
        ("Upper_Ure_2019_0001.jpg", "SCLS_Upper_Ure_2019_0001.tif", "Upper_Ure_2019", "0001"),
        ("Rio Grande_123456.jpg", "SCLS_Rio Grande_123456.tif", "Rio Grande", "123456"),
        ("Ure2_0001.jpg", "SCLS_Ure20001.tif", "Ure2", "0001"),
        ("Ure.North_0001.jpg", "SCLS_Ure.North_0001.tif", "Ure.North", "0001"),
    ],
)
def test_image_name_gives_river_number_and_label(tmp_path, image, label, river, number):
    folder = fill(tmp_path / "train", image, label)
    campaign = read_campaign(folder, folder, "per_river")
    expected = Image(river, number, f"{folder}/{image}", f"{folder}/{label}")
    assert campaign.train == campaign.predict == {f"{river}_{number}": expected}


@pytest.mark.parametrize("image_form", ["NFC", "NFD"])
def test_accents_match_however_they_are_encoded(tmp_path, image_form):
    label_form = {"NFC": "NFD", "NFD": "NFC"}[image_form]
    name = unicodedata.normalize(image_form, "Hérault_0001.jpg")
    label = unicodedata.normalize(label_form, "SCLS_Hérault_0001.tif")
    folder = fill(tmp_path / "train", name, label)
    (image,) = read_campaign(folder, folder, "per_river").train.values()
    assert image.river == unicodedata.normalize("NFC", "Hérault")
    # Paths stay as the file system has them.
    assert (image.path, image.label) == (f"{folder}/{name}", f"{folder}/{label}")


def test_river_in_a_group_matches_however_it_is_encoded(tmp_path):
    folder = fill(tmp_path / "train", *labelled(unicodedata.normalize("NFC", "Hérault_0001")))
    typed = unicodedata.normalize("NFD", "Hérault")
    groups = {"south": {"train": [typed], "predict": [typed]}}
    campaign = read_campaign(folder, folder, groups)
    assert [i.number for i in campaign.train_images("south")] == ["0001"]


def test_rivers_share_folders_and_a_river_spans_folders(tmp_path):
    a = fill(tmp_path / "a", "Ure_0001.jpg", *labelled("Wye_0001"))
    b = fill(tmp_path / "b", "SCLS_Ure_0001.tif", *labelled("Ure_0002"), "notes.txt", "a.png")
    campaign = read_campaign([a, b], [b], "per_river")
    assert list(campaign.train) == ["Ure_0001", "Ure_0002", "Wye_0001"]
    assert campaign.train["Ure_0001"].path == f"{a}/Ure_0001.jpg"
    assert campaign.train["Ure_0001"].label == f"{b}/SCLS_Ure_0001.tif"
    assert [i.name for i in campaign.train_images("Ure")] == ["Ure_0001", "Ure_0002"]
    assert list(campaign.predict) == ["Ure_0002"]
    assert campaign.groups["Ure"].predict == ("Ure",)
    assert campaign.groups["Wye"].predict == ()


def test_labels_of_images_to_classify_are_optional(tmp_path, one_river):
    predict = fill(tmp_path / "predict", "Ure_0003.jpg", "SCLS_Ure_0003.tif")
    images = read_campaign(one_river[0], predict, "per_river").predict
    assert {n: i.label for n, i in images.items()} == {
        "Ure_0002": None,
        "Ure_0003": f"{predict}/SCLS_Ure_0003.tif",
    }


def test_folders_expand_variables_and_home(tmp_path, monkeypatch, one_river):
    monkeypatch.setenv("SSC_TEST_DATA", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    campaign = read_campaign("$SSC_TEST_DATA/train", "~/predict", "per_river")
    assert campaign == read_campaign(*one_river, "per_river")


def test_names_that_differ_only_by_an_underscore_keep_their_own_labels(tmp_path):
    folder = fill(tmp_path / "train", *labelled("Ure_1_0001", "Ure_10001"))
    images = read_campaign(folder, folder, "per_river").train
    assert images["Ure_1_0001"].label == f"{folder}/SCLS_Ure_1_0001.tif"
    assert images["Ure_10001"].label == f"{folder}/SCLS_Ure_10001.tif"


def test_hidden_files_that_a_mac_leaves_beside_images_are_passed_over(tmp_path):
    names = labelled("Ure_0001")
    folder = fill(tmp_path / "train", *names, *(f"._{name}" for name in names))
    assert list(read_campaign(folder, folder, "per_river").train) == ["Ure_0001"]


@pytest.mark.parametrize("name", ["Ure_001.jpg", "Ure.jpg", "_0001.jpg", "Ure_0001b.jpg"])
def test_name_without_river_and_four_digits_is_refused(tmp_path, one_river, name):
    train = fill(tmp_path / "train", name)
    (problem,) = problems_of(*one_river)
    assert problem.startswith(f"{train}/{name}: not named RiverName_NNNN.jpg with a number of at ")


@pytest.mark.parametrize("character", "{}<>")
def test_name_with_a_character_that_snakemake_reads_is_refused(tmp_path, one_river, character):
    predict = fill(tmp_path / "predict", f"U{character}re_0001.jpg")
    assert problems_of(*one_river) == [
        f"{predict}/U{character}re_0001.jpg: has one of {{}}<> in its name; rename it"
    ]


def test_labels_of_no_image_are_refused(tmp_path, one_river):
    train = fill(tmp_path / "train", "SCLS_Ure_002.tif", "SCLS_Ure_0002.tif")
    predict = fill(tmp_path / "predict", "SCLS_Ure_0001.tif", "SCLS_Ure_0002.tif")
    # An image to classify does not excuse the labels beside another image.
    assert problems_of(*one_river) == [
        f"{path}: labels of an image that is not among the {role} images; name it "
        "SCLS_<image>.tif, or remove it"
        for path, role in (
            (f"{train}/SCLS_Ure_0002.tif", "train"),
            (f"{train}/SCLS_Ure_002.tif", "train"),
            (f"{predict}/SCLS_Ure_0001.tif", "predict"),
        )
    ]


def test_world_files_and_side_files_of_an_image_are_its_own(tmp_path, one_river):
    own = ["Ure_0001.jgw", "Ure_0001.jpg.aux.xml", "Ure_0001.wld"]
    train = fill(tmp_path / "train", *own, "Ure_0003.jgw", "SCLS_Ure_0001.tif.aux.xml")
    (image,) = read_campaign(*one_river, "per_river").train.values()
    assert image.world_files == tuple(f"{train}/{name}" for name in own)


def test_images_come_in_the_order_of_river_and_number(tmp_path, one_river):
    names = ["Ure_10000", "Ure_9999", "Ure_00007", "Ure_0007", "Dee_9999"]
    fill(tmp_path / "predict", *(f"{name}.jpg" for name in names))
    train = fill(tmp_path / "train", *labelled("Dee_0001"))
    campaign = read_campaign(train, one_river[1], "per_river")
    order = ["Dee_9999", "Ure_0002", "Ure_00007", "Ure_0007", "Ure_9999", "Ure_10000"]
    assert list(campaign.predict) == order


def test_digest_changes_with_the_name_size_and_time_of_any_file(tmp_path):
    paths = [tmp_path / name for name in ("Ure_0001.jpg", "SCLS_Ure_0001.tif", "Ure_0001.jgw")]
    for path in paths:
        path.write_text("a")
        os.utime(path, (100, 100))

    def digest(*files):
        image, label, world_file = map(str, files)
        return files_digest([Image("Ure", "0001", image, label, (world_file,))])

    digests = [digest(*paths)]
    for path in paths:
        # Older than before.
        os.utime(path, (50, 50))
        digests.append(digest(*paths))
        path.write_text("ab")
        os.utime(path, (50, 50))
        digests.append(digest(*paths))
    digests.append(digest(*paths[:2], paths[2].rename(tmp_path / "Ure_0001.wld")))
    assert len(set(digests)) == len(digests)


def test_two_files_for_one_image_are_refused(tmp_path, one_river):
    other = fill(tmp_path / "other", "Ure_0001.jpeg")
    train = one_river[0]
    assert problems_of([train, other], one_river[1]) == [
        f"{train}/Ure_0001.jpg and {other}/Ure_0001.jpeg: two files for one image; remove one"
    ]


def test_two_labels_for_one_image_are_refused(tmp_path, one_river):
    train = fill(tmp_path / "train", "SCLS_Ure0001.tif")
    (problem,) = problems_of(*one_river)
    assert problem == (
        f"{train}/SCLS_Ure_0001.tif and {train}/SCLS_Ure0001.tif: "
        "two labels for Ure_0001; remove one"
    )


def test_label_that_fits_two_images_is_refused(tmp_path, one_river):
    train = fill(tmp_path / "train", "Wye_10001.jpg", "Wye1_0001.jpg", "SCLS_Wye10001.tif")
    (problem,) = problems_of(*one_river)
    assert problem == (
        f"{train}/SCLS_Wye10001.tif: may belong to Wye1_0001 or Wye_10001; name it SCLS_<image>.tif"
    )


def test_training_image_without_labels_is_refused(tmp_path, one_river):
    train = fill(tmp_path / "train", "Ure_0009.jpg")
    assert problems_of(*one_river) == [
        f"{train}/Ure_0009.jpg: training image without labels; put SCLS_Ure_0009.tif beside it, "
        "or move the image to a predict folder"
    ]


def test_one_folder_is_learned_from_and_mapped_where_an_image_has_labels(tmp_path):
    folder = fill(tmp_path / "all", "Ure_0001.jpg", "Ure_0002.jpg")
    assert problems_of(folder, folder) == [f"train: no image in {folder} has labels; label some"]
    fill(tmp_path / "all", "SCLS_Ure_0002.tif")
    campaign = read_campaign(folder, folder, "per_river")
    assert ([*campaign.train], [*campaign.predict]) == (["Ure_0002"], ["Ure_0001", "Ure_0002"])


def test_folder_that_is_named_twice_is_refused_also_a_remote_one(tmp_path, one_river):
    predict = one_river[1]
    assert problems_of(one_river[0], [predict, f"{predict}/../predict"]) == [
        f"predict: {predict} = {predict}/../predict is named 2 times; name it once"
    ]
    image = "/vsicurl/http://river.org/Ure_0003.tif"
    assert problems_of(one_river[0], [image, predict, image]) == [
        f"predict: {image} is named 2 times; name it once"
    ]


def test_empty_folder_is_refused(tmp_path, one_river):
    empty = fill(tmp_path / "empty", "notes.txt")
    assert problems_of(one_river[0], empty) == [
        f"predict: no image RiverName_NNNN.jpg in {empty}; for files of other names give the "
        "river: predict: {River: folder}"
    ]


def test_images_of_any_name_belong_to_the_river_that_is_given(tmp_path):
    names = ["DJI_20230614_0012_D.JPG", "ortho.tif", "ortho.tif.aux.xml", "ortho.tfw", "Ouse_7.png"]
    folder = fill(tmp_path / "flight", *names, "SCLS_ortho.png", "notes.txt")
    campaign = read_campaign({"Ouse": folder}, {"Ouse": folder}, "per_river")
    # What has no label is no training image, for it is mapped.
    assert list(campaign.train) == ["Ouse_ortho"]
    assert list(campaign.predict) == ["Ouse_7", "Ouse_DJI_20230614_0012_D", "Ouse_ortho"]
    ortho = campaign.predict["Ouse_ortho"]
    assert (ortho.river, ortho.number, ortho.label) == ("Ouse", "ortho", f"{folder}/SCLS_ortho.png")
    assert ortho.world_files == (f"{folder}/ortho.tfw", f"{folder}/ortho.tif.aux.xml")
    assert campaign.ignored == {f"{folder}/notes.txt": "neither an image nor a label raster"}


def test_files_of_one_name_in_two_folders_are_told_apart(tmp_path):
    for flight in ("may", "june"):
        fill(tmp_path / flight, *labelled("DJI_0001"))
    places = [f"{tmp_path}/may", f"{tmp_path}/june"]
    campaign = read_campaign({"Ouse": places}, {"Ouse": f"{tmp_path}/may"}, "per_river")
    assert {name: image.label for name, image in campaign.train.items()} == {
        f"Ouse_{flight}_DJI_0001": f"{tmp_path}/{flight}/SCLS_DJI_0001.tif"
        for flight in ("june", "may")
    }
    assert list(campaign.predict) == ["Ouse_DJI_0001"]


def test_one_file_brings_what_belongs_to_it(tmp_path):
    folder = fill(tmp_path / "a", *labelled("ortho", "other"), "ortho.tfw", "orthophoto.tif")
    remote = "https://example.org/cog.tif"
    train, predict = {"Ouse": f"{folder}/ortho.jpg"}, {"Ouse": [f"{folder}/ortho.jpg", remote]}
    campaign = read_campaign(train, predict, "per_river")
    assert campaign.train == {
        "Ouse_ortho": Image(
            *("Ouse", "ortho", f"{folder}/ortho.jpg", f"{folder}/SCLS_ortho.tif"),
            (f"{folder}/ortho.tfw",),
        )
    }
    assert [image.path for image in campaign.predict.values()] == [remote, f"{folder}/ortho.jpg"]
    assert [image.is_file for image in campaign.predict.values()] == [False, True]
    assert files_digest(campaign.predict.values())


def test_rasters_of_other_names_are_ignored_in_folders_of_many_rivers(tmp_path, one_river):
    predict = fill(tmp_path / "predict", "dem.tif", "Ure_0003.tif")
    campaign = read_campaign(*one_river, "per_river")
    assert "Ure_0003" in campaign.predict
    assert campaign.ignored == {f"{predict}/dem.tif": "not named RiverName_NNNN"}


def test_absent_folder_is_refused(tmp_path, one_river):
    assert problems_of([one_river[0], f"{tmp_path}/absent"], one_river[1]) == [
        f"train: folder {tmp_path}/absent does not exist"
    ]


def test_unset_variable_is_refused(monkeypatch, one_river):
    monkeypatch.delenv("SSC_TEST_DATA", raising=False)
    assert problems_of("$SSC_TEST_DATA/train", one_river[1]) == [
        "train: environment variable in $SSC_TEST_DATA/train is not set; export it"
    ]


def test_all_problems_come_at_once(tmp_path):
    train = fill(tmp_path / "train", "Ure_001.jpg", "Ure_0002.jpg", *labelled("report_0001"))
    predict = fill(tmp_path / "predict", "Wye_0001.jpg")
    problems = problems_of([train, f"{tmp_path}/absent"], predict)
    expected = [
        "absent does not exist",
        "Ure_001.jpg: not named",
        "Ure_0002.jpg: training image without labels",
        "river Wye has images to classify but none to learn from",
        "a group may not be named report",
    ]
    assert len(problems) == len(expected)
    for part, problem in zip(expected, problems, strict=True):
        assert part in problem


def image(river, number):
    return Image(river, f"{number:04d}", f"{river}_{number:04d}.jpg")


IMAGES = st.lists(
    st.builds(image, st.sampled_from(["Ure", "Wye", "Wye_2"]), st.integers(0, 20_000)),
    unique=True,
    max_size=40,
)


def test_batch_of_one_is_named_as_its_image():
    images = [image("Wye", 10_000), image("Ure", 7), image("Wye", 9_999)]
    expected = {"Ure_0007": [images[1]], "Wye_9999": [images[2]], "Wye_10000": [images[0]]}
    cut = batches(images, 1)
    assert cut == expected
    assert list(cut) == list(expected)


def test_batches_hold_about_as_many_images_as_asked():
    assert 80 <= len(batches([image("Ure", n) for n in range(5000)], 50)) <= 120


def test_batches_grow_with_the_river_where_their_size_is_not_given():
    # Rivers of 8 images are 8 jobs each; from 9 images on the mean is 2, from the 257th 64.
    few = [image(river, n) for river in ("Ure", "Wye") for n in range(8)]
    assert [len(batch) for batch in batches(few).values()] == [1] * 16
    # 8 + 8 / 2 + 16 / 4 + 32 / 8 + 64 / 16 + 66 / 32, and for 10,000 28 + 9744 / 64, in the mean.
    assert 18 <= len(batches([image("Ure", n) for n in range(194)])) <= 34
    assert 130 <= len(batches([image("Ure", n) for n in range(10_000)])) <= 230


def test_new_image_leaves_all_but_one_or_two_growing_batches_as_they_were():
    images = [image("Ure", n) for n in range(0, 400, 2)] + [image("Wye", 1)]
    before = batches(images)
    changed = [
        sum(before.get(name) != batch for name, batch in batches([*images, new]).items())
        for new in (image("Ure", n) for n in range(1, 400, 2))
    ]
    # The batch that it joins, or the two that it makes of one; seldom one more.
    assert max(changed) <= 3
    assert sum(changed) / 200 < 1.5


@given(IMAGES, st.none() | st.integers(1, 10))
def test_batches_partition_the_images_of_each_river_in_order(images, per_job):
    cut = batches(images, per_job)
    in_order = sorted(images, key=lambda i: (i.river, int(i.number)))
    assert [i for batch in cut.values() for i in batch] == in_order
    for name, batch in cut.items():
        assert name == batch[0].name
        assert len({i.river for i in batch}) == 1


@given(IMAGES.filter(bool), st.integers(1, 10), st.randoms())
def test_new_image_changes_only_the_batch_that_it_joins_or_splits(images, per_job, random):
    new = random.choice(images)
    before = batches([i for i in images if i != new], per_job)
    after = batches(images, per_job)
    gone = [batch for name, batch in before.items() if after.get(name) != batch]
    come = [batch for name, batch in after.items() if before.get(name) != batch]
    assert len(gone) <= 1
    assert [i for batch in come for i in batch if i != new] == [i for batch in gone for i in batch]
