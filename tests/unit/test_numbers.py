"""Numbers as text."""

import numpy as np
import pandas as pd
import pytest

from ssc.numbers import count, describe_duration, format_number, format_spread


def test_what_is_missing_is_a_dash():
    assert {format_number(value) for value in (None, float("nan"), pd.NA)} == {"\N{EN DASH}"}
    assert format_number(np.int64(1234567), 0) == "1,234,567"
    assert format_number(np.float32(2.25), 2) == "2.25"
    assert format_spread(75, 7.07) == "75.0 \N{PLUS-MINUS SIGN} 7.1"
    assert format_spread(75, float("nan")) == format_spread(75, None) == "75.0"


def test_one_is_singular():
    assert [count(n, "image") for n in (0, 1, 1200)] == ["0 images", "1 image", "1,200 images"]
    assert count(2, "class", "classes") == "2 classes"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.2, "1 second"),
        (89, "89 seconds"),
        (100, "2 minutes"),
        (2 * 3600, "2 hours"),
        (9000, "2.5 hours"),
    ],
)
def test_duration_is_said_as_one_would_say_it(seconds, words):
    assert describe_duration(seconds) == words
