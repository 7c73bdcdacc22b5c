"""The sample campaign from images to report."""

import hashlib
import json
import re
import shutil
from collections import Counter

import cv2
import geodeep
import numpy as np
import pandas as pd
import PIL.Image
import pytest
import rasterio
import yaml
from matplotlib.figure import Figure

from run import REPO, run_snakemake

RIVERS = ("Ambervale", "Clearbrook")
SAMPLE = yaml.safe_load((REPO / "config/config.yaml").read_text())


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    """The sample campaign, run once as the README says."""
    folder = tmp_path_factory.mktemp("sample")
    shutil.copytree(REPO / "sample_data", folder / "sample_data")
    # Two trainings at a time, as `make demo` has them.
    options = ("--resources", "gpu=2", "--report", "report.html", "--report-after-run")
    run = run_snakemake(folder, "--cores", 2, *options, config=SAMPLE)
    assert run.returncode == 0, run.stdout[-5000:]
    return folder


def test_the_fixed_outputs_are_there(sample):
    results = sample / "results"
    files = {str(path.relative_to(results)) for path in results.rglob("*.*")}
    expected = {"preflight.csv", "training_labels.csv", "logs/config.yaml", "logs/versions.txt"}
    names = ("compiled.csv", "totals.csv", "experiments.csv", "reliability.png")
    names += ("confusion.csv", "reliability.csv", "experiments.tex", "methods.txt")
    names += ("areas.csv", "area_estimates.csv", "report.html", "warnings.csv", "provenance.json")
    expected |= {f"report/{name}" for name in names}
    for river, first in (("Ambervale", 105), ("Clearbrook", 5)):
        for suffix in (".h5", ".csv", ".onnx", "_qgis.onnx", "_training.png", "_training.csv"):
            expected.add(f"{river}/model/{river}{suffix}")
        for name in ("images.csv", "crops.csv", "crops.gpkg", "crops.png"):
            expected.add(f"{river}/suggest_labels/{river}_{name}")
        for number in range(first, first + 3):
            image = f"{river}_{number:04}"
            for kind in ("CNN", "confidence", "probabilities"):
                expected.add(f"{river}/cnn/{kind}_{image}.tif")
            for kind in ("MLP", "confidence"):
                expected.add(f"{river}/maps/{kind}_{image}.tif")
            expected.add(f"{river}/maps/MLP_{image}.qml")
            expected.add(f"{river}/figures/{image}.png")
            for kind in ("CNN", "MLP", "reliability"):
                scored = not image.endswith("7")
                assert (f"{river}/scores/{kind}_{image}.csv" in files) == scored
    assert expected <= files
    assert not [name for name in files if ".part-" in name]


def test_maps_are_good_and_cover_the_image(sample):
    totals = pd.read_csv(sample / "results/report/totals.csv").set_index(["model", "type"])
    for river in RIVERS:
        assert totals.loc[(river, "MLP"), "weighted_f1"] > 95
        assert totals.loc[(river, "MLP"), "weighted_f1"] > totals.loc[(river, "CNN"), "weighted_f1"]
    for path in (sample / "results").rglob("[CM]*_Clearbrook_0007.tif"):
        with rasterio.open(path) as raster:
            codes = raster.read(1)
            assert (raster.shape, raster.nodata, raster.dtypes) == ((400, 600), 0, ("uint8",))
            assert raster.colormap(1)[2] == (0xD4, 0x9E, 0x7D, 255)
        assert codes.min() > 0


def test_geodeep_maps_by_the_file_for_qgis_as_our_cnn_does(sample, tmp_path):
    """It reads the same file as the plugin Deepness."""
    for river, name in (("Clearbrook", "Clearbrook_0005"), ("Ambervale", "Ambervale_0105")):
        image = np.asarray(PIL.Image.open(sample / f"sample_data/predict/{name}.jpg"))
        # GeoDeep takes a pixel of 10 cm for granted.
        place = dict(crs="EPSG:32610", transform=rasterio.transform.from_origin(6e5, 4e6, 0.1, 0.1))
        size = dict(height=image.shape[0], width=image.shape[1], count=3, dtype="uint8")
        with rasterio.open(tmp_path / "image.tif", "w", photometric="RGB", **place, **size) as tif:
            tif.write(image.transpose(2, 0, 1))
        model = str(sample / f"results/{river}/model/{river}_qgis.onnx")
        mapped = geodeep.segment(str(tmp_path / "image.tif"), model, max_threads=2)
        with rasterio.open(sample / f"results/{river}/cnn/CNN_{name}.tif") as raster:
            codes = raster.read(1)
        window = np.ones((7, 7), np.uint8)
        inside = cv2.erode(codes, window) == cv2.dilate(codes, window)
        assert inside.mean() > 0.7
        # All five classes are labelled: their channels are their codes.
        assert (mapped == codes)[inside].mean() > 0.99


