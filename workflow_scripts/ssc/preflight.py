"""What would make a campaign fail later, found before the first long job."""

from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
from matplotlib.colors import is_color_like

from .campaign import Campaign, Image
from .classes import LandClass
from .errors import InputError
from .raster import read_class_raster, read_grid, read_image
from .tiles import pure_tiles

END_OF_JPEG = b"\xff\xd9"


def check_image(
    image: Image, role: str, classes: Sequence[LandClass], tiles: Mapping | None
) -> dict:
    """One row of `preflight.csv`: what an image and its labels hold, and what is wrong.

    Parameters
    ----------
    role
        `train` or `predict`.
    tiles
        The section `tiles` of the config, or None where no tiles are cut.
    """
    row = {"set": role, "river": image.river, "number": image.number, "image": image.path}
    row["classes"] = ""
    problems = []
    codes = [c.code for c in classes]
    try:
        grid = read_grid(image.path)
        row |= {"width": grid.width, "height": grid.height}
        _check_whole(image.path)
        if tiles and min(grid.width, grid.height) < tiles["size"]:
            problems.append(
                f"{image.path}: {grid.width} x {grid.height} px, smaller than a tile of "
                f"{tiles['size']} px; remove it or set a smaller tiles.size"
            )
    except InputError as error:
        grid = None
        problems += error.problems
    if image.label:
        row["label"] = image.label
        try:
            labels = read_class_raster(image.label)
            counts = np.bincount(labels.ravel(), minlength=max(codes) + 1)
            row["labelled_share"] = round(1 - counts[0] / labels.size, 4)
            row["classes"] = " ".join(str(c) for c in np.flatnonzero(counts) if c)
            unknown = [str(c) for c in np.flatnonzero(counts) if c and c not in codes]
            if counts[0] == labels.size:
                problems.append(
                    f"{image.label}: no pixel is labelled; label some of it, or remove the file"
                )
            if unknown:
                problems.append(
                    f"{image.label}: code(s) {', '.join(unknown)} not among the classes "
                    f"{', '.join(map(str, codes))}; correct the labels or add to classes"
                )
            if grid and labels.shape != (grid.height, grid.width):
                problems.append(
                    f"{image.label}: {labels.shape[1]} x {labels.shape[0]} px, but its image is "
                    f"{grid.width} x {grid.height}; export it at the image's size"
                )
            if role == "train":
                row |= {f"pixels_{code}": counts[code] for code in codes}
            if role == "train" and tiles:
                _, _, found = pure_tiles(
                    labels, codes, tiles["size"], tiles["train_stride"], tiles["purity"]
                )
                pure = np.bincount(found, minlength=256)
                row |= {f"pure_tiles_{code}": pure[code] for code in codes}
        except InputError as error:
            problems += error.problems
    return row | {"problem": "; ".join(problems)}


def check_campaign(
    campaign: Campaign,
    classes: Sequence[LandClass],
    tiles: Mapping | None,
    threads: int,
) -> pd.DataFrame:
    """One row an image of the campaign: see `check_image`."""
    images = [(i, "train") for i in campaign.train.values()]
    images += [(i, "predict") for i in campaign.predict.values()]

    # A trained CNN brings the size of its own tiles.
    trained_here = [group for group in campaign.groups.values() if not group.model]
    cut = {river for group in trained_here for river in group.train + group.predict}

    def check(item: tuple[Image, str]) -> dict:
        image, role = item
        return check_image(image, role, classes, tiles if image.river in cut else None)

    with ThreadPoolExecutor(threads) as pool:
        rows = list(pool.map(check, images))
    columns = ["set", "river", "number", "image", "width", "height", "label", "labelled_share"]
    learned = [f"pixels_{c.code}" for c in classes]
    if tiles:
        learned += [f"pure_tiles_{c.code}" for c in classes]
    table = pd.DataFrame(rows).reindex(columns=[*columns, "classes", *learned, "problem"])
    whole = ["width", "height", *learned]
    return table.astype(dict.fromkeys(whole, "Int64"))


def count_training(
    preflight: pd.DataFrame, campaign: Campaign, classes: Sequence[LandClass]
) -> pd.DataFrame:
    """What each CNN to be trained learns each class from, with a warning where that is nothing.

    Returns
    -------
    group, class, images (that show the class), pixels (labelled), pure_tiles (where tiles are
    cut), warning.
    """
    train = preflight[preflight["set"] == "train"]
    units = [unit for unit in ("pixels", "pure_tiles") if f"{unit}_{classes[0].code}" in train]
    rows = []
    for group in campaign.groups.values():
        if group.model:
            continue
        own = train[train["river"].isin(group.train)]
        for c in classes:
            shown = own["classes"].str.split().map(lambda s, c=c: str(c.code) in s)
            row = {"group": group.name, "class": c.name, "images": int(shown.sum())}
            row |= {unit: int(own[f"{unit}_{c.code}"].sum()) for unit in units}
            lacking = {"pixels": "labelled pixel", "pure_tiles": "pure tile"}[units[-1]]
            row["warning"] = (
                "" if row[units[-1]] else f"no {lacking}: the CNN {group.name} cannot map {c.name}"
            )
            rows.append(row)
    return pd.DataFrame(rows, columns=["group", "class", "images", *units, "warning"])


def stop_on_problems(
    preflight: pd.DataFrame, training: pd.DataFrame, classes: Sequence[LandClass]
) -> None:
    """Raise InputError with every problem of the campaign, if it has any.

    Parameters
    ----------
    preflight, training
        From `check_campaign` and `count_training`.
    """
    problems = [
        f"classes.{c.code}.colour: {c.colour} is no matplotlib colour; give a name or #rrggbb"
        for c in classes
        if not is_color_like(c.colour)
    ]
    problems += [
        f"classes: {name} is the name of {n} classes; name each its own"
        for name, n in Counter(c.name for c in classes).items()
        if n > 1
    ]
    problems += filter(None, preflight["problem"])
    for group, rows in training.groupby("group", sort=False):
        n = int((rows["warning"] == "").sum())
        if n < 2 and "pure_tiles" in training:
            problems.append(
                f"group {group}: pure tiles of {n} class(es) only, a CNN needs two; label larger "
                "areas, or set a smaller tiles.size, tiles.purity or tiles.train_stride"
            )
        elif n < 2:
            problems.append(
                f"group {group}: labels of {n} class(es) only, a CNN needs two; label another"
            )
    if problems:
        raise InputError(*problems)


def _check_whole(path: str) -> None:
    """Decode an image only where the end of the file leaves a doubt that it is whole."""
    with open(path, "rb") as file:
        file.seek(-len(END_OF_JPEG), 2)
        ends_well = file.read() == END_OF_JPEG
    if not ends_well:
        read_image(path)
