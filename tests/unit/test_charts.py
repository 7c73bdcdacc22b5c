import numpy as np
import pandas as pd
import pytest
from matplotlib.collections import LineCollection, PathCollection

from ssc.evaluation.charts import draw_reliability, draw_training, draw_violins


def compiled(images, low=0):
    rng = np.random.default_rng(1)
    return pd.DataFrame(
        [
            (name, rng.uniform(low, 100), f"Ure_{n:04d}", stage)
            for name in ("ALL", "Sand", "Water")
            for n in range(images)
            for stage in ("CNN", "MLP")
        ],
        columns=["class", "f1_score", "Image", "type"],
    )


@pytest.mark.parametrize("images", [1, 4, 5])
def test_violins_show_every_image_and_the_median_by_class(images):
    table = compiled(images)
    (ax,) = draw_violins("Ure", table, ["Water", "Road", "Sand", "ALL"]).axes
    rows = [tick.get_text() for tick in ax.get_yticklabels()]
    assert rows == [f"{name} ({images})" for name in ("Water", "Sand", "ALL")]
    points = [part for part in ax.collections if isinstance(part, PathCollection)]
    drawn = np.concatenate([part.get_offsets() for part in points])
    lines = [part for part in ax.collections if isinstance(part, LineCollection)]
    medians = np.array([segment[0] for part in lines for segment in part.get_segments()])
    for at, name in enumerate(("Water", "Sand", "ALL")):
        of_class = table[table["class"] == name]
        assert sorted(drawn[drawn[:, 1].round() == at, 0]) == sorted(of_class["f1_score"])
        expected = of_class.groupby("type")["f1_score"].median()
        assert sorted(medians[medians[:, 1].round() == at, 0]) == pytest.approx(sorted(expected))
    # Fewer than five images have no shape of their own.
    assert (len(ax.collections) > len(points) + len(lines)) == (images == 5)


@pytest.mark.parametrize(("low", "begin"), [(0, -1), (93, 90), (99, 90), (61, 60), (60.1, 55)])
def test_axis_of_violins_begins_below_the_lowest_score(low, begin):
    table = compiled(2).assign(f1_score=[low, 100] * 6)
    (ax,) = draw_violins("Ure", table, ["Water", "Sand", "ALL"]).axes
    assert ax.get_xlim() == (begin, 100.5)


def test_legend_of_violins_lies_off_the_data():
    figure = draw_violins("Ure", compiled(5), ["Water", "Sand", "ALL"])
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["CNN", "MLP", "median"]
    figure.draw_without_rendering()
    assert legend.get_window_extent().y1 < figure.axes[0].get_window_extent().y0


def test_curves_show_every_column_of_the_history():
    history = pd.DataFrame(
        {
            "epoch": [1, 2, 3],
            "loss": [2.0, 1.0, 0.5],
            "accuracy": [30, 60, 90],
            "val_loss": [2.1, 1.5, 1.4],
        }
    )
    figure = draw_training("CNN Ure", history, "validated by tiles")
    drawn = [[line.get_ydata().tolist() for line in ax.get_lines()] for ax in figure.axes]
    assert drawn == [[[2.0, 1.0, 0.5], [2.1, 1.5, 1.4]], [[30, 60, 90]]]
    assert figure.get_supxlabel() == "validated by tiles"


def test_reliability_shows_each_map_against_the_diagonal():
    # 1 of 4 pixels is correct at 40 %, all of 12 at 100 %; the other map has no labelled pixels.
    counts = pd.DataFrame({"percent": range(101), "pixels": 0, "correct": 0})
    nothing = counts.copy()
    counts.loc[[40, 100], ["pixels", "correct"]] = [[4, 1], [12, 12]]
    figure = draw_reliability({"Ure": counts, "Wye": nothing})
    above, below = figure.axes
    drawn = [line.get_xydata().tolist() for line in above.get_lines()]
    assert drawn == [[[0, 0], [100, 100]], [[40, 25], [100, 100]]]
    (steps,) = below.patches
    shares = steps.get_data()
    assert shares.values.tolist() == [0, 0, 0, 25, 0, 0, 0, 0, 0, 75]
    assert shares.edges.tolist() == list(range(0, 101, 10))
    # 0.15 off for a quarter of the pixels: 3.75 %.
    labels = [text.get_text() for text in figure.legends[0].get_texts()]
    assert labels == ["perfectly calibrated", "Ure, ECE 3.8 %"]


def test_reliability_has_no_point_of_a_few_pixels():
    counts = pd.DataFrame({"percent": range(101), "pixels": 0, "correct": 0})
    # The bin of 20 % has 9, that of 40 % 10 of 10,000 pixels: 0.1 %.
    rows = [[9, 6], [10, 4], [9981, 9981]]
    counts.loc[[20, 40, 100], ["pixels", "correct"]] = rows
    _, line = draw_reliability({"Ure": counts}).axes[0].get_lines()
    assert line.get_xydata().tolist() == [[40, 40], [100, 100]]
