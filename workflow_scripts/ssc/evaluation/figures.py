"""How figures are saved: for print, with every name as it is written."""

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

from matplotlib import rc_context
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, findfont, fontManager, get_font
from matplotlib.text import Text

# Of print: that which journals ask of photographs.
DPI = 300
# Width of a page of most journals, in inches.
PAGE = 190 / 25.4
# A dollar sign in a name is no mathematics. Journals edit text in fonts of type 42.
STYLE: dict[Any, Any] = {"text.parse_math": False, "pdf.fonttype": 42, "font.size": 8}
FONT = "DejaVu Sans"

log = logging.getLogger(__name__)


@contextmanager
def style() -> Iterator[None]:
    """Set the style of all figures while one is drawn; as a decorator, too."""
    with rc_context(STYLE), warnings.catch_warnings():
        # `use_fonts` says it once.
        warnings.filterwarnings("ignore", r"Glyph .* missing")
        yield


@style()
def save_figure(figure: Figure, path: Path) -> None:
    """Save a figure; the same figure gives the same file.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
    path : pathlib.Path
        Its suffix is the format: `.png`, or `.pdf`, where text and lines are vectors.
    """
    use_fonts(figure)
    # Level 3 takes half the time of the usual 6, and is a tenth larger.
    png, pdf = {"pil_kwargs": {"compress_level": 3}}, {"metadata": {"CreationDate": None}}
    figure.savefig(path, **(pdf if path.suffix == ".pdf" else png))


def use_fonts(figure: Figure) -> None:
    """Give the texts of a figure fonts that have all their characters, if any are installed."""
    texts = figure.findobj(Text)
    characters = {character for text in texts for character in text.get_text()}
    others = _other_fonts(frozenset(map(ord, characters - set("\n"))))
    for text in texts:
        text.set_fontfamily([FONT, *others])


@lru_cache
def _other_fonts(characters: frozenset[int]) -> list[str]:
    """Names of installed fonts for characters that the usual font lacks, such as Chinese ones."""
    missing = characters - get_font(findfont(FontProperties(family=FONT))).get_charmap().keys()
    fonts: list[str] = []
    # Upright fonts of usual weight first.
    upright = sorted(
        fontManager.ttflist, key=lambda e: (e.style != "normal", e.weight not in (400, "normal"))
    )
    for entry in upright if missing else ():
        # The last resort has a box for every character.
        if not missing or entry.name == FONT or entry.name.startswith("Last Resort"):
            continue
        found = missing & get_font(entry.fname).get_charmap().keys()
        if found:
            fonts.append(entry.name)
            missing -= found
    if missing:
        log.warning(
            "WARNING: no installed font has the characters %s of names: figures show boxes; "
            "install a font that has them, such as Noto Sans CJK",
            "".join(map(chr, sorted(missing))),
        )
    return fonts
