"""The files that jobs make of images: complete or not there, recorded, and removed when stale.

Jobs take images in batches. What a job makes of its batch lies beside the files of all other
batches, and a record names the files and their sizes: `<folder>/batches/<batch>.csv`. The record is
the output that Snakemake knows.
"""

import csv
import os
import re
import shutil
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

# Of the name of a file that is being written.
PART = ".part-"
SIDECAR = ".aux.xml"
# Folders of a group that have files of labelled images only.
LABELLED_FOLDERS = {"baselines", "scores"}
RESULT_FILE = re.compile(
    r"(?P<stem>"
    r"((?P<prefix>CNN|MLP|RF|ML|PixelMLP|PixelRF|confidence|probabilities|reliability|thumbnail)_)?"
    r".+_\d{4,})\.(tif|tif\.aux\.xml|qml|csv|png|jpg)"
)


@contextmanager
def atomic_path(path: str | Path) -> Iterator[Path]:
    """Give a path to write to, which takes the place of `path` once all of it is written.

    What an error leaves of it is removed.
    """
    target = Path(path)
    part = target.with_name(PART + target.name)
    part.unlink(missing_ok=True)
    try:
        yield part
        os.replace(part, target)
    finally:
        for left in (part, part.with_name(part.name + SIDECAR)):
            left.unlink(missing_ok=True)


class Batch:
    """Writes the files of a batch of images into the folder of its record.

    Attributes
    ----------
    record : Path
    folder : Path
    rows : list of (str, int)
        Names and sizes in bytes of the files that are there.
    """

    def __init__(self, record: str):
        self.record = Path(record)
        self.folder = self.record.parents[1]
        self.rows: list[tuple[str, int]] = []

    @contextmanager
    def file(self, name: str) -> Iterator[Path]:
        """Give a path to write the file to; what GDAL writes beside it goes with it."""
        with atomic_path(self.folder / name) as part:
            yield part
            self.rows.append((name, part.stat().st_size))
            sidecar = part.with_name(part.name + SIDECAR)
            if sidecar.exists():
                os.replace(sidecar, self.folder / (name + SIDECAR))


def label_files(record: str, names: Iterable[str]) -> list[Path]:
    """Paths of the labels of images, as check_images wrote them into the folder of its records."""
    folder = Path(record).parents[1]
    return [folder / f"SCLS_{name}.tif" for name in names]


@contextmanager
def open_batch(record: str) -> Iterator[Batch]:
    """Write the files of a batch and, once all are there, the record of them."""
    batch = Batch(record)
    yield batch
    with atomic_path(record) as path, open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["file", "bytes"])
        writer.writerows(batch.rows)


def recorded_files(record: str | Path) -> list[tuple[Path, int]]:
    """Paths and sizes of the files of a record.

    Returns
    -------
    list of (Path, int)
        Sizes in bytes.

    Raises
    ------
    ValueError
        When the file is no record.
    """
    folder = Path(record).parents[1]
    header: list[str]
    with open(record, newline="", encoding="utf-8") as file:
        header, *rows = [*csv.reader(file)] or [[]]
    if header != ["file", "bytes"]:
        raise ValueError(f"{record}: no record of files")
    return [(folder / name, int(size)) for name, size in rows]


def is_complete(record: str | Path) -> bool:
    """Whether all files of a record are there in their recorded sizes."""
    try:
        return all(os.stat(path).st_size == size for path, size in recorded_files(record))
    except (OSError, ValueError):
        return False


def remove_stale_results(
    results: Path,
    groups: Mapping[str, Mapping[str, Collection[str]]],
    pools: Mapping[str, Mapping[str, Collection[str]]],
    prefixes: Mapping[str, Collection[str]],
    checks: Mapping[str, Collection[str]],
    labels: Mapping[str, Collection[str]],
) -> list[Path]:
    """Remove the maps, scores, figures, labels and checks that a campaign no longer has.

    Trained CNNs stay, for they took long. So do files that jobs do not write, such as a user's.

    Parameters
    ----------
    results : Path
        Folder of the results.
    groups : mapping
        By name of the group: its `images` and `batches`, and the `labelled_images` and
        `labelled_batches` among them.
    pools : mapping
        By name that scores are reported under: the `rivers` and the `labelled_rivers` among them.
    prefixes : mapping
        By folder of a group: what the names of its files begin with, "" for nothing.
    checks : mapping
        By folder of `check`: the names of its tables.
    labels : mapping
        By folder of `labels`: the names of the labelled images. It has as many records as `check`
        has tables.

    Returns
    -------
    list of Path
        What was removed.
    """
    stale: list[Path] = []
    for folder in results.glob("*/*"):
        # A folder of that name without records is not ours.
        if folder.name in prefixes and (folder / "batches").is_dir():
            group = groups.get(folder.parent.name, {})
            kind = "labelled_" if folder.name in LABELLED_FOLDERS else ""
            images, batches = (set(group.get(kind + what, ())) for what in ("images", "batches"))
            stale += _stale_files(folder, prefixes[folder.name], images, batches)
    for path in [*results.glob("report/violins/*/*.p[nd][gf]"), *results.glob("report/panels/*/*")]:
        # A river may have a dot in its name.
        river = _target(path) if path.is_dir() else Path(_target(path)).stem
        rivers = "rivers" if path.is_dir() else "labelled_rivers"
        if river not in pools.get(path.parent.name, {}).get(rivers, ()):
            stale.append(path)
    for path in results.glob("*/mosaic/*.*"):
        group = path.parts[-3]
        is_ours = _target(path) in (f"{group}.vrt", f"{group}.qml")
        if is_ours and not groups.get(group, {}).get("images"):
            stale.append(path)
    for split, units in checks.items():
        stale += _stale_tables(results / "check" / split, units)
        stale += _stale_tables(results / "labels" / split / "batches", units)
    for split, images in labels.items():
        names = {f"SCLS_{image}.tif" for image in images}
        rasters = (results / "labels" / split).glob("*SCLS_*.tif")
        stale += [path for path in rasters if _target(path) not in names]
    for path in stale:
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    return stale


def _target(path: Path) -> str:
    """Name of a file once it is complete: a job may be writing it at this moment."""
    return path.name.removeprefix(PART)


def _stale_tables(folder: Path, names: Collection[str]) -> list[Path]:
    return [path for path in folder.glob("*.csv") if Path(_target(path)).stem not in names]


def _stale_files(
    folder: Path, prefixes: Collection[str], images: Collection[str], batches: Collection[str]
) -> Iterator[Path]:
    """Tables of other batches, and files of other images or with other prefixes."""
    for kind in ("batches", "uncertainty", "areas"):
        yield from _stale_tables(folder / kind, batches if prefixes else ())
    recorded = {path.name for record in folder.glob("batches/*.csv") for path in _files_of(record)}
    # Not the prefix and image apart: the name of a river may begin like a prefix.
    stems = {f"{prefix}_{image}" if prefix else image for prefix in prefixes for image in images}
    for path in folder.glob("*.*"):
        name = _target(path)
        match = RESULT_FILE.fullmatch(name)
        # Other names without prefix are a user's, but where our names have none.
        is_ours = name.removesuffix(SIDECAR) in recorded or (
            match and (match["prefix"] or "" in prefixes)
        )
        if is_ours and name.removesuffix(SIDECAR).rpartition(".")[0] not in stems:
            yield path


def _files_of(record: Path) -> list[Path]:
    """Files of a record, none if it is damaged."""
    try:
        return [path for path, _ in recorded_files(record)]
    except (OSError, ValueError):
        return []
