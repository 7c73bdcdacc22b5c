"""Tables as web pages, for the report."""

from pathlib import Path

import pandas as pd

TABLE_STYLE = """<style>
body { font: 15px sans-serif; margin: 1em }
table { border-collapse: collapse }
th, td { padding: 0.3em 0.8em; border-bottom: 1px solid #ccc; text-align: right !important }
</style>"""


def write_html_table(path: Path, table: pd.DataFrame) -> None:
    """Write a table as a web page, for the report.

    Parameters
    ----------
    path : pathlib.Path
    table : pandas.DataFrame
    """
    with pd.option_context("display.max_colwidth", None):
        rows = table.to_html(index=False, na_rep="", border=0)
    path.write_text(f'<!doctype html>\n<meta charset="utf-8">\n{TABLE_STYLE}\n{rows}\n', "utf-8")
