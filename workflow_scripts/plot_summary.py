"""Draw the scores of a river's images as violins."""

from job import job, whole
from ssc.classes import read_classes
from ssc.figures import plot_violins
from ssc.tables import read_table


def main(snakemake):
    group, river = snakemake.wildcards.group, snakemake.wildcards.river
    compiled = read_table(snakemake.input.compiled)
    chosen = compiled[(compiled["model"] == group) & (compiled["RiverName"] == river)]
    order = [c.name for c in read_classes(snakemake.params.classes)] + ["ALL"]
    seen = "learned from this river" if set(chosen["sample"]) == {"in"} else "never saw this river"
    title = f"{river}, classified by CNN {group}, which {seen}"
    with whole(snakemake.output.violins) as path:
        plot_violins(path, title, chosen, order)


if __name__ == "__main__":
    with job(snakemake):
        main(snakemake)
