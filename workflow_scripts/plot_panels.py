"""Draw the 4-part figure of each image of a batch: image, labels, map of the CNN, final map."""

import pandas as pd

from job import log_progress, run_job
from results import label_files, open_batch
from ssc.classes import read_classes
from ssc.evaluation.panels import plot_panel
from ssc.io.rasters import open_class_raster, open_image
from ssc.report.previews import write_thumbnail

TITLES = {"CNN": "CNN map", "MLP": "Final map (MLP)", "RF": "Final map (random forest)"}


def main(snakemake):
    params, classes = snakemake.params, read_classes(snakemake.params.classes)
    with open_batch(snakemake.output.record) as batch:
        group = batch.folder.parent
        for number, name in log_progress(params.names):
            width, labels = params.width // 2, None
            if name in params.labelled:
                labels = read_preview(*label_files(snakemake.input.labels, [name]), width)
            panels = [("Labels", labels)]
            for stage, folder in params.stages.items():
                caption = TITLES[stage]
                if labels is not None:
                    caption += f", {describe(group / f'scores/{stage}_{name}.csv')}"
                path = group / folder / f"{stage}_{name}.tif"
                panels.append((caption, read_preview(path, width)))
            with open_image(params.images[number], params.white) as source:
                image = source.preview(width)
            with batch.file(f"{name}.png") as path:
                plot_panel(path, name, image, panels, classes, params.width)
            with batch.file(f"thumbnail_{name}.jpg") as path:
                write_thumbnail(path, image, panels[-1][1], classes)


def read_preview(path, width):
    with open_class_raster(path) as raster:
        return raster.preview(width)


def describe(scores):
    f1 = pd.read_csv(scores).set_index("class")["f1_score"] * 100
    return f"F1 weighted {f1['ALL']:.1f} %, macro {f1['MACRO']:.1f} %"


if __name__ == "__main__":
    with run_job(snakemake):
        main(snakemake)
