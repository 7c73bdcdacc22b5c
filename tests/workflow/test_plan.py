"""What Snakemake plans to do, from file names alone."""

import os
import re
import shutil
from functools import partial

import pytest

from run import REPO, run_snakemake

TILES = {"architecture": "compact"}


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
    for name in ("old.h5", "old.csv"):
        touch(tmp_path / name)
    return tmp_path


def touch(path):
    path.parent.mkdir(exist_ok=True)
    path.touch()


def config_of(groups="per_river", images_per_job=1, train="train", **config):
    paths = {"train": train, "predict": "predict"}
    return config | {"campaign": paths | {"groups": groups, "images_per_job": images_per_job}}


def planned_inputs(plan, rule, ending):
    """Inputs with this ending of all planned jobs of a rule, by the first output of the job."""
    job = rf"^rule {rule}:\n    input: (.+)\n    output: results/([^,\n]+)"
    return {
        output: [name for name in inputs.split(", ") if name.endswith(ending)]
        for inputs, output in re.findall(job, plan, re.MULTILINE)
    }


BY_DEFAULT = {
    "check_images": 6,
    "check_campaign": 1,
    "record_campaign": 1,
    "train_cnn": 2,
    "plot_training": 2,
    "classify_images": 4,
    "refine_pixels": 4,
    "suggest_labels": 2,
    "mosaic_maps": 2,
    "measure_areas": 4,
    "compile_areas": 1,
    "estimate_areas": 1,
    "score_images": 3,
    "plot_panels": 4,
    "compile_scores": 1,
    "plot_violins": 2,
    "select_panels": 2,
    "write_report": 1,
}


def test_all_architectures_take_the_same_steps(campaign, plan):
    assert plan(campaign, config_of()) == BY_DEFAULT
    assert plan(campaign, config_of(cnn=TILES)) == BY_DEFAULT


def test_several_experiments_with_a_trained_cnn_share_the_checks(campaign, plan):
    groups = ["leave_one_river_out", {"a": {"train": ["A"], "predict": ["A", "B"]}}]
    groups.append({"old": {"model": "old.h5", "predict": ["A"]}})
    jobs = plan(campaign, config_of(groups, baselines=["ML", "PixelRF"]))
    assert (jobs["check_images"], jobs["count_colours"]) == (6, 2)
    assert (jobs["train_cnn"], jobs["convert_cnn"], jobs["classify_images"]) == (3, 1, 11)
    # Baselines learn what a CNN learns that is trained here.
    assert (jobs["fit_baselines"], jobs["map_baselines"], jobs["score_images"]) == (3, 6, 8)
    assert jobs["plot_violins"] == 5


def test_seeds_repeat_cnns_maps_and_scores_only(campaign, plan):
    assert plan(campaign, config_of(seed=[7])) == BY_DEFAULT
    thrice = ("train_cnn", "plot_training", "classify_images", "refine_pixels")
    thrice += ("score_images", "measure_areas")
    jobs = BY_DEFAULT | {rule: 3 * BY_DEFAULT[rule] for rule in thrice}
    assert plan(campaign, config_of(seed=[42, 43, 44])) == jobs
    groups = {"old": {"model": "old.h5", "predict": ["A", "B"]}}
    jobs = plan(campaign, config_of(groups, seed=[42, 43, 44]))
    assert (jobs["convert_cnn"], jobs["refine_pixels"], jobs["plot_panels"]) == (3, 12, 4)


@pytest.fixture
def two_folds(campaign):
    """A function that makes a config of two folds a river from groups.

    A has three training images, the last also to predict, and B has two.
    """
    for name in ("A_0003", "B_0003"):
        touch(campaign / f"train/{name}.jpg")
        touch(campaign / f"train/SCLS_{name}.tif")

    def config(groups):
        config = config_of(groups, baselines=["ML"])
        config["campaign"]["folds"] = 2
        return config

    return config


