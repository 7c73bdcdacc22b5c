"""List all that is wrong with the images and labels of the campaign, and stop if anything is."""

import logging

import pandas as pd

from job import run_job
from results import atomic_path
from ssc.classes import read_classes
from ssc.io.tables import read_table
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
    n_small = count_small(preflight, snakemake.params.min_pixels)
    if n_small:
        logging.warning(
            "WARNING: %d image(s) to map have fewer pixels than refine.min_pixels, %d: they can "
            "never reach it; set it lower",
            n_small,
            snakemake.params.min_pixels,
        )
    logging.info(
        "FOUND: %d images checked, no problem; labelled pixels: %s", *_describe(preflight, classes)
    )
    for path, reason in snakemake.params.ignored.items():
        logging.info("%s is ignored: %s", path, reason)
    ignored = pd.DataFrame(snakemake.params.ignored.items(), columns=["image", "note"])
    table = pd.concat([preflight.drop(columns="problem"), ignored], ignore_index=True)
    with atomic_path(snakemake.output.preflight) as path:
        table.to_csv(path, index=False)
    with atomic_path(snakemake.output.labels) as path:
        labels.to_csv(path, index=False)


def count_small(preflight, min_pixels):
    """Count the images to map that have fewer pixels."""
    mapped = preflight[preflight["split"] == "predict"]
    return int((mapped["width"] * mapped["height"] < min_pixels).sum())


def _describe(preflight, classes):
    """Number of images, and the share of each class in the pixels to learn from."""
    counted = [c for c in classes if f"pixels_{c.code}" in preflight]
    pixels = {c.name: preflight[f"pixels_{c.code}"].sum() for c in counted}
    total = max(sum(pixels.values()), 1)
    shares = [f"{name} {n / total:.0%}" for name, n in pixels.items() if n]
    return len(preflight), ", ".join(shares) or "none"


if __name__ == "__main__":
    with run_job(snakemake):
        main(snakemake)
