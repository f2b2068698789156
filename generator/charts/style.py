"""The one look of all charts: labels above their bars, so that a phone can read them, and no frame."""

from __future__ import annotations

from typing import Any

import altair as alt

from generator.charts.svg import TIP

WIDTH = 620
STEP = 46
BAR = 14
ABOVE_BAR = -17
INK, MUTED = "var(--board-ink)", "var(--board-muted)"
FILL, FAINT, LINE = "var(--board-accent)", "var(--board-faint)", "var(--board-line)"
FONT = "system-ui, sans-serif"


def rows(bars: list[dict[str, Any]]) -> alt.InlineData:
    """The bars of a chart as its data; ``tip`` is what :func:`tip` says of one."""
    return alt.InlineData(values=[bar | {"tip": TIP + bar.get("tip", "")} for bar in bars])


def tip() -> alt.Description:
    """A mark's details on demand: the converter writes them to it, and the page's script shows them."""
    return alt.Description("tip:N")


def bar_row(field: str, order: list[str]) -> alt.Y:
    """Rows from top to bottom in ``order``, without an axis: each bar carries its own label."""
    return alt.Y(f"{field}:N", sort=order, axis=None, scale=alt.Scale(paddingInner=0))


def finish(layers: list[alt.Chart], count: int, step: int = STEP) -> alt.LayerChart:
    """The layers as one chart in the house look, ``count`` bars of ``step`` pixels high."""
    chart = alt.layer(*layers).properties(width=WIDTH, height=count * step, background="transparent")
    axis = {
        "labelColor": MUTED,
        "titleColor": MUTED,
        "gridColor": LINE,
        "labelFontSize": 12,
        "titleFontSize": 12,
    }
    axis |= {"titleFontWeight": "normal", "domain": False, "ticks": False, "tickCount": 6}
    padding = {"top": 4, "left": 2, "right": 10, "bottom": 2}
    styled: alt.LayerChart = chart.configure(font=FONT, view={"stroke": None}, axis=axis, padding=padding)
    return styled


def labels(frame: alt.InlineData, row: alt.Y) -> list[alt.Chart]:
    """Text above each bar: its name on the left, its value on the right."""
    name = alt.Chart(frame).mark_text(align="left", dy=ABOVE_BAR, fontSize=13, fontWeight=600, color=INK)
    value = alt.Chart(frame).mark_text(align="right", dy=ABOVE_BAR, fontSize=13, color=MUTED)
    return [
        name.encode(x=alt.value(0), y=row, text="name:N"),
        value.encode(x=alt.value(WIDTH), y=row, text="value:N"),
    ]