def test_cross_validation_needs_training_images_only(campaign, plan, two_folds):
    jobs = dict.fromkeys(("count_colours", "train_cnn", "plot_training", "fit_baselines"), 4)
    of_batches = ("classify_images", "refine_pixels", "map_baselines", "score_images")
    jobs |= dict.fromkeys((*of_batches, "plot_panels"), 5)
    jobs |= dict.fromkeys(
        ("check_campaign", "record_campaign", "compile_scores", "write_report"), 1
    )
    jobs |= dict.fromkeys(("check_images", "plot_violins", "select_panels"), 2)
    config = two_folds("cross_validation")
    assert plan(campaign, config) == jobs | {"check_images": 6}
    # Folds are the same with another seed: their colours are counted once.
    seeds = plan(campaign, config | {"seed": [1, 2]})
    assert (seeds["count_colours"], seeds["fit_baselines"], seeds["train_cnn"]) == (4, 8, 8)
    assert (seeds["score_images"], seeds["plot_panels"]) == (10, 5)
    del config["campaign"]["predict"]
    assert plan(campaign, config) == jobs


def test_training_images_are_mapped_by_cnns_that_did_not_learn_from_them(campaign, two_folds):
    run = run_snakemake(campaign, "-n", "-p", config=two_folds(["per_river", "cross_validation"]))
    assert run.returncode == 0, run.stdout

    inputs_of = partial(planned_inputs, run.stdout)
    a, b = ([f"train/{r}_000{n}.jpg" for n in ns] for r, ns in (("A", (1, 2, 3)), ("B", (1, 3))))
    learned = {"A": a, "A_fold_1": a[1:], "A_fold_2": a[:1]}
    learned |= {"B": b, "B_fold_1": b[1:], "B_fold_2": b[:1]}
    assert inputs_of("train_cnn", ".jpg") == {f"{g}/model/{g}.h5": i for g, i in learned.items()}
    mapped = {"A": ["A_0003", "A_0004", "A_0005"], "A_fold_1": ["A_0001"], "B": ["B_0002"]}
    mapped |= {"A_fold_2": ["A_0002", "A_0003"], "B_fold_1": ["B_0001"], "B_fold_2": ["B_0003"]}
    assert inputs_of("classify_images", ".jpg") == {
        f"{group}/cnn/batches/{image}.csv": [
            f"{'train' if 'fold' in group else 'predict'}/{image}.jpg"
        ]
        for group, images in mapped.items()
        for image in images
    }
    counts = inputs_of("fit_baselines", ".npz")
    assert counts["A/model/A_baselines.npz"] == ["results/colour_counts/A.npz"]
    other = ["results/colour_counts/folds/A_fold_2.npz"]
    assert counts["A_fold_1/model/A_fold_1_baselines.npz"] == other


def test_self_training_reads_images_to_map_no_more_than_it_has_steps(campaign, two_folds):
    config = two_folds(["per_river", "cross_validation"]) | {"cnn": {"self_training_steps": 2}}
    run = run_snakemake(campaign, "-n", "-p", config=config)
    assert run.returncode == 0, run.stdout
    read = planned_inputs(run.stdout, "train_cnn", ".jpg")
    # Every other of the three of river A.
    a = [f"train/A_000{n}.jpg" for n in (1, 2, 3)]
    assert read["A/model/A.h5"] == [*a, "predict/A_0003.jpg", "predict/A_0005.jpg"]
    assert read["B/model/B.h5"] == ["train/B_0001.jpg", "train/B_0003.jpg", "predict/B_0002.jpg"]
    # A fold maps the images that it does not learn from.
    assert read["A_fold_1/model/A_fold_1.h5"] == [*a[1:], a[0]]
    # The checks of images to map come first, and those of held-out images are those of training.
    checks = planned_inputs(run.stdout, "train_cnn", ".csv")
    of_fold, of_river = (
        [path for path in checks[f"{group}/model/{group}.h5"] if "/check/" in path]
        for group in ("A_fold_1", "A")
    )
    assert of_fold == ["results/check/train/A.csv"]
    assert of_river == [*of_fold, *(f"results/check/predict/A_000{n}.csv" for n in (3, 5))]


