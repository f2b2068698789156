"""A device's measured rows over time: did it become faster or slower, and is a change more than noise?

Not drawn by Altair: every device may have such a picture, and at 60 to 100 ms each they would take longer than
everything else in a build. The look is that of :mod:`generator.charts.style`, written by hand.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from html import escape
from typing import Any

import pandas as pd

from generator.formats import number, percent, plural
from generator.tables import rows_of
from schemas.standing import REPRODUCED_WITHIN_PERCENT, agree

MOST_POINTS, MOST_SERIES, MOST_TOLD = 60, 4, 20
WIDTH, HEIGHT = 620, 240
LEFT, RIGHT, TOP, BOTTOM = 46, 14, 26, 26
DASHES = ("", "6 3", "2 3", "9 3 2 3")
FONT = 'font-family="system-ui, sans-serif" font-size="12"'


@dataclass(frozen=True, slots=True)
class Point:
    """A measured row in its series; ``change_percent`` is its tok/s over the row before, less one."""

    row: Any
    at: float
    change_percent: float | None

    @property
    def flagged(self) -> bool:
        """Whether it lies further from the row before than two rows may that reproduce each other."""
        return not agree(1, 1 + (self.change_percent or 0) / 100)

    @property
    def change(self) -> str:
        """The change with its sign."""
        change = self.change_percent
        return number(None) if change is None else f"{'+' if change > 0 else ''}{percent(change)}"


@dataclass(frozen=True, slots=True)
class History:
    """What a figure's fragment needs, its picture drawn already."""

    id: str
    title: str
    caption: str
    columns: tuple[str, ...]
    table: tuple[tuple[str, ...], ...]
    svg: str


