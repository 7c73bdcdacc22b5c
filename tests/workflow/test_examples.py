"""The config files of the worked examples can be planned as they stand."""

import re
import shutil

import geopandas
import pytest
import shapely
import yaml

from run import REPO

PAGE = (REPO / "docs/examples.md").read_text("utf-8")
EXAMPLES = [yaml.safe_load(text) for text in re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)]
# Files of the examples, and the sample files in their place.
LABELLED = {
    "ouse/labelled": ["Ouse_0001"],
    "my_river/train": ["Ouse_0001", "Ouse_0002"],
    "survey/labelled": ["Ouse_0001", "Trent_0001", "Swale_0012"],
}
MAPPED = {"ouse/all": ["Ouse_0003"], "my_river/predict": ["Ouse_0003"]}
MAPPED["survey/all"] = ["Ouse_0003", "Trent_0003", "Swale_0013", "Tees_0001"]
JOBS = {
    "Ouse, summer 2026": {"train_cnn": 1, "refine_pixels": 1},
    "survey of four rivers": {"train_cnn": 2, "refine_pixels": 4},
    "honest scores": {"train_cnn": 2, "refine_pixels": 2},
    "few labels": {"train_cnn": 1, "refine_pixels": 1},
    "Ouse, September": {"convert_cnn": 1, "polygonize_maps": 1, "draw_check_points": 1},
    "a published model": {"convert_cnn": 1, "refine_pixels": 2},
}


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder, sample = tmp_path_factory.mktemp("data"), REPO / "sample_data"
    for place, names in (LABELLED | MAPPED).items():
        (folder / place).mkdir(parents=True)
        for name in names:
            shutil.copy(sample / "train/Clearbrook_0001.jpg", folder / place / f"{name}.jpg")
            if place in LABELLED and not place.startswith("ouse"):
                label = folder / place / f"SCLS_{name}.tif"
                shutil.copy(sample / "train/SCLS_Clearbrook_0001.tif", label)
    columns = {"class": ["gravel", "Water"], "image": "Ouse_0001"}
    squares = [shapely.box(x, 0, x + 50, 50) for x in (0, 100)]
    geopandas.GeoDataFrame(columns, geometry=squares).to_file(folder / "ouse/polygons.gpkg")
    shutil.copy(sample / "ortho/north.tif", folder / "ouse_september.tif")
    return folder


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example["experiment"])
def test_example_is_planned(example, data, tmp_path, plan):
    for model in ("results/ouse/Ouse/model/Ouse", "models/river"):
        (tmp_path / model).parent.mkdir(parents=True)
        for suffix in (".h5", ".csv"):
            (tmp_path / model).with_suffix(suffix).touch()
    config = yaml.safe_load(yaml.safe_dump(example).replace("/data/", f"{data}/"))
    jobs = plan(tmp_path, config)
    expected = JOBS[example["experiment"]]
    assert {rule: jobs.get(rule) for rule in expected} == expected
