"""The sample campaign from images to report, and what runs again after a change."""

import hashlib
import os
import re
import shutil
import signal
import subprocess
import time

import numpy as np
import pandas as pd
import PIL.Image
import pytest
import rasterio
import seaborn
import yaml
from matplotlib import pyplot as plt

from run import REPO, run_snakemake, snakemake_command

RIVERS = ("Ambervale", "Clearbrook")
SAMPLE = yaml.safe_load((REPO / "config/config.yaml").read_text())


@pytest.fixture(scope="session")
def sample(tmp_path_factory):
    """The sample campaign, run once as the README says."""
    folder = tmp_path_factory.mktemp("sample")
    shutil.copytree(REPO / "sample_data", folder / "sample_data")
    run = run_snakemake(
        *(folder, "--cores", 2, "--report", "report.html", "--report-after-run"), config=SAMPLE
    )
    assert run.returncode == 0, run.stdout[-5000:]
    return folder


def test_the_fixed_outputs_are_there(sample):
    images = {
        f"{river}_{number:04}"
        for river, first in (("Ambervale", 105), ("Clearbrook", 5))
        for number in range(first, first + 3)
    }
    results = sample / "results"
    found = {str(path.relative_to(results)) for path in results.rglob("*.*")}
    for image in images:
        river = image.split("_")[0]
        assert f"{river}/tiles/{image}/CNN_{image}.tif" in found
        assert f"{river}/tiles/{image}/confidence_{image}.tif" in found
        assert f"{river}/maps/{image}/MLP_{image}.tif" in found
        assert f"{river}/maps/{image}/confidence_{image}.tif" in found
        assert f"{river}/figures/{image}/{image}.png" in found
        scored = not image.endswith("7")
        for stage in ("CNN", "MLP"):
            assert (f"{river}/scores/{image}/{stage}_{image}.csv" in found) == scored
    for river in RIVERS:
        for suffix in (".h5", ".csv", ".onnx", "_curves.png", "_curves.csv"):
            assert f"{river}/model/{river}{suffix}" in found
        for file in ("images.csv", "crops.csv", "crops.png"):
            assert f"{river}/label_next/{river}_{file}" in found
    assert {"preflight.csv", "report/compiled.csv", "report/totals.csv"} <= found
    assert {"report/experiments.csv", "report/reliability.png"} <= found
    assert not [name for name in found if ".part-" in name]


def test_maps_are_good_and_cover_the_whole_image(sample):
    totals = pd.read_csv(sample / "results/report/totals.csv").set_index(["model", "type"])
    for river in RIVERS:
        assert totals.loc[(river, "MLP"), "weighted_f1"] > 88
        assert totals.loc[(river, "MLP"), "weighted_f1"] > totals.loc[(river, "CNN"), "weighted_f1"]
    for path in (sample / "results").rglob("[CM]*_Clearbrook_0007.tif"):
        with rasterio.open(path) as raster:
            codes = raster.read(1)
            assert (raster.shape, raster.nodata, raster.dtypes) == ((400, 600), 0, ("uint8",))
            assert raster.colormap(1)[2] == (255, 165, 0, 255)
        assert codes.min() > 0


def test_the_compiled_table_is_tidy(sample):
    compiled = pd.read_csv(sample / "results/report/compiled.csv")
    assert list(compiled.columns) == [
        *("class", "f1_score", "support", "RiverName", "Image", "type", "experiment", "model"),
        *("sample", "boundary_f1", "confidence"),
    ]
    assert set(compiled["experiment"]) == {"demo"}
    whole = compiled[compiled["class"] == "ALL"].set_index(["Image", "type"])
    assert len(whole) == 4 * 2
    # The final map is the one that has a confidence.
    assert compiled["confidence"].notna().equals(compiled["type"] == "MLP")
    assert compiled["confidence"].dropna().between(60, 100).all()
    parts = compiled[compiled["class"] != "ALL"].assign(hits=lambda t: t["f1_score"] * t["support"])
    sums = parts.groupby(["Image", "type"])[["hits", "support"]].sum()
    np.testing.assert_array_equal(sums["support"], whole["support"].sort_index())
    np.testing.assert_allclose(
        sums["hits"] / sums["support"], whole["f1_score"].sort_index(), atol=0.01
    )
    figure, ax = plt.subplots()
    seaborn.violinplot(compiled, x="class", y="f1_score", hue="type", ax=ax)
    assert len(ax.get_xticklabels()) == 6  # five classes and ALL
    plt.close(figure)


