"""Tables that the workflow wrote, read as they were written."""

import pandas as pd

TEXT = ["Image", "RiverName", "River", "class", "model", "type", "sample", "experiment"]


def read_table(path: str) -> pd.DataFrame:
    """A CSV table in which names stay text: a river may be called 0012 or NA."""
    text = dict.fromkeys(TEXT, str)
    return pd.read_csv(path, dtype=text, keep_default_na=False, na_values=[""])
