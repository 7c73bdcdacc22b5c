import logging

import numpy as np
import pandas as pd
import PIL.Image
import pytest
from matplotlib.figure import Figure
from matplotlib.font_manager import findfont, fontManager, get_font
from matplotlib.text import Text

from ssc.evaluation import figures
from ssc.evaluation.charts import draw_reliability, draw_training, draw_violins
from ssc.evaluation.figures import save_figure

DOLLARS = "US$ 5 and US$ 6 $\\x"
HISTORY = pd.DataFrame({"epoch": [1, 2], "loss": [2, 1], "accuracy": [50, 60]})
COUNTS = pd.DataFrame({"percent": range(101), "pixels": 1, "correct": 1})
SCORES = pd.DataFrame({"class": DOLLARS, "f1_score": [90.0], "Image": "a", "type": "CNN"})


def figure_of(text):
    figure = Figure(figsize=(2, 1), dpi=100)
    figure.text(0.1, 0.1, text)
    return figure


@pytest.mark.parametrize("suffix", [".png", ".pdf"])
@pytest.mark.parametrize(
    "figure",
    [
        draw_training(DOLLARS, HISTORY, DOLLARS),
        draw_reliability({DOLLARS: COUNTS}),
        draw_violins(DOLLARS, SCORES, [DOLLARS]),
    ],
    ids=["training", "reliability", "violins"],
)
def test_dollars_in_names_are_no_mathematics(tmp_path, figure, suffix):
    save_figure(figure, tmp_path / f"a{suffix}")
    texts = [text for text in figure.findobj(Text) if "$" in text.get_text()]
    assert texts
    assert not any(text.get_parse_math() for text in texts)


def test_png_has_the_resolution_of_print(tmp_path):
    save_figure(draw_training("Ure", HISTORY, ""), tmp_path / "a.png")
    with PIL.Image.open(tmp_path / "a.png") as image:
        assert np.round(image.info["dpi"]).tolist() == [300, 300]
        # 190 mm.
        assert image.width == 2244


def test_pdf_has_text_and_is_the_same_again(tmp_path):
    for name in ("a.pdf", "b.pdf"):
        save_figure(draw_training("Ure", HISTORY, ""), tmp_path / name)
    first, second = ((tmp_path / name).read_bytes() for name in ("a.pdf", "b.pdf"))
    assert first == second
    # TrueType, which can be edited, not outlines of type 3.
    assert b"/TrueType" in first or b"/Type42" in first or b"/CIDFontType2" in first
    assert b"/Type3" not in first


def test_characters_without_font_are_named_once(tmp_path, caplog, monkeypatch):
    usual = [entry for entry in fontManager.ttflist if entry.name == "DejaVu Sans"]
    monkeypatch.setattr(fontManager, "ttflist", usual)
    figures._other_fonts.cache_clear()
    with caplog.at_level(logging.WARNING):
        save_figure(figure_of("River 苏"), tmp_path / "a.png")
        save_figure(figure_of("River 苏"), tmp_path / "b.png")
    figures._other_fonts.cache_clear()
    assert [r.message for r in caplog.records if "苏" in r.message] == [
        "WARNING: no installed font has the characters 苏 of names: figures show boxes; install "
        "a font that has them, such as Noto Sans CJK"
    ]


def test_a_font_that_has_the_characters_is_used(tmp_path, caplog):
    # In STIX, which comes with matplotlib, and not in DejaVu Sans.
    figure = figure_of("\u210a")
    save_figure(figure, tmp_path / "a.png")
    usual, other = figure.texts[0].get_fontfamily()
    assert usual == "DejaVu Sans"
    assert 0x210A in get_font(findfont(other)).get_charmap()
    assert not caplog.records