def test_a_trained_cnn_needs_no_training_images_and_batches_save_jobs(campaign, plan):
    groups = {"old": {"model": "old.h5", "predict": ["A", "B"]}}
    settings = {"refine": {"method": "none"}, "baselines": ["ML"]}
    jobs = plan(campaign, config_of(groups, images_per_job=1000, train=[], **settings))
    assert (jobs["check_images"], jobs["convert_cnn"], jobs["classify_images"]) == (2, 1, 2)
    assert not {"train_cnn", "count_colours", "map_baselines", "refine_pixels"} & set(jobs)


def test_check_points_are_drawn_in_the_maps_of_each_group(campaign, plan):
    points = {"check_points": {"n": 10}}
    assert plan(campaign, config_of() | points) == BY_DEFAULT | {"draw_check_points": 2}
    # Answers belong to the points, which come before the estimates.
    touch(campaign / "answers.csv")
    points["check_points"]["answers"] = "answers.csv"
    estimates = "results/report/area_estimates.csv"
    run = run_snakemake(campaign, "-n", estimates, config=config_of() | points)
    assert re.search(r"^draw_check_points +2$", run.stdout, re.MULTILINE)
    # A new drawing would remove them.
    points["check_points"]["answers"] = ["results/A/check_points/A.csv"]
    (campaign / "results/A/check_points").mkdir(parents=True)
    (campaign / "results/A/check_points/A.csv").touch()
    run = run_snakemake(campaign, "-n", config=config_of() | points)
    assert run.returncode == 1
    assert "A.csv is removed when points are drawn anew; move it out of the results" in run.stdout


def test_polygons_are_made_on_request(campaign, plan):
    config = config_of(["per_river", "cross_validation"], polygons={"write": True})
    assert plan(campaign, config)["polygonize_maps"] == 4


def test_tuning_comes_before_training_or_in_its_place(campaign, plan):
    jobs = plan(campaign, config_of(cnn=TILES | {"epochs": "auto"}))
    assert jobs == BY_DEFAULT | {"tune_cnn": 2, "plot_training": 4}
    only = config_of(cnn=TILES | {"tuning": {"only": True}})
    assert plan(campaign, only) == {
        "check_images": 6,
        "check_campaign": 1,
        "record_campaign": 1,
        "tune_cnn": 2,
        "plot_training": 2,
    }


def test_the_paper_s_choices_show_the_paper_s_steps(tmp_path):
    config = REPO / "config/published.yaml"
    run = run_snakemake(tmp_path, "-n", "-p", "--configfile", config, "--directory", REPO)
    assert run.returncode == 0, run.stdout
    for rule in ("tune_cnn", "train_cnn", "classify_images", "refine_pixels", "map_baselines"):
        assert f"rule {rule}:" in run.stdout


def test_names_with_accents_and_no_labels_to_score(campaign, plan):
    for folder, name in (("train", "Río Verde_0001"), ("predict", "Río Verde_0002")):
        touch(campaign / f"{folder}/{name}.jpg")
    touch(campaign / "train/SCLS_Río Verde_0001.tif")
    for label in (campaign / "predict").glob("SCLS*"):
        label.unlink()
    jobs = plan(campaign, config_of())
    assert (jobs["train_cnn"], jobs["plot_panels"]) == (3, 5)
    assert not {"score_images", "plot_violins"} & set(jobs)


def test_one_map_is_made_after_the_check_of_what_it_needs(campaign):
    record = "results/A/maps/batches/A_0003.csv"
    run = run_snakemake(campaign, "-n", "-p", record, config=config_of())
    assert run.returncode == 0, run.stdout
    assert "results/check/train/A.csv" in run.stdout
    assert "results/check/predict/A_0003.csv" in run.stdout
    assert "check/predict/A_0004.csv" not in run.stdout


# A script that only makes its outputs; a record names a file beside it.
EMPTY_ANSWER = """
from pathlib import Path
for path in map(Path, snakemake.output):
    if path.suffix:
        path.write_text("file,bytes\\n" if path.parent.name == "batches" else "problem,width\\n")
    else:
        path.mkdir()
"""


