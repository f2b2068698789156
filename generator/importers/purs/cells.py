"""One cell of a stranger's table to a value, or the reason why not."""

from __future__ import annotations

import math
import re
from functools import cache

from schemas.load import schema
from schemas.problems import got

IN_MICROSECONDS = {"ns": 1e-3, "us": 1.0, "ms": 1e3, "s": 1e6}
MOST_MICROSECONDS = 1e13  # a hundred days; what is longer is no kernel
_FORMULA = ("=", "+", "-", "@")
_UNITS = {"µs": "us", "μs": "us", "usec": "us", "nsec": "ns", "msec": "ms", "sec": "s", "tok/s": "tok/s",
          "tokens/s": "tok/s", "gb/s": "gb/s", "gflop/s": "gflop/s", "gflops": "gflop/s"}  # fmt: skip
_SPACES = re.compile(r"(?<=[0-9])[ _'\u00a0\u2009\u202f](?=[0-9]{3}(?![0-9]))")
_QUANTITY = re.compile(
    r"[~≈]?\s*([-+−]?(?:inf(?:inity)?|nan|(?:[0-9]{1,3}(?:,[0-9]{3})+|[0-9]+)?(?:\.[0-9]*)?(?:e[-+]?[0-9]{1,4})?))"
    r"\s*([a-zµμ/]*)",
    re.IGNORECASE,
)


class Refused(Exception):
    """A row that is not understood: ``field`` and ``problem`` say where and why, ``remedy`` what to do."""

    def __init__(self, field: str, problem: str, remedy: str) -> None:
        super().__init__(problem)
        self.field, self.problem, self.remedy = field, problem, remedy


class Dropped(Refused):
    """A row that is understood, and is no measurement."""


@cache
def _line() -> re.Pattern[str]:
    pattern: str = schema("common")["$defs"]["line"]["pattern"]
    return re.compile(pattern.removesuffix("$") + r"\Z")


def word(text: str | None, field: str) -> str | None:
    """A line of plain text, None where the cell is empty; refused where it is a formula or would not print."""
    said = (text or "").strip()
    if said.startswith(_FORMULA):
        raise Refused(field, f"starts like a formula {got(said)}", "write plain text")
    if len(said) > 200 or not _line().match(said):
        raise Refused(
            field, f"is not a line of plain text {got(said)}", "write at most 200 printable characters"
        )
    return said or None


def needed(text: str | None, field: str) -> str:
    """A line of plain text that must be there."""
    said = word(text, field)
    if said is None:
        raise Refused(field, "is empty (got '')", "fill it in")
    return said


def quantity(text: str, field: str) -> tuple[float, str | None]:
    """A number and its unit, where it states one: ``1,234.5 us``; a comma is a thousands separator, never a point."""
    said = text.strip()
    found = _QUANTITY.fullmatch(_SPACES.sub("", said)) if len(said) <= 60 else None
    try:
        value = float(found[1].replace(",", "").replace("−", "-")) if found else math.inf
    except ValueError:
        found, value = None, math.inf
    if not found:
        raise Refused(field, f"is not a number {got(said)}", "write a number with a decimal point")
    if not math.isfinite(value):
        raise Refused(field, f"is not finite {got(said)}", "write a finite number")
    unit = found[2].lower()
    return value, _UNITS.get(unit, unit) or None


def whole(text: str | None, field: str, otherwise: int) -> int:
    """A whole number of 1 or more, ``otherwise`` where the cell is empty."""
    if not (text or "").strip():
        return otherwise
    value, unit = quantity(text or "", field)
    if unit or value != int(value) or not 1 <= value <= 1e9:
        raise Refused(field, f"is not a whole number of 1 or more {got(text)}", "write a count")
    return int(value)


def microseconds(text: str | None, field: str, unit: str | None) -> float:
    """A latency as microseconds; its column or its cell names the unit, and the two may not differ."""
    value, said = quantity(needed_number(text, field), field)
    if unit and said not in {None, unit}:
        raise Refused(
            field, f"has another unit than its column, {unit} {got(text)}", f"write the number in {unit}"
        )
    if (meant := unit or said) not in IN_MICROSECONDS:
        raise Refused(
            field, f"has no unit of time {got(text)}", "name the column latency_us, or write 12.3 us"
        )
    return bounded(value * IN_MICROSECONDS[meant], text, field)


def bounded(us: float, text: str | None, field: str) -> float:
    """A latency that a kernel can have."""
    if us <= 0:
        raise Refused(field, f"is not above 0 {got(text)}", "no kernel takes no time; measure it")
    if not 1e-6 <= us <= MOST_MICROSECONDS:
        raise Refused(field, f"is no latency of a kernel {got(text)}", "check its unit")
    return us


def needed_number(text: str | None, field: str) -> str:
    """The text of a number that must be there."""
    if not (text or "").strip():
        raise Refused(field, "is empty (got '')", "fill it in")
    return text or ""
