"""The images of a campaign in one table, the worst first."""

from collections.abc import Sequence

import pandas as pd

from ..classes import LandClass


def compile_images(
    confidence: pd.DataFrame,
    compiled: pd.DataFrame,
    areas: pd.DataFrame,
    classes: Sequence[LandClass],
    final_stage: str,
) -> pd.DataFrame:
    """Put what is known of each image into one row.

    The worst is the first: images are ordered by the F1 of the final map, and where it is not known
    or the CNN has learned from the image, by the mean confidence, which estimates the accuracy.

    Parameters
    ----------
    confidence : pandas.DataFrame
        Columns group, image, river, confidence (mean of the pixels in percent).
    compiled : pandas.DataFrame
        From `compile_scores`.
    areas : pandas.DataFrame
        From `compile_areas`; may have no rows.
    classes : sequence of LandClass
    final_stage : str
        `CNN`, `MLP` or `RF`.

    Returns
    -------
    pandas.DataFrame
        group, image, river, confidence, f1_cnn, f1_final (percent, weighted by pixels, NaN without
        labels), learned_from (bool), quality (percent, the order), percent_<code> and
        hectares_<code> (NaN where unknown).
    """
    keys = ["group", "image"]
    images = confidence[[*keys, "river", "confidence"]]
    scores = compiled[compiled["class"] == "ALL"].rename(
        columns={"model": "group", "Image": "image"}
    )
    for column, stage in {"f1_cnn": "CNN", "f1_final": final_stage}.items():
        of_stage = scores[scores["type"] == stage].rename(columns={"f1_score": column})
        images = images.merge(of_stage[[*keys, column]], "left", keys)
    learned = scores.loc[scores["learned_from"].astype(bool), keys].drop_duplicates()
    images = images.merge(learned.assign(learned_from=True), "left", keys)
    images["learned_from"] = images["learned_from"].eq(True)
    of_images = areas[areas["level"] == "image"]
    for unit in ("percent", "hectares"):
        wide = of_images.pivot(index=keys, columns="class_code", values=unit)
        wide = wide.reindex(columns=[c.code for c in classes]).add_prefix(f"{unit}_")
        images = images.merge(wide.reset_index(), "left", keys)
    f1 = images["f1_final"].mask(images["learned_from"])
    images["quality"] = f1.fillna(images["confidence"])
    return images.sort_values(["quality", *keys], kind="stable", ignore_index=True)


def select_figures(images: pd.DataFrame, of_river: int, in_all: int) -> pd.DataFrame:
    """Choose the images that are shown large: the worst of each river.

    Parameters
    ----------
    images : pandas.DataFrame
        From `compile_images`.
    of_river, in_all : int
        Most images of a river, and of all rivers.

    Returns
    -------
    pandas.DataFrame
        Rows of `images`, in their order. Where all rivers together have too many, each gives its
        worst before any gives a second one.
    """
    place = images.groupby("river").cumcount()
    chosen = place[place < of_river].sort_values(kind="stable").index[:in_all]
    return images.loc[sorted(chosen)]
