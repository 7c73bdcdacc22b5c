"""Numbers as the report writes them."""

import math

import pandas as pd


def format_number(value: float | None, digits: int = 1) -> str:
    """Write a number with separators, a dash for none."""
    missing = value is None or value is pd.NA or math.isnan(value)
    return "\N{EN DASH}" if missing else f"{value:,.{digits}f}"


def format_spread(mean: float | None, deviation: float | None) -> str:
    """Write a mean with the standard deviation after it; of one value there is none."""
    text = format_number(mean)
    missing = deviation is None or math.isnan(deviation)
    return text if missing else f"{text} \N{PLUS-MINUS SIGN} {format_number(deviation)}"
