import numpy as np
import pandas as pd
import PIL.Image
import pytest
from matplotlib.collections import PathCollection
from matplotlib.figure import Figure

from ssc.evaluation.charts import plot_reliability, plot_training, plot_violins


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
    assert is_drawn(tmp_path / "v.png")
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
    plot_training(tmp_path / "c.png", "CNN Ure", history)
    assert is_drawn(tmp_path / "c.png")
    drawn = [[line.get_ydata().tolist() for line in ax.get_lines()] for ax in figures[0].axes]
    assert drawn == [[[2.0, 1.0, 0.5], [2.1, 1.5, 1.4]], [[0.3, 0.6, 0.9]]]


def test_reliability_shows_each_map_against_the_diagonal(tmp_path, monkeypatch):
    # 1 of 4 pixels is correct at 40 %, all of 12 at 100 %; the other map has no labelled pixels.
    counts = pd.DataFrame({"percent": range(101), "pixels": 0, "correct": 0})
    nothing = counts.copy()
    counts.loc[[40, 100], ["pixels", "correct"]] = [[4, 1], [12, 12]]
    figures = spy_on_figures(monkeypatch)
    plot_reliability(tmp_path / "r.png", {"Ure": counts, "Wye": nothing})
    assert is_drawn(tmp_path / "r.png")
    above, below = figures[0].axes
    drawn = [line.get_xydata().tolist() for line in above.get_lines()]
    assert drawn == [[[0, 0], [100, 100]], [[40, 25], [100, 100]]]
    (steps,) = below.patches
    shares = steps.get_data()
    assert shares.values.tolist() == [0, 0, 0, 25, 0, 0, 0, 0, 0, 75]
    assert shares.edges.tolist() == list(range(0, 101, 10))
    # 0.15 off for a quarter of the pixels: 3.75 %.
    labels = [text.get_text() for text in above.get_legend().get_texts()]
    assert labels == ["perfectly calibrated", "Ure, ECE 3.8 %"]


def is_points(collection):
    return isinstance(collection, PathCollection)


def is_drawn(path):
    with PIL.Image.open(path) as image:
        return np.asarray(image).std() > 0


def spy_on_figures(monkeypatch):
    """Keep the figures that are saved, for what they show is hard to read from pixels."""
    figures = []
    save = Figure.savefig

    def keep(figure, *arguments, **options):
        figures.append(figure)
        save(figure, *arguments, **options)

    monkeypatch.setattr(Figure, "savefig", keep)
    return figures
