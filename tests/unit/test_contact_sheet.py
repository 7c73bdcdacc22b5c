import numpy as np
import pandas as pd
import PIL.Image
import pytest
from matplotlib.figure import Figure

from ssc.classes import LandClass
from ssc.evaluation.contact_sheet import plot_contact_sheet

# Not the colours of any text or background.
CLASSES = [
    LandClass(1, "Water", "#0050ff"),
    LandClass(3, "Sand", "#ff9010"),
    LandClass(4, "Road", "#ff0000"),
]
BLUE, ORANGE, RED = (0, 0x50, 0xFF), (0xFF, 0x90, 0x10), (0xFF, 0, 0)
MAGENTA, GREEN, GREY = (200, 0, 200), (0, 200, 0), (90, 90, 90)
LEGEND = 50


def draw(path, cells, width=800):
    """Draw cells of a picture's colour and a map; return the figure's pixels."""
    crops = pd.DataFrame(
        [(n, f"Ure_{n:04d}", 10 * n, 20 * n, 40.04 - n) for n in range(1, len(cells) + 1)],
        columns=["rank", "Image", "row", "column", "uncertainty"],
    )
    pictures = [np.full((*codes.shape, 3), colour, np.uint8) for colour, codes in cells]
    maps = [codes for _, codes in cells]
    plot_contact_sheet(path, "Label these next", crops, pictures, maps, CLASSES, width)
    with PIL.Image.open(path) as image:
        return np.asarray(image.convert("RGB"))


def block(colour, pixels):
    """Top, left, height and width of the one rectangle of a colour above the legend."""
    mask = (pixels[:-LEGEND] == colour).all(axis=2)
    y, x = np.nonzero(mask)
    top, left, height, width = y.min(), x.min(), np.ptp(y) + 1, np.ptp(x) + 1
    assert mask.sum() == height * width, "something lies over it"
    return top, left, height, width


def filled(code, shape=(10, 10)):
    return np.full(shape, code, np.uint8)


def test_each_crop_has_its_map_at_its_right(tmp_path):
    halves = np.repeat(np.array([[1, 3]], np.uint8), 5, axis=1).repeat(10, axis=0)
    cells = [(MAGENTA, halves), (GREEN, filled(4, (5, 10)))]
    pixels = draw(tmp_path / "a.png", cells)
    top, left, side, width = block(MAGENTA, pixels)
    # Two margins of 16 and three gaps of 20 leave 708 px to four cells with a seam of 4 px.
    assert (left, side, width) == (16, 86, 86)
    assert block(BLUE, pixels) == (top, 106, 86, 43)
    assert block(ORANGE, pixels) == (top, 149, 86, 43)
    # The next cell begins 176 + 20 px on; its crop is half as high as wide.
    assert block(GREEN, pixels) == (top, 212, 43, 86)
    assert block(RED, pixels) == (top, 302, 43, 86)


def test_map_that_is_shrunk_shows_no_class_that_it_lacks(tmp_path):
    stripes = np.tile(np.array([1, 3], np.uint8), (172, 86))
    # Every second pixel is shown; the mean of 1 and 3 would be a class of its own.
    pixels = draw(tmp_path / "a.png", [(MAGENTA, stripes)])
    assert block(BLUE, pixels)[2:] == (86, 86)


def test_fifth_crop_is_below_the_first(tmp_path):
    cells = [(MAGENTA, filled(1))] + 3 * [(GREY, filled(3))] + [(GREEN, filled(4))]
    pixels = draw(tmp_path / "a.png", cells)
    first, fifth = block(MAGENTA, pixels), block(GREEN, pixels)
    assert fifth[1:] == first[1:]
    assert fifth[0] > first[0] + first[2]


@pytest.mark.parametrize("width", [800, 1113, 1800])
def test_sheet_is_as_wide_as_asked_and_shows_all_classes(tmp_path, width):
    pixels = draw(tmp_path / "a.png", [(MAGENTA, filled(1))], width)
    assert pixels.shape[1] == width
    for colour in (BLUE, ORANGE, RED):
        assert (pixels[-LEGEND:] == colour).all(axis=2).any()


def test_crops_are_named_in_their_order(tmp_path, monkeypatch):
    figures = []
    save = Figure.savefig

    def keep(figure, path, **options):
        figures.append(figure)
        save(figure, path)

    monkeypatch.setattr(Figure, "savefig", keep)
    draw(tmp_path / "a.png", [(MAGENTA, filled(1)), (GREEN, filled(3))])
    assert [text.get_text() for text in figures[0].texts] == [
        "Label these next",
        "1  Ure_0001",
        "row 10, column 20, uncertainty 39.0 %",
        "2  Ure_0002",
        "row 20, column 40, uncertainty 38.0 %",
    ]
