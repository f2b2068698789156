"""Cells of a stranger's table: what is read, and what is refused with its reason."""

from __future__ import annotations

import pytest

from generator.importers.purs.cells import Refused, microseconds, needed, quantity, whole, word


@pytest.mark.parametrize(
    ("text", "value", "unit"),
    [
        ("12.5", 12.5, None),
        (" 12.5 ", 12.5, None),
        ("1,234.5", 1234.5, None),
        ("1,234,567", 1234567, None),
        ("1 234.5", 1234.5, None),
        ("1\u202f234.5", 1234.5, None),
        ("1_234.5", 1234.5, None),
        ("1'234'567.5", 1234567.5, None),
        ("1e3", 1000, None),
        (".5", 0.5, None),
        ("12.5us", 12.5, "us"),
        ("12.5 µs", 12.5, "us"),
        ("12.5 \u03bcs", 12.5, "us"),
        ("1,234.5 ms", 1234.5, "ms"),
        ("0.25 MS", 0.25, "ms"),
        ("168.9 tok/s", 168.9, "tok/s"),
        ("-5", -5, None),
        ("\u22125", -5, None),
    ],
)
def test_numbers_with_separators_and_units_are_read(text: str, value: float, unit: str | None) -> None:
    assert quantity(text, "latency") == (value, unit)


NO_NUMBERS = [
    "",
    "fast",
    "1,23",
    "12,34.5",
    "1.2.3",
    "1..2",
    "0x10",
    "12.5 us us",
    "--5",
    "9" * 61,
    "=1+1",
    "e5",
    "·",
]


@pytest.mark.parametrize("text", NO_NUMBERS)
def test_what_is_no_number_is_refused(text: str) -> None:
    with pytest.raises(Refused, match="is not a number"):
        quantity(text, "latency")


@pytest.mark.parametrize("text", ["nan", "NaN", "inf", "-inf", "Infinity", "1e400", "-1e999"])
def test_what_is_not_finite_is_refused(text: str) -> None:
    with pytest.raises(Refused, match="is not finite"):
        quantity(text, "latency")


@pytest.mark.parametrize(
    ("text", "unit", "us"), [("1.5", "us", 1.5), ("1.5", "ms", 1500), ("1500", "ns", 1.5), ("2", "s", 2e6),
                             ("1.5 ms", "ms", 1500), ("1.5 ms", None, 1500)]
)  # fmt: skip
def test_a_latency_is_microseconds_whatever_its_unit(text: str, unit: str | None, us: float) -> None:
    assert microseconds(text, "latency", unit) == pytest.approx(us)


@pytest.mark.parametrize(
    ("text", "unit", "why"),
    [
        ("12 ms", "us", "has another unit than its column, us"),
        ("12", None, "has no unit of time"),
        ("12 tok/s", None, "has no unit of time"),
        ("0", "us", "is not above 0"),
        ("-3", "us", "is not above 0"),
        ("1e-9", "us", "is no latency of a kernel"),
        ("1e300", "us", "is no latency of a kernel"),
        ("1e14", "us", "is no latency of a kernel"),
        (" ", "us", "is empty"),
        (None, "us", "is empty"),
    ],
)
def test_what_no_kernel_takes_is_refused(text: str | None, unit: str | None, why: str) -> None:
    with pytest.raises(Refused, match=why):
        microseconds(text, "latency", unit)


@pytest.mark.parametrize("text", ["=cmd|' /C calc'!A0", "+1", "-x", "@SUM(A1)", " =1"])
def test_a_formula_is_no_text(text: str) -> None:
    with pytest.raises(Refused, match="starts like a formula"):
        word(text, "toolchain")


@pytest.mark.parametrize("text", ["a<b>", "a\nb", "a\u202eb", "x" * 201, "a\x1bb", "a\u2028b"])
def test_text_that_would_act_or_not_print_is_refused(text: str) -> None:
    with pytest.raises(Refused, match="is not a line of plain text"):
        word(text, "toolchain")


def test_an_empty_cell_is_none_and_a_needed_one_is_refused() -> None:
    assert (word("  ", "x"), word(None, "x"), word(" a b ", "x")) == (None, None, "a b")
    with pytest.raises(Refused, match="is empty"):
        needed(" ", "x")


def test_a_count_is_a_whole_number_of_one_or_more() -> None:
    assert (whole("", "x", 7), whole("1,024", "x", 1), whole("16.0", "x", 1)) == (7, 1024, 16)
    for text in ("0", "-1", "1.5", "1e30", "3 ms"):
        with pytest.raises(Refused, match="is not a whole number of 1 or more"):
            whole(text, "x", 1)
