"""Numbers as people read them. One function a kind, used by pages, charts and tables alike."""

from __future__ import annotations

import math

MISSING = "–"
_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def number(value: float | None, digits: int = 4) -> str:
    """``digits`` significant digits with thousands separators; a dash where there is none."""
    if value is None or math.isnan(value):
        return MISSING
    if value == 0:
        return "0"
    magnitude = math.floor(math.log10(abs(value)))
    rounded = round(value, digits - 1 - magnitude)
    decimals = max(0, digits - 1 - magnitude)
    text = f"{rounded:,.{decimals}f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return text.replace("-", "−")


def one_decimal(value: float | None) -> str:
    """A figure in a column of its kind: always one decimal where it is 1 or more, so that points align."""
    if value is None or math.isnan(value) or abs(round(value, 2)) < 1:
        return number(value, 2)
    return f"{value:,.1f}".replace("-", "−")


def latency(value: float | None) -> str:
    """Microseconds as finely as sources state them: three decimals below 10, two below 100, one above."""
    if value is None or math.isnan(value):
        return MISSING
    text = f"{value:,.{3 if value < 10 else 2 if value < 100 else 1}f}"
    return text.rstrip("0").rstrip(".")


def percent(value: float | None) -> str:
    """A share: one decimal, two significant digits below 1 %."""
    return MISSING if value is None or math.isnan(value) else f"{one_decimal(value)} %"


def error(value: float | None) -> str:
    """A relative error: two significant digits and a power of ten, ``2.3 · 10⁻⁷``."""
    if value is None or math.isnan(value):
        return MISSING
    digits, _, power = f"{value:.1e}".partition("e")
    return f"{digits} · 10{str(int(power)).translate(_RAISED)}" if value else "0"


def times(value: float | None) -> str:
    """A ratio with three significant digits, zeros kept: ``2.47×``, ``44.0×``."""
    if value is None or math.isnan(value):
        return MISSING
    rounded = float(f"{value:.3g}")
    decimals = max(0, 2 - math.floor(math.log10(rounded))) if rounded > 0 else 0
    return f"{rounded:,.{decimals}f}×"


def signed(value: float) -> str:
    """A share of which the sign matters, if it is not nothing once it is rounded."""
    text = f"{value:+.1f}"
    return "0.0" if text[1:] == "0.0" else text.replace("-", "−")


def short(name: str, most: int = 40, leeway: int = 5) -> str:
    """A name that may be too long for a table, cut as Jinja's ``truncate`` cuts."""
    return name if len(name) <= most + leeway else f"{name[: most - 1]}…"


def whole(value: float | None) -> str:
    """A count, or a figure of which the fraction tells nothing."""
    return MISSING if value is None or math.isnan(value) else f"{value:,.0f}".replace("-", "−")


def rank(best: float, worst: float) -> str:
    """A rank, or the ranks between which it lies."""
    if math.isnan(best):
        return MISSING
    return f"{best:.0f}" if best == worst else f"{best:.0f}–{worst:.0f}"


def plural(count: int, one: str, many: str = "") -> str:
    """``1 row``, ``2 rows``."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def listed(names: list[str]) -> str:
    """``a``, ``a and b``, ``a, b and c``."""
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