def test_what_to_label_next_is_ranked_by_all_pixels(sample):
    # 0007 is the one image of each river without labels.
    for river, image in (("Ambervale", "Ambervale_0107"), ("Clearbrook", "Clearbrook_0007")):
        ranked = pd.read_csv(sample / f"results/{river}/label_next/{river}_images.csv")
        assert ranked[["rank", "Image"]].to_numpy().tolist() == [[1, image]]
        assert ranked["adds"].isin([c["name"] for c in SAMPLE["classes"].values()]).all()
        doubts = pd.read_csv(sample / f"results/{river}/doubts/{image}.csv")
        areas = doubts.filter(like="area_").drop_duplicates().to_numpy()
        assert areas.shape == (1, 5)
        # All but what the CNN gives to the output that stands for unlabelled.
        assert areas.sum() == pytest.approx(400 * 600, rel=0.01)


def test_the_report_holds_figures_and_tables_by_river(sample):
    text = (sample / "report.html").read_text()
    for category in ("Ambervale", "Clearbrook", "Label these next", "Overview", "Training"):
        assert f'"{category}"' in text
    for name in ("Clearbrook_0005.png", "Ambervale_curves.png", "totals.html"):
        assert name in text
    assert not re.search(r"<(script|link)[^>]+(src|href)=.https?:", text)


def reruns(folder, **config):
    run = run_snakemake(folder, "-n", config=SAMPLE | config)
    assert run.returncode == 0, run.stdout
    return {rule: int(n) for rule, n in re.findall(r"^(\w+) +(\d+)$", run.stdout, re.MULTILINE)}


def test_a_finished_campaign_has_nothing_to_do(sample):
    assert reruns(sample) == {}


def test_a_change_reruns_what_reads_it_only(sample):
    assert set(reruns(sample, figures={"width": 900})) == {
        *("plot_panels", "pick_panels", "all", "total")
    }
    phase_2 = {"classify_pixels", "label_next", "score_images", "plot_panels", "compile_scores"}
    again = reruns(sample, refine={**SAMPLE["refine"], "hidden": [32]})
    assert set(again) == phase_2 | {"plot_summary", "pick_panels", "all", "total"}
    classes = SAMPLE["classes"] | {1: {"name": "Water", "colour": "navy"}}
    redrawn = reruns(sample, classes=classes)
    assert set(redrawn) == set(again) | {"check_images"}


def test_a_new_image_runs_its_own_batch_and_the_summaries_only(sample, tmp_path):
    folder = tmp_path / "copy"
    shutil.copytree(sample, folder, copy_function=shutil.copy2)
    old = folder / "sample_data/predict/Clearbrook_0007.jpg"
    shutil.copy(old, old.with_name("Clearbrook_0008.jpg"))
    assert reruns(folder) == {
        "check_images": 1,
        "classify_pixels": 1,
        "label_next": 1,
        "plot_panels": 1,
        "pick_panels": 1,
        "all": 1,
        "total": 6,
    }
    # A bad image stops the run, and its removal brings back a finished campaign.
    shutil.copy(folder / "config.yaml", old.with_name("Clearbrook_0009.jpg"))
    failed = run_snakemake(folder, "--cores", 2, config=SAMPLE)
    assert failed.returncode == 1
    assert "Clearbrook_0009.jpg: truncated or damaged" in failed.stdout
    for number in (8, 9):
        old.with_name(f"Clearbrook_000{number}.jpg").unlink()
    assert set(reruns(folder)) <= {"check_images", "pick_panels", "all", "total"}


def test_an_edit_of_the_library_reruns_what_imports_it(tmp_path):
    """Snakemake itself does not look at modules that a script imports."""
    for part in ("Snakefile", "rules", "workflow_scripts", "config", "envs", "sample_data"):
        source = REPO / part
        (shutil.copytree if source.is_dir() else shutil.copy2)(source, tmp_path / part)
    tiles = "results/training_tiles/Clearbrook_0001.npz"

    def run(*arguments):
        arguments = ("--cores", 1, "--config", "method=published", *arguments)
        return run_snakemake(tmp_path, tiles, *arguments, repo=tmp_path).stdout

    def edit(module):
        with (tmp_path / f"workflow_scripts/ssc/{module}.py").open("a") as file:
            file.write("\nEDITED = True\n")

    assert "1 of 1 steps (100%) done" in run()
    edit("refine")
    assert "Nothing to be done" in run("-n")
    edit("tiles")
    assert re.search(r"reason: .*Params have changed", run("-n"))


