import numpy as np
import PIL.Image
import pytest

from ssc.classes import LandClass
from ssc.evaluation.panels import plot_panel

# Not the colours of any text, frame or background.
CLASSES = [LandClass(1, "Water", "#0050ff"), LandClass(3, "Sand", "#ff9010")]
BLUE, ORANGE, MAGENTA = (0, 0x50, 0xFF), (0xFF, 0x90, 0x10), (200, 0, 200)


def picture(path):
    with PIL.Image.open(path) as image:
        return np.asarray(image.convert("RGB"))


def share_of(colour, path):
    return (picture(path) == colour).all(axis=2).mean()


def draw(path, panels, width=600, shape=(60, 90)):
    image = np.full((*shape, 3), MAGENTA, np.uint8)
    plot_panel(path, "Ure_0001", image, panels, CLASSES, width)


def halves(left, right, shape=(60, 90)):
    codes = np.full(shape, left, np.uint8)
    codes[:, shape[1] // 2 :] = right
    return codes


@pytest.mark.parametrize("width", [600, 601, 1005, 1113, 1200])
def test_panel_is_exactly_as_wide_as_asked(tmp_path, width):
    draw(tmp_path / "a.png", [("Labels", halves(1, 3))], width)
    assert picture(tmp_path / "a.png").shape[1] == width


def test_panel_shows_image_and_maps_in_their_colours(tmp_path):
    path = tmp_path / "a.png"
    maps = [("Labels", halves(1, 3)), ("Tile map", halves(1, 1)), ("Final map", halves(1, 3))]
    draw(path, maps)
    # Of four equal parts one is the image, two are blue in all and one is orange.
    part = share_of(MAGENTA, path)
    assert part > 0.1
    assert share_of(BLUE, path) == pytest.approx(2 * part, rel=0.05)
    assert share_of(ORANGE, path) == pytest.approx(part, rel=0.05)


def test_unlabelled_pixels_are_black(tmp_path):
    draw(tmp_path / "a.png", [("Labels", halves(0, 3))])
    black = share_of((0, 0, 0), tmp_path / "a.png")
    assert black == pytest.approx(share_of(ORANGE, tmp_path / "a.png"), rel=0.2)


def test_part_without_labels_leaves_the_others_as_they_were(tmp_path):
    draw(tmp_path / "a.png", [("Labels", None), ("Tile map", halves(1, 3))])
    path = tmp_path / "a.png"
    assert share_of(MAGENTA, path) == pytest.approx(2 * share_of(BLUE, path), rel=0.05)


def test_legend_shows_classes_that_no_map_has(tmp_path):
    draw(tmp_path / "a.png", [("Labels", None)])
    assert share_of(BLUE, tmp_path / "a.png") > 0
    assert share_of(ORANGE, tmp_path / "a.png") > 0


@pytest.mark.parametrize("shape", [(900, 1300), (1300, 900)])
def test_panel_of_a_large_image_is_as_wide_as_asked(tmp_path, shape):
    draw(tmp_path / "a.png", [("Labels", halves(1, 3, shape))], shape=shape)
    assert picture(tmp_path / "a.png").shape[1] == 600
