"""Answers to check points: the true classes that a person has seen at them."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from ..classes import LandClass, label_codes
from ..errors import InputError
from ..io.tables import class_text, read_user_table
from .check_points import PLACE

# Of each class, for a standard error.
MIN_ANSWERS = 2


def read_answers(
    paths: Sequence[str | Path], points: pd.DataFrame, classes: Sequence[LandClass]
) -> pd.DataFrame:
    """Read which classes a person has seen at check points.

    Parameters
    ----------
    paths : sequence of str or pathlib.Path
        Copies of the drawn points as CSV or in a format of GDAL such as GeoPackage, with the code
        or name of a class in the column true_class; empty where there is no answer.
    points : pandas.DataFrame
        All drawn points: group and the columns of `draw_points`.
    classes : sequence of LandClass

    Returns
    -------
    pandas.DataFrame
        A row for each answered point: the columns of `points` and true_code.

    Raises
    ------
    InputError
        When a file cannot be read, lacks a column or has an unknown class, when its points are
        not the drawn ones, or when a class of an answered group has fewer than `MIN_ANSWERS`
        answers.
    """
    answers = pd.concat([_read_file(path, points, classes) for path in paths], ignore_index=True)
    twice = answers.loc[answers["id"].duplicated(), "id"]
    if len(twice):
        raise InputError(f"check point {twice.iloc[0]} is answered twice; remove one answer")
    names: dict = {c.code: c.name for c in classes}
    drawn = points[points["group"].isin(answers["group"])]
    # Of a class with one pixel one is enough.
    few = [
        f"group {group}: {answered} of its {len(stratum)} check points on mapped {names[code]} are "
        f"answered; answer more, {MIN_ANSWERS} at least"
        for (group, code), stratum in drawn.groupby(["group", "class_code"])
        if (answered := stratum["id"].isin(answers["id"]).sum()) < min(MIN_ANSWERS, len(stratum))
    ]
    if few:
        raise InputError(*few)
    return answers


def _read_file(
    path: str | Path, points: pd.DataFrame, classes: Sequence[LandClass]
) -> pd.DataFrame:
    """The answered points of one file, and the codes of their true classes."""
    import pyogrio

    try:
        if Path(path).suffix.lower() == ".csv":
            table = read_user_table(path)
        else:
            table = pyogrio.read_dataframe(path, read_geometry=False)
    except (ValueError, RuntimeError) as error:
        raise InputError(f"{path}: unreadable; save it as GeoPackage, or CSV in UTF-8") from error
    missing = [column for column in (*PLACE, "true_class") if column not in table]
    if missing:
        raise InputError(
            f"{path}: no column {', '.join(missing)}; fill in true_class in a copy of the check "
            "points and keep all columns"
        )
    text = table["true_class"].map(class_text)
    answered = text != ""
    codes = {name: code for name, code in label_codes(classes, {}).items() if code}
    unknown = table[answered & ~text.isin(codes)]
    if len(unknown):
        known = ", ".join(f"{c.code} ({c.name})" for c in classes)
        raise InputError(
            f"{path}: check point {unknown['id'].iloc[0]} has the true_class "
            f"{unknown['true_class'].iloc[0]}; give a code or name of {known}"
        )
    table = table[answered].assign(true_code=text[answered].map(codes).astype(int))
    table[["row", "column"]] = table[["row", "column"]].apply(pd.to_numeric, errors="coerce")
    fitting = table[[*PLACE, "true_code"]].merge(points, on=PLACE)
    strange = table[~table["id"].isin(fitting["id"])]
    if len(strange):
        raise InputError(
            f"{path}: {len(strange)} check points, such as {strange['id'].iloc[0]}, are not those "
            "drawn from the present maps; answer these, or run with the images, config and seed "
            "that the old points were drawn with"
        )
    return fitting
