"""The contact sheet of places to label."""

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from ..classes import LandClass
from .figures import save_figure, style
from .panels import class_palette

# Of screens.
DPI = 100


@style()
def plot_contact_sheet(
    path: Path,
    title: str,
    crops: pd.DataFrame,
    pictures: Sequence[np.ndarray],
    maps: Sequence[np.ndarray],
    classes: Sequence[LandClass],
    width: int,
) -> None:
    """Draw crops of images, each beside its map, four across, with one legend.

    Parameters
    ----------
    path : pathlib.Path
    title : str
    crops : pandas.DataFrame
        A row for each crop, from left to right and down: rank, Image, row and column (pixel) of
        the crop in its image, uncertainty (percent).
    pictures : sequence of numpy.ndarray
        The crops, RGB, uint8 (height, width, 3); they may differ in size.
    maps : sequence of numpy.ndarray
        Their class codes, uint8 (height, width).
    classes : sequence of LandClass
    width : int
        Of the figure, in pixels.
    """
    across, margin, seam, gap, captions = 4, 16, 4, 20, 44
    heading, legend = 40, 50
    side = ((width - 2 * margin - (across - 1) * gap) // across - seam) // 2
    down = -(-len(crops) // across)
    height = heading + down * (captions + side + gap) + legend
    figure = Figure(figsize=(width / DPI, height / DPI), dpi=DPI)
    figure.suptitle(title, fontsize=14, y=1 - 8 / height, va="top")
    palette = class_palette(classes)
    cells = zip(crops.itertuples(), pictures, maps, strict=True)
    for number, (crop, picture, codes) in enumerate(cells):
        y, x = divmod(number, across)
        left = margin + x * (2 * side + seam + gap)
        top = height - heading - y * (captions + side + gap)
        name = f"{crop.rank}  {crop.Image}"
        place = f"row {crop.row}, column {crop.column}, uncertainty {crop.uncertainty:.1f} %"
        figure.text(left / width, (top - 4) / height, name, va="top", fontsize=11, weight="bold")
        figure.text(left / width, (top - 22) / height, place, va="top", fontsize=10)
        scale = side / max(codes.shape)
        size = [max(1, round(scale * length)) for length in codes.shape[::-1]]
        shown = (
            cv2.resize(picture, size, interpolation=cv2.INTER_AREA),
            palette[cv2.resize(codes, size, interpolation=cv2.INTER_NEAREST)],
        )
        for part, drawn in enumerate(shown):
            # Pixel for pixel: axes would resample.
            figure.figimage(drawn, left + part * (side + seam), top - captions - size[1])
    figure.legend(
        handles=[
            Patch(facecolor=c.colour, edgecolor="black", linewidth=0.5, label=c.name)
            for c in classes
        ],
        loc="lower center",
        ncols=len(classes),
        fontsize=11,
        frameon=False,
    )
    save_figure(figure, path)
