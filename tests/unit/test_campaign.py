import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ssc.campaign import Image, batches, read_campaign
from ssc.errors import InputError


def fill(folder, *names):
    """A folder of empty files: discovery looks at names only."""
    folder.mkdir(exist_ok=True)
    for name in names:
        (folder / name).touch()
    return str(folder)


def labelled(*images):
    return [f"{i}.jpg" for i in images] + [f"SCLS_{i}.tif" for i in images]


def problems_of(train, predict, groups="per_river"):
    with pytest.raises(InputError) as caught:
        read_campaign(train, predict, groups)
    assert str(caught.value) == "\n".join(caught.value.problems)
    return list(caught.value.problems)


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
    found = read_campaign(folder, folder, "per_river")
    expected = Image(river, number, f"{folder}/{image}", f"{folder}/{label}")
    assert found.train == found.predict == {f"{river}_{number}": expected}


@pytest.mark.parametrize("image_form", ["NFC", "NFD"])
def test_accents_match_however_they_are_encoded(tmp_path, image_form):
    label_form = {"NFC": "NFD", "NFD": "NFC"}[image_form]
    image = unicodedata.normalize(image_form, "Hérault_0001.jpg")
    label = unicodedata.normalize(label_form, "SCLS_Hérault_0001.tif")
    folder = fill(tmp_path / "train", image, label)
    (found,) = read_campaign(folder, folder, "per_river").train.values()
    assert found.river == unicodedata.normalize("NFC", "Hérault")
    # Paths stay as the file system has them.
    assert (found.path, found.label) == (f"{folder}/{image}", f"{folder}/{label}")


def test_river_in_a_group_matches_however_it_is_encoded(tmp_path):
    folder = fill(tmp_path / "train", *labelled(unicodedata.normalize("NFC", "Hérault_0001")))
    typed = unicodedata.normalize("NFD", "Hérault")
    groups = {"south": {"train": [typed], "predict": [typed]}}
    found = read_campaign(folder, folder, groups)
    assert [i.number for i in found.train_images("south")] == ["0001"]


def test_rivers_share_folders_and_a_river_spans_folders(tmp_path):
    a = fill(tmp_path / "a", "Ure_0001.jpg", *labelled("Wye_0001"))
    b = fill(tmp_path / "b", "SCLS_Ure_0001.tif", *labelled("Ure_0002"), "notes.txt", "a.png")
    found = read_campaign([a, b], [b], "per_river")
    assert list(found.train) == ["Ure_0001", "Ure_0002", "Wye_0001"]
    assert found.train["Ure_0001"].path == f"{a}/Ure_0001.jpg"
    assert found.train["Ure_0001"].label == f"{b}/SCLS_Ure_0001.tif"
    assert [i.name for i in found.train_images("Ure")] == ["Ure_0001", "Ure_0002"]
    assert list(found.predict) == ["Ure_0002"]
    assert found.groups["Ure"].predict == ("Ure",)
    assert found.groups["Wye"].predict == ()


def test_labels_of_images_to_classify_are_optional(tmp_path, one_river):
    predict = fill(tmp_path / "predict", "Ure_0003.jpg", "SCLS_Ure_0003.tif")
    found = read_campaign(one_river[0], predict, "per_river").predict
    assert {n: i.label for n, i in found.items()} == {
        "Ure_0002": None,
        "Ure_0003": f"{predict}/SCLS_Ure_0003.tif",
    }