def test_maps_are_those_of_the_reference(sample):
    """On another kind of CPU training rounds otherwise; on that of the references all agree."""
    for path in sorted((REPO / "tests/reference").glob("MLP_*.tif")):
        river = path.stem.split("_")[1]
        made = sample / f"results/{river}/maps/{path.name}"
        with rasterio.open(path) as reference, rasterio.open(made) as raster:
            assert (reference.read(1) == raster.read(1)).mean() > 0.97


def test_the_compiled_table_is_tidy(sample):
    compiled = pd.read_csv(sample / "results/report/compiled.csv")
    assert list(compiled.columns) == [
        *("class", "f1_score", "support", "RiverName", "Image", "type", "experiment", "model"),
        *("seed", "design", "in_sample", "learned_from", "boundary_f1", "confidence"),
    ]
    assert set(compiled["experiment"]) == {"demo"}
    assert compiled["in_sample"].all()
    images = compiled[compiled["class"] == "ALL"].set_index(["Image", "type"])
    assert len(images) == 4 * 2
    assert compiled["confidence"].notna().equals(compiled["type"] == "MLP")
    assert compiled["confidence"].dropna().between(60, 100).all()
    parts = compiled[compiled["class"] != "ALL"].assign(hits=lambda t: t["f1_score"] * t["support"])
    sums = parts.groupby(["Image", "type"])[["hits", "support"]].sum()
    np.testing.assert_array_equal(sums["support"], images["support"].sort_index())
    np.testing.assert_allclose(
        sums["hits"] / sums["support"], images["f1_score"].sort_index(), atol=0.01
    )
    seaborn = pytest.importorskip("seaborn")
    ax = Figure().subplots()
    seaborn.violinplot(compiled, x="class", y="f1_score", hue="type", ax=ax)
    assert len(ax.get_xticklabels()) == 6  # five classes and ALL


def test_areas_of_images_sum_to_those_of_rivers(sample):
    areas = pd.read_csv(sample / "results/report/areas.csv")
    of_level = areas.groupby("level")["pixels"].sum().to_dict()
    assert of_level == dict.fromkeys(("image", "river", "group"), 6 * 400 * 600)
    with rasterio.open(sample / "results/Clearbrook/maps/MLP_Clearbrook_0007.tif") as raster:
        water = (raster.read(1) == 1).sum()
    image = areas[areas["image"] == "Clearbrook_0007"].set_index("class").loc["Water"]
    assert (image["pixels"], image["percent"]) == (water, pytest.approx(water / 2400))
    # Photographs without a georeference.
    assert areas["hectares"].isna().all()
    estimates = pd.read_csv(sample / "results/report/area_estimates.csv")
    assert set(estimates["method"]) == {"no interval: fewer than 5 labelled images"}


def test_answered_check_points_give_estimates(sample, tmp_path, plan):
    """All points are answered as mapped, but for one that is not."""
    folder = tmp_path / "copy"
    shutil.copytree(sample, folder, copy_function=shutil.copy2)
    config = SAMPLE | {"check_points": {"n": 100}}
    run = run_snakemake(folder, "--cores", 2, config=config)
    assert run.returncode == 0, run.stdout[-5000:]
    for river in RIVERS:
        points = folder / f"results/{river}/check_points"
        table = pd.read_csv(points / f"{river}.csv")
        assert len(table) == 100
        assert {path.stem for path in (points / "chips").glob("*.png")} == set(table["id"])
        strata = pd.read_csv(points / f"{river}_strata.csv")
        classes = {code: c["name"] for code, c in SAMPLE["classes"].items()}
        table["true_class"] = strata["class_code"].map(classes)
        table.loc[0, "true_class"] = "Paved road" if strata["class_code"][0] != 5 else "Water"
        table.to_csv(folder / f"{river}.csv", index=False)
    drawn = (points / f"{river}.gpkg").read_bytes()
    files = [f"{river}.csv" for river in RIVERS]
    config["check_points"]["answers"] = files
    assert set(plan(folder, config)) == {"record_campaign", "estimate_areas", "write_report"}
    run = run_snakemake(folder, "--cores", 2, config=config)
    assert run.returncode == 0, run.stdout[-5000:]
    assert (points / f"{river}.gpkg").read_bytes() == drawn
    estimates = pd.read_csv(folder / "results/report/area_estimates.csv")
    assert set(estimates["method"]) == {"stratified check points"}
    of_group = estimates.groupby("group")
    assert of_group["percent"].sum().tolist() == pytest.approx([100, 100])
    overall = estimates[estimates["class"] == "ALL"]
    assert overall["points"].tolist() == [100, 100]
    assert overall["overall_accuracy"].between(90, 99.99).all()
    (folder / files[0]).write_text((folder / files[0]).read_text().replace("Water", "Watr"))
    run = run_snakemake(folder, "--cores", 2, config=config)
    assert run.returncode == 1
    assert re.search(r"^ERROR: .*Ambervale.csv: .*has the true_class Watr; give", run.stdout, re.M)


