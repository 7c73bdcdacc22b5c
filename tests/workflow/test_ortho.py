"""An orthomosaic that is learned from and mapped, in one folder with other images."""

import json
import shutil

import cv2
import geopandas
import numpy as np
import pandas as pd
import pytest
import rasterio

from run import REPO, run_snakemake
from ssc.report.provenance import digest_file

GEOREFERENCE = dict(crs="EPSG:32630", transform=rasterio.Affine(0.1, 0, 5e5, 0, -0.1, 6e6))


def test_ortho_in_one_folder_is_learned_from_where_labelled_and_mapped_everywhere(small, tmp_path):
    folder, sample = tmp_path / "flight", REPO / "sample_data"
    folder.mkdir()
    pixels = np.hstack(
        [cv2.imread(str(sample / f"train/Clearbrook_000{n}.jpg"))[..., ::-1] for n in (1, 2)]
    )
    alpha = np.full(pixels.shape[:2], 255, np.uint8)
    alpha[:, :50] = 0
    labels = [sample / f"train/SCLS_Clearbrook_000{n}.tif" for n in (1, 2)]
    codes = np.hstack([cv2.imread(str(path), cv2.IMREAD_UNCHANGED) for path in labels])
    codes = np.where(alpha > 0, codes, 0).astype(np.uint8)
    height, width = alpha.shape
    options = dict(GEOREFERENCE, driver="GTiff", height=height, width=width, dtype="uint8")
    with rasterio.open(
        folder / "ortho.tif", "w", count=4, photometric="RGB", alpha="YES", **options
    ) as target:
        target.write(np.dstack([pixels, alpha]).transpose(2, 0, 1))
    with rasterio.open(folder / "SCLS_ortho.tif", "w", count=1, **options) as target:
        target.write(codes, 1)
    shutil.copy(sample / "predict/Clearbrook_0006.jpg", folder / "DJI_0006.JPG")
    (folder / "flight.txt").touch()

    place = {"Clearbrook": str(folder)}
    groups = ["per_river", "cross_validation"]
    campaign = {"train": place, "predict": place, "groups": groups, "folds": 2}
    config = small | {"campaign": campaign, "polygons": {"write": True, "simplify": 1.5}}
    run = run_snakemake(tmp_path, "--cores", 2, config=config)
    assert run.returncode == 0, run.stdout[-5000:]
    maps = tmp_path / "results/Clearbrook/maps"
    assert (maps / "MLP_Clearbrook_DJI_0006.tif").exists()
    with rasterio.open(maps / "MLP_Clearbrook_ortho.tif") as source:
        class_map = source.read(1)
        assert source.crs == GEOREFERENCE["crs"]
        assert source.transform == GEOREFERENCE["transform"]
        assert source.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
        tags = source.tags()
        assert tags["TIFFTAG_IMAGEDESCRIPTION"] == "Land cover of Clearbrook_ortho: MLP map"
        assert tags["CNN_SHA256"] == digest_file(maps.with_name("model") / "Clearbrook.onnx")
        assert tags["IMAGE_SHA256"] == digest_file(folder / "ortho.tif")
        assert set(json.loads(tags["CNN_SETTINGS"])) == {"match_colours", "white"}
        assert tags["SEED"] == "42" and json.loads(tags["REFINE_SETTINGS"])["epochs"] == 2
    np.testing.assert_array_equal(class_map == 0, alpha == 0)
    polygons = geopandas.read_file(maps.with_name("polygons") / "Clearbrook_ortho.gpkg", layer=0)
    counts = polygons.groupby("class_code")["pixels"].sum().to_dict()
    assert counts == {
        code: n for code, n in enumerate(np.bincount(class_map.ravel())) if code and n
    }
    assert polygons["square_metres"].sum() == pytest.approx(0.01 * np.count_nonzero(class_map))
    with rasterio.open(maps.with_name("mosaic") / "Clearbrook.vrt") as mosaic:
        np.testing.assert_array_equal(mosaic.read(1), class_map)
    log = (tmp_path / "results/logs/mosaic_maps/Clearbrook.log").read_text()
    assert "MLP_Clearbrook_DJI_0006.tif is not in the mosaic: it has no georeference" in log
    crops = geopandas.read_file(maps.with_name("suggest_labels") / "Clearbrook_crops.gpkg")
    # The only image without labels has no georeference.
    assert crops.empty
    labelled = codes > 0
    # 50 steps teach it more than to call everything the commonest class.
    commonest = np.bincount(codes[labelled]).max() / np.count_nonzero(labelled)
    assert (class_map[labelled] == codes[labelled]).mean() > commonest + 0.1
    # The CNN has learned from all that it could be scored by; only the folds are honest.
    compiled = pd.read_csv(tmp_path / "results/report/compiled.csv")
    assert compiled["Image"].unique().tolist() == ["Clearbrook_ortho"]
    learned_from = compiled.groupby("model")["learned_from"].unique().map(list).to_dict()
    folds = {f"Clearbrook_fold_{n}": [False] for n in (1, 2)}
    assert learned_from == {"Clearbrook": [True]} | folds
    totals = pd.read_csv(tmp_path / "results/report/totals.csv")
    assert totals["model"].unique().tolist() == ["Clearbrook_cross_validation"]
    # Both blocks together are all labels, and each was learned from once.
    assert totals["support"].unique().tolist() == [np.count_nonzero(codes)]
    preflight = pd.read_csv(tmp_path / "results/preflight.csv").set_index("image")
    note = preflight.loc[str(folder / "flight.txt"), "note"]
    assert note == "neither an image nor a label raster"
