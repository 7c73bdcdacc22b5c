"""Another workflow imports this one as a module, from a folder of its own."""

import re
import shutil
import subprocess
import sys

import pytest
import yaml

from run import REPO

SNAKEFILE = f"""
configfile: "river.yaml"

module ssc:
    snakefile: "{REPO / "Snakefile"}"
    config: config["ssc"]
    prefix: "ssc"

use rule * from ssc as ssc_*

rule count_scores:
    default_target: True
    input: rules.ssc_all.input, scores="ssc/results/report/compiled.csv",
    output: "n_scores.txt",
    shell: "wc -l < {{input.scores}} > {{output}}"
"""


@pytest.fixture
def importer(tmp_path):
    for role, numbers in (("train", (1, 2)), ("predict", (5,))):
        (tmp_path / "data" / role).mkdir(parents=True)
        for number in numbers:
            for path in (REPO / "sample_data" / role).glob(f"*Clearbrook_{number:04}.*"):
                shutil.copy(path, tmp_path / "data" / role)
    (tmp_path / "Snakefile").write_text(SNAKEFILE)
    return tmp_path


def snakemake(folder, *arguments, **config):
    config["campaign"] = {"train": "data/train", "predict": "data/predict"}
    (folder / "river.yaml").write_text(yaml.safe_dump({"ssc": config}))
    run = subprocess.run(
        [sys.executable, "-m", "snakemake", *arguments],
        cwd=folder,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    assert run.returncode == 0, run.stdout[-5000:]
    return run.stdout


def test_all_rules_plan_with_the_importers_images_and_prefix(importer):
    plan = snakemake(importer, "-n", baselines=["ML"])
    assert re.search(r"^total +23$", plan, re.MULTILINE)
    files = re.findall(r"^    (?:input|output|log|benchmark): (.+)$", plan, re.MULTILINE)
    ours = {name for names in files for name in names.split(", ")} - {"n_scores.txt"}
    # The templates of the report lie in this repository.
    assert {name.split("/")[0] for name in ours if "/ssc/report/" not in name} == {"ssc", "data"}
    assert not any(name.startswith(("ssc/data", "ssc/ssc")) for name in ours)


def test_a_rule_of_the_importer_reads_our_results(importer):
    config = {
        "cnn": {"encoder": "plain", "steps": 20, "patch_size": 64, "channels": [8, 8]},
        "refine": {"epochs": 1, "n_samples": 1000},
    }
    snakemake(importer, "--cores", "2", **config)
    # A heading, then five classes and ALL of the map of the CNN and of the final map.
    assert int((importer / "n_scores.txt").read_text()) == 1 + 6 * 2
    assert "no problem" in (importer / "ssc/results/logs/check_campaign.log").read_text()
    assert sorted(path.name for path in importer.iterdir() if path.name[0] != ".") == [
        *("Snakefile", "data", "n_scores.txt", "river.yaml", "ssc")
    ]
    assert "Nothing to be done" in snakemake(importer, "-n", **config)