def test_the_random_forest_refines_as_well(sample, tmp_path):
    folder = tmp_path / "copy"
    shutil.copytree(sample, folder, copy_function=shutil.copy2)
    config = SAMPLE | {"refine": {"method": "rf"}}
    scores = "results/Clearbrook/scores/Clearbrook_0005"
    run = run_snakemake(folder, scores, "--cores", 2, config=config)
    assert run.returncode == 0, run.stdout[-5000:]
    assert (folder / "results/Clearbrook/maps/Clearbrook_0005/RF_Clearbrook_0005.tif").is_file()
    table = pd.read_csv(folder / scores / "RF_Clearbrook_0005.csv").set_index("class")
    assert table.loc["ALL", "f1_score"] > 0.88


def test_a_dense_cnn_that_is_trained_already_maps_without_labels(sample, tmp_path):
    for suffix in ("h5", "csv"):
        shutil.copy(sample / f"results/Clearbrook/model/Clearbrook.{suffix}", tmp_path)
    (tmp_path / "new").mkdir()
    for name in ("Clearbrook", "Dee"):
        source = sample / "sample_data/predict/Clearbrook_0007.jpg"
        shutil.copy(source, tmp_path / f"new/{name}_0007.jpg")
    with PIL.Image.open(sample / "sample_data/predict/Clearbrook_0007.jpg") as image:
        dark = image.point([round(255 * (v / 255) ** 2) for v in range(256)] * 3)
    dark.save(tmp_path / "new/Clearbrook_0008.jpg", quality=95)
    old = {"old": {"model": "Clearbrook.h5", "predict": ["Clearbrook", "Dee"]}}
    config = {"campaign": {"predict": "new", "groups": old}, "refine": SAMPLE["refine"]}
    refused = run_snakemake(tmp_path, "--cores", 2, config=config | {"method": "published"})
    assert "Clearbrook.h5: a CNN of the dense method, but method is published" in refused.stdout
    run = run_snakemake(tmp_path, "--cores", 2, config=config)
    assert run.returncode == 0, run.stdout[-5000:]
    for file in ("tiles/Clearbrook_0007/CNN", "maps/Clearbrook_0007/MLP"):
        name = f"{file}_Clearbrook_0007.tif"
        found = (tmp_path / "results/old" / name).read_bytes()
        assert found == (sample / "results/Clearbrook" / name).read_bytes()
    # The file of the CNN tells the colours that it learned from.
    tiles = str(tmp_path / "results/old/tiles/Clearbrook_000{0}/CNN_Clearbrook_000{0}.tif")
    light, dark = (rasterio.open(tiles.format(number)).read(1) for number in (7, 8))
    assert (light == dark).mean() > 0.9
    logs = {path.stem: path.read_text() for path in tmp_path.glob("logs/classify_pixels/old/*.log")}
    assert "much darker or brighter than all images" in logs["Clearbrook_0008"]
    assert "did not learn from Dee" in logs["Dee_0007"]
    assert "colours that it learned from" not in logs["Clearbrook_0007"]


def test_the_same_seed_gives_the_same_maps_on_other_cores_and_even_after_a_kill(
    undisturbed, tmp_path, small, copy_river
):
    folder = copy_river(tmp_path)
    kill_when(folder, "results/Clearbrook/tiles/*/CNN_*.tif", small)
    wanted = rasters(undisturbed)
    assert len(wanted) == 12  # three images: map of the CNN, final map, a confidence of each
    model = folder / "results/Clearbrook/model/Clearbrook.onnx"
    trained = model.stat().st_mtime
    assert run_snakemake(folder, "--unlock", config=small).returncode == 0
    run = run_snakemake(folder, "--cores", 2, config=small)
    assert run.returncode == 0, run.stdout[-5000:]
    assert rasters(folder) == wanted
    assert model.stat().st_mtime == trained


def rasters(folder):
    maps = (folder / "results").rglob("*.tif")
    return {str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest() for p in maps}


def kill_when(folder, pattern, config):
    """Run the workflow and kill it, with all its jobs, once a file of the pattern exists."""
    command = snakemake_command(folder, "--cores", 1, config=config)
    run = subprocess.Popen(
        command,
        cwd=folder,
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.STDOUT,
    )
    deadline = time.monotonic() + 300
    while not list(folder.glob(pattern)) and run.poll() is None and time.monotonic() < deadline:
        time.sleep(0.05)
    assert run.poll() is None
    os.killpg(run.pid, signal.SIGKILL)
    run.wait()
