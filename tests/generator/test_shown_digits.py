"""Columns rounded as single numbers are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from generator import formats, shown_digits

KINDS: dict[str, tuple[Callable[[Any], Any], Callable[[float], str]]] = {
    "number": (lambda column: shown_digits.significant(column, 4), formats.number),
    "rate": (lambda column: shown_digits.significant(column, 3), lambda value: formats.number(value, 3)),
    "times": (lambda column: shown_digits.significant(column, 3), formats.times),
    "one_decimal": (shown_digits.one_decimal, formats.one_decimal),
    "latency": (shown_digits.latency, formats.latency),
}
EDGES = [
    0.0,
    0.994,
    0.995,
    0.996,
    0.9999,
    1.0,
    1.05,
    0.25,
    2.5,
    9.9995,
    9.9996,
    99.995,
    1e3,
    12345.5,
    2.675,
    1e-9,
]


@pytest.mark.parametrize("kind", KINDS)
def test_a_rounded_number_is_shown_as_the_number_is(kind: str) -> None:
    rounded, shown = KINDS[kind]
    random = np.random.default_rng(1)
    drawn = 10 ** random.uniform(-4, 6, 3_000)
    values = np.concatenate([EDGES, drawn, np.round(drawn, 4), np.round(drawn, 2) + 0.005])
    assert [shown(one) for one in rounded(pd.Series(values)).tolist()] == [
        shown(one) for one in values.tolist()
    ]


@pytest.mark.parametrize("kind", KINDS)
def test_a_rounded_number_has_no_digits_more_than_its_text(kind: str) -> None:
    rounded, shown = KINDS[kind]
    for value in rounded(pd.Series(10 ** np.random.default_rng(2).uniform(-3, 5, 500))).tolist():
        text = shown(value).rstrip("×").replace(",", "")
        assert float(text) == value


def test_a_missing_number_stays_missing() -> None:
    for rounded, _ in KINDS.values():
        assert np.isnan(rounded(pd.Series([None, 1.5], dtype=object))).tolist() == [True, False]
