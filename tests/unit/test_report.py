"""The report: order of images, verdict, warnings, provenance, and what names may hold."""

import dataclasses
import hashlib
import json
from html.parser import HTMLParser

import pandas as pd
from report_samples import CLASSES, IMAGES, make_content, make_experiments, make_images

from ssc.classes import LandClass
from ssc.report.image_table import select_figures
from ssc.report.job_warnings import compile_warnings, group_warnings
from ssc.report.page import compare_stages, render
from ssc.report.provenance import compile_provenance, find_changes
from ssc.report.verdict import write_verdict


def test_the_worst_image_is_first():
    """By F1; without it, or where the CNN learned from the image, by confidence."""
    images = make_images()
    order = ["Ure_0002", "Ure_0003", "Wye_0001", "Ure_0001", "Wye_0002"]
    assert images["image"].tolist() == order
    worst = images.iloc[0]
    assert (worst["f1_cnn"], worst["f1_final"], worst["percent_2"]) == (59, 60, 70)
    assert images["learned_from"].tolist() == [False, False, True, False, False]


def test_large_figures_are_the_worst_of_each_river():
    images = make_images()
    assert select_figures(images, 2, 9)["image"].tolist() == [
        *("Ure_0002", "Ure_0003", "Wye_0001", "Wye_0002")
    ]
    # Each river gives one before any gives two.
    assert select_figures(images, 2, 3)["image"].tolist() == ["Ure_0002", "Ure_0003", "Wye_0001"]


def test_the_verdict_says_how_much_how_well_and_what_to_distrust():
    images = make_images()
    mapped, headline, to_check = write_verdict(images, make_experiments(), "MLP", {"Wye_0002"})
    assert mapped == "5 images of 2 rivers mapped by 2 CNNs."
    assert headline == (
        "F1 of the final maps is 79.8 % on 2 labelled images mapped by one CNN for each river."
    )
    assert to_check == (
        "Check first: Ure_0002 (F1 60 %), Ure_0003 (confidence 66 %), Wye_0002 (warning)."
    )
    nothing = make_experiments().iloc[:0]
    _, headline, to_check = write_verdict(images.iloc[[3]], nothing, "MLP", set())
    assert headline == "There are no labels to score the maps by."
    assert to_check == "No map stands out; Ure_0001 has the lowest confidence (95 %)."


def test_warnings_have_their_image_and_remedy(tmp_path):
    columns = ["river", "number", "image", "note"]
    rows = [
        ("Ure", "0001", "a/Ure_0001.jpg", "a/Ure_0001.jpg: outside; nothing of it is mapped"),
        ("Ure", "0002", "a/Ure_0002.jpg", None),
        (None, None, "a/notes.txt", "neither an image nor a label raster"),
    ]
    refine, check = tmp_path / "refine.log", tmp_path / "check.log"
    refine.write_text(
        "Ure_0001 (1 of 2)\nUre_0002 (2 of 2)\nWARNING: few pixels; check this map\n"
        "WARNING: Ure_0002: no remedy\n"
        "WARNING: All log messages before absl::InitializeLog() is called are written to STDERR\n"
    )
    check.write_text(
        "WARNING: a/Ure_0001.jpg: outside; nothing of it is mapped\nWARNING: no label; add one\n"
    )
    preflight = pd.DataFrame(rows, columns=columns)
    table = compile_warnings(preflight, [refine, check, tmp_path / "none.log"])
    assert table.to_dict("split")["data"] == [
        ["Ure_0001", "a/Ure_0001.jpg: outside; nothing of it is mapped", ""],
        ["a/notes.txt", "neither an image nor a label raster", ""],
        ["Ure_0002", "few pixels", "check this map"],
        ["Ure_0002", "no remedy", ""],
        ["", "no label", "add one"],
    ]


def test_warnings_that_differ_only_in_names_and_numbers_share_a_row():
    rows = [
        ("Ure_0001", "a/Ure_0001.jpg is dark", "check it"),
        ("", "no label", "add one"),
        ("Ure_0002", "a/Ure_0002.jpg is dark", "check it"),
        ("Ure_0002", "4,000 pixels", "check it"),
        ("Ure_0003", "a/Ure_0003.jpg is dark", "check it"),
    ]
    kinds = group_warnings(pd.DataFrame(rows, columns=["image", "warning", "remedy"]))
    assert kinds.to_numpy().tolist() == [
        ["Ure_0001", "a/Ure_0001.jpg is dark", "check it", ["Ure_0002", "Ure_0003"]],
        ["", "no label", "add one", []],
        ["Ure_0002", "4,000 pixels", "check it", []],
    ]


