"""What a reader has to know first: how much was mapped, how well, and which maps to check."""

from collections.abc import Collection

import pandas as pd

from ..evaluation.summaries import DESIGNS
from ..numbers import count, format_spread

# Percent of F1 or of mean confidence, below which a map is called doubtful.
LOW = 70
MOST_NAMED = 3


def describe_design(design: str, in_sample: bool) -> str:
    """Say in words by which CNNs images were mapped; parameters as columns of `totals.csv`."""
    known = f"by {DESIGNS.get(design, f'the group {design}')}"
    return known if in_sample or design in DESIGNS else f"{known}, rivers without training images"


def write_headline(experiments: pd.DataFrame, final_stage: str) -> str:
    """Say how good the final maps are, by labels that the CNNs did not learn from.

    Parameters
    ----------
    experiments : pandas.DataFrame
        From `compare_experiments`, of all seeds.
    final_stage : str

    Returns
    -------
    str
        A sentence.
    """
    rows = experiments[experiments["F1"] == "weighted"]
    if rows.empty:
        return "There are no labels to score the maps by."
    parts = []
    for (design, own), part in rows.groupby(["design", "in_sample"], sort=False):
        f1 = part[final_stage]
        images = count(part["images"].max(), "labelled image")
        by = describe_design(str(design), bool(own))
        parts.append(f"{format_spread(f1.mean(), f1.std())} % on {images} mapped {by}")
    seeds = rows["seed"].nunique()
    spread = f" (mean ± standard deviation of {seeds} seeds)" if seeds > 1 else ""
    return f"F1 of the final maps is {'; '.join(parts)}{spread}."


def name_images_to_check(images: pd.DataFrame, warned: Collection[str]) -> str:
    """Say which maps to look at first.

    Parameters
    ----------
    images : pandas.DataFrame
        From `compile_images`.
    warned : collection of str
        Names of images that warnings are about.

    Returns
    -------
    str
        A sentence.
    """
    if images.empty:
        return "No image was mapped."
    is_low = (images["quality"] < LOW) | (images["confidence"] < LOW)
    doubtful = images[is_low | images["image"].isin(warned)]
    if doubtful.empty:
        least = images.sort_values("confidence", kind="stable").iloc[0]
        return (
            f"No map stands out; {least['image']} has the lowest confidence "
            f"({least['confidence']:.0f} %)."
        )
    named = []
    for row in doubtful.to_dict("records"):
        if row["confidence"] < LOW:
            reason = f"confidence {row['confidence']:.0f} %"
        else:
            reason = f"F1 {row['quality']:.0f} %" if row["quality"] < LOW else "warning"
        named.append(f"{row['image']} ({reason})")
    more = len(named) - MOST_NAMED
    text = ", ".join(named[:MOST_NAMED]) + (f" and {more} more" if more > 0 else "")
    return f"Check first: {text}."


def write_verdict(
    images: pd.DataFrame, experiments: pd.DataFrame, final_stage: str, warned: Collection[str]
) -> tuple[str, str, str]:
    """Sum up a campaign: what was mapped, `write_headline` and `name_images_to_check`."""
    n_images = images["image"].nunique()
    rivers, groups = images["river"].nunique(), images["group"].nunique()
    mapped = f"{count(n_images, 'image')} of {count(rivers, 'river')} mapped"
    mapped += f" by {count(groups, 'CNN')}."
    headline = write_headline(experiments, final_stage)
    return mapped, headline, name_images_to_check(images, warned)
