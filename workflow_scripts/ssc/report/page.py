"""The page of the report, from the tables and pictures of a campaign."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import jinja2
import pandas as pd
import vl_convert
from markupsafe import Markup
from matplotlib.colors import to_hex

from ..classes import LandClass
from ..evaluation.panels import STAGE_TITLES
from ..evaluation.scores import accuracies
from ..evaluation.summaries import spread_over_seeds
from ..numbers import format_number, format_spread
from . import charts
from .job_warnings import group_warnings
from .previews import CONFIDENCE_STEP, RIGHT, WRONG, confidence_colours
from .verdict import describe_design, write_verdict

# Lists longer than this are cut; the tables beside the page have all.
MOST_ROWS = 200
MOST_GROUPS = 20


@dataclass(frozen=True)
class ReportContent:
    """What a report shows.

    Attributes
    ----------
    experiment : str
        Name of the campaign.
    methods : sequence of str
        Paragraphs of `describe_methods`.
    day : datetime.date
    classes : sequence of LandClass
    final_stage : str
        `CNN`, `MLP` or `RF`.
    images : pandas.DataFrame
        From `compile_images`.
    thumbnails : mapping
        By (group, image): text, width and height of its picture.
    figures : sequence of dict
        For each large figure: group, image, photo, and layers by caption.
    warnings, labels : pandas.DataFrame
        From `compile_warnings` and `summarise_labels`.
    seed : int
        Of the maps that the page shows, and of its tables but those of scores.
    experiments, totals, confusion : pandas.DataFrame
        Scores of all seeds; without rows where the campaign has none.
    compiled, reliability, estimates : pandas.DataFrame
        Of the seed; without rows where the campaign has none.
    histories : mapping of str to pandas.DataFrame
        Curves of training by CNN.
    suggestions : mapping
        By group: the ranked images to label next, and the text of the picture of their places.
    provenance : mapping
        From `compile_provenance`.
    settings : str
        The config, with all defaults.
    digest : str
        Of `digest_of_all`.
    files : sequence of tuple
        Path, relative to the page, and content of each table beside it.
    """

    experiment: str
    methods: Sequence[str]
    day: date
    classes: Sequence[LandClass]
    final_stage: str
    images: pd.DataFrame
    thumbnails: Mapping[tuple[str, str], tuple[str, int, int]]
    figures: Sequence[Mapping[str, Any]]
    warnings: pd.DataFrame
    labels: pd.DataFrame
    seed: int
    experiments: pd.DataFrame
    totals: pd.DataFrame
    confusion: pd.DataFrame
    compiled: pd.DataFrame
    reliability: pd.DataFrame
    estimates: pd.DataFrame
    histories: Mapping[str, pd.DataFrame]
    suggestions: Mapping[str, tuple[pd.DataFrame, str]]
    provenance: Mapping[str, Any]
    settings: str
    digest: str
    files: Sequence[tuple[str, str]]


def render(content: ReportContent) -> str:
    """Make the page: HTML that needs no other file and no network.

    Parameters
    ----------
    content : ReportContent

    Returns
    -------
    str
    """
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.policies["json.dumps_kwargs"] = {"sort_keys": False}
    environment.filters |= {"number": format_number, "breakable": mark_breaks}
    bundle = vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;").replace(
        "</script", "<\\/script"
    )
    images = content.images
    verdict = write_verdict(
        images, content.experiments, content.final_stage, {*content.warnings["image"]}
    )
    return environment.get_template("report.html").render(
        c=content,
        colours={c.name: to_hex(c.colour) for c in content.classes},
        verdict=verdict,
        flagged={*content.warnings["image"]},
        warnings=group_warnings(content.warnings),
        rows=images.to_dict("records"),
        several_groups=images["group"].nunique() > 1,
        has_areas=bool(images.filter(regex="^percent_").notna().any(axis=None)),
        has_hectares=bool(images.filter(regex="^hectares_").notna().any(axis=None)),
        hectares={
            group: {c.name: part[f"hectares_{c.code}"].sum(skipna=False) for c in content.classes}
            for group, part in images.groupby("group")
        },
        has_scores=bool(images["f1_final"].notna().any()),
        figure_numbers={(f["group"], f["image"]): n for n, f in enumerate(content.figures)},
        areas=[*content.estimates.groupby("group", sort=False)][:MOST_GROUPS],
        agreements=compare_stages(content),
        totals=spread_over_seeds(content.totals).to_dict("records"),
        measures={
            measure: title
            for measure, title in (
                ("accuracy", "Accuracy"),
                ("weighted_f1", "Weighted F1"),
                ("macro_f1", "Macro F1"),
                ("boundary_f1", "Boundary F1"),
                *((f"f1_{c.name}", f"F1 {c.name}") for c in content.classes),
                ("calibration_error", "Calibration error"),
            )
            if content.totals[measure].notna().any()
        },
        learned=[
            (group, of_group.set_index("class").to_dict("index"))
            for group, of_group in content.labels.groupby("group", sort=False)
        ],
        n_seeds=content.totals["seed"].nunique(),
        charts=make_charts(content),
        designs={
            d: describe_design(d, in_sample=True) for d in content.compiled["design"].unique()
        },
        confidence_key=[
            (percent, to_hex(confidence_colours()[percent // CONFIDENCE_STEP] / 255))
            for percent in range(20, 101, 20)
        ],
        right=RIGHT,
        wrong=WRONG,
        most_rows=MOST_ROWS,
        stages=STAGE_TITLES,
        vega=Markup(bundle),
    )


def mark_breaks(name: str) -> Markup:
    """Let a line end after each underscore of a name."""
    return Markup("_<wbr>").join(name.split("_"))


def make_charts(content: ReportContent) -> dict[str, dict[str, Any]]:
    """Specifications of all charts, by the name of their place on the page."""
    specs = {}
    groups = [*content.estimates.groupby("group", sort=False)][:MOST_GROUPS]
    for number, (_, table) in enumerate(groups):
        specs[f"areas-{number}"] = charts.chart_areas(table, content.classes)
    order = [*(c.name for c in content.classes), "ALL"]
    honest = content.compiled[~content.compiled["learned_from"].astype(bool)]
    for design, table in honest.groupby("design", sort=False):
        specs[f"scores-{design}"] = charts.chart_scores(table, order)
    if content.reliability["pixels"].sum():
        counts = {
            str(model) if own else f"{model}, rivers without training images": table
            for (model, own), table in content.reliability.groupby(["model", "in_sample"])
        }
        specs["reliability"] = charts.chart_reliability(dict([*counts.items()][:MOST_GROUPS]))
    histories = dict([*content.histories.items()][:MOST_GROUPS])
    if histories:
        for measure in ("loss", "accuracy"):
            specs[f"training-{measure}"] = charts.chart_training(histories, measure)
    return specs


def compare_stages(content: ReportContent) -> list[dict[str, Any]]:
    """Confusion matrices and accuracies of each design, of the CNN's map and the final one.

    Matrices are of the seed that the page shows. With several seeds, the overall accuracy and kappa
    are their means, with standard deviations.
    """
    names = [c.name for c in content.classes]
    stages = [s for s in STAGE_TITLES if s in ("CNN", content.final_stage)]
    found = []
    for (design, own), table in content.confusion.groupby(["design", "in_sample"], sort=False):
        of_design = {}
        for stage in stages:
            of_stage = table[table["type"] == stage]
            matrices = {
                seed: of_seed.groupby("label")[[*(f"mapped_{n}" for n in names), "unmapped"]]
                .sum()
                .reindex(names, fill_value=0)
                .to_numpy()
                for seed, of_seed in of_stage.groupby("seed")
            }
            agreements = {seed: accuracies(matrix) for seed, matrix in matrices.items()}
            matrix, agreement = matrices[content.seed], agreements[content.seed]
            overall, kappa = (
                pd.Series([100 * getattr(one, measure) for one in agreements.values()])
                for measure in ("overall", "kappa")
            )
            of_design[stage] = {
                "matrix": matrix[:, : len(names)].tolist(),
                "shares": (matrix / matrix.sum(axis=1, keepdims=True).clip(1)).tolist(),
                "users": (100 * agreement.users).tolist(),
                "producers": (100 * agreement.producers).tolist(),
                "overall": format_spread(overall.mean(), overall.std()),
                "kappa": format_spread(kappa.mean(), kappa.std()),
            }
        found.append({"title": describe_design(str(design), bool(own)), "stages": of_design})
    return found
