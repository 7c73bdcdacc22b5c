"""The land-cover classes of a campaign."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class LandClass:
    """A land-cover class.

    Attributes
    ----------
    code : int
        Its code in class rasters, 1 to 255.
    name : str
    colour : str
        Of matplotlib.
    """

    code: int
    name: str
    colour: str = ""


def read_classes(mapping: Mapping) -> list[LandClass]:
    """Read the classes in the order of their codes.

    Parameters
    ----------
    mapping : mapping
        `{code: {name: ..., colour: ...}}`; the colour may be missing where nothing is drawn.

    Returns
    -------
    list of LandClass
    """
    return sorted((LandClass(int(code), **c) for code, c in mapping.items()), key=lambda c: c.code)
