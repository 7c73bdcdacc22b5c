"""Check every image and label of the campaign; list all problems and stop if there are any."""

import logging

from job import job, whole
from ssc.campaign import read_campaign
from ssc.classes import read_classes
from ssc.preflight import check_campaign, count_training, stop_on_problems
from ssc.web import write_table


def main(snakemake):
    params = snakemake.params
    folders = params.campaign
    campaign = read_campaign(folders["train"], folders["predict"], folders["groups"])
    classes = read_classes(params.classes)
    preflight = check_campaign(campaign, classes, params.tiles, snakemake.threads)
    training = count_training(preflight, campaign, classes)
    stop_on_problems(preflight, training, classes)
    for warning in filter(None, training["warning"]):
        logging.warning("WARNING: %s", warning)
    logging.info("%d images checked: no problem", len(preflight))
    with whole(snakemake.output.preflight) as path:
        preflight.drop(columns="problem").to_csv(path, index=False)
    with whole(snakemake.output.training) as path:
        write_table(path, training)


if __name__ == "__main__":
    with job(snakemake):
        main(snakemake)
