"""Draw the 4-part figure of each image of a batch: image, labels, map of the CNN, final map."""

import pandas as pd

from job import job, progress, whole_folder
from ssc.classes import read_classes
from ssc.figures import plot_panel
from ssc.raster import read_class_raster, read_preview

TITLES = {"CNN": "CNN map", "MLP": "Final map (MLP)", "RF": "Final map (random forest)"}


def main(snakemake):
    params, inputs = snakemake.params, snakemake.input
    classes = read_classes(params.classes)
    labels = dict(zip(params.labelled, inputs.labels, strict=True))
    with whole_folder(snakemake.output.figures) as folder:
        for number, name in progress(params.names):
            label = read_class_raster(labels[name]) if name in labels else None
            panels = [("Labels", label)]
            for stage, maps in zip(params.stages, inputs.maps, strict=True):
                caption = TITLES[stage]
                if name in labels:
                    caption += f", {describe(f'{inputs.scores}/{stage}_{name}.csv')}"
                panels.append((caption, read_class_raster(f"{maps}/{stage}_{name}.tif")))
            image = read_preview(inputs.images[number], params.width // 2)
            plot_panel(folder / f"{name}.png", name, image, panels, classes, params.width)


def describe(scores):
    f1 = pd.read_csv(scores).set_index("class")["f1_score"] * 100
    return f"F1 weighted {f1['ALL']:.1f} %, macro {f1['MACRO']:.1f} %"


if __name__ == "__main__":
    with job(snakemake):
        main(snakemake)