def test_the_page_shows_accuracies_of_each_stage():
    (part,) = compare_stages(make_content())
    final = part["stages"]["MLP"]
    assert final["matrix"] == [[20, 5], [10, 15]]
    assert (final["overall"], final["kappa"]) == ("70.0", "40.0")


def test_scores_of_several_seeds_have_mean_and_spread():
    one = make_content()
    # 70 and 80 % of 50 pixels are right: 75, with the standard deviation of a sample, 10 / sqrt(2).
    better = one.confusion.assign(seed=43)
    better.loc[better["label"] == "Water", ["mapped_Water", "mapped_Sand"]] = 25, 0
    columns = ["experiments", "totals", "confusion"]
    of_43 = (
        one.experiments.assign(seed=43, MLP=81.75),
        one.totals.assign(seed=43, accuracy=80),
        better,
    )
    tables = {
        name: pd.concat([getattr(one, name), other])
        for name, other in zip(columns, of_43, strict=True)
    }
    content = dataclasses.replace(one, **tables)
    (part,) = compare_stages(content)
    assert part["stages"]["MLP"]["overall"] == "75.0 ± 7.1"
    # The matrix is that of the maps on the page.
    assert part["stages"]["MLP"]["matrix"] == [[20, 5], [10, 15]]
    page = render(content)
    assert page.count("<td>75.0<small>± 7.1</small></td>") == 2
    assert (
        "F1 of the final maps is 80.8 ± 1.4 % on 2 labelled images mapped by one CNN for each "
        "river (mean ± standard deviation of 2 seeds)." in page
    )
    assert "±" not in render(one)


def test_the_hectares_of_a_group_are_those_of_its_images():
    page = render(make_content())
    # Three images of 3 ha of water and 7 ha of sand.
    assert "<td>30.0</td><td>9.000</td>" in page
    assert "<td>70.0</td><td>21.000</td>" in page
    (unknown := make_images())["hectares_1"] = float("nan")
    page = render(dataclasses.replace(make_content(), images=unknown))
    assert "<td>30.0</td><td>\N{EN DASH}</td>" in page


def test_provenance_has_digests_of_images_labels_and_models(tmp_path):
    model = tmp_path / "cnn.onnx"
    model.write_bytes(b"weights")
    preflight = pd.DataFrame(
        {
            "split": ["train", None],
            "image": ["a.jpg", "notes.txt"],
            "label": ["b.tif", None],
            "sha256": ["11", None],
            "label_sha256": ["22", None],
        }
    )
    config = {"experiment": "x", "seed": 1}
    made = compile_provenance(config, {"numpy": "2"}, None, preflight, [str(model)], [])
    assert [(f["kind"], f["sha256"]) for f in made["files"]] == [
        ("train image", "11"),
        ("train labels", "22"),
        ("model", hashlib.sha256(b"weights").hexdigest()),
    ]


def test_files_that_changed_since_are_named(tmp_path):
    files = []
    for name in ("same.jpg", "other.jpg", "gone.jpg"):
        (tmp_path / name).write_bytes(b"before")
        digest = hashlib.sha256(b"before").hexdigest()
        files.append({"kind": "image", "path": str(tmp_path / name), "sha256": digest})
    (tmp_path / "other.jpg").write_bytes(b"after!")
    (tmp_path / "gone.jpg").unlink()
    assert find_changes(files) == [
        f"{tmp_path}/other.jpg: the image has changed since",
        f"{tmp_path}/gone.jpg: the image is gone",
    ]


class Elements(HTMLParser):
    def __init__(self):
        super().__init__()
        self.tags, self.data, self.inside = [], [], None

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.inside = dict(attrs).get("id")

    def handle_endtag(self, tag):
        self.inside = None

    def handle_data(self, data):
        if self.inside in ("chart-data", "figure-data"):
            self.data.append(data)


def test_names_inject_nothing():
    evil = "</script><script>alert(1)</script><img src=x onerror=alert(2)>"
    classes = [LandClass(1, evil, "red"), CLASSES[1]]
    images = [(f"{evil}_0001", 50.0, 60.0, False), *IMAGES]
    plain, made = Elements(), Elements()
    plain.feed(render(make_content(images=[("Xx_0001", 50.0, 60.0, False), *IMAGES])))
    made.feed(render(make_content(evil, classes, images)))
    assert sorted(made.tags) == sorted(plain.tags)
    charts, figures = map(json.loads, made.data)
    assert any(f["image"].startswith(evil) for f in figures)
    assert evil in json.dumps(charts)
