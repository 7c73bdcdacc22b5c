"""Draw check points from the maps of a group, with what a person needs to answer them."""

from pathlib import Path

import cv2
import pandas as pd

from job import run_job
from results import atomic_path
from ssc.evaluation.check_points import (
    PLACE,
    draw_points,
    make_point_layer,
    read_chip,
)
from ssc.io.geopackage import write_geopackage
from ssc.io.rasters import open_image
from ssc.io.tables import read_table


def main(snakemake):
    params, inputs, output = snakemake.params, snakemake.input, snakemake.output
    group, folder = snakemake.wildcards.group, Path(inputs.records[0]).parents[1]
    areas = pd.concat(map(read_table, inputs.areas), ignore_index=True)
    maps = {name: folder / f"{params.stage}_{name}.tif" for name in areas["image"].unique()}
    points = draw_points(areas, maps, group, params.n, params.seed)
    # Without the mapped class, which would suggest the answer.
    to_answer = points[PLACE].assign(true_class=pd.Series(dtype="str"))
    paths = pd.concat(map(read_table, inputs.uncertainty)).groupby("Image")["path"].first()
    chips = Path(output.chips)
    chips.mkdir(exist_ok=True)
    for name, own in points.groupby("image", sort=False):
        with open_image(paths[name], params.white) as image:
            for point in own.itertuples():
                chip = read_chip(image, point.row, point.column)
                cv2.imwrite(str(chips / f"{point.id}.png"), chip[..., ::-1])
    with atomic_path(output.layer) as path:
        write_geopackage(path, make_point_layer(to_answer, maps), group, "Point")
    with atomic_path(output.table) as path:
        to_answer.to_csv(path, index=False)
    with atomic_path(output.strata) as path:
        points.assign(group=group).to_csv(path, index=False)


if __name__ == "__main__":
    with run_job(snakemake):
        main(snakemake)
