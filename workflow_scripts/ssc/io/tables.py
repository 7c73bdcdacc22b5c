"""CSV tables that the workflow wrote, read as they were written."""

from pathlib import Path

import pandas as pd

TEXT_COLUMNS = [
    *("Image", "RiverName", "River", "river", "number", "class", "classes", "model", "type"),
    *("experiment", "design", "label", "image", "path", "group", "id", "true_class"),
]


def read_table(path: str | Path) -> pd.DataFrame:
    """Read a CSV table in which names stay text: a river may be called 0012 or NA.

    Parameters
    ----------
    path : str or pathlib.Path

    Returns
    -------
    pandas.DataFrame
        Empty cells are NaN.
    """
    text = dict.fromkeys(TEXT_COLUMNS, str)
    return pd.read_csv(path, dtype=text, keep_default_na=False, na_values=[""])
