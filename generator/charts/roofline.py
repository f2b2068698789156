"""tok/s of each row against the roofline of its device: how much of the memory a decode step uses."""

from __future__ import annotations

from typing import Any

import pandas as pd

from generator.charts.svg import Figure
from generator.formats import number, percent
from generator.tables import rows_of

MOST_ROWS = 12


def roofline_figure(rows: pd.DataFrame, model_name: str) -> Figure | None:
    """The fastest ranked rows of one model, or None where there are none."""
    ranked = rows[rows["ranked"]].head(MOST_ROWS)
    if ranked.empty:
        return None
    bars = [_bar(row) for row in rows_of(ranked)]
    return Figure(
        id=f"roofline-{ranked['model'].iloc[0]}",
        title=f"Decode throughput against the roofline, {model_name}",
        caption=_caption(ranked),
        columns=("Device", "tok/s", "Roofline tok/s", "MBU", "Own baseline tok/s"),
        table=tuple(_table_row(row) for row in rows_of(ranked)),
        data={"bars": bars},
        draw=_draw,
    )


def _bar(row: Any) -> dict[str, Any]:
    roof = row.roofline_tok_per_s
    value = f"{number(row.tok_per_s)} tok/s of {number(roof, 3)} ({percent(row.mbu_percent)})"
    baseline = None if pd.isna(row.baseline_tok_per_s) else row.baseline_tok_per_s
    name = f"{row.device_name}, {row.dtype}"
    beside = "" if baseline is None else f"; its own baseline {number(baseline)} tok/s"
    bar = {"row": row.run, "name": name, "value": value, "tip": f"{name}: {value}{beside}"}
    return bar | {"tok_per_s": row.tok_per_s, "roof": roof, "baseline": baseline}


def _caption(ranked: pd.DataFrame) -> str:
    known = ranked.sort_values("mbu_percent")
    low, high = known.iloc[0], known.iloc[-1]
    if len(known) == 1:
        return f"{high.device_name} reaches {percent(high.mbu_percent)} of its roofline."
    return (
        f"{high.device_name} comes closest to its roofline ({percent(high.mbu_percent)}), {low.device_name} stays "
        f"furthest below it ({percent(low.mbu_percent)}). Filled: tok/s. Outlined: what reading the weights alone "
        "would allow. Upright line: the device's own baseline."
    )


def _table_row(row: Any) -> tuple[str, ...]:
    cells = number(row.tok_per_s), number(row.roofline_tok_per_s), percent(row.mbu_percent)
    return (row.device_name, *cells, number(row.baseline_tok_per_s))


def _draw(data: dict[str, Any]) -> Any:
    import altair as alt  # noqa: PLC0415 - only a new picture needs it

    from generator.charts import style  # noqa: PLC0415

    frame = style.rows(data["bars"])
    row = style.bar_row("row", [bar["row"] for bar in data["bars"]])
    axis = alt.X("tok_per_s:Q", title="tok/s")
    chart = alt.Chart(frame)
    roof = chart.mark_bar(
        size=style.BAR, color=style.FAINT, stroke=style.MUTED, strokeWidth=1, cornerRadius=2
    )
    bar = chart.mark_bar(size=style.BAR, color=style.FILL, cornerRadius=2)
    tick = chart.mark_tick(size=style.BAR + 8, thickness=2, color=style.INK)
    layers = [
        roof.encode(x=alt.X("roof:Q", title="tok/s"), y=row, description=style.tip()),
        bar.encode(x=axis, y=row),
        tick.transform_filter("isValid(datum.baseline)").encode(x="baseline:Q", y=row),
        *style.labels(frame, row),
    ]
    return style.finish(layers, len(data["bars"]))
