"""Plain bars: one figure a row, from nothing up."""

from __future__ import annotations

from typing import Any


def draw_bars(data: dict[str, Any]) -> Any:
    """A picture of ``data["bars"]``, each with ``row``, ``name``, ``value`` and ``amount``, along ``data["axis"]``."""
    import altair as alt  # noqa: PLC0415 - only a new picture needs it

    from generator.charts import style  # noqa: PLC0415

    frame = style.rows(data["bars"])
    row = style.bar_row("row", [bar["row"] for bar in data["bars"]])
    bar = alt.Chart(frame).mark_bar(size=style.BAR, color=style.FILL, cornerRadius=2)
    layers = [
        bar.encode(
            x=alt.X("amount:Q", title=data["axis"], axis=alt.Axis(tickCount=4)),
            y=row,
            description=style.tip(),
        ),
        *style.labels(frame, row),
    ]
    return style.finish(layers, len(data["bars"]))
