"""Windows: parts of a raster that are read, mapped and written one at a time."""

from typing import NamedTuple, Protocol

import numpy as np

# Side of a window in pixels: what the U-Net maps in 2 GB of memory, with the overlap.
WINDOW_SIDE = 2048
# Sides of windows are multiples of it: so are the pixels that the U-Net takes.
SIDE_MULTIPLE = 64


class Window(NamedTuple):
    """The pixels from `top` to before `bottom`, and from `left` to before `right`."""

    top: int
    left: int
    bottom: int
    right: int

    @property
    def slices(self) -> tuple[slice, slice]:
        """Rows and columns, to index an array with."""
        return slice(self.top, self.bottom), slice(self.left, self.right)

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width."""
        return self.bottom - self.top, self.right - self.left

    def grown(self, margin: int, shape: tuple[int, ...]) -> "Window":
        """The window with a margin on all sides, inside a raster of this shape."""
        top, left = max(0, self.top - margin), max(0, self.left - margin)
        bottom, right = min(shape[0], self.bottom + margin), min(shape[1], self.right + margin)
        return Window(top, left, bottom, right)

    def within(self, outer: "Window") -> tuple[slice, slice]:
        """Rows and columns of the window in an array of `outer`."""
        top, left = outer.top, outer.left
        return Window(self.top - top, self.left - left, self.bottom - top, self.right - left).slices


class Raster(Protocol):
    """An array (height, width, ...), or a file that is read where it is indexed."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Height and width come first."""

    def __getitem__(self, index: tuple[slice, slice], /) -> np.ndarray:
        """Read rows and columns."""


class Image(Raster, Protocol):
    """A colour image, (height, width, 3) of uint8: `ImageReader` or `ImageArray`."""

    name: str

    def no_data(self, window: Window) -> np.ndarray:
        """Where the image shows nothing, bool (height, width) of the window."""


def whole(shape: tuple[int, ...]) -> Window:
    """The window of all pixels of a raster (height, width, ...)."""
    return Window(0, 0, *shape[:2])


def windows(shape: tuple[int, ...], side: int = WINDOW_SIDE) -> list[Window]:
    """Cut a raster into windows of sizes as equal as can be.

    Parameters
    ----------
    shape : tuple of int
        Height and width come first.
    side : int
        Of a square of as many pixels as a window may have, a multiple of `SIDE_MULTIPLE`.

    Returns
    -------
    list of Window
        In reading order; one where the raster is small enough. A raster of up to two sides across
        is cut into strips.
    """
    height, width = shape[:2]
    columns = _cut(width, width if width <= 2 * side else side)
    most_rows = side * side // (columns[0][1] - columns[0][0])
    rows = _cut(height, max(SIDE_MULTIPLE, most_rows // SIDE_MULTIPLE * SIDE_MULTIPLE))
    return [Window(top, left, bottom, right) for top, bottom in rows for left, right in columns]


def block_of(shape: tuple[int, ...], number: int, n_blocks: int) -> Window:
    """One of the blocks that a raster is cut into along its longer side.

    Parameters
    ----------
    shape : tuple of int
        Height and width come first.
    number : int
        From 1, at the top or left.
    n_blocks : int
        Blocks of equal size, to a pixel.

    Returns
    -------
    Window
    """
    height, width = shape[:2]
    start, stop = (part * max(height, width) // n_blocks for part in (number - 1, number))
    if height >= width:
        return Window(start, 0, stop, width)
    return Window(0, start, height, stop)


class MaskedRaster:
    """A raster of class codes that is 0 inside a window, or outside of it.

    Parameters
    ----------
    raster : Raster
    window : Window
    inside : bool
        Whether it is masked inside the window.
    """

    def __init__(self, raster: Raster, window: Window, inside: bool):
        self.raster, self.window, self.inside = raster, window, inside
        self.shape = raster.shape

    def __getitem__(self, index: tuple[slice, slice]) -> np.ndarray:
        rows, columns = index
        in_rows = _between(rows, self.window.top, self.window.bottom)
        in_columns = _between(columns, self.window.left, self.window.right)
        within = in_rows[:, None] & in_columns
        return np.where(within == self.inside, 0, self.raster[index]).astype(np.uint8)


def _between(part: slice, start: int, stop: int) -> np.ndarray:
    at = np.arange(part.start, part.stop)
    return (start <= at) & (at < stop)


def _cut(n: int, side: int) -> list[tuple[int, int]]:
    parts = -(-n // side)
    step = -(-n // parts // SIDE_MULTIPLE) * SIDE_MULTIPLE
    return [(start, min(start + step, n)) for start in range(0, n, step)]