def device_history(device: str, device_name: str, rows: pd.DataFrame) -> History | None:
    """The measured decode rows of a device; None unless one series has two of them.

    A series is what compares: a model, a storage type, a depth and a stack. Rows that were withdrawn, that were
    quick or that fail their check are left out; superseded ones are what a history is made of.
    """
    series = _series(rows)
    if not series:
        return None
    shown = {name: points[-MOST_POINTS // len(series) :] for name, points in series.items()}
    title, caption = f"Measured rows of {device_name} over time", _caption(shown)
    told = sorted(
        ((p.at, name, p) for name, points in shown.items() for p in points), key=lambda one: one[:2]
    )
    return History(
        id=f"history-{device}",
        title=title,
        caption=caption,
        columns=("Measured", "Series", "tok/s", "95 % interval", "Against the row before"),
        table=tuple(_table_row(name, point) for _, name, point in told[: -MOST_TOLD - 1 : -1]),
        svg=_svg(shown, f"{title}. {caption}"),
    )


def _series(rows: pd.DataFrame) -> dict[str, list[Point]]:
    """The series of two rows and more with the latest rows, by name, each in the order of time."""
    groups: dict[tuple[Any, ...], list[Any]] = defaultdict(list)
    for row in rows_of(rows):  # a mask over a frame of few rows would take longer
        measured = row.provenance == "measured" and row.numerics_ok is not False
        if measured and not row.retracted and not row.quick:
            groups[(row.dtype, row.stack, row.depth_tokens, row.model)].append(row)
    long = [group for group in groups.items() if len(group[1]) > 1]
    long.sort(key=lambda group: max(row.measured_at for row in group[1]), reverse=True)
    tells = [len({key[at] for key, _ in long}) > 1 for at in range(4)]
    return {_name(key, tells): list(_points(group)) for key, group in long[:MOST_SERIES]}


def _name(key: tuple[Any, ...], tells: list[bool]) -> str:
    """The storage type, the stack, and what else sets a series apart."""
    dtype, stack, depth, model = key
    more = [f"{number(depth)} tokens deep"] if tells[2] else []
    return ", ".join([dtype, stack, *more, *([model] if tells[3] else [])])


def _points(rows: list[Any]) -> Iterator[Point]:
    before = None
    for row in sorted(rows, key=lambda row: (row.measured_at, row.run)):
        change = None if before is None else 100 * (row.tok_per_s / before.tok_per_s - 1)
        yield Point(row, datetime.fromisoformat(row.measured_at).timestamp(), change)
        before = row


def _caption(series: dict[str, list[Point]]) -> str:
    points = [
        (name, point) for name, own in series.items() for point in own if point.change_percent is not None
    ]
    flagged = [(point.at, name, point) for name, point in points if point.flagged]
    bound = f"{REPRODUCED_WITHIN_PERCENT:g} %"
    if not flagged:
        if len(points) == 1:
            return f"The two rows lie within {bound} of each other."
        return f"All {len(points)} rows with one before them in their series lie within {bound} of it."
    _, name, latest = max(flagged, key=lambda one: one[:2])
    are = "lies" if len(flagged) == 1 else "lie"
    return (
        f"{len(flagged)} of {plural(len(points), 'row')} with one before them in their series {are} more than "
        f"{bound} from it (diamonds); the latest on {latest.row.measured_at[:10]}: {name}, {latest.change}. "
        "Whiskers: 95 % interval."
    )


def _table_row(name: str, point: Point) -> tuple[str, ...]:
    row = point.row
    interval = f"{number(row.tok_per_s_low)} to {number(row.tok_per_s_high)}"
    change = f"{point.change}{', a change' if point.flagged else ''}"
    return (row.measured_at.replace("T", " ").replace("Z", ""), name, number(row.tok_per_s), interval, change)


@dataclass(frozen=True, slots=True)
class _Scale:
    """Values to pixels, over a range of some width."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        return round(self.start + (value - self.low) / (self.high - self.low) * (self.end - self.start), 1)


def _svg(series: dict[str, list[Point]], label: str) -> str:
    points = [point for own in series.values() for point in own]
    first, last = min(point.at for point in points), max(point.at for point in points)
    low, high = min(p.row.tok_per_s_low for p in points), max(p.row.tok_per_s_high for p in points)
    x = _Scale(first, max(last, first + 1), LEFT + 14, WIDTH - RIGHT - 14)
    air = max(0.12 * (high - low), 0.01 * high)
    y = _Scale(low - air, high + air, HEIGHT - BOTTOM, TOP)
    parts = [*_axes(y, points, x)]
    for at, (name, own) in enumerate(series.items()):
        parts += _line(name, own, at, x, y)
    box = f'width="{WIDTH}" height="{HEIGHT}" viewBox="0 0 {WIDTH} {HEIGHT}"'
    said = f'role="img" aria-label="{escape(label)}"'
    return f'<svg {said} xmlns="http://www.w3.org/2000/svg" {box} {FONT}>{"".join(parts)}</svg>'


def _axes(y: _Scale, points: Iterable[Point], x: _Scale) -> Iterator[str]:
    for share in (0.1, 0.5, 0.9):
        value = y.low + share * (y.high - y.low)
        yield f'<path d="M{LEFT} {y(value)}H{WIDTH - RIGHT}" stroke="var(--board-line)"/>'
        yield _text(number(value, 3), LEFT - 6, y(value) + 4)
    yield _text("tok/s", 0, 12, "start")
    days = sorted({(point.at, point.row.measured_at[:10]) for point in points})
    ends = {days[0], days[-1]} if days[0][1] != days[-1][1] else {days[0]}
    for at, day in sorted(ends):
        anchor = "start" if at == days[0][0] else "end"
        yield _text(day, x(at), HEIGHT - 6, anchor)


def _text(said: str, x: float, y: float, anchor: str = "end", colour: str = "muted") -> str:
    return (
        f'<text x="{x:g}" y="{y:g}" text-anchor="{anchor}" fill="var(--board-{colour})">{escape(said)}</text>'
    )


def _line(name: str, points: list[Point], at: int, x: _Scale, y: _Scale) -> Iterator[str]:
    colour = "var(--board-accent)" if at == 0 else "var(--board-muted)"
    path = "L".join(f"{x(p.at)} {y(p.row.tok_per_s)}" for p in points)
    whiskers = "".join(f"M{x(p.at)} {y(p.row.tok_per_s_low)}V{y(p.row.tok_per_s_high)}" for p in points)
    yield f'<path d="{whiskers}" stroke="var(--board-ink)" fill="none"/>'
    yield f'<path d="M{path}" stroke="{colour}" stroke-width="2" stroke-dasharray="{DASHES[at]}" fill="none"/>'
    for point in points:
        yield _mark(name, point, x(point.at), y(point.row.tok_per_s), colour)
    yield _text(name, WIDTH - RIGHT, y(points[-1].row.tok_per_s) - 10, colour="ink")


def _mark(name: str, point: Point, x: float, y: float, colour: str) -> str:
    row = point.row
    change = f", {point.change} against the row before" if point.change_percent is not None else ""
    by = f", by {row.submitter}" if row.submitter else ""
    tip = escape(f"{row.measured_at[:10]}: {number(row.tok_per_s)} tok/s{change}; {name}{by}")
    if point.flagged:
        diamond = f"M{x} {y - 7:g}l7 7l-7 7l-7-7z"
        return f'<path data-tip="{tip}" d="{diamond}" fill="var(--board-warn)"/>'
    return f'<circle data-tip="{tip}" cx="{x}" cy="{y}" r="4" fill="{colour}"/>'
