"""Write the report of a campaign: one page, the warnings as a table, and what it was made of."""

import json
from datetime import date
from pathlib import Path

import cv2
import pandas as pd
import PIL.Image
import yaml

from job import run_job
from results import atomic_path, recorded_files
from ssc.classes import read_classes
from ssc.evaluation.panels import STAGE_TITLES
from ssc.io.files import name_damaged_result, read_result
from ssc.io.rasters import open_band, open_class_raster, open_image
from ssc.io.tables import read_table
from ssc.report.image_table import compile_images, select_figures
from ssc.report.job_warnings import compile_warnings
from ssc.report.page import ReportContent, render
from ssc.report.previews import LARGE_SIDE, data_uri, jpeg_uri, make_layers, picture_uri, shrink
from ssc.report.provenance import compile_provenance, digest_of_all, find_commit

SCRIPTS = Path(__file__).parent
# Large figures of all rivers together, so that the page can be mailed.
MOST_FIGURES = 48
MOST_SHEETS, SHEET_SIDE, MOST_RANKED = 10, 1400, 10
TABLES = {
    "compiled.csv": "scores of each image, class and stage",
    "totals.csv": "scores of each CNN",
    "seeds.csv": "mean and standard deviation of the scores over seeds",
    "experiments.csv": "scores of each design",
    "experiments.tex": "the same for LaTeX",
    "methods.txt": "the methods as text",
    "confusion.csv": "confusion counts",
    "reliability.csv": "pixels by confidence",
    "areas.csv": "areas of each image, river and group",
    "area_estimates.csv": "areas with intervals",
    "warnings.csv": "all warnings",
    "provenance.json": "commit, versions, config, and digests of images, labels and CNNs",
    "../preflight.csv": "checks of each image",
    "../training_labels.csv": "what each CNN learned each class from",
}
NO_AREAS = pd.DataFrame(columns=["level", "group", "river", "image", "class_code", "class"])


def main(snakemake):
    params, inputs, output = snakemake.params, snakemake.input, snakemake.output
    config = yaml.safe_load(read_result(inputs.config))
    versions = read_result(inputs.versions).splitlines()
    classes, final = read_classes(config["classes"]), [*params.stages][-1]
    preflight, compiled = read_table(inputs.preflight), read_scores(inputs.compiled, params.seed)
    areas = read_table(inputs.areas) if inputs.areas else NO_AREAS
    areas = areas.reindex(columns=[*NO_AREAS, "percent", "hectares"])
    confidence = pd.concat(map(read_uncertainty, inputs.uncertainty), ignore_index=True)
    images = compile_images(confidence, compiled, areas, classes, final)
    chosen = select_figures(images, config["figures"]["in_report"], MOST_FIGURES)
    paths = confidence.set_index(["group", "image"])["path"]
    warnings = compile_warnings(preflight, find_logs(params.logs, inputs.figures))
    provenance = compile_provenance(
        config,
        dict(line.split(" ") for line in versions),
        find_commit(SCRIPTS),
        preflight,
        inputs.models,
        params.polygons,
    )
    results = Path(output.page).parents[1]
    with atomic_path(output.warnings) as path:
        warnings.to_csv(path, index=False)
    with atomic_path(output.provenance) as path:
        path.write_text(json.dumps(provenance, indent=1, ensure_ascii=False) + "\n", "utf-8")
    content = ReportContent(
        experiment=config["experiment"],
        methods=Path(inputs.methods).read_text("utf-8").strip().split("\n\n"),
        day=date.today(),
        classes=classes,
        final_stage=final,
        images=images,
        thumbnails=dict(read_thumbnails(inputs.figures)),
        figures=[draw_figure(row, paths, results, params, classes) for row in chosen.itertuples()],
        warnings=warnings,
        labels=read_table(inputs.labels),
        seed=params.seed,
        experiments=read_table(inputs.experiments),
        totals=read_table(inputs.totals),
        confusion=read_table(inputs.confusion),
        compiled=compiled,
        reliability=read_scores(inputs.reliability, params.seed),
        estimates=read_estimates(inputs.estimates, {*images["group"]}),
        histories=dict(zip(params.trained, map(read_table, inputs.histories), strict=True)),
        suggestions={
            group: (read_table(table).head(MOST_RANKED), picture_uri(sheet, SHEET_SIDE))
            for group, table, sheet in list(
                zip(params.suggested, inputs.rankings, inputs.sheets, strict=True)
            )[:MOST_SHEETS]
        },
        provenance=provenance,
        settings=yaml.safe_dump(config, allow_unicode=True, sort_keys=False),
        digest=digest_of_all(provenance["files"]),
        files=[
            (name, text) for name, text in TABLES.items() if (results / "report" / name).exists()
        ],
    )
    with atomic_path(output.page) as path:
        path.write_text(render(content), "utf-8")


def read_scores(path, seed):
    """Rows of the seed whose maps the page shows."""
    table = read_table(path)
    return table[table["seed"] == seed].drop(columns="seed")


def read_estimates(path, groups):
    table = read_table(path) if path else pd.DataFrame({"group": []})
    return table[table["group"].isin(groups)]


def find_logs(patterns, records):
    """Logs of the jobs of all batches, each once."""
    places = [(Path(record).parts[-4], Path(record).stem) for record in records]
    return dict.fromkeys(
        Path(pattern.replace("{group}", group).replace("{batch}", batch))
        for pattern in patterns
        for group, batch in places
    )


def read_uncertainty(path):
    """Mean confidence of the images of a batch, whose group its path has."""
    table = read_table(path).drop_duplicates("Image")
    table = table.rename(columns={"Image": "image", "RiverName": "river"})
    table = table[["image", "river", "confidence", "path"]]
    return table.assign(group=Path(path).parts[-4])


def read_thumbnails(records):
    for record in records:
        group = Path(record).parts[-4]
        for path, _ in recorded_files(record):
            if path.suffix == ".jpg":
                with name_damaged_result(path), PIL.Image.open(path) as picture:
                    size = picture.size
                name = path.stem.removeprefix("thumbnail_")
                yield (group, name), (data_uri(path.read_bytes(), "jpeg"), *size)


def draw_figure(row, paths, results, params, classes):
    """The image and the layers to lie on it."""
    with open_image(paths[row.group, row.image], params.white) as image:
        photo = shrink(image.preview(LARGE_SIDE), LARGE_SIDE)
    size = photo.shape[1::-1]

    def read(path, opened=open_class_raster):
        with opened(path) as raster:
            return cv2.resize(raster.preview(size[0]), size, interpolation=cv2.INTER_NEAREST)

    group = results / row.group
    maps = {
        STAGE_TITLES[stage]: read(group / folder / f"{stage}_{row.image}.tif")
        for stage, folder in params.stages.items()
    }
    folder = [*params.stages.values()][-1]
    confidence = read(group / folder / f"confidence_{row.image}.tif", open_band)
    split = "train" if row.group in params.held_out else "predict"
    labels = results / "labels" / split / f"SCLS_{row.image}.tif"
    labels = read(labels) if labels.exists() else None
    title = row.image if pd.isna(row.f1_final) else f"{row.image}, F1 {row.f1_final:.1f} %"
    layers = make_layers(maps, confidence, labels, classes)
    common = {"group": row.group, "image": row.image, "title": title}
    return common | {"photo": jpeg_uri(photo), "layers": layers}


if __name__ == "__main__":
    with run_job(snakemake):
        main(snakemake)
