"""Numbers as people read them."""

from __future__ import annotations

import math

import pytest

from generator import formats
from generator.formats import listed, number, one_decimal, percent, plural, rank, times, whole


@pytest.mark.parametrize(
    ("value", "digits", "text"),
    [
        (1234567, 4, "1,235,000"),
        (11312.2, 4, "11,310"),
        (168.9, 4, "168.9"),
        (0.001, 4, "0.001"),
        (0.00037652, 2, "0.00038"),
        (3.0871, 4, "3.087"),
        (3.70004, 4, "3.7"),
        (100.0, 4, "100"),
        (-94.875, 4, "−94.88"),
        (0, 4, "0"),
        (-0.0, 4, "0"),
        (9.9996, 4, "10"),
        (820, 3, "820"),
    ],
)
def test_significant_digits(value: float, digits: int, text: str) -> None:
    assert number(value, digits) == text


@pytest.mark.parametrize("show", [number, one_decimal, percent, times, whole, formats.latency, formats.error])
@pytest.mark.parametrize("nothing", [None, math.nan])
def test_what_is_not_known_is_a_dash(show: object, nothing: float | None) -> None:
    assert callable(show)
    assert show(nothing) == "–"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (168.9, "168.9"),
        (166.0, "166.0"),
        (3.71, "3.7"),
        (0.001, "0.001"),
        (12345.67, "12,345.7"),
        (-2.0, "−2.0"),
    ],
)
def test_a_column_of_figures_lines_up_on_its_points(value: float, text: str) -> None:
    assert one_decimal(value) == text


def test_a_figure_that_rounds_to_one_looks_like_one() -> None:
    assert [one_decimal(value) for value in (0.994, 0.996, 1.0)] == ["0.99", "1.0", "1.0"]


def test_a_drift_has_its_sign_unless_it_is_nothing() -> None:
    assert [formats.signed(value) for value in (1.26, -0.5, 0.04, -0.04)] == ["+1.3", "−0.5", "0.0", "0.0"]


def test_a_name_too_long_for_a_table_is_cut() -> None:
    assert formats.short("x" * 45) == "x" * 45
    assert formats.short("x" * 46) == "x" * 39 + "…"


@pytest.mark.parametrize(
    ("value", "text"), [(4.593, "4.6 %"), (0.00037652, "0.00038 %"), (100, "100.0 %"), (-0.87, "−0.87 %")]
)
def test_shares(value: float, text: str) -> None:
    assert percent(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(2.4729, "2.47×"), (45.6486, "45.6×"), (44.0, "44.0×"), (0.98132, "0.981×"), (4879.9, "4,880×")],
)
def test_ratios_have_three_digits(value: float, text: str) -> None:
    assert times(value) == text


@pytest.mark.parametrize(("value", "text"), [(1543714304, "1,543,714,304"), (5.0, "5"), (0, "0")])
def test_counts(value: float, text: str) -> None:
    assert whole(value) == text


def test_latencies_keep_what_sources_state() -> None:
    assert [formats.latency(value) for value in (5.438, 26.52, 488728.046)] == ["5.438", "26.52", "488,728"]


@pytest.mark.parametrize(
    ("best", "worst", "text"), [(1.0, 1.0, "1"), (2.0, 4.0, "2–4"), (math.nan, math.nan, "–")]
)
def test_a_rank_is_one_place_or_a_range(best: float, worst: float, text: str) -> None:
    assert rank(best, worst) == text


@pytest.mark.parametrize(
    ("count", "words", "text"),
    [
        (1, ("row",), "1 row"),
        (0, ("row",), "0 rows"),
        (1200, ("row",), "1,200 rows"),
        (2, ("latency", "latencies"), "2 latencies"),
        (1, ("latency", "latencies"), "1 latency"),
    ],
)
def test_counted_things(count: int, words: tuple[str, ...], text: str) -> None:
    assert plural(count, *words) == text


@pytest.mark.parametrize(
    ("names", "text"), [([], ""), (["a"], "a"), (["a", "b"], "a and b"), (["a", "b", "c"], "a, b and c")]
)
def test_names_in_a_sentence(names: list[str], text: str) -> None:
    assert listed(names) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(2.34e-7, "2.3 · 10⁻⁷"), (0.5, "5.0 · 10⁻¹"), (9.96e-11, "1.0 · 10⁻¹⁰"), (12.0, "1.2 · 10¹"), (0, "0")],
)
def test_an_error_has_two_digits_and_a_power_of_ten(value: float, text: str) -> None:
    assert formats.error(value) == text
