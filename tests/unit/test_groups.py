"""Groups say which CNN learns from and classifies which rivers."""

import pytest
from campaign_samples import fill, labelled, problems_of
from hypothesis import given
from hypothesis import strategies as st

from ssc.campaign import Campaign, Image, read_campaign
from ssc.groups import form_groups


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


NUMBERS = st.sets(st.integers(0, 20_000), min_size=2, max_size=30)


@given(st.dictionaries(st.sampled_from(["Ure", "Wye"]), NUMBERS, min_size=1), st.integers(2, 7))
def test_folds_of_neighbours_hold_out_each_training_image_once(numbers, folds):
    images = [Image(river, f"{n:04d}", "") for river in numbers for n in numbers[river]]
    train = {i.name: i for i in sorted(images, key=lambda i: i.order)}
    names = {r: [i.name for i in train.values() if i.river == r] for r in sorted(numbers)}
    problems = []
    groups = form_groups("cross_validation", names, [], folds, [42], problems)
    campaign = Campaign(train, {}, groups)
    assert problems == []
    held_out = {name: campaign.held_out_images(name) for name in groups}
    # One fold after the other they are all images in order.
    assert [i for fold in held_out.values() for i in fold] == list(train.values())
    for river, own in names.items():
        n = min(folds, len(own))
        of_river = [f"{river}_fold_{number}" for number in range(1, n + 1)]
        assert of_river == [name for name, group in groups.items() if group.train == (river,)]
        sizes = [len(held_out[name]) for name in of_river]
        assert max(sizes) - min(sizes) <= 1
        for name in of_river:
            learned = {i.name for i in campaign.train_images(name)}
            assert learned == set(own) - {i.name for i in held_out[name]}


def test_seeds_repeat_each_group_and_share_its_pool():
    names = {"Ure": ["Ure_0001", "Ure_0002"]}
    problems = []
    own = {"all": {"train": ["Ure"], "predict": ["Ure"]}}
    groups = form_groups([own, "cross_validation"], names, ["Ure"], 2, [7, 9], problems)
    assert problems == []
    assert {g.name: (g.seed, g.repeats, g.pool, g.design) for g in groups.values()} == {
        "all": (7, None, "all", "all"),
        "Ure_fold_1": (7, None, "Ure_cross_validation", "cross_validation"),
        "Ure_fold_2": (7, None, "Ure_cross_validation", "cross_validation"),
        "all_seed_9": (9, "all", "all", "all"),
        "Ure_fold_1_seed_9": (9, "Ure_fold_1", "Ure_cross_validation", "cross_validation"),
        "Ure_fold_2_seed_9": (9, "Ure_fold_2", "Ure_cross_validation", "cross_validation"),
    }
    assert groups["Ure_fold_2_seed_9"].held_out == {"Ure_0002"}
    own["all_seed_9"] = own["all"]
    form_groups(own, names, ["Ure"], 2, [7, 9], problems)
    assert problems == ["groups: 2 groups are named all_seed_9; rename your own"]


def test_cross_validation_needs_no_images_to_classify(tmp_path):
    train = fill(tmp_path / "train", *labelled("Ure_0001", "Ure_0002"))
    campaign = read_campaign(train, [], "cross_validation")
    assert {g.name: (g.design, g.pool) for g in campaign.groups.values()} == {
        "Ure_fold_1": ("cross_validation", "Ure_cross_validation"),
        "Ure_fold_2": ("cross_validation", "Ure_cross_validation"),
    }
    assert problems_of(train, [], ["cross_validation", "per_river"]) == [
        "groups: per_river has no images to classify; set predict, or choose cross_validation, "
        "which classifies the training images"
    ]


def test_the_only_image_of_a_river_is_held_out_block_by_block(tmp_path):
    train = fill(tmp_path / "train", *labelled("Ure_0001"))
    campaign = read_campaign(train, [], "cross_validation", folds=3)
    assert [(g.name, g.block) for g in campaign.groups.values()] == [
        ("Ure_fold_1", (1, 3)),
        ("Ure_fold_2", (2, 3)),
        ("Ure_fold_3", (3, 3)),
    ]
    # It is learned from and mapped by each.
    for name in campaign.groups:
        for images in (campaign.train_images(name), campaign.held_out_images(name)):
            assert [image.name for image in images] == ["Ure_0001"]


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
    assert problem.startswith("groups: river Exe has images to classify but none to learn")


