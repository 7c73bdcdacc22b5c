"""The config: faults stop the run before anything is computed."""

import copy

import pytest
import yaml

from run import REPO, run_snakemake

SAMPLE = yaml.safe_load((REPO / "config/config.yaml").read_text())
FOLDERS = {
    "train": str(REPO / "sample_data/train"),
    "predict": str(REPO / "sample_data/predict"),
}


def test_all_faults_of_the_config_are_named_at_once(tmp_path):
    config = {"campaign": FOLDERS, "seed": "x", "cnn": {"epochs": "auto"}, "tiles": {"purity": 2}}
    run = run_snakemake(tmp_path, "-n", config=config)
    assert run.returncode == 1
    for message in ("seed: 'x' is not of type", "cnn.epochs: only tile CNNs", "tiles.purity: 2"):
        assert message in run.stdout
    assert "Traceback" not in run.stdout


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"results": "$NOT_SET/x"}, "results: environment variable in $NOT_SET/x is not set"),
        (
            {"cnn": {"architecture": "compact", "weights": "/no.h5"}},
            "cnn.weights: no file /no.h5; give imagenet, null or a weights file",
        ),
        ({"campaign": FOLDERS | {"train": "/no"}}, "campaign.train: folder /no does not exist"),
        ({"campaign": None, "seed": 7}, "campaign"),
        (
            {"check_points": {"n": 10, "answers": "/no.csv"}},
            "check_points.answers: no file /no.csv; name the file that has your answers",
        ),
    ],
)
def test_a_fault_that_the_schema_does_not_see_is_named(tmp_path, change, message):
    run = run_snakemake(tmp_path, "-n", config={"campaign": FOLDERS, **change})
    assert run.returncode == 1
    assert message in run.stdout
    assert "Traceback" not in run.stdout


def test_a_file_without_a_campaign_does_not_run_the_sample(tmp_path):
    run = run_snakemake(tmp_path, "-n", config={"seed": 7})
    assert run.returncode == 1
    assert "'campaign' is a required property" in run.stdout


def test_faults_of_the_sample_config_are_named_with_their_line(tmp_path):
    (tmp_path / "config").mkdir()
    for text, problem in (
        ("seed: 1\nseed: 2\n", "line 2: key seed is there twice"),
        ("seed: [1,\n", "line 2: is no YAML"),
    ):
        (tmp_path / "config/config.yaml").write_text(text)
        assert f"config/config.yaml, {problem}" in run_snakemake(tmp_path, "-n").stdout


def test_classes_replace_the_default_ones(tmp_path):
    config = copy.deepcopy(SAMPLE) | {"campaign": FOLDERS}
    config["classes"] = {1: {"name": "Wet", "colour": "blue"}, 2: {"name": "Dry", "colour": "tan"}}
    run = run_snakemake(tmp_path, "check_campaign", "--cores", 2, config=config)
    assert run.returncode == 1
    assert "code(s) 3, 4, 5 not among the classes 1, 2" in run.stdout