def test_what_to_label_next_is_ranked_by_all_pixels(sample):
    # 0007 is the one image of each river without labels.
    for river, image in (("Ambervale", "Ambervale_0107"), ("Clearbrook", "Clearbrook_0007")):
        ranked = pd.read_csv(sample / f"results/{river}/suggest_labels/{river}_images.csv")
        assert ranked[["rank", "Image"]].to_numpy().tolist() == [[1, image]]
        assert ranked["gained_class"].isin([c["name"] for c in SAMPLE["classes"].values()]).all()
        summary = pd.read_csv(sample / f"results/{river}/maps/uncertainty/{image}.csv")
        areas = summary.filter(like="area_").drop_duplicates().to_numpy()
        assert areas.shape == (1, 5)
        assert areas.sum() == pytest.approx(400 * 600, abs=5)


def test_the_report_tells_of_the_campaign(sample):
    folder = sample / "results/report"
    text = (folder / "report.html").read_text()
    assert text.startswith("<!doctype html>") and "<h1>demo</h1>" in text
    assert "6 images of 2 rivers mapped by 2 CNNs." in text
    assert text.count("data:image/jpeg") == 6 + 6 + 2  # thumbnails, photographs, contact sheets
    provenance = json.loads((folder / "provenance.json").read_text())
    assert (provenance["seed"], provenance["config"]["experiment"]) == (42, "demo")
    kinds = Counter(file["kind"] for file in provenance["files"])
    assert kinds == {
        "train image": 8,
        "train labels": 8,
        "predict image": 6,
        "predict labels": 4,
        "model": 2,
    }
    for file in provenance["files"]:
        content = (sample / file["path"]).read_bytes()
        assert hashlib.sha256(content).hexdigest() == file["sha256"]
    confusion = pd.read_csv(folder / "confusion.csv").query("type == 'MLP'")
    totals = pd.read_csv(folder / "totals.csv").query("type == 'MLP'").set_index("model")
    for river, table in confusion.groupby("model"):
        right = sum(row[f"mapped_{row['label']}"] for row in table.to_dict("records"))
        pixels = table.filter(like="mapped").to_numpy().sum()
        assert totals.loc[river, "accuracy"] == pytest.approx(100 * right / pixels, abs=0.01)


def test_the_report_of_snakemake_holds_figures_by_river(sample):
    text = (sample / "report.html").read_text()
    for category in ("Ambervale", "Clearbrook", "Label these next", "Training"):
        assert f'"{category}"' in text
    for name in ("Clearbrook_0005.png", "Ambervale_training.png", "Ambervale_crops.png"):
        assert name in text
    assert not re.search(r"<(script|link)[^>]+(src|href)=.https?:", text)


def test_the_sample_ortho_is_mapped_and_measured(sample):
    config = yaml.safe_load((REPO / "config/ortho.yaml").read_text())
    run = run_snakemake(sample, "--cores", 2, config=config)
    assert run.returncode == 0, run.stdout[-5000:]
    report = sample / "results_ortho/report"
    totals = pd.read_csv(report / "totals.csv").set_index("type")
    assert totals.loc["MLP", "macro_f1"] > 95
    areas = pd.read_csv(report / "areas.csv").query("level == 'image'").set_index("class")
    with rasterio.open(REPO / "sample_data/ortho/north.tif") as source:
        n_visible = np.count_nonzero(source.read(4))
    assert areas["pixels"].sum() == n_visible
    # Pixels of 5 cm.
    assert areas["square_metres"].sum() == pytest.approx(0.0025 * n_visible)
    points = pd.read_csv(sample / "results_ortho/ortho/check_points/ortho.csv")
    assert len(points) == 60
    chips = list((sample / "results_ortho/ortho/check_points/chips").glob("*.png"))
    assert len(chips) == 60


