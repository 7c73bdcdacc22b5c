"""The default classes stay apart for colour-blind readers, and in print without colours."""

from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
import yaml
from colorspacious import cspace_convert
from matplotlib.colors import to_rgb
from skimage.color import deltaE_ciede2000

CONFIG = Path(__file__).parents[2] / "config"
# As figures draw what has no class.
BLACK = "black"
VISIONS = ["usual", "deuteranomaly", "protanomaly", "tritanomaly"]


def read(name):
    return yaml.safe_load((CONFIG / name).read_text("utf-8"))


def default_classes():
    return read("config.schema.yaml")["properties"]["classes"]["default"]


def as_seen(vision):
    """CIELAB of the default colours and black, (6, 3), by full dichromacy (Machado et al. 2009)."""
    colours = [to_rgb(c["colour"]) for c in default_classes().values()]
    seen = np.array([*colours, to_rgb(BLACK)])
    if vision != "usual":
        space = {"name": "sRGB1+CVD", "cvd_type": vision, "severity": 100}
        seen = np.clip(cspace_convert(seen, space, "sRGB1"), 0, 1)
    return cspace_convert(seen, "sRGB1", "CIELab")


@pytest.mark.parametrize("vision", VISIONS)
def test_colours_stay_apart_for_every_reader(vision):
    pairs = [deltaE_ciede2000(*pair) for pair in combinations(as_seen(vision), 2)]
    assert min(pairs) >= 20


def test_colours_stay_apart_in_grey():
    lightness = np.sort(as_seen("usual")[:, 0])
    assert np.diff(lightness).min() >= 13


def test_all_files_show_the_default_classes():
    expected = {int(code): c for code, c in default_classes().items()}
    assert read("config.yaml")["classes"] == expected
    text = (CONFIG / "README.md").read_text("utf-8")
    block = text.split("The default classes:\n\n")[1].split("\n\n")[0]
    assert yaml.safe_load(block)["classes"] == expected
