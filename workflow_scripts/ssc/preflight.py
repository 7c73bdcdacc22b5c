"""What would make a campaign fail later, found before the first long job."""

from collections import Counter
from collections.abc import Iterable, Sequence
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
    image: Image, role: str, classes: Sequence[LandClass], size: int, stride: int, purity: float
) -> dict:
    """One row of `preflight.csv`: what an image and its labels hold, and what is wrong.

    Parameters
    ----------
    role
        `train` or `predict`.
    size, stride, purity
        Of the training tiles: pixels, pixels, share.
    """
    row = {"set": role, "river": image.river, "number": image.number, "image": image.path}
    row["classes"] = ""
    problems = []
    codes = [c.code for c in classes]
    try:
        grid = read_grid(image.path)
        row |= {"width": grid.width, "height": grid.height}
        _check_whole(image.path)
        if min(grid.width, grid.height) < size:
            problems.append(
                f"{image.path}: {grid.width} x {grid.height} px, smaller than a tile of {size} px; "
                "remove it or set a smaller tiles.size"
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
                _, _, found = pure_tiles(labels, codes, size, stride, purity)
                pure = np.bincount(found, minlength=256)
                row |= {f"pure_tiles_{c.code}": pure[c.code] for c in classes}
        except InputError as error:
            problems += error.problems
    return row | {"problem": "; ".join(problems)}


def check_campaign(
    campaign: Campaign,
    classes: Sequence[LandClass],
    size: int,
    stride: int,
    purity: float,
    threads: int,
) -> pd.DataFrame:
    """One row an image of the campaign: see `check_image`."""
    images = [(i, "train") for i in campaign.train.values()]
    images += [(i, "predict") for i in campaign.predict.values()]

    def check(item: tuple[Image, str]) -> dict:
        return check_image(*item, classes, size, stride, purity)

    with ThreadPoolExecutor(threads) as pool:
        rows = list(pool.map(check, images))
    columns = ["set", "river", "number", "image", "width", "height", "label", "labelled_share"]
    columns += ["classes", *(f"pure_tiles_{c.code}" for c in classes), "problem"]
    table = pd.DataFrame(rows).reindex(columns=columns)
    whole = ["width", "height", *(f"pure_tiles_{c.code}" for c in classes)]
    return table.astype(dict.fromkeys(whole, "Int64"))


def count_training_tiles(
    preflight: pd.DataFrame, campaign: Campaign, classes: Sequence[LandClass]
) -> pd.DataFrame:
    """Pure tiles that each CNN to be trained learns each class from, with a warning where
    there are none.

    Returns
    -------
    group, class, images (that show the class), pure_tiles, warning.
    """
    train = preflight[preflight["set"] == "train"]
    rows = []
    for group in campaign.groups.values():
        if group.model:
            continue
        pure = train[train["river"].isin(group.train)]
        for c in classes:
            shown = pure["classes"].str.split().map(lambda s, c=c: str(c.code) in s)
            tiles = int(pure[f"pure_tiles_{c.code}"].sum())
            warning = "" if tiles else f"no pure tile: the CNN {group.name} cannot map {c.name}"
            rows.append((group.name, c.name, int(shown.sum()), tiles, warning))
    return pd.DataFrame(rows, columns=["group", "class", "images", "pure_tiles", "warning"])


def stop_on_problems(
    preflight: pd.DataFrame, tiles: pd.DataFrame, classes: Sequence[LandClass]
) -> None:
    """Raise InputError with every problem of the campaign, if it has any."""
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
    usable = tiles.groupby("group", sort=False)["pure_tiles"].agg(lambda n: (n > 0).sum())
    problems += _too_few_classes(usable.items())
    if problems:
        raise InputError(*problems)


def _too_few_classes(usable: Iterable[tuple[str, int]]) -> list[str]:
    return [
        f"group {group}: pure tiles of {n} class(es) only, a CNN needs two; label larger areas, "
        "or set a smaller tiles.size, tiles.purity or tiles.train_stride"
        for group, n in usable
        if n < 2
    ]


def _check_whole(path: str) -> None:
    """Decode an image only where the end of the file leaves a doubt that it is whole."""
    with open(path, "rb") as file:
        file.seek(-len(END_OF_JPEG), 2)
        ends_well = file.read() == END_OF_JPEG
    if not ends_well:
        read_image(path)
