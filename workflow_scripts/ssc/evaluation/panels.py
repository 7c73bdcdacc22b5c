"""Four-part figures of an image: photograph, labels or confidence, and its maps."""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from ..classes import LandClass
from .figures import DPI, style, use_fonts

# Of a figure of this width and wider; the text of narrower ones is smaller.
FULL_WIDTH = 1200
TEXT_POINTS = 7
# A page is higher than wide by this factor, with room for a caption.
PAGE_RATIO = 1.25
CONFIDENCE_COLOURS = "cividis"
# Titles of the maps, in order.
STAGE_TITLES = {"CNN": "CNN map", "MLP": "Final map (MLP)", "RF": "Final map (random forest)"}


@dataclass(frozen=True)
class PanelLayout:
    """Where the parts of a figure are, in pixels.

    Attributes
    ----------
    width : int
        Of the figure.
    columns : int
        Parts beside each other.
    cell : int
        Width of the room of a part.
    size : tuple of int
        Width and height of a part.
    """

    width: int
    columns: int
    cell: int
    size: tuple[int, int]

    @property
    def points(self) -> float:
        """Size of the text."""
        return TEXT_POINTS * min(1.0, self.width / FULL_WIDTH)

    @property
    def line(self) -> int:
        """Height of a line of text."""
        return round(1.35 * self.points * DPI / 72)

    @property
    def margin(self) -> int:
        """Between parts."""
        return self.line // 2


