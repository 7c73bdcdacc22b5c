"""The land-cover classes of a campaign."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class LandClass:
    """A land-cover class: its code in class rasters (1..255), name and matplotlib colour."""

    code: int
    name: str
    colour: str = ""


def read_classes(mapping: Mapping) -> list[LandClass]:
    """Classes in the order of their codes, from `{code: {name: ..., colour: ...}}`.

    What draws nothing may leave colours out.
    """
    return sorted((LandClass(int(code), **c) for code, c in mapping.items()), key=lambda c: c.code)
