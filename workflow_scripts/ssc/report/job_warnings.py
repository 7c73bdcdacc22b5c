"""The warnings of a run, from the logs of its jobs and the checks of its images."""

import re
from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from ..errors import NOISE

MARK = "WARNING: "
PROGRESS = re.compile(r"(?P<image>.+) \(\d+ of \d+\)")
COLUMNS = ["image", "warning", "remedy"]


def read_warnings(log: Path) -> pd.DataFrame:
    """Read the warnings of a job.

    Parameters
    ----------
    log : pathlib.Path
        Of the job. The line `<image> (<n> of <m>)` begins an image, `WARNING: ` a warning. What
        stands after the last semicolon of a warning is its remedy.

    Returns
    -------
    pandas.DataFrame
        image (that the job was at, "" for none), warning, remedy ("" for none).
    """
    rows, image = [], ""
    for line in log.read_text("utf-8", "replace").splitlines():
        if progress := PROGRESS.fullmatch(line):
            image = progress["image"]
        elif line.startswith(MARK) and not NOISE.search(line):
            text = line.removeprefix(MARK).removeprefix(f"{image}: ")
            what, _, remedy = text.rpartition("; ")
            rows.append((image, what or remedy, remedy if what else ""))
    return pd.DataFrame(rows, columns=COLUMNS)


def compile_warnings(preflight: pd.DataFrame, logs: Iterable[Path]) -> pd.DataFrame:
    """Put the notes of the checks and the warnings of all jobs into one table.

    Parameters
    ----------
    preflight : pandas.DataFrame
        Columns river, number, image (its path) and note.
    logs : iterable of pathlib.Path
        Of jobs; those that are not there are left out.

    Returns
    -------
    pandas.DataFrame
        image (name or file), warning, remedy, each combination once.
    """
    noted = preflight[preflight["note"].notna()]
    names = (noted["river"] + "_" + noted["number"]).fillna(noted["image"])
    notes = pd.DataFrame({"image": names, "warning": noted["note"], "remedy": ""})
    tables = [read_warnings(log) for log in logs if log.exists()]
    logged = pd.concat([pd.DataFrame(columns=COLUMNS), *tables])
    # The job that lists the campaign logs the notes, too.
    texts = logged["warning"] + ("; " + logged["remedy"]).where(logged["remedy"] != "", "")
    logged = logged[~texts.isin(notes["warning"])]
    return pd.concat([notes, logged]).drop_duplicates().reset_index(drop=True)


def group_warnings(warnings: pd.DataFrame) -> pd.DataFrame:
    """Put warnings of one kind together: those that differ only in words with digits.

    Parameters
    ----------
    warnings : pandas.DataFrame
        From `compile_warnings`.

    Returns
    -------
    pandas.DataFrame
        The first warning of each kind, with the list of all `others` images that have it.
    """
    kinds = warnings["warning"].str.replace(r"\S*\d\S*", "#", regex=True)
    groups = warnings.groupby([kinds, warnings["remedy"]], sort=False)
    others = [of_kind["image"].iloc[1:].tolist() for _, of_kind in groups]
    first = groups.head(1)
    return first.assign(others=pd.Series(others, first.index, dtype=object))
