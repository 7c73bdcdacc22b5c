"""A config file is proposed from what lies in folders."""

import sys
from pathlib import Path

import cv2
import geopandas
import init
import numpy as np
import pytest
import rasterio
import shapely
import yaml
from rasterio.transform import Affine

from ssc.campaign import read_campaign

# 20 x 10 px of half a metre.
NORTH_UP = Affine(0.5, 0, 500_000, 0, -0.5, 5_300_005)


def write_image(path, codes=None):
    """A photograph of 20 x 10 px and, by rows from the top, labels of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), np.full((10, 20, 3), 99, np.uint8))
    if codes is not None:
        labels = np.repeat(np.array(codes, np.uint8), 20).reshape(-1, 20)
        cv2.imwrite(str(path.with_name(f"SCLS_{path.stem}.tif")), labels)


def write_ortho(folder, columns, names):
    """An orthomosaic with one polygon for each name, of 4 x 10 px beside each other."""
    folder.mkdir()
    of_file = {"height": 10, "width": 20, "count": 3, "dtype": "uint8", "driver": "GTiff"}
    grid = {"crs": "EPSG:32633", "transform": NORTH_UP}
    with rasterio.open(folder / "may.tif", "w", **of_file, **grid) as ortho:
        ortho.write(np.full((3, 10, 20), 99, np.uint8))
    left = 500_000 + 2 * np.arange(len(names))
    boxes = [shapely.box(x, 5_300_000, x + 2, 5_300_005) for x in left]
    frame = geopandas.GeoDataFrame({columns: names}, geometry=boxes, crs=32633)
    frame.to_file(folder / "drawn.gpkg")


@pytest.fixture
def propose(tmp_path, monkeypatch, capsys):
    """Config and comments that are written for a folder."""
    monkeypatch.chdir(tmp_path)

    def propose(folder="ouse"):
        monkeypatch.setattr(sys, "argv", ["init.py", folder])
        init.main()
        text = Path(f"{folder}.yaml").read_text("utf-8")
        printed = capsys.readouterr().out
        assert all(line in printed for line in text.splitlines() if line.startswith("#"))
        return yaml.safe_load(text), text

    return propose


def test_labelled_images_of_one_folder_are_learned_from_and_all_are_mapped(propose, tmp_path):
    write_image(tmp_path / "ouse/Ouse_0001.jpg", [0, 0, 1, 1, 1, 1, 1, 1, 2, 2])
    write_image(tmp_path / "ouse/Ouse_0002.jpg")
    (tmp_path / "ouse/notes.txt").touch()
    config, text = propose()
    assert config == {
        "campaign": {"train": "ouse", "predict": "ouse"},
        "results": "results/ouse",
        "experiment": "ouse",
    }
    assert "Ouse: 2 images, 1 to learn from, 2 to map; 20 x 10 px; no georeference" in text
    # 200 steps of 8 patches of 256 px, a second each, and the start.
    assert "To train one CNN for each river takes about 4 minutes of one core." in text
    assert "#   cnn: {steps: 100, self_training_steps: 100}\n" in text
    assert "1 Water: 120 (75.0%)\n" in text
    assert "2 Sediment: 40 (25.0%)\n" in text
    assert "5 Paved road: 0 (0.0%); the CNN cannot map it" in text
    assert "ouse/notes.txt: neither an image nor a label raster" in text
    # The campaign is as it says.
    campaign = read_campaign(**config["campaign"], groups="per_river")
    assert [*campaign.train] == ["Ouse_0001"]
    assert [*campaign.predict] == ["Ouse_0001", "Ouse_0002"]


def test_folders_called_train_and_predict_are_so(propose, tmp_path):
    write_image(tmp_path / "ouse/train/Ouse_0001.jpg", [1, 2] * 5)
    write_image(tmp_path / "ouse/predict/Ouse_0002.jpg", [1, 1] * 5)
    write_image(tmp_path / "ouse/old/Ouse_0003.jpg")
    config, text = propose()
    assert config["campaign"] == {"train": "ouse/train", "predict": "ouse/predict"}
    # Only pixels to learn from count.
    assert "1 Water: 100 (50.0%)" in text
    assert "cross_validation" not in text


def test_names_of_cameras_are_rivers_by_folder_and_one_cnn_maps_all(propose, tmp_path):
    name = "DJI_20230614123456_0123_D.JPG"
    write_image(tmp_path / "ouse/upper" / name, [1, 2] * 5)
    write_image(tmp_path / "ouse/lower" / name)
    for number in (124, 125, 126):
        write_image(tmp_path / f"ouse/lower/DJI_0{number}.jpg")
    config, _ = propose()
    folders = {"lower": "ouse/lower", "upper": "ouse/upper"}
    groups = {"all_rivers": {"train": ["upper"], "predict": ["lower", "upper"]}}
    assert config["campaign"] == {"train": folders, "predict": folders, "groups": groups}
    campaign = read_campaign(**config["campaign"])
    numbered = [f"lower_DJI_0{number}" for number in (124, 125, 126)]
    assert [*campaign.predict] == [*numbered, f"lower_{name[:-4]}", f"upper_{name[:-4]}"]


def test_polygons_give_their_column_and_classes(propose, tmp_path):
    write_ortho(tmp_path / "ouse", "cover", ["pool", "gravel", "pool"])
    config, text = propose()
    assert config["campaign"] == {
        "train": {"ouse": "ouse"},
        "predict": {"ouse": "ouse"},
        "labels": ["ouse/drawn.gpkg"],
        "class_column": "cover",
    }
    assert {code: c["name"] for code, c in config["classes"].items()} == {1: "Gravel", 2: "Pool"}
    assert "EPSG:32633, pixels of 0.5 m" in text
    assert "1 Gravel: 40 (33.3%)" in text
    assert "2 Pool: 80 (66.7%)" in text
    # The only image to map is learned from.
    assert "self_training" not in text


def test_polygons_of_the_default_classes_need_no_classes(propose, tmp_path):
    write_ortho(tmp_path / "ouse", "Class", ["2", "1"])
    config, text = propose()
    assert config["campaign"]["labels"] == ["ouse/drawn.gpkg"]
    assert not {"classes"} & set(config) and "class_column" not in config["campaign"]
    assert "1 Water: 40 (50.0%)" in text


def test_what_cannot_run_is_written_with_the_reason(propose, tmp_path, capsys):
    write_image(tmp_path / "ouse/Ouse_0001.jpg", [1, 2] * 5)
    write_image(tmp_path / "ouse/Ouse_0002.jpg")
    write_image(tmp_path / "ouse/Ouse_03.jpg")
    with pytest.raises(SystemExit, match="cannot run yet"):
        propose()
    printed = capsys.readouterr().out
    assert "ouse/Ouse_03.jpg: not named RiverName_NNNN.jpg" in printed
    assert "Ouse: 2 images, 1 to learn from" in printed
    # Never over what is there.
    with pytest.raises(SystemExit, match="ouse.yaml: is there already; remove it"):
        propose()


def test_a_folder_without_images_is_refused(propose, tmp_path):
    (tmp_path / "ouse").mkdir()
    with pytest.raises(SystemExit, match="ERROR: ouse: no images in this folder"):
        propose()
