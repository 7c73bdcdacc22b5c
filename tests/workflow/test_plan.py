"""What Snakemake plans to do, from file names alone."""

import re
import shutil

import pytest

from run import REPO, run_snakemake


@pytest.fixture
def campaign(tmp_path):
    """Empty files: rivers A (2 train, 3 predict, 2 of them labelled) and B (1 train, 1 predict)."""
    for name in ("A_0001", "A_0002", "B_0001"):
        touch(tmp_path / f"train/{name}.jpg")
        touch(tmp_path / f"train/SCLS_{name}.tif")
    for name in ("A_0003", "A_0004", "A_0005", "B_0002"):
        touch(tmp_path / f"predict/{name}.jpg")
    for name in ("A_0003", "A0004", "B_0002"):
        touch(tmp_path / f"predict/SCLS_{name}.tif")
    return tmp_path


def touch(path):
    path.parent.mkdir(exist_ok=True)
    path.touch()


def plan(folder, **config):
    """Planned jobs by rule, of the published method unless `config` says otherwise."""
    run = snakemake(folder, "-n", **config)
    return {rule: int(n) for rule, n in re.findall(r"^(\w+) +(\d+)$", run, re.MULTILINE)}


def snakemake(
    folder, *arguments, groups="per_river", images_per_job=1, train="train", repo=REPO, **config
):
    config = {"method": "published"} | config
    config["campaign"] = {
        "train": train,
        "predict": "predict",
        "groups": groups,
        "images_per_job": images_per_job,
    }
    run = run_snakemake(folder, *arguments, config=config, repo=repo)
    assert run.returncode == 0, run.stdout
    return run.stdout


def test_one_dense_cnn_a_river(campaign):
    assert plan(campaign, method="dense") == {
        "check_images": 1,
        "train_dense": 2,
        "classify_pixels": 4,
        "label_next": 2,
        "score_images": 3,
        "plot_panels": 4,
        "compile_scores": 1,
        "plot_summary": 2,
        "pick_panels": 2,
        "all": 1,
        "total": 22,
    }


def test_a_dense_campaign_in_batches_with_a_trained_cnn_and_without_phase_2(campaign):
    for name in ("old.h5", "old.csv"):
        touch(campaign / name)
    groups = {"old": {"model": "old.h5", "predict": ["A"]}, "b": {"train": ["B"], "predict": ["A"]}}
    jobs = plan(
        campaign, groups=groups, method="dense", images_per_job=1000, refine={"method": "none"}
    )
    assert (jobs["convert_cnn"], jobs["train_dense"], jobs["classify_pixels"]) == (1, 1, 2)


def test_one_tile_cnn_a_river(campaign):
    assert plan(campaign) == {
        "check_images": 1,
        "cut_tiles": 3,
        "train_cnn": 2,
        "classify_tiles": 4,
        "refine_pixels": 4,
        "label_next": 2,
        "score_images": 3,
        "plot_panels": 4,
        "compile_scores": 1,
        "plot_summary": 2,
        "pick_panels": 2,
        "all": 1,
        "total": 29,
    }


def test_leave_one_river_out_shares_the_tiles(campaign):
    jobs = plan(campaign, groups="leave_one_river_out")
    assert (jobs["cut_tiles"], jobs["train_cnn"], jobs["classify_tiles"]) == (3, 2, 4)


def test_groups_of_ones_own(campaign):
    groups = {
        "both": {"train": ["A", "B"], "predict": ["A", "B"]},
        "a": {"train": ["A"], "predict": ["B"]},
    }
    jobs = plan(campaign, groups=groups)
    assert (jobs["train_cnn"], jobs["classify_tiles"], jobs["plot_summary"]) == (2, 5, 3)


def test_several_experiments_share_tiles_in_one_campaign(campaign):
    groups = ["per_river", "leave_one_river_out", {"a": {"train": ["A"], "predict": ["A", "B"]}}]
    jobs = plan(campaign, groups=groups)
    assert (jobs["cut_tiles"], jobs["train_cnn"], jobs["classify_tiles"]) == (3, 5, 12)


def test_a_trained_model_is_converted_and_needs_no_training_images(campaign):
    for name in ("old.h5", "old.csv"):
        touch(campaign / name)
    groups = {"old": {"model": "old.h5", "predict": ["A"]}}
    jobs = plan(campaign, groups=groups, train=[], baselines=["ML"])
    assert (jobs["convert_cnn"], jobs["classify_tiles"], jobs["score_images"]) == (1, 3, 2)
    assert not {"cut_tiles", "train_cnn", "count_pixels", "map_baselines"} & set(jobs)


