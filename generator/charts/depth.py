"""tok/s over the tokens in the cache: how a device slows down as the context grows, and how its roofline does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd

from generator.charts.svg import Figure
from generator.formats import listed, number, percent
from generator.tables import Board, rows_of
from schemas.metrics import roofline_tok_per_s
from schemas.records import Model

MOST_SERIES = 5
ROOFLINE_POINTS = 12
SAME = ["device", "dtype", "stack", "provenance", "source_url"]
DASHES = ([1, 0], [6, 3], [2, 2], [8, 3, 2, 3], [12, 4])


@dataclass(frozen=True, slots=True)
class Series:
    """Rows of one device, storage type, stack and source, the shallowest first."""

    name: str
    rows: tuple[Any, ...]

    @property
    def kept_percent(self) -> float:
        """Its tok/s at the deepest row, as a share of that at the shallowest."""
        return 100 * float(self.rows[-1].tok_per_s / self.rows[0].tok_per_s)


def depth_figure(board: Board, rows: pd.DataFrame, model: Model) -> Figure | None:
    """Contenders at two depths or more, the fastest first; None where no device has two depths on file."""
    found = _series(rows)[:MOST_SERIES]
    if not found:
        return None
    lines = [_line(series, at) for at, series in enumerate(found)]
    roofs = [_roof(board, model, series) for series in found]
    return Figure(
        id=f"depth-{model.id}",
        title=f"Decode throughput over the context's depth, {model.name}",
        caption=_caption(found, any(roofs)),
        columns=("Series", "Depth, tokens", "tok/s", "95 % interval", "Roofline tok/s"),
        table=tuple(_table_row(series, row) for series in found for row in series.rows),
        data={"lines": lines, "roofs": [roof for roof in roofs if roof]},
        draw=_draw,
    )


def _series(rows: pd.DataFrame) -> list[Series]:
    told = rows["depth_tokens"].notna() & (rows["role"] == "contender") & rows["superseded_by"].isna()
    sound = told & ~(rows["retracted"] | rows["quick"]).astype(bool) & (rows["numerics_ok"] != False)  # noqa: E712
    groups = rows[sound].groupby(SAME, sort=False, dropna=False)
    deeper = rows[sound][groups["depth_tokens"].transform("nunique") > 1]
    found = []
    for (_, dtype, stack, _, _), group in deeper.groupby(SAME, sort=False, dropna=False):
        best = group.drop_duplicates("depth_tokens").sort_values("depth_tokens")  # rows come fastest first
        found.append(Series(f"{group['device_name'].iloc[0]}, {dtype}, {stack}", tuple(rows_of(best))))
    return found


def _line(series: Series, at: int) -> dict[str, Any]:
    points = [
        {"x": int(row.depth_tokens), "y": row.tok_per_s, "low": row.tok_per_s_low, "high": row.tok_per_s_high,
         "tip": f"{series.name}: {number(row.tok_per_s)} tok/s at {number(row.depth_tokens)} tokens"}
        for row in series.rows
    ]  # fmt: skip
    return {"name": series.name, "dash": DASHES[at], "points": points}


def _roof(board: Board, model: Model, series: Series) -> list[dict[str, float]]:
    """The roofline of a series' device, from its shallowest to its deepest row; empty where none is known."""
    first, last = series.rows[0], series.rows[-1]
    peak = board.data.devices[first.device].peak_bandwidth
    if peak is None:
        return []
    apart = (last.depth_tokens - first.depth_tokens) / (ROOFLINE_POINTS - 1)
    depths = [first.depth_tokens + apart * at for at in range(ROOFLINE_POINTS)]
    ran_on = first.bytes_per_token - model.bytes_per_token(
        first.dtype, first.depth_tokens
    )  # steps deepen the cache
    needed = [model.bytes_per_token(first.dtype, depth) + ran_on for depth in depths]
    return [
        {"x": depth, "y": roofline_tok_per_s(read, peak.gb_per_s)}
        for depth, read in zip(depths, needed, strict=True)
    ]


def _table_row(series: Series, row: Any) -> tuple[str, ...]:
    interval = f"{number(row.tok_per_s_low)} to {number(row.tok_per_s_high)}"
    told = interval if row.provenance == "measured" else number(None)
    return (
        series.name,
        number(row.depth_tokens),
        number(row.tok_per_s),
        told,
        number(row.roofline_tok_per_s),
    )


def _caption(found: list[Series], roofs: bool) -> str:
    spans = [f"{number(one.rows[0].depth_tokens)} to {number(one.rows[-1].depth_tokens)}" for one in found]
    kept = [
        f"{series.name} keeps {percent(series.kept_percent)} of its tok/s from {span} tokens"
        for series, span in zip(found, spans, strict=True)
    ]
    return f"{listed(kept)}." + (" Thin lines: the rooflines of the devices." if roofs else "")


def _draw(data: dict[str, Any]) -> Any:
    import altair as alt  # noqa: PLC0415 - only a new picture needs it

    from generator.charts import style  # noqa: PLC0415

    across = alt.X("x:Q", title="tokens in the cache", scale=alt.Scale(zero=False, padding=12))
    up = alt.Y("y:Q", title="tok/s", scale=alt.Scale(zero=True))
    layers = []
    for roof in data["roofs"]:
        thin = alt.Chart(style.rows(roof)).mark_line(color=style.MUTED, strokeWidth=1)
        layers.append(thin.encode(x=across, y=up))
    for line in data["lines"]:
        frame = style.rows(line["points"])
        whisker = (
            alt.Chart(frame)
            .mark_rule(color=style.INK)
            .encode(x=across, y=alt.Y("low:Q", title="tok/s"), y2="high:Q")
        )
        drawn = alt.Chart(frame).mark_line(color=style.FILL, strokeWidth=2, strokeDash=line["dash"])
        dots = alt.Chart(frame).mark_circle(color=style.FILL, size=60, opacity=1)
        end = style.rows([{**line["points"][-1], "name": line["name"]}])
        name = alt.Chart(end).mark_text(align="right", dy=-10, fontSize=12, color=style.INK)
        layers += [
            whisker,
            drawn.encode(x=across, y=up),
            dots.encode(x=across, y=up, description=style.tip()),
            name.encode(x=across, y=up, text="name:N"),
        ]
    return style.finish(layers, 6)
