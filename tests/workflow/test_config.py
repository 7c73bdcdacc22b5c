"""The config: one set of defaults, documented, and guarded against slips."""

import copy
import json
from pathlib import Path

import pytest
import yaml

from run import REPO, run_snakemake

SCHEMA = yaml.safe_load((REPO / "config/config.schema.yaml").read_text())
SAMPLE = yaml.safe_load((REPO / "config/config.yaml").read_text())
FOLDERS = {
    "train": str(REPO / "sample_data/train"),
    "predict": str(REPO / "sample_data/predict"),
}
OWN = {"train": ["Clearbrook"], "predict": ["Clearbrook"]}


def leaves(properties, path=()):
    """Key path and schema of every setting."""
    for name, schema in properties.items():
        if "properties" in schema:
            yield from leaves(schema["properties"], (*path, name))
        else:
            yield (*path, name), schema


@pytest.mark.parametrize(("path", "schema"), list(leaves(SCHEMA["properties"])))
def test_every_key_is_described_shown_and_documented(path, schema):
    assert schema["description"]
    shown = SAMPLE
    for name in path:
        shown = shown[name]
    sections = (REPO / "config/README.md").read_text().split("\n## ")
    section = next(text for text in sections[1:] if path[0] in text.splitlines()[0])
    name = ".".join(path[1:] or path)
    row = next(r for r in section.splitlines() if r.startswith(f"| `{name}` |"))
    if path == ("classes",):
        assert {str(k): v for k, v in shown.items()} == schema["default"]
    elif "default" in schema:
        default = schema["default"]
        assert f"| `{default if isinstance(default, str) else json.dumps(default)}` |" in row
        own = path in {("campaign", "train"), ("refine", "min_pixels")}
        own |= path in {("dense", "steps"), ("dense", "window")} or path[0] == "tiles"
        # The sample campaign has images, and they are small.
        assert shown == default or own


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"cnn": {"epocs": 3}}, "cnn: no such key epocs; did you mean epochs?"),
        ({"cnn": {"epochs": "many"}}, "cnn.epochs: 'many' is not one of ['auto']"),
        ({"resutls": "x"}, "no such key resutls; did you mean results?"),
        ({"refine": {"method": "svm"}}, "refine.method: 'svm' is not one of"),
        ({"refine": {"median_size": 10}}, "refine.median_size: 10"),
        ({"seed": 2**32}, "seed: 4294967296 is greater than the maximum"),
        ({"results": "$NOT_SET/x"}, "results: environment variable in $NOT_SET/x is not set"),
        (
            {"method": "published", "cnn": {"weights": "~/no.h5"}},
            f"cnn.weights: no file {Path('~').expanduser()}/no.h5",
        ),
        ({"campaign": {**FOLDERS, "groups": {"..": OWN}}}, "campaign.groups: '..' does not match"),
        ({"campaign": {**FOLDERS, "groups": {2019: OWN}}}, "put a number in quotes"),
        ({"classes": {0: {"name": "a", "colour": "red"}}}, "whole numbers from 1 to 255"),
        ({"campaign": {**FOLDERS, "groups": "per_rivver"}}, "campaign.groups: 'per_rivver'"),
        ({"campaign": {"train": FOLDERS["train"]}}, "'predict' is a required property"),
    ],
)
def test_a_wrong_key_stops_the_run_and_is_named(tmp_path, change, message):
    run = run_snakemake(tmp_path, "-n", config={"campaign": FOLDERS, **change})
    assert run.returncode == 1
    assert message in run.stdout
    assert "Traceback" not in run.stdout


def test_a_file_without_a_campaign_does_not_run_the_sample(tmp_path):
    run = run_snakemake(tmp_path, "-n", config={"seed": 7})
    assert run.returncode == 1
    assert "'campaign' is a required property" in run.stdout


def test_all_wrong_keys_are_told_at_once(tmp_path):
    config = {"campaign": FOLDERS, "seed": "x", "cnn": {"batch": 3}, "tiles": {"purity": 2}}
    run = run_snakemake(tmp_path, "-n", config=config)
    assert all(key in run.stdout for key in ("seed", "no such key batch", "tiles.purity"))


def test_classes_replace_the_default_ones(tmp_path):
    config = copy.deepcopy(SAMPLE) | {"campaign": FOLDERS}
    config["classes"] = {1: {"name": "Wet", "colour": "blue"}, 2: {"name": "Dry", "colour": "tan"}}
    run = run_snakemake(tmp_path, "check_images", "--cores", 1, config=config)
    assert run.returncode == 1
    assert "code(s) 3, 4, 5 not among the classes 1, 2" in run.stdout
