"""Select the 4-part figures of a river that the report shows, those of lowest F1 first; for print
each as PDF of the width of a page, too.
"""

import shutil
from pathlib import Path

from panel_files import draw_image

from job import run_job
from results import recorded_files
from ssc.classes import read_classes
from ssc.evaluation.figures import DPI, PAGE, save_figure
from ssc.io.tables import read_table


def main(snakemake):
    params, classes = snakemake.params, read_classes(snakemake.params.classes)
    compiled = read_table(snakemake.input.compiled)
    final = compiled[
        compiled["model"].isin(params.groups)
        & (compiled["type"] == params.final_stage)
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
    for path in figures[: params.n_panels]:
        name, group = path.stem, path.parents[1]
        shutil.copyfile(path, folder / path.name)
        image = params.images[group.name][name]
        split = group.parent / "labels" / params.splits[group.name]
        labels = split / f"SCLS_{name}.tif" if name in f1 else None
        files = name, image, params.white, labels, group
        figure = draw_image(*files, params.stages, classes, round(PAGE * DPI))
        save_figure(figure, folder / f"{name}.pdf")


if __name__ == "__main__":
    with run_job(snakemake):
        main(snakemake)
