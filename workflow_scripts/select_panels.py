"""Select the 4-part figures of a river that the report shows: those of lowest F1 first."""

import shutil
from pathlib import Path

from job import run_job
from results import recorded_files
from ssc.io.tables import read_table


def main(snakemake):
    compiled = read_table(snakemake.input.compiled)
    final = compiled[
        compiled["model"].isin(snakemake.params.groups)
        & (compiled["type"] == snakemake.params.final_stage)
        & (compiled["class"] == "ALL")
    ]
    f1 = final.set_index("Image")["f1_score"].to_dict()
    figures = sorted(
        (
            path
            for record in snakemake.input.records
            for path, _ in recorded_files(record)
            if path.suffix == ".png"
        ),
        key=lambda path: (f1.get(path.stem, 100.0), path.stem),
    )
    folder = Path(snakemake.output.panels)
    folder.mkdir()
    for path in figures[: snakemake.params.n_panels]:
        shutil.copyfile(path, folder / path.name)


if __name__ == "__main__":
    with run_job(snakemake):
        main(snakemake)
