"""Polygons in place of label rasters, and an area of interest."""

import shutil

import geopandas
import numpy as np
import pandas as pd
import pytest
import rasterio
import shapely
from rasterio.features import shapes

from run import REPO, run_snakemake

pytestmark = pytest.mark.filterwarnings("ignore:'crs' was not provided:UserWarning")

CONFIG = {
    "campaign": {
        "train": "train",
        "predict": "predict",
        "labels": ["train.gpkg", "predict.gpkg"],
        "area_of_interest": "area.gpkg",
        "remap": {"H2O": "water"},
    }
}


@pytest.fixture
def river(tmp_path):
    """Images of 600 x 400 px in a row, with world files, and the outlines of their labels."""
    for role, numbers in (("train", (1, 2)), ("predict", (5, 6))):
        (tmp_path / role).mkdir()
        drawn = []
        for number in numbers:
            image = tmp_path / f"{role}/Clearbrook_{number:04}.jpg"
            shutil.copy(REPO / "sample_data" / role / image.name, image)
            left = 500_000 + 300 * number
            image.with_suffix(".jgw").write_text(f"0.5\n0\n0\n-0.5\n{left + 0.25}\n5299999.75\n")
            labels = original(image)
            transform = rasterio.Affine(0.5, 0, left, 0, -0.5, 5_300_000)
            drawn += [(s, int(c)) for s, c in shapes(labels, labels > 0, transform=transform)]
        outlines = [shapely.geometry.shape(outline) for outline, _ in drawn]
        classes = ["H2O" if code == 1 else str(code) for _, code in drawn]
        save(tmp_path / f"{role}.gpkg", outlines, classes)
    # Half of image 5.
    save(tmp_path / "area.gpkg", [shapely.box(501_500, 5_299_800, 501_650, 5_300_000)])
    return tmp_path


def save(path, outlines, classes=("1",)):
    geopandas.GeoDataFrame({"class": list(classes)}, geometry=outlines).to_file(path)


def original(image):
    folder = REPO / "sample_data" / image.parent.name
    with rasterio.open(folder / f"SCLS_{image.stem}.tif") as source:
        return source.read(1)


def test_outlines_of_labels_give_the_labels_and_a_change_checks_its_images_only(river, plan):
    run = run_snakemake(river, "check_campaign", "--cores", 1, config=CONFIG)
    assert run.returncode == 0, run.stdout[-5000:]
    for image in sorted(river.glob("*/*.jpg")):
        path = river / f"results/labels/{image.parent.name}/SCLS_{image.stem}.tif"
        with rasterio.open(path) as source:
            np.testing.assert_array_equal(source.read(1), original(image))
    notes = pd.read_csv(river / "results/preflight.csv").set_index("number")["note"].dropna()
    assert notes.to_dict() == {
        6: "predict/Clearbrook_0006.jpg: outside the area of interest, nothing of it is mapped"
    }
    # The scores of image 5 and what follows are left to do; then its polygons change.
    before = plan(river, CONFIG)
    assert not {"check_images", "check_campaign"} & set(before)
    frame = geopandas.read_file(river / "predict.gpkg")
    frame["class"] = frame["class"].replace("2", "3")
    frame.cx[501_500:501_799, :].to_file(river / "predict.gpkg")
    jobs = plan(river, CONFIG)
    # Image 6 has no labels any more.
    assert jobs["check_images"] == 2
    assert (jobs["score_images"], before["score_images"]) == (1, 2)


def test_what_is_wrong_with_polygons_stops_the_plan(river):
    frame = geopandas.read_file(river / "train.gpkg")
    frame.cx[500_300:500_599, :].to_file(river / "train.gpkg")
    run = run_snakemake(river, "-n", config=CONFIG)
    assert run.returncode == 1
    assert "train/Clearbrook_0002.jpg: training image without labels; put" in run.stdout
    shutil.copy(REPO / "sample_data/train/SCLS_Clearbrook_0001.tif", river / "train")
    run = run_snakemake(river, "-n", config=CONFIG)
    assert "train/Clearbrook_0001.jpg: has a label raster, and polygons lie over it" in run.stdout
    wrong = {"campaign": CONFIG["campaign"] | {"remap": {"H2O": "Sea"}, "class_column": "kind"}}
    run = run_snakemake(river, "-n", config=wrong)
    assert run.returncode == 1
    assert "campaign.remap: H2O: Sea is no class; give 0 or one of 1 (Water)" in run.stdout
    assert "Traceback" not in run.stdout
