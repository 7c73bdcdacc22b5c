"""The land-cover classes of a campaign."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from .errors import SettingError


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


def label_codes(classes: Sequence[LandClass], remap: Mapping[str, int | str]) -> dict[str, int]:
    """Say which class each code or name in labels stands for.

    Parameters
    ----------
    classes : sequence of LandClass
    remap : mapping
        By a code or name in labels: the code or name of one of the classes, or 0 for unlabelled.

    Returns
    -------
    dict of str to int
        Class codes by code and by name, both as text in lower case.

    Raises
    ------
    SettingError
        When a target of `remap` is none of the classes.
    """
    codes = {"0": 0} | {c.name.casefold(): c.code for c in classes}
    codes |= {str(c.code): c.code for c in classes}
    targets = {}
    for key, target in remap.items():
        if str(target).casefold() not in codes:
            known = ", ".join(f"{c.code} ({c.name})" for c in classes)
            raise SettingError("remap", f"{key}: {target} is no class; give 0 or one of {known}")
        targets[key.casefold()] = codes[str(target).casefold()]
    return codes | targets