def test_baselines_are_taught_by_group_and_applied_where_there_are_labels(campaign):
    jobs = plan(campaign, baselines=["ML", "PixelRF"])
    assert (jobs["count_pixels"], jobs["fit_baselines"], jobs["map_baselines"]) == (3, 2, 3)


def test_tuning_comes_before_training_or_in_its_place(campaign):
    jobs = plan(campaign, cnn={"epochs": "auto"})
    assert (jobs["tune_cnn"], jobs["train_cnn"], jobs["classify_tiles"]) == (2, 2, 4)
    jobs = plan(campaign, cnn={"tuning": {"only": True}})
    assert jobs == {"check_images": 1, "cut_tiles": 3, "tune_cnn": 2, "all": 1, "total": 7}


def test_without_refinement_there_is_no_phase_2(campaign):
    jobs = plan(campaign, refine={"method": "none"})
    assert "refine_pixels" not in jobs
    assert jobs["score_images"] == 3


def test_batches_save_jobs(campaign):
    jobs = plan(campaign, images_per_job=1000)
    assert (jobs["cut_tiles"], jobs["classify_tiles"], jobs["score_images"]) == (2, 2, 2)


def test_a_campaign_without_any_labels_to_score(campaign):
    for label in (campaign / "predict").glob("SCLS*"):
        label.unlink()
    jobs = plan(campaign)
    assert jobs["plot_panels"] == 4
    assert not {"score_images", "plot_summary"} & set(jobs)


def test_names_with_spaces_and_accents(campaign):
    for folder, name in (("train", "Río Verde_0001"), ("predict", "Río Verde_0002")):
        touch(campaign / f"{folder}/{name}.jpg")
        touch(campaign / f"{folder}/SCLS_{name}.tif")
    assert plan(campaign)["train_cnn"] == 3


EMPTY_ANSWER = """
from pathlib import Path
for path in map(Path, snakemake.output):
    path.write_text("answer") if path.suffix else path.mkdir()
"""


def test_what_is_new_or_changed_runs_its_own_jobs_only(campaign):
    for number in range(1000, 1060):
        touch(campaign / f"predict/B_{number}.jpg")
        touch(campaign / f"predict/SCLS_B_{number}.tif")
    new = campaign / "predict/B_1005.jpg"
    new.unlink()
    for part in ("rules", "workflow_scripts", "config", "envs", "Snakefile"):
        source = REPO / part
        (shutil.copytree if source.is_dir() else shutil.copy)(source, campaign / "repo" / part)
    for script in (campaign / "repo/workflow_scripts").glob("*.py"):
        # What the script imports stays, for that is what Snakemake is told to look at.
        script.write_text(f"{EMPTY_ANSWER}raise SystemExit\n{script.read_text()}")
    options = {"method": "dense", "images_per_job": 10, "repo": campaign / "repo"}
    assert plan(campaign, **options)["classify_pixels"] == 5
    snakemake(campaign, "--cores", 2, **options)
    assert plan(campaign, **options) == {}
    own_batch = {
        "check_images": 1,
        "classify_pixels": 1,
        "score_images": 1,
        "plot_panels": 1,
        "label_next": 1,
        "compile_scores": 1,
        "plot_summary": 2,
        "pick_panels": 2,
        "all": 1,
        "total": 11,
    }
    touch(new)
    assert plan(campaign, **options) == own_batch
    new.unlink()
    assert plan(campaign, **options) == {}
    (campaign / "predict/B_1030.jpg").write_text("changed")
    assert plan(campaign, **options) == own_batch
    snakemake(campaign, "--cores", 2, **options)

    def jobs_after_edit(module):
        path = campaign / f"repo/workflow_scripts/ssc/{module}.py"
        whole = path.read_text()
        path.write_text(whole + "EDITED = True\n")
        jobs = plan(campaign, **options)
        path.write_text(whole)
        return set(jobs) - {"all", "total"}

    assert jobs_after_edit("figures") == {
        *("plot_panels", "plot_summary", "pick_panels", "label_next", "compile_scores")
    }
    assert {"train_dense", "classify_pixels"} <= jobs_after_edit("dense_net")
