"""What a reader has to know first: how much was mapped, how well, and which maps to check."""

from collections.abc import Collection

import pandas as pd

from ..evaluation.summaries import DESIGNS

# Mean confidence in percent below which a map is called uncertain.
LOW_CONFIDENCE = 70
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
        From `compare_experiments`.
    final_stage : str

    Returns
    -------
    str
        A sentence.
    """
    rows = experiments[experiments["F1"] == "weighted"]
    if rows.empty:
        return "There are no labels to score the maps by."
    parts = [
        f"{row[final_stage]:.1f} % on {_count(row['images'], 'labelled image')} "
        f"mapped {describe_design(row['design'], row['in_sample'])}"
        for row in rows.to_dict("records")
    ]
    return f"F1 of the final maps is {'; '.join(parts)}."


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
    least = images.sort_values("confidence", kind="stable")
    uncertain = least[least["image"].isin(warned) | (least["confidence"] < LOW_CONFIDENCE)]
    if uncertain.empty and least.empty:
        return "No image was mapped."
    if uncertain.empty:
        row = least.iloc[0]
        return f"No map stands out; the lowest confidence has {row.image} ({row.confidence:.0f} %)."
    named = [f"{row.image} ({row.confidence:.0f} %)" for row in uncertain.itertuples()]
    more = len(named) - MOST_NAMED
    text = ", ".join(named[:MOST_NAMED]) + (f" and {more} more" if more > 0 else "")
    return f"Check first, for low confidence or a warning: {text}."


def write_verdict(
    images: pd.DataFrame, experiments: pd.DataFrame, final_stage: str, warned: Collection[str]
) -> tuple[str, str, str]:
    """Sum up a campaign: what was mapped, `write_headline` and `name_images_to_check`."""
    n_images = images["image"].nunique()
    rivers, groups = images["river"].nunique(), images["group"].nunique()
    mapped = f"{_count(n_images, 'image')} of {_count(rivers, 'river')} mapped"
    mapped += f" by {_count(groups, 'CNN')}."
    headline = write_headline(experiments, final_stage)
    return mapped, headline, name_images_to_check(images, warned)


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'s' if number != 1 else ''}"