def test_a_change_runs_what_reads_it_only(sample, plan):
    assert plan(sample, SAMPLE) == {}
    assert set(plan(sample, SAMPLE | {"figures": {"width": 900}})) == {
        *("record_campaign", "plot_panels", "select_panels", "write_report")
    }
    scored = {"score_images", "plot_panels", "suggest_labels", "compile_scores"}
    scored |= {"plot_violins", "select_panels", "record_campaign", "write_report"}
    scored |= {"measure_areas", "compile_areas", "estimate_areas", "mosaic_maps"}
    hidden = SAMPLE["refine"] | {"hidden_layers": [32]}
    assert set(plan(sample, SAMPLE | {"refine": hidden})) == scored | {"refine_pixels"}
    # The MLP has no trees.
    trees = SAMPLE["refine"] | {"n_trees": 7}
    assert set(plan(sample, SAMPLE | {"refine": trees})) == {"record_campaign", "write_report"}
    colours = SAMPLE["classes"] | {1: {"name": "Water", "colour": "navy"}}
    assert set(plan(sample, SAMPLE | {"classes": colours})) == {
        *(scored | {"check_campaign", "classify_images", "refine_pixels"})
    }


def test_results_are_what_the_campaign_has_now(sample, tmp_path, plan):
    """Another phase 2, batches, an image less, a label less and a damaged map, one by one."""
    folder = tmp_path / "copy"
    shutil.copytree(sample, folder, copy_function=shutil.copy2)
    predict, river = folder / "sample_data/predict", folder / "results/Clearbrook"
    cut = river / "cnn/CNN_Clearbrook_0005.tif"
    cut.write_bytes(cut.read_bytes()[:100])
    (river / "maps/MLP_Clearbrook_0006.tif").unlink()
    assert plan(folder, SAMPLE)["classify_images"] == 1
    assert plan(folder, SAMPLE)["refine_pixels"] == 2
    (river / "maps/MLP_Clearbrook_0006 edited.tif").touch()
    for path in predict.glob("*Clearbrook_0005*"):
        path.unlink()
    (predict / "SCLS_Clearbrook_0006.tif").unlink()
    paths = SAMPLE["campaign"] | {"images_per_job": 1000}
    config = SAMPLE | {"campaign": paths, "refine": SAMPLE["refine"] | {"method": "rf"}}
    run = run_snakemake(folder, "--cores", 2, config=config)
    assert run.returncode == 0, run.stdout[-5000:]
    names = {
        part: sorted(path.name for path in (river / part).glob("*.*"))
        for part in ("maps", "scores", "figures")
    }
    images = ("Clearbrook_0006", "Clearbrook_0007")
    assert names["maps"] == sorted(
        ["MLP_Clearbrook_0006 edited.tif"]
        + [
            f"{kind}_{i}.{end}"
            for i in images
            for kind, end in [("RF", "tif"), ("RF", "qml"), ("confidence", "tif")]
        ]
        + [f"RF_{i}.tif.aux.xml" for i in images]
    )
    assert names["scores"] == []
    assert names["figures"] == sorted(
        [f"{i}.png" for i in images] + [f"thumbnail_{i}.jpg" for i in images]
    )
    records = sorted(str(p.relative_to(river)) for p in river.glob("*/batches/*.csv"))
    assert records == [f"{part}/batches/Clearbrook_0006.csv" for part in ("cnn", "figures", "maps")]
    report = {p.parent.name for p in (folder / "results/report/violins").glob("*/*.png")}
    assert report == {"Ambervale"}
    assert (folder / "results/Clearbrook/model/Clearbrook.h5").is_file()
    table = pd.read_csv(folder / "results/Ambervale/scores/RF_Ambervale_0105.csv")
    assert table.set_index("class").loc["ALL", "f1_score"] > 0.88
    assert plan(folder, config) == {}


def test_a_unet_that_is_trained_already_maps_without_labels(sample, tmp_path):
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
    run = run_snakemake(tmp_path, "--cores", 2, config=config)
    assert run.returncode == 0, run.stdout[-5000:]
    for file in ("cnn/CNN_Clearbrook_0007.tif", "maps/MLP_Clearbrook_0007.tif"):
        groups = tmp_path / "results/old", sample / "results/Clearbrook"
        made, expected = (rasterio.open(group / file).read(1) for group in groups)
        np.testing.assert_array_equal(made, expected)
    # The file of the CNN has the colours of its training images.
    maps = str(tmp_path / "results/old/cnn/CNN_Clearbrook_000{}.tif")
    usual, dark = (rasterio.open(maps.format(number)).read(1) for number in (7, 8))
    assert (usual == dark).mean() > 0.9
    logs = {p.stem: p.read_text() for p in tmp_path.glob("results/logs/classify_images/old/*.log")}
    assert "Clearbrook_0008.jpg is much darker or brighter" in logs["Clearbrook_0008"]
    assert "no training images of Dee" in logs["Dee_0007"]
    assert "colours brought" not in logs["Clearbrook_0007"]
