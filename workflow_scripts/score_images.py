"""Score the maps of each labelled image of a batch, and the calibration of their confidence."""

from contextlib import ExitStack

import numpy as np
import pandas as pd

from job import log_progress, run_job
from results import open_batch
from ssc.classes import read_classes
from ssc.evaluation.boundaries import BOUNDARY_MARGIN, boundary_counts
from ssc.evaluation.calibration import reliability_counts
from ssc.evaluation.scores import confusion_matrix, score_table
from ssc.io.rasters import open_band, open_class_raster
from ssc.io.windows import MaskedRaster, Raster, block_of, windows


def main(snakemake):
    params, classes = snakemake.params, read_classes(snakemake.params.classes)
    n_codes = classes[-1].code + 1
    with open_batch(snakemake.output.record) as batch:
        group = batch.folder.parent
        for number, name in log_progress(params.names):
            confusions = {stage: np.zeros((n_codes, n_codes), np.int64) for stage in params.stages}
            boundaries = {stage: np.zeros((n_codes, 4), np.int64) for stage in params.stages}
            reliability = [reliability_counts(*3 * [np.zeros((1, 1), np.uint8)])]
            with ExitStack() as stack:
                source = stack.enter_context(open_class_raster(snakemake.input.labels[number]))
                labels: Raster = source
                if params.block:
                    labels = MaskedRaster(source, block_of(source.shape, *params.block), False)
                maps = {
                    stage: stack.enter_context(
                        open_class_raster(group / folder / f"{stage}_{name}.tif")
                    )
                    for stage, folder in params.stages.items()
                }
                final, folder = list(params.stages.items())[-1]
                path = group / folder / f"confidence_{name}.tif"
                confidence = stack.enter_context(open_band(path))
                for window in windows(labels.shape):
                    outer = window.grown(BOUNDARY_MARGIN, labels.shape)
                    of_labels = labels[outer.slices]
                    if not of_labels.any():
                        continue
                    mapped = {stage: raster[outer.slices] for stage, raster in maps.items()}
                    part = window.within(outer)
                    edges = boundary_counts(of_labels, [*mapped.values()], n_codes, counted=part)
                    for (stage, codes), of_stage in zip(mapped.items(), edges, strict=True):
                        boundaries[stage] += of_stage
                        confusions[stage] += confusion_matrix(of_labels[part], codes[part], n_codes)
                    percent = confidence[window.slices]
                    counts = reliability_counts(of_labels[part], mapped[final][part], percent)
                    reliability.append(counts)
            for stage in params.stages:
                with batch.file(f"{stage}_{name}.csv") as path:
                    table = score_table(confusions[stage], classes, boundaries[stage])
                    table.to_csv(path, index=False, float_format="%.6f")
            with batch.file(f"reliability_{name}.csv") as path:
                sums = pd.concat(reliability).groupby("percent", as_index=False).sum()
                sums.to_csv(path, index=False)


if __name__ == "__main__":
    with run_job(snakemake):
        main(snakemake)
