"""List all that is wrong with the images and labels of the campaign, and stop if anything is."""

import logging

import pandas as pd

from job import run_job
from results import atomic_path
from ssc.classes import read_classes
from ssc.io.tables import read_table
from ssc.numbers import count
from ssc.preflight import stop_on_problems, summarise_labels


def main(snakemake):
    classes = read_classes(snakemake.params.classes)
    preflight = pd.concat(map(read_table, snakemake.input.tables), ignore_index=True)
    counts = preflight.filter(regex="^(width|height|pixels|pure_tiles)").columns
    preflight = preflight.astype(dict.fromkeys(counts, "Int64"))
    labels = summarise_labels(preflight, snakemake.params.groups, classes)
    stop_on_problems(preflight, labels, classes)
    missing = [f"{warning}; label it" for warning in labels["warning"] if warning]
    for warning in [*missing, *preflight["note"].dropna().unique()]:
        logging.warning("WARNING: %s", warning)
    logging.info(
        "FOUND: %s checked, no problem%s",
        count(len(preflight), "image"),
        describe_shares(preflight, classes),
    )
    for path, reason in snakemake.params.ignored.items():
        logging.info("%s is ignored: %s", path, reason)
    ignored = pd.DataFrame(snakemake.params.ignored.items(), columns=["image", "note"])
    table = pd.concat([preflight.drop(columns="problem"), ignored], ignore_index=True)
    with atomic_path(snakemake.output.preflight) as path:
        table.to_csv(path, index=False)
    with atomic_path(snakemake.output.labels) as path:
        labels.to_csv(path, index=False)


def describe_shares(preflight, classes):
    """The share of each class in the pixels to learn from, if there are any."""
    counted = [c for c in classes if f"pixels_{c.code}" in preflight]
    pixels = {c.name: preflight[f"pixels_{c.code}"].sum() for c in counted}
    total = max(sum(pixels.values()), 1)
    shares = [f"{name} {n / total:.0%}" for name, n in pixels.items() if n]
    return f"; labelled pixels: {', '.join(shares)}" if shares else ""


if __name__ == "__main__":
    with run_job(snakemake):
        main(snakemake)
