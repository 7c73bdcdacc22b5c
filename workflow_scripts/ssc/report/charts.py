"""Charts of the report, in Vega-Lite."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.colors import to_hex

from ..classes import LandClass
from ..evaluation.calibration import LEAST_SHARE, reliability

# Rows of scores that are drawn one by one; of more images only the quartiles are.
MOST_POINTS = 6000
# Height of a bar with the space about it, in pixels.
ROW = 20


def _chart(height: int, **parts: Any) -> dict[str, Any]:
    return {"width": "container", "height": height, **parts}


def _rows(table: pd.DataFrame) -> dict[str, list]:
    """Rows of a table for JSON, which has no NaN."""
    return {"values": table.astype(object).where(table.notna(), None).to_dict("records")}


def chart_areas(estimates: pd.DataFrame, classes: Sequence[LandClass]) -> dict[str, Any]:
    """Draw the mapped share of each class, with the interval of the true share where it is known.

    Parameters
    ----------
    estimates : pandas.DataFrame
        Rows of `estimate_areas` of one group.
    classes : sequence of LandClass

    Returns
    -------
    dict
        A specification of Vega-Lite, as of the other functions.
    """
    names = [c.name for c in classes]
    columns = ["class", "mapped_percent", "percent", "percent_low", "percent_high"]
    table = estimates[estimates["class"].isin(names)][columns].round(3)
    y = {"field": "class", "type": "nominal", "sort": names, "title": None}
    colour = {"domain": names, "range": [to_hex(c.colour) for c in classes]}
    shown = [{"field": f, "type": "quantitative", "format": ".2f"} for f in columns[1:]]
    layers: list[dict] = [
        {
            "mark": {"type": "bar", "stroke": "#8888", "strokeWidth": 1},
            "encoding": {
                "x": {"field": "mapped_percent", "type": "quantitative", "title": "area (%)"},
                "color": {"field": "class", "type": "nominal", "scale": colour, "legend": None},
                "tooltip": [{"field": "class", "type": "nominal"}, *shown],
            },
        }
    ]
    if table["percent_low"].notna().any():
        ends = {"x": {"field": "percent_low", "type": "quantitative"}}
        ends["x2"] = {"field": "percent_high"}
        point = {"x": {"field": "percent", "type": "quantitative"}}
        layers += [
            {"mark": {"type": "rule", "strokeWidth": 2}, "encoding": ends},
            {"mark": {"type": "point", "filled": True, "size": 60}, "encoding": point},
        ]
    return _chart(ROW * len(table), data=_rows(table), encoding={"y": y}, layer=layers)


def chart_scores(compiled: pd.DataFrame, order: Sequence[str]) -> dict[str, Any]:
    """Draw the F1 of all images by class and stage: a point each, and the quartiles.

    Parameters
    ----------
    compiled : pandas.DataFrame
        Rows of `compile_scores` of one design.
    order : sequence of str
        Classes from top to bottom.
    """
    stages = [*compiled["type"].unique()]
    f1 = compiled.groupby(["class", "type"], sort=False)["f1_score"]
    quartiles = f1.quantile(np.array([0.25, 0.5, 0.75])).unstack().round(2)
    quartiles.columns = ["low", "median", "high"]
    quartiles = quartiles.reset_index().assign(images=f1.size().to_numpy())
    points = compiled[["class", "type", "f1_score", "Image"]].round({"f1_score": 2})
    scale = {"zero": False, "nice": True}
    x = {"type": "quantitative", "title": "F1 of an image (%)", "scale": scale}
    shown = [{"field": f, "type": "quantitative"} for f in ("images", "low", "median", "high")]
    layers: list[dict] = [
        {
            "data": _rows(quartiles),
            "mark": {"type": "bar", "opacity": 0.35},
            "encoding": {"x": {"field": "low", **x}, "x2": {"field": "high"}, "tooltip": shown},
        },
        {
            "data": _rows(quartiles),
            "mark": {"type": "tick", "thickness": 3},
            "encoding": {"x": {"field": "median", **x}},
        },
    ]
    if len(points) <= MOST_POINTS:
        layers.insert(
            1,
            {
                "data": _rows(points),
                "mark": {"type": "circle", "opacity": 0.65, "size": 22},
                "encoding": {
                    "x": {"field": "f1_score", **x},
                    "tooltip": [{"field": "Image"}, {"field": "f1_score", "title": "F1 (%)"}],
                },
            },
        )
    encoding = {
        "y": {"field": "class", "type": "nominal", "sort": [*order], "title": None},
        "yOffset": {"field": "type", "sort": stages},
        "color": {"field": "type", "type": "nominal", "sort": stages, "title": None},
    }
    return _chart(ROW * len(quartiles), encoding=encoding, layer=layers)


def chart_reliability(counts: Mapping[str, pd.DataFrame]) -> dict[str, Any]:
    """Draw the accuracy against the confidence.

    Parameters
    ----------
    counts : mapping of str to pandas.DataFrame
        Counts of `reliability_counts` by name, a line each.
    """
    parts = []
    for name, table in counts.items():
        bins = reliability(table)
        share = bins["pixels"] / max(bins["pixels"].sum(), 1)
        bins = 100 * bins.assign(share=share)[share >= LEAST_SHARE]
        parts.append(bins[["confidence", "accuracy", "share"]].round(2).assign(CNN=name))
    table = pd.concat([pd.DataFrame(columns=["confidence", "accuracy", "share", "CNN"]), *parts])
    low = float(np.floor(table[["confidence", "accuracy"]].min().min() / 10) * 10)
    ends = [0.0 if np.isnan(low) else low, 100.0]
    scale = {"domain": ends, "nice": False}
    titles = {"confidence": "confidence (%)", "accuracy": "accuracy (%)", "share": "pixels (%)"}
    axes = {
        axis: {"field": f, "type": "quantitative", "title": titles[f], "scale": scale}
        for axis, f in (("x", "confidence"), ("y", "accuracy"))
    }
    diagonal = [{"confidence": end, "accuracy": end} for end in ends]
    shown = [{"field": f, "type": "quantitative", "title": t} for f, t in titles.items()]
    size = {"field": "share", "type": "quantitative", "title": titles["share"]}
    return _chart(
        360,
        layer=[
            {
                "data": {"values": diagonal},
                "mark": {"type": "line", "strokeDash": [4, 4], "color": "grey"},
                "encoding": axes,
            },
            {
                "data": _rows(table),
                "mark": {"type": "line"},
                "encoding": {**axes, "color": {"field": "CNN", "type": "nominal", "title": None}},
            },
            {
                "data": _rows(table),
                "mark": {"type": "circle", "opacity": 1},
                "encoding": {
                    **axes,
                    "color": {"field": "CNN", "type": "nominal", "title": None},
                    "size": {**size, "scale": {"range": [20, 300]}, "legend": None},
                    "tooltip": [{"field": "CNN"}, *shown],
                },
            },
        ],
    )


def chart_training(histories: Mapping[str, pd.DataFrame], measure: str) -> dict[str, Any]:
    """Draw a measure of training against epoch.

    Parameters
    ----------
    histories : mapping of str to pandas.DataFrame
        By CNN: epoch, and curves whose names end in the measure; `val_` is of validation.
    measure : str
        `loss` or `accuracy`, which is in percent.
    """
    parts = [
        history[["epoch"]].assign(CNN=name, data=data, value=history[column])
        for name, history in histories.items()
        for column, data in ((measure, "training"), (f"val_{measure}", "validation"))
        if column in history
    ]
    table = pd.concat([pd.DataFrame(columns=["epoch", "CNN", "data", "value"]), *parts]).round(4)
    title = "accuracy (%)" if measure == "accuracy" else measure
    scale = {"zero": measure == "loss"}
    encoding: dict[str, Any] = {
        "x": {"field": "epoch", "type": "quantitative", "axis": {"tickMinStep": 1}},
        "y": {"field": "value", "type": "quantitative", "title": title, "scale": scale},
        "color": {"field": "CNN", "type": "nominal", "title": None},
    }
    if table["data"].nunique() > 1:
        encoding["strokeDash"] = {"field": "data", "type": "nominal", "title": None}
    encoding["tooltip"] = [{"field": f} for f in ("CNN", "data", "epoch", "value")]
    mark = {"type": "line", "point": {"size": 20}}
    return _chart(240, data=_rows(table), mark=mark, encoding=encoding)