@pytest.fixture
def finished(campaign):
    """A campaign of 60 more images that ran to its end, without any computing."""
    for number in range(1000, 1060):
        touch(campaign / f"predict/B_{number}.jpg")
        touch(campaign / f"predict/SCLS_B_{number}.tif")
    (campaign / "predict/B_1005.jpg").unlink()
    (campaign / "predict/SCLS_B_1005.tif").unlink()
    repo = campaign / "repo"
    for part in ("rules", "workflow_scripts", "config", "envs", "profiles", "Snakefile"):
        source = REPO / part
        (shutil.copytree if source.is_dir() else shutil.copy)(source, repo / part)
    for script in (repo / "workflow_scripts").glob("*.py"):
        if "run_job(snakemake)" in script.read_text():
            # What the script imports stays, for the digest of the code looks at it.
            script.write_text(f"{EMPTY_ANSWER}raise SystemExit\n{script.read_text()}")
    run = run_snakemake(campaign, "--cores", 2, config=config_of(images_per_job=10), repo=repo)
    assert run.returncode == 0, run.stdout[-5000:]
    return campaign


OWN_BATCH = {
    "check_images": 1,
    "check_campaign": 1,
    "record_campaign": 1,
    "classify_images": 1,
    "refine_pixels": 1,
    "score_images": 1,
    "plot_panels": 1,
    "suggest_labels": 1,
    "mosaic_maps": 1,
    "measure_areas": 1,
    "compile_areas": 1,
    "estimate_areas": 1,
    "compile_scores": 1,
    "plot_violins": 2,
    "select_panels": 2,
    "write_report": 1,
}


def test_a_dry_run_of_hundreds_of_images_is_short(campaign):
    for number in range(1000, 1194):
        touch(campaign / f"predict/B_{number}.jpg")
    config = config_of(images_per_job="auto")
    run = run_snakemake(campaign, "-n", config=config)
    assert run.returncode == 0, run.stdout
    assert len(run.stdout.splitlines()) < 35
    # About 26 batches of five jobs each, beside those of the first four images.
    total = int(re.search(r"^total +(\d+)$", run.stdout, re.MULTILINE)[1])
    assert 120 < total < 220


def test_what_is_new_or_changed_runs_its_own_jobs_only(finished, plan):
    repo = finished / "repo"

    def jobs():
        return plan(finished, config_of(images_per_job=10), repo)

    assert jobs() == {}
    # With more seeds, what is there of the first stays.
    more = plan(finished, config_of(images_per_job=10, seed=[42, 43]), repo)
    assert not {"check_images", "plot_panels", "suggest_labels"} & set(more)
    assert (more["train_cnn"], more["plot_training"]) == (2, 2)
    # Colours are matched where the CNN learns, too.
    others = config_of(images_per_job=10, cnn={"match_colours": False})
    assert plan(finished, others, repo)["train_cnn"] == 2
    new = [finished / "predict" / name for name in ("B_1005.jpg", "SCLS_B_1005.tif")]
    for path in new:
        path.touch()
    assert jobs() == OWN_BATCH
    for path in new:
        path.unlink()
    # A world file counts as the image; a summary of names does not change by it.
    changed = {rule: n for rule, n in OWN_BATCH.items() if rule != "record_campaign"}
    world_file = finished / "predict/B_1030.jgw"
    world_file.touch()
    assert jobs() == changed
    world_file.unlink()
    # An older file in the place of a newer one is another file.
    image = finished / "predict/B_1030.jpg"
    times = image.stat().st_atime_ns, image.stat().st_mtime_ns
    image.write_text("older")
    os.utime(image, (0, 0))
    assert jobs() == changed
    image.write_text("")
    os.utime(image, ns=times)
    assert jobs() == {}

    def jobs_after_edit(module, text):
        path = repo / f"workflow_scripts/ssc/{module}.py"
        before = path.read_text()
        path.write_text(before + text)
        edited = set(jobs())
        path.write_text(before)
        return edited

    assert jobs_after_edit("cnn/unet", "# A comment trains nothing anew.\n") == set()
    assert "train_cnn" in jobs_after_edit("cnn/unet", "EDITED = True\n")
    edited = jobs_after_edit("evaluation/charts", "EDITED = True\n")
    of_scores = {"compile_scores", "plot_violins", "select_panels", "write_report"}
    assert edited == of_scores | {"plot_training"}
