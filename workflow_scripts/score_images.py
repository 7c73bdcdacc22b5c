"""Score the maps of each labelled image of a batch, and the calibration of their confidence."""

from job import log_progress, run_job
from results import label_files, open_batch
from ssc.classes import read_classes
from ssc.evaluation.boundaries import boundary_counts
from ssc.evaluation.calibration import reliability_counts
from ssc.evaluation.scores import confusion_matrix, score_table
from ssc.io.rasters import read_class_raster, read_confidence


def main(snakemake):
    params, classes = snakemake.params, read_classes(snakemake.params.classes)
    n_codes = classes[-1].code + 1
    with open_batch(snakemake.output.record) as batch:
        group = batch.folder.parent
        paths = label_files(snakemake.input.labels, params.names)
        for number, name in log_progress(params.names):
            labels = read_class_raster(paths[number])
            maps = {
                stage: read_class_raster(group / folder / f"{stage}_{name}.tif")
                for stage, folder in params.stages.items()
            }
            # No data, or outside of the area of interest.
            labels[maps["CNN"] == 0] = 0
            boundaries = boundary_counts(labels, list(maps.values()), n_codes)
            for (stage, class_map), boundary in zip(maps.items(), boundaries, strict=True):
                confusion = confusion_matrix(labels, class_map, n_codes)
                with batch.file(f"{stage}_{name}.csv") as path:
                    table = score_table(confusion, classes, boundary)
                    table.to_csv(path, index=False, float_format="%.6f")
            final, folder = list(params.stages.items())[-1]
            confidence = read_confidence(group / folder / f"confidence_{name}.tif")
            with batch.file(f"reliability_{name}.csv") as path:
                reliability_counts(labels, maps[final], confidence).to_csv(path, index=False)


if __name__ == "__main__":
    with run_job(snakemake):
        main(snakemake)
