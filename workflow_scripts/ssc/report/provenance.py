"""What a campaign was made of: code, versions, settings, and digests of files."""

import hashlib
import subprocess
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd


def find_commit(folder: Path) -> str | None:
    """The git commit of the code in a folder, with `-dirty` where files differ from it.

    Returns
    -------
    str or None
        None without git.
    """
    command = ["git", "-C", str(folder), "describe", "--always", "--abbrev=40", "--dirty"]
    try:
        done = subprocess.run(
            [*command, "--exclude=*"], capture_output=True, text=True, check=False
        )
    except FileNotFoundError:
        return None
    return done.stdout.strip() or None


def read_version(folder: Path) -> str:
    """Version of the workflow in a folder."""
    project = tomllib.loads((folder / "pyproject.toml").read_text("utf-8"))
    return project["project"]["version"]


def digest_file(path: str | Path) -> str:
    """SHA-256 of a file in hexadecimal digits."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def compile_provenance(
    config: Mapping[str, Any],
    versions: Mapping[str, str],
    commit: str | None,
    preflight: pd.DataFrame,
    models: Iterable[str],
    polygons: Iterable[str],
) -> dict[str, Any]:
    """Describe a campaign so that others can check that they have the same.

    Parameters
    ----------
    config : mapping
        With all defaults.
    versions : mapping
        Of packages, by name.
    commit : str, optional
        From `find_commit`.
    preflight : pandas.DataFrame
        Columns split, image, sha256, label, label_sha256.
    models : iterable of str
        Paths of the CNNs.
    polygons : iterable of str
        Paths of the polygons that are labels or the area of interest.

    Returns
    -------
    dict
        For JSON. `files` has kind, path and sha256 of each file, as `sha256sum` prints it.
    """
    digests = [
        {"kind": kind, "path": row[path], "sha256": row[column]}
        for row in preflight.to_dict("records")
        for kind, path, column in (
            (f"{row['split']} image", "image", "sha256"),
            (f"{row['split']} labels", "label", "label_sha256"),
        )
        if isinstance(row[column], str)
    ]
    for kind, paths in (("model", models), ("polygons", polygons)):
        digests += [{"kind": kind, "path": p, "sha256": digest_file(p)} for p in map(str, paths)]
    return {
        "experiment": config["experiment"],
        "seed": config["seed"],
        "commit": commit,
        "config": dict(config),
        "versions": dict(versions),
        "files": digests,
    }


def digest_of_all(files: Iterable[Mapping[str, str]]) -> str:
    """SHA-256 of the digests of files, in the order of these: one number for all."""
    lines = sorted(file["sha256"] for file in files)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def find_changes(files: Iterable[Mapping[str, str]]) -> list[str]:
    """Find files that are no longer what they were.

    Parameters
    ----------
    files : iterable of mapping
        `files` of `compile_provenance`; relative paths begin at the working directory.

    Returns
    -------
    list of str
        A sentence for each file that is gone or has another digest.
    """
    changes = []
    for file in files:
        if not Path(file["path"]).is_file():
            changes.append(f"{file['path']}: the {file['kind']} is gone")
        elif digest_file(file["path"]) != file["sha256"]:
            changes.append(f"{file['path']}: the {file['kind']} has changed since")
    return changes
