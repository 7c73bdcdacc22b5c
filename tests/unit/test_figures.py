import numpy as np
import pandas as pd
import PIL.Image
import pytest
from matplotlib.collections import PathCollection

from ssc.classes import LandClass
from ssc.curves import plot_curves
from ssc.figures import plot_panel, plot_reliability, plot_violins

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


@pytest.mark.parametrize("images", [1, 5])
def test_violins_are_drawn_in_the_order_of_the_classes(tmp_path, monkeypatch, images):
    rng = np.random.default_rng(1)
    compiled = pd.DataFrame(
        [
            (name, rng.uniform(0, 100), f"Ure_{n:04d}", stage)
            for name in ("ALL", "Sand", "Water")
            for n in range(images)
            for stage in ("CNN", "MLP")
        ],
        columns=["class", "f1_score", "Image", "type"],
    )
    figures = spy_on_figures(monkeypatch)
    plot_violins(tmp_path / "v.png", "Ure", compiled, ["Water", "Road", "Sand", "ALL"])
    assert picture(tmp_path / "v.png").std() > 0
    (ax,) = figures[0].axes
    ticks = [tick.get_text() for tick in ax.get_xticklabels()]
    assert ticks == [f"{name}\n{images} image(s)" for name in ("Water", "Sand", "ALL")]
    drawn = np.concatenate([p.get_offsets() for p in ax.collections if is_points(p)])
    for at, name in enumerate(("Water", "Sand", "ALL")):
        expected = compiled.loc[compiled["class"] == name, "f1_score"]
        assert sorted(drawn[drawn[:, 0].round() == at, 1]) == sorted(expected)
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["CNN", "MLP"]


def test_curves_show_every_column_of_the_history(tmp_path, monkeypatch):
    history = pd.DataFrame(
        {
            "epoch": [1, 2, 3],
            "loss": [2.0, 1.0, 0.5],
            "accuracy": [0.3, 0.6, 0.9],
            "val_loss": [2.1, 1.5, 1.4],
        }
    )
    figures = spy_on_figures(monkeypatch)
    plot_curves(tmp_path / "c.png", "CNN Ure", history)
    assert picture(tmp_path / "c.png").std() > 0
    drawn = [[line.get_ydata().tolist() for line in ax.get_lines()] for ax in figures[0].axes]
    assert drawn == [[[2.0, 1.0, 0.5], [2.1, 1.5, 1.4]], [[0.3, 0.6, 0.9]]]


def test_reliability_shows_each_map_against_the_diagonal(tmp_path, monkeypatch):
    # 1 of 4 pixels is right at 40 %, all of 12 at 100 %; the other map has no labelled pixels.
    counts = pd.DataFrame({"percent": range(101), "pixels": 0, "right": 0})
    nothing = counts.copy()
    counts.loc[[40, 100], ["pixels", "right"]] = [[4, 1], [12, 12]]
    figures = spy_on_figures(monkeypatch)
    plot_reliability(tmp_path / "r.png", {"Ure": counts, "Wye": nothing})
    assert picture(tmp_path / "r.png").std() > 0
    above, below = figures[0].axes
    drawn = [line.get_xydata().tolist() for line in above.get_lines()]
    assert drawn == [[[0, 0], [100, 100]], [[40, 25], [100, 100]]]
    (steps,) = below.patches
    shares = steps.get_data()
    assert shares.values.tolist() == [0, 0, 0, 25, 0, 0, 0, 0, 0, 75]
    assert shares.edges.tolist() == list(range(0, 101, 10))
    # 0.15 off for a quarter of the pixels: 3.75 %.
    labels = [text.get_text() for text in above.get_legend().get_texts()]
    assert labels == ["as it should be", "Ure, ECE 3.8 %"]


def is_points(collection):
    return isinstance(collection, PathCollection)


def spy_on_figures(monkeypatch):
    """Keep the figures that are saved, for what they show is hard to read from pixels."""
    figures = []
    monkeypatch.setattr("ssc.figures.plt.close", figures.append)
    return figures