def test_leave_one_river_out_refuses_a_single_river(tmp_path):
    folder = fill(tmp_path / "train", *labelled("Ure_0001"))
    assert problems_of(folder, folder, "leave_one_river_out") == [
        "groups: leave_one_river_out has no other river to learn from for Ure"
    ]


def test_mapping_refuses_rivers_that_are_not_there(three_rivers):
    groups = {"g": {"train": ["Ure", "Exe"], "predict": ["Dee"]}}
    assert problems_of(*three_rivers, groups) == [
        "groups.g.train: no images of river Exe in train; there are: Dee, Ure, Wye",
        "groups.g.predict: no images of river Dee in predict; there are: Ure, Wye",
    ]


def test_training_may_start_from_a_trained_cnn(tmp_path, three_rivers):
    own = {"train": ["Wye"], "predict": ["Wye"], "start_from": str(tmp_path / "river.h5")}
    assert problems_of(*three_rivers, {"g": own}) == [
        f"groups.g.start_from: no file {tmp_path}/river.h5",
        f"groups.g.key: no file {tmp_path}/river.csv",
    ]
    fill(tmp_path, "river.h5", "river.csv")
    group = read_campaign(*three_rivers, {"g": own}).groups["g"]
    assert (group.train, group.model) == (("Wye",), None)
    assert (group.start_from, group.key) == (own["start_from"], str(tmp_path / "river.csv"))
    without = {"model": own["start_from"], "start_from": own["start_from"], "predict": ["Wye"]}
    assert problems_of(*three_rivers, {"g": without}) == [
        "groups.g: start_from goes with train, the rivers to learn from"
    ]


@pytest.fixture
def trained(tmp_path):
    """A CNN that others trained and its class key."""
    for name in ("river.h5", "river.csv", "other.csv"):
        (tmp_path / name).touch()
    return tmp_path / "river.h5"


def test_trained_model_takes_the_class_key_beside_it_unless_another_is_named(
    monkeypatch, tmp_path, three_rivers, trained
):
    monkeypatch.setenv("SSC_TEST_MODELS", str(tmp_path))
    _, predict = three_rivers
    groups = {
        "beside": {"model": str(trained), "predict": ["Ure"]},
        "another": {
            "model": "$SSC_TEST_MODELS/river.h5",
            "key": "$SSC_TEST_MODELS/other.csv",
            "predict": ["Wye"],
        },
    }
    campaign = read_campaign([], predict, groups)
    assert campaign.train == {}
    assert roles(campaign) == {"beside": ([], ["Ure_0002"]), "another": ([], ["Wye_0002"])}
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
        f"groups.a.key: no file {tmp_path}/river.csv",
        "groups.b.model: no file absent.h5",
        "groups.c: give either train, the rivers to learn from, or model, the file of a "
        "trained CNN",
        f"groups.c.key: no file {tmp_path}/river.csv",
        "groups.d: give either train, the rivers to learn from, or model, the file of a "
        "trained CNN",
    ]


@pytest.mark.parametrize("groups", ["per_river", "leave_one_river_out", "cross_validation"])
def test_training_folder_is_required_where_a_cnn_has_to_be_trained(three_rivers, groups):
    assert problems_of([], three_rivers[1], groups) == [
        f"groups: {groups} has no training images to learn from; set train, or "
        "name a trained model in groups"
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
    assert problems_of(*three_rivers, groups) == ["groups: 2 groups are named Ure; rename your own"]


def test_group_may_not_take_the_name_of_the_scores_of_all_folds(tmp_path):
    train = fill(tmp_path / "train", *labelled("Ure_0001", "Ure_0002"))
    own = {"Ure_cross_validation": {"train": ["Ure"], "predict": []}}
    assert problems_of(train, [], ["cross_validation", own]) == [
        "groups: 2 groups are named Ure_cross_validation; rename your own"
    ]


@pytest.mark.parametrize("name", ["check", "colour_counts", "logs", "report", "cross_validation"])
def test_group_may_not_take_a_name_of_the_results(three_rivers, name):
    groups = {name: {"train": ["Ure"], "predict": ["Ure"]}}
    assert problems_of(*three_rivers, groups) == [
        f"groups: a group may not be named {name}; the results use this name; choose another"
    ]


@pytest.mark.parametrize("name", ["a{b", "a}", "<a", "a>b"])
def test_group_name_with_a_character_that_snakemake_reads_is_refused(three_rivers, name):
    groups = {name: {"train": ["Ure"], "predict": ["Ure"]}}
    assert problems_of(*three_rivers, groups) == [
        f"groups: {name} has one of {{}}<> in its name; rename it"
    ]
