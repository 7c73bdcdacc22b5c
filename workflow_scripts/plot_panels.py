"""Draw the 4-part figure of each image of a batch: image, labels, map of the CNN, final map."""

from panel_files import draw_image

from job import log_progress, run_job
from results import label_files, open_batch
from ssc.classes import read_classes
from ssc.evaluation.figures import save_figure


def main(snakemake):
    params, classes = snakemake.params, read_classes(snakemake.params.classes)
    with open_batch(snakemake.output.record) as batch:
        group = batch.folder.parent
        for number, name in log_progress(params.names):
            labels = None
            if name in params.labelled:
                (labels,) = label_files(snakemake.input.labels, [name])
            image = params.images[number]
            of_image = image, params.white, labels, group, params.stages, classes, params.width
            with batch.file(f"thumbnail_{name}.jpg") as thumbnail:
                figure = draw_image(name, *of_image, thumbnail)
            with batch.file(f"{name}.png") as path:
                save_figure(figure, path)


if __name__ == "__main__":
    with run_job(snakemake):
        main(snakemake)