def test_folders_expand_variables_and_home(tmp_path, monkeypatch, one_river):
    monkeypatch.setenv("SSC_TEST_DATA", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    found = read_campaign("$SSC_TEST_DATA/train", "~/predict", "per_river")
    assert found == read_campaign(*one_river, "per_river")


def test_names_that_differ_only_by_an_underscore_keep_their_own_labels(tmp_path):
    folder = fill(tmp_path / "train", *labelled("Ure_1_0001", "Ure_10001"))
    found = read_campaign(folder, folder, "per_river").train
    assert found["Ure_1_0001"].label == f"{folder}/SCLS_Ure_1_0001.tif"
    assert found["Ure_10001"].label == f"{folder}/SCLS_Ure_10001.tif"


def test_hidden_files_that_a_mac_leaves_beside_images_are_passed_over(tmp_path):
    names = labelled("Ure_0001")
    folder = fill(tmp_path / "train", *names, *(f"._{name}" for name in names))
    assert list(read_campaign(folder, folder, "per_river").train) == ["Ure_0001"]


@pytest.mark.parametrize("name", ["Ure_001.jpg", "Ure.jpg", "_0001.jpg", "Ure_0001b.jpg"])
def test_name_without_river_and_four_digits_is_refused(tmp_path, one_river, name):
    train = fill(tmp_path / "train", name)
    (problem,) = problems_of(*one_river)
    assert problem.startswith(f"{train}/{name}: not named RiverName_NNNN.jpg with a number of at ")


def test_name_with_braces_is_refused(tmp_path, one_river):
    train = fill(tmp_path / "train", *labelled("{Ure}_0001"))
    (problem,) = problems_of(*one_river)
    assert problem.startswith(f"{train}/{{Ure}}_0001.jpg: not named RiverName_NNNN.jpg")


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


def test_empty_folder_is_refused(tmp_path, one_river):
    empty = fill(tmp_path / "empty", "notes.txt")
    assert problems_of(one_river[0], empty) == [
        f"campaign.predict: no image RiverName_NNNN.jpg in {empty}"
    ]


def test_absent_folder_is_refused(tmp_path, one_river):
    assert problems_of([one_river[0], f"{tmp_path}/absent"], one_river[1]) == [
        f"campaign.train: folder {tmp_path}/absent does not exist"
    ]


def test_unset_variable_is_refused(monkeypatch, one_river):
    monkeypatch.delenv("SSC_TEST_DATA", raising=False)
    assert problems_of("$SSC_TEST_DATA/train", one_river[1]) == [
        "campaign.train: environment variable in $SSC_TEST_DATA/train is not set; export it"
    ]


def test_all_problems_come_at_once(tmp_path):
    train = fill(tmp_path / "train", "Ure_001.jpg", "Ure_0002.jpg", *labelled("report_0001"))
    predict = fill(tmp_path / "predict", "Wye_0001.jpg")
    found = problems_of([train, f"{tmp_path}/absent"], predict)
    expected = [
        "absent does not exist",
        "Ure_001.jpg: not named",
        "Ure_0002.jpg: training image without labels",
        "river Wye has images to classify but none to learn from",
        "a group may not be named report",
    ]
    assert len(found) == len(expected)
    for part, problem in zip(expected, found, strict=True):
        assert part in problem


@pytest.fixture
def three_rivers(tmp_path):
    train = fill(tmp_path / "train", *labelled("Ure_0001", "Wye_0001", "Dee_0001"))
    predict = fill(tmp_path / "predict", "Ure_0002.jpg", "Wye_0002.jpg")
    return train, predict


def roles(campaign):
    return {
        name: (
            [i.name for i in campaign.train_images(name)],
            [i.name for i in campaign.predict.values() if i.river in group.predict],
        )
        for name, group in campaign.groups.items()
    }


def test_per_river_gives_each_river_its_own_cnn(three_rivers):
    assert roles(read_campaign(*three_rivers, "per_river")) == {
        "Dee": (["Dee_0001"], []),
        "Ure": (["Ure_0001"], ["Ure_0002"]),
        "Wye": (["Wye_0001"], ["Wye_0002"]),
    }


def test_leave_one_river_out_learns_from_all_other_rivers(three_rivers):
    assert roles(read_campaign(*three_rivers, "leave_one_river_out")) == {
        "without_Ure": (["Dee_0001", "Wye_0001"], ["Ure_0002"]),
        "without_Wye": (["Dee_0001", "Ure_0001"], ["Wye_0002"]),
    }


def test_mapping_forms_the_groups_that_it_names(three_rivers):
    groups = {
        "both": {"train": ["Ure", "Dee"], "predict": ["Ure", "Wye"]},
        "spare": {"train": ["Wye"], "predict": []},
    }
    assert roles(read_campaign(*three_rivers, groups)) == {
        "both": (["Dee_0001", "Ure_0001"], ["Ure_0002", "Wye_0002"]),
        "spare": (["Wye_0001"], []),
    }


def test_per_river_refuses_a_river_without_training_images(tmp_path, three_rivers):
    fill(tmp_path / "predict", "Exe_0001.jpg")
    (problem,) = problems_of(*three_rivers)
    assert problem.startswith("campaign.groups: river Exe has images to classify but none to learn")


def test_leave_one_river_out_refuses_a_single_river(one_river):
    assert problems_of(*one_river, "leave_one_river_out") == [
        "campaign.groups: leave_one_river_out has no other river to learn from for Ure"
    ]


def test_mapping_refuses_rivers_that_are_not_there(three_rivers):
    groups = {"g": {"train": ["Ure", "Exe"], "predict": ["Dee"]}}
    assert problems_of(*three_rivers, groups) == [
        "campaign.groups.g.train: no images of river Exe in campaign.train; "
        "there are: Dee, Ure, Wye",
        "campaign.groups.g.predict: no images of river Dee in campaign.predict; "
        "there are: Ure, Wye",
    ]


@pytest.fixture
def trained(tmp_path):
    """A CNN that others trained and its class key."""
    for name in ("river.h5", "river.csv", "other.csv"):
        (tmp_path / name).touch()
    return tmp_path / "river.h5"


def test_trained_model_takes_the_class_key_beside_it_unless_told_otherwise(
    monkeypatch, tmp_path, three_rivers, trained
):
    monkeypatch.setenv("SSC_TEST_MODELS", str(tmp_path))
    _, predict = three_rivers
    groups = {
        "beside": {"model": str(trained), "predict": ["Ure"]},
        "told": {
            "model": "$SSC_TEST_MODELS/river.h5",
            "key": "$SSC_TEST_MODELS/other.csv",
            "predict": ["Wye"],
        },
    }
    campaign = read_campaign([], predict, groups)
    assert campaign.train == {}
    assert roles(campaign) == {"beside": ([], ["Ure_0002"]), "told": ([], ["Wye_0002"])}
    paths = [(g.model, g.key) for g in campaign.groups.values()]
    assert paths == [
        (str(trained), str(tmp_path / "river.csv")),
        (str(trained), str(tmp_path / "other.csv")),
    ]


def test_trained_model_that_is_not_there_is_refused(tmp_path, three_rivers, trained):
    (tmp_path / "river.csv").unlink()
    groups = {
        "a": {"model": str(trained), "predict": []},
        "b": {"model": "absent.h5", "key": str(tmp_path / "other.csv"), "predict": []},
        "c": {"model": str(trained), "train": ["Ure"], "predict": []},
        "d": {"predict": []},
    }
    assert problems_of(*three_rivers, groups) == [
        f"campaign.groups.a.key: no file {tmp_path}/river.csv",
        "campaign.groups.b.model: no file absent.h5",
        "campaign.groups.c: give either train, the rivers to learn from, or model, the file of a "
        "trained CNN",
        f"campaign.groups.c.key: no file {tmp_path}/river.csv",
        "campaign.groups.d: give either train, the rivers to learn from, or model, the file of a "
        "trained CNN",
    ]


@pytest.mark.parametrize("groups", ["per_river", "leave_one_river_out"])
def test_training_folder_is_missed_where_a_cnn_has_to_be_trained(three_rivers, groups):
    assert problems_of([], three_rivers[1], groups) == [
        f"campaign.groups: {groups} has no training images to learn from; set campaign.train, or "
        "name a trained model in campaign.groups"
    ]


def test_list_of_designs_makes_the_groups_of_all(three_rivers, trained):
    own = {"both": {"train": ["Ure", "Dee"], "predict": ["Ure", "Wye"]}}
    campaign = read_campaign(
        *three_rivers,
        ["per_river", "leave_one_river_out", own, {"old": {"model": str(trained), "predict": []}}],
    )
    assert {name: group.design for name, group in campaign.groups.items()} == {
        **dict.fromkeys(("Dee", "Ure", "Wye"), "per_river"),
        **dict.fromkeys(("without_Ure", "without_Wye"), "leave_one_river_out"),
        "both": "both",
        "old": "old",
    }


def test_two_groups_of_one_name_are_refused(three_rivers):
    groups = ["per_river", {"Ure": {"train": ["Ure"], "predict": ["Ure"]}}]
    assert problems_of(*three_rivers, groups) == [
        "campaign.groups: 2 groups are named Ure; rename your own"
    ]


@pytest.mark.parametrize("name", ["report", "training_colours", "training_tiles"])
def test_group_may_not_take_the_name_of_a_results_folder(three_rivers, name):
    groups = {name: {"train": ["Ure"], "predict": ["Ure"]}}
    assert problems_of(*three_rivers, groups) == [
        f"campaign.groups: a group may not be named {name}; results has a folder of that name"
    ]


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


@given(IMAGES, st.integers(1, 10))
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