def lay_out(shape: tuple[int, int], n_parts: int, width: int) -> PanelLayout:
    """Arrange the parts of a figure such that they are large and fit on a page.

    Parameters
    ----------
    shape : tuple of int
        Height and width of the image.
    n_parts : int
    width : int
        Of the figure in pixels.

    Returns
    -------
    PanelLayout
        Of two columns; of all parts beside each other for narrow images or below each other for
        wide ones, if that makes them larger by a fifth.
    """
    found: list[PanelLayout] = []
    for columns in (2, 1, n_parts):
        layout = PanelLayout(width, columns, 0, (0, 0))
        cell = (width - (columns + 1) * layout.margin) // columns
        rows = -(-n_parts // columns)
        most = (PAGE_RATIO * width - 5 * layout.line) / rows - 3 * layout.line
        scale = min(cell / shape[1], most / shape[0])
        size = max(1, round(scale * shape[1])), max(1, round(scale * shape[0]))
        found.append(PanelLayout(width, columns, cell, size))
    usual, *others = found
    largest = max(others, key=lambda layout: layout.size)
    return largest if largest.size > (1.2 * usual.size[0], 0) else usual


@style()
def draw_panel(
    title: str,
    image: np.ndarray,
    labels: np.ndarray | None,
    confidence: np.ndarray,
    maps: Sequence[tuple[str, np.ndarray]],
    classes: Sequence[LandClass],
    layout: PanelLayout,
    metres: float | None = None,
) -> Figure:
    """Draw an image, its labels and its maps, with one legend.

    Parameters
    ----------
    title : str
    image : numpy.ndarray
        RGB, uint8 (height, width, 3).
    labels : numpy.ndarray or None
        Class codes, uint8 (height, width); without them the confidence is shown in their place.
    confidence : numpy.ndarray
        Probability of the classes of the last map in percent, uint8 (height, width).
    maps : sequence of tuple
        Caption, of lines, and class codes, uint8 (height, width).
    classes : sequence of LandClass
    layout : PanelLayout
        From `lay_out`, of the shape of the image in its file.
    metres : float, optional
        Width of the image on the ground, for a scale bar.

    Returns
    -------
    matplotlib.figure.Figure
        Exactly as wide as the layout, and cut nowhere: long names are wrapped.
    """
    palette, size = class_palette(classes), layout.size
    parts = [("Image", cv2.resize(image, size, interpolation=cv2.INTER_AREA))]
    if labels is None:
        shown = colour_confidence(confidence, maps[-1][1])
        parts.append(("Confidence of the final map", _shrink(shown, size)))
    else:
        parts.append(("Labels", palette[_shrink(labels, size)]))
    parts += [(caption, palette[_shrink(codes, size)]) for caption, codes in maps]
    captions = [
        _wrap(f"({letter}) {caption}", layout.cell, layout)
        for letter, (caption, _) in zip("abcdefgh", parts, strict=False)
    ]
    # The scale of the confidence has a line of its own.
    n_lines = [c.count("\n") + 1 + (labels is None and n == 1) for n, c in enumerate(captions)]
    title = _wrap(title, layout.width, layout)
    line, rows = layout.line, -(-len(parts) // layout.columns)
    head = (title.count("\n") + 1) * line + layout.margin
    row = max(n_lines) * line + size[1] + layout.margin
    figure = Figure(dpi=DPI)
    figure.set_size_inches(layout.width / DPI, 1)
    legend = _draw_legend(figure, classes, layout)
    height = round(head + rows * row + legend)
    figure.set_size_inches(layout.width / DPI, height / DPI)
    top = 1 - layout.margin / 2 / height
    figure.text(0.5, top, title, ha="center", va="top", fontsize=layout.points * 1.1)
    for number, ((_, drawn), caption) in enumerate(zip(parts, captions, strict=True)):
        down, across = divmod(number, layout.columns)
        left = layout.margin + across * (layout.cell + layout.margin)
        left += (layout.cell - size[0]) // 2 if layout.columns == 1 else 0
        top = height - head - down * row
        below = top - max(n_lines) * line
        has_scale = labels is None and number == 1
        place = left / layout.width, (below + line / 4 + has_scale * line) / height
        figure.text(*place, caption, ha="left", va="bottom", fontsize=layout.points)
        ax = _add_axes(figure, (left, below - size[1], *size))
        # Pixel for pixel, in a PDF too.
        ax.imshow(drawn, interpolation="none", aspect="auto")
        if has_scale:
            _draw_scale(figure, (left, below + line // 4), layout)
        if number == 0 and metres:
            _draw_scale_bar(ax, metres / size[0], layout)
    return figure


def class_palette(classes: Sequence[LandClass]) -> np.ndarray:
    """Make the table of colours, uint8 (256, 3), by class code; black for codes without a class."""
    palette = np.zeros((256, 3), np.uint8)
    for c in classes:
        palette[c.code] = np.round(255 * np.array(to_rgb(c.colour)))
    return palette


def colour_confidence(confidence: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """Colours of a confidence in percent, uint8 (height, width, 3); black where nothing is mapped.

    Parameters
    ----------
    confidence, codes : numpy.ndarray
        uint8 (height, width).
    """
    scale = matplotlib.colormaps[CONFIDENCE_COLOURS](np.linspace(0, 1, 101), bytes=True)[:, :3]
    return np.where(codes[..., np.newaxis] > 0, scale[np.minimum(confidence, 100)], np.uint8(0))


def _shrink(raster: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    return cv2.resize(raster, size, interpolation=cv2.INTER_NEAREST)


def _wrap(text: str, pixels: int, layout: PanelLayout) -> str:
    # A character is 0.6 of the size of the text wide, but for few.
    n_characters = int(pixels / (0.6 * layout.points * DPI / 72))
    form: dict[str, Any] = dict(width=max(8, n_characters), break_on_hyphens=False)
    return "\n".join(textwrap.fill(line, **form) for line in text.split("\n"))


def _add_axes(figure: Figure, place: tuple[float, float, float, float]) -> Axes:
    """Axes without frame at left, bottom, width and height in pixels."""
    width, height = figure.get_size_inches() * DPI
    left, bottom, across, up = place
    ax = figure.add_axes((left / width, bottom / height, across / width, up / height))
    ax.set_axis_off()
    return ax


def _draw_legend(figure: Figure, classes: Sequence[LandClass], layout: PanelLayout) -> int:
    """Draw the classes at the bottom, in as many columns as fit; return the height in pixels."""
    form: dict[str, Any] = dict(edgecolor="black", linewidth=0.4)
    half = layout.width // 2
    keys = [Patch(facecolor=c.colour, label=_wrap(c.name, half, layout), **form) for c in classes]
    keys.append(Patch(facecolor="black", label="Unlabelled, no data", **form))
    renderer = FigureCanvasAgg(figure).get_renderer()
    for columns in range(len(keys), 0, -1):
        legend = figure.legend(
            handles=keys,
            loc="lower center",
            ncols=columns,
            fontsize=layout.points,
            frameon=False,
            borderaxespad=0.2,
            columnspacing=1.2,
        )
        use_fonts(figure)
        extent = legend.get_window_extent(renderer)
        if extent.width <= layout.width or columns == 1:
            break
        legend.remove()
    return int(np.ceil(extent.height)) + layout.margin


def _draw_scale(figure: Figure, place: tuple[float, float], layout: PanelLayout) -> None:
    """Draw the colours of the confidence from 0 to 100 %, from this place to the right."""
    em = layout.points * DPI / 72
    width, height = figure.get_size_inches() * DPI
    length = min(12 * em, layout.cell - 5 * em)
    x, y = place
    middle = (y + 0.35 * em) / height
    form: dict[str, Any] = dict(fontsize=layout.points, va="center_baseline")
    figure.text((x + 0.8 * em) / width, middle, "0", ha="right", **form)
    ax = _add_axes(figure, (x + 1.2 * em, y, length, 0.8 * em))
    ax.imshow(np.arange(101)[np.newaxis], CONFIDENCE_COLOURS, aspect="auto")
    figure.text((x + length + 1.6 * em) / width, middle, "100 %", ha="left", **form)


def _draw_scale_bar(ax: Axes, metres_per_pixel: float, layout: PanelLayout) -> None:
    # Slow to import, and few photographs have a georeference.
    from matplotlib_scalebar.scalebar import ScaleBar

    form: dict[str, Any] = dict(location="lower left", box_alpha=0.8, rotation="horizontal-only")
    ax.add_artist(ScaleBar(metres_per_pixel, font_properties={"size": layout.points}, **form))
