"""Small pictures of images and maps, as files or as text for a page."""

import base64
from collections.abc import Mapping, Sequence
from io import BytesIO
from pathlib import Path

import cv2
import numpy as np
import PIL.Image
from matplotlib.colors import to_rgb

from ..classes import LandClass
from ..evaluation.panels import class_palette

# Longest side of a large picture and of a half of a thumbnail, in pixels.
LARGE_SIDE, THUMBNAIL_SIDE = 800, 128
JPEG_QUALITY = 75
# Confidence is shown in steps of this many percent: fewer colours take less room.
CONFIDENCE_STEP = 5
# Ends of the colours of confidence, from 0 to 100 %.
CONFIDENCE_COLOURS = ["#7f0000", "#d7301f", "#fdbb84", "#ffffcc", "#7bccc4", "#08589e"]
RIGHT, WRONG = "#2c7fb8", "#e31a1c"


def shrink(pixels: np.ndarray, side: int) -> np.ndarray:
    """Make a raster smaller, so that its longest side is `side` pixels at most.

    Parameters
    ----------
    pixels : numpy.ndarray
        uint8, colours (height, width, 3), which are averaged, or values (height, width), of which
        the nearest is taken.
    side : int

    Returns
    -------
    numpy.ndarray
        uint8.
    """
    scale = min(1, side / max(pixels.shape[:2]))
    size = [max(1, round(scale * length)) for length in pixels.shape[1::-1]]
    how = cv2.INTER_AREA if pixels.ndim == 3 else cv2.INTER_NEAREST
    return cv2.resize(pixels, size, interpolation=how)


def write_thumbnail(
    path: Path, image: np.ndarray, codes: np.ndarray, classes: Sequence[LandClass]
) -> None:
    """Write an image and its map side by side as a small JPEG.

    Parameters
    ----------
    path : pathlib.Path
    image : numpy.ndarray
        RGB, uint8 (height, width, 3).
    codes : numpy.ndarray
        Class codes, uint8 (height, width), of any size.
    classes : sequence of LandClass
    """
    small = shrink(image, THUMBNAIL_SIDE)
    codes = cv2.resize(codes, small.shape[1::-1], interpolation=cv2.INTER_NEAREST)
    both = np.hstack([small, class_palette(classes)[codes]])
    PIL.Image.fromarray(both).save(path, "JPEG", quality=JPEG_QUALITY)


def data_uri(content: bytes, kind: str) -> str:
    """Text of a picture for a page; `kind` is jpeg or png."""
    return f"data:image/{kind};base64,{base64.b64encode(content).decode('ascii')}"


def jpeg_uri(image: np.ndarray) -> str:
    """RGB, uint8 (height, width, 3), as text for a page."""
    file = BytesIO()
    PIL.Image.fromarray(image).save(file, "JPEG", quality=JPEG_QUALITY, optimize=True)
    return data_uri(file.getvalue(), "jpeg")


def picture_uri(path: str | Path, side: int) -> str:
    """A picture of a file, made smaller to `side` pixels, as text for a page."""
    with PIL.Image.open(path) as picture:
        picture.thumbnail((side, side))
        return jpeg_uri(np.asarray(picture.convert("RGB")))


def layer_uri(values: np.ndarray, colours: np.ndarray) -> str:
    """A transparent layer to lie on an image, as text for a page.

    Parameters
    ----------
    values : numpy.ndarray
        uint8 (height, width); 0 is transparent.
    colours : numpy.ndarray
        By value, uint8 (256, 3).

    Returns
    -------
    str
    """
    layer = PIL.Image.fromarray(values)
    layer.putpalette(colours.tobytes())
    file = BytesIO()
    layer.save(file, "PNG", transparency=0)
    return data_uri(file.getvalue(), "png")


def make_layers(
    maps: Mapping[str, np.ndarray],
    confidence: np.ndarray,
    labels: np.ndarray | None,
    classes: Sequence[LandClass],
) -> dict[str, str]:
    """Make what a reader can lay on an image.

    Parameters
    ----------
    maps : mapping of str to numpy.ndarray
        Class codes by caption, uint8 (height, width): the CNN's map and, where there is one, the
        final one after it.
    confidence : numpy.ndarray
        Of the final map in percent, uint8 (height, width); 0 is no data.
    labels : numpy.ndarray, optional
        Class codes, uint8 (height, width); 0 is unlabelled.
    classes : sequence of LandClass

    Returns
    -------
    dict of str to str
        Pictures by caption.
    """
    colours = class_palette(classes)
    layers = {caption: layer_uri(codes, colours) for caption, codes in maps.items()}
    first, *_, final = [*maps.values()] * 2
    if len(maps) > 1:
        layers["Changed by phase 2"] = layer_uri(final * (first != final), colours)
    steps = -(-confidence // CONFIDENCE_STEP)
    layers["Confidence"] = layer_uri(steps.astype(np.uint8), confidence_colours())
    if labels is not None:
        layers["Labels"] = layer_uri(labels, colours)
        verdict = np.where(final == labels, 1, 2) * ((labels > 0) & (final > 0))
        of_verdict = np.zeros((256, 3), np.uint8)
        of_verdict[1:3] = [np.round(255 * np.array(to_rgb(c))) for c in (RIGHT, WRONG)]
        layers["Right and wrong"] = layer_uri(verdict.astype(np.uint8), of_verdict)
    return layers


def confidence_colours() -> np.ndarray:
    """Colours of confidence by step, uint8 (256, 3)."""
    ends = np.array([to_rgb(colour) for colour in CONFIDENCE_COLOURS])
    at = np.linspace(0, 100, len(ends))
    percent = np.minimum(np.arange(256) * CONFIDENCE_STEP, 100)
    return np.round([255 * np.interp(percent, at, band) for band in ends.T]).T.astype(np.uint8)
