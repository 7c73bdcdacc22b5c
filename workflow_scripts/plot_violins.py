"""Draw the scores of a river's images as violins."""

import numpy as np

from job import run_job
from results import atomic_path
from ssc.classes import read_classes
from ssc.evaluation.charts import draw_violins
from ssc.evaluation.figures import save_figure
from ssc.io.tables import read_table


def main(snakemake):
    params, pool, river = snakemake.params, snakemake.wildcards.pool, snakemake.wildcards.river
    compiled = read_table(snakemake.input.compiled)
    chosen = compiled[compiled["model"].isin(params.groups) & (compiled["RiverName"] == river)]
    order = [c.name for c in read_classes(params.classes)] + ["ALL"]
    training = "with" if chosen["in_sample"].all() else "without"
    title = f"{river}, classified by CNN {pool}, {training} training images of this river"
    if (chosen["design"] == "cross_validation").all():
        title = f"{river}, each image by a CNN that did not learn from it (cross-validation)"
    # seaborn shifts points at random: the same figure in each run.
    np.random.seed(0)
    figure = draw_violins(title, chosen, order)
    for output in snakemake.output:
        with atomic_path(output) as path:
            save_figure(figure, path)


if __name__ == "__main__":
    with run_job(snakemake):
        main(snakemake)
