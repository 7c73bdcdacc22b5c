"""Pick the 4-part figures of a river that the report shows: those of lowest F1 first."""

import shutil
from pathlib import Path

from job import job, whole_folder
from ssc.tables import read_table


def main(snakemake):
    compiled = read_table(snakemake.input.compiled)
    final = compiled[
        (compiled["model"] == snakemake.wildcards.group)
        & (compiled["type"] == snakemake.params.stages[-1])
        & (compiled["class"] == "ALL")
    ]
    f1 = final.set_index("Image")["f1_score"].to_dict()
    figures = sorted(
        (path for folder in snakemake.input.figures for path in Path(folder).glob("*.png")),
        key=lambda path: (f1.get(path.stem, 100.0), path.stem),
    )
    with whole_folder(snakemake.output.panels) as folder:
        for path in figures[: snakemake.params.most]:
            shutil.copyfile(path, folder / path.name)


if __name__ == "__main__":
    with job(snakemake):
        main(snakemake)
