"""Tables: CSV files that the workflow wrote, read as they were written, and classes in them."""

from io import StringIO
from pathlib import Path
from typing import IO, Any

import pandas as pd

from .files import name_damaged_result, read_result

TEXT_COLUMNS = [
    *("Image", "RiverName", "River", "river", "number", "class", "classes", "model", "type"),
    *("experiment", "design", "label", "image", "path", "group", "id", "true_class"),
]


def class_text(value: Any) -> str:
    """Write a code or name of a class as text in lower case, "" for none.

    Parameters
    ----------
    value : object
        From a table, where a column of codes with gaps has 1.0 for 1.

    Returns
    -------
    str
    """
    return "" if pd.isna(value) else str(value).strip().removesuffix(".0").casefold()


def read_table(path: str | Path) -> pd.DataFrame:
    """Read a CSV table of the workflow, in which names stay text: a river may be 0012 or NA.

    Parameters
    ----------
    path : str or pathlib.Path

    Returns
    -------
    pandas.DataFrame
        Empty cells are NaN.

    Raises
    ------
    InputError
        When the file was damaged after it was made.
    """
    with name_damaged_result(path):
        return read_user_table(StringIO(read_result(path)))


def read_user_table(source: str | Path | IO) -> pd.DataFrame:
    """As `read_table`, of a file that users made: pandas raises errors of its own."""
    text = dict.fromkeys(TEXT_COLUMNS, str)
    return pd.read_csv(source, dtype=text, keep_default_na=False, na_values=[""])
