"""Numbers as text, for the terminal, the tables and the report."""

import math
from numbers import Real
from typing import Any


def format_number(value: Any, digits: int = 1) -> str:
    """Write a number with separators, a dash for none (None, NaN or pandas.NA)."""
    return "\N{EN DASH}" if _is_missing(value) else f"{value:,.{digits}f}"


def format_spread(mean: float | None, deviation: float | None) -> str:
    """Write a mean with the standard deviation after it; of one value there is none."""
    text = format_number(mean)
    return (
        text if _is_missing(deviation) else f"{text} \N{PLUS-MINUS SIGN} {format_number(deviation)}"
    )


def _is_missing(value: Any) -> bool:
    return not isinstance(value, Real) or math.isnan(value)


def count(number: float, one: str, several: str | None = None) -> str:
    """Put a number and what is counted into words: 1 image, 2 images."""
    return f"{number:,} {one if number == 1 else several or one + 's'}"


def describe_duration(seconds: float) -> str:
    """Put a duration into words, as exactly as one would say it: 40 seconds, 3 minutes, 2.5 hours.

    Parameters
    ----------
    seconds : float

    Returns
    -------
    str
    """
    number: float
    if seconds < 90:
        number, unit = max(round(seconds), 1), "second"
    elif seconds < 90 * 60:
        number, unit = round(seconds / 60), "minute"
    else:
        hours = round(seconds / 3600, 1)
        number, unit = int(hours) if hours.is_integer() else hours, "hour"
    return count(number, unit)
