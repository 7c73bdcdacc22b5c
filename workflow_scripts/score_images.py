"""Score the maps of each labelled image of a batch, and how far their confidence is right."""

from job import job, progress, whole_folder
from ssc.calibration import reliability_counts
from ssc.classes import read_classes
from ssc.raster import read_class_raster
from ssc.scores import boundary_counts, confusion_matrix, score_table


def main(snakemake):
    params, classes = snakemake.params, read_classes(snakemake.params.classes)
    with whole_folder(snakemake.output.scores) as folder:
        for number, name in progress(params.names):
            labels = read_class_raster(snakemake.input.labels[number])
            stages = list(zip(params.stages, snakemake.input.maps, strict=True))
            found = [read_class_raster(f"{maps}/{stage}_{name}.tif") for stage, maps in stages]
            n_codes = classes[-1].code + 1
            boundaries = boundary_counts(labels, found, n_codes)
            for (stage, maps), codes, boundary in zip(stages, found, boundaries, strict=True):
                confusion = confusion_matrix(labels, codes, n_codes)
                score_table(confusion, classes, boundary).to_csv(
                    folder / f"{stage}_{name}.csv", index=False, float_format="%.6f"
                )
                if stage == params.sure:
                    confidence = read_class_raster(f"{maps}/confidence_{name}.tif")
                    reliability_counts(labels, codes, confidence).to_csv(
                        folder / f"reliability_{name}.csv", index=False
                    )


if __name__ == "__main__":
    with job(snakemake):
        main(snakemake)
