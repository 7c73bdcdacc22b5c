"""Check every image and label of the campaign; list all problems and stop if there are any."""

import logging

from job import job, whole
from ssc.campaign import read_campaign
from ssc.classes import read_classes
from ssc.preflight import check_campaign, count_training_tiles, stop_on_problems
from ssc.web import write_table


def main(snakemake):
    folders, tiles = snakemake.params.campaign, snakemake.params.tiles
    campaign = read_campaign(folders["train"], folders["predict"], folders["groups"])
    classes = read_classes(snakemake.params.classes)
    preflight = check_campaign(
        campaign,
        classes,
        tiles["size"],
        tiles["train_stride"],
        tiles["purity"],
        snakemake.threads,
    )
    training_tiles = count_training_tiles(preflight, campaign, classes)
    stop_on_problems(preflight, training_tiles, classes)
    for warning in filter(None, training_tiles["warning"]):
        logging.warning("WARNING: %s", warning)
    logging.info("%d images checked: no problem", len(preflight))
    with whole(snakemake.output.preflight) as path:
        preflight.to_csv(path, index=False)
    with whole(snakemake.output.tiles) as path:
        write_table(path, training_tiles)


if __name__ == "__main__":
    with job(snakemake.log[0]):
        main(snakemake)
