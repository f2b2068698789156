"""How steady a step is: where the times of all steps of a run lie, as shares of their median."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from generator.charts.svg import Figure
from generator.formats import number, percent, plural, whole
from generator.measured import QUANTILES_PERCENT, Decoding
from generator.tables import Board

MOST_ROWS = 8
KEY = "Line: 1 to 99 %. Grey band: 5 to 95 %. Filled: the middle half. Upright: the median; below, its 95 % interval."


def steady_figure(board: Board, rows: Iterable[Any]) -> Figure | None:
    """The first measured rows of ``rows``, in their order; None where there are none."""
    timed = _timed(board, rows)[:MOST_ROWS]
    if not timed:
        return None
    return Figure(
        id=f"steady-{timed[0][0].model}",
        title="Times of single steps",
        caption=_caption([(row, _relative(row, decoding)) for row, decoding in timed]),
        columns=(
            "Device",
            "Median, ms",
            "95 % interval, ms",
            "5 to 95 %, ms",
            "1 to 99 %, ms",
            "Longest, ms",
            "Steps",
        ),
        table=tuple(_table_row(row, decoding) for row, decoding in timed),
        data={"bars": [_bar(row, decoding) for row, decoding in timed]},
        draw=_draw,
    )


def _timed(board: Board, rows: Iterable[Any]) -> list[tuple[Any, Decoding]]:
    """The first current row of each device and storage type that has samples."""
    found: dict[tuple[str, str], tuple[Any, Decoding]] = {}
    for row in rows:
        measured = board.data.runs[row.run].measured
        if measured and measured.decoding and not row.retracted and row.superseded_by is None:
            found.setdefault((row.device, row.dtype), (row, measured.decoding))
    return list(found.values())


def _relative(row: Any, decoding: Decoding) -> dict[int, float]:
    """Each quantile as a percentage of the median."""
    of_median = 100 / row.tpot_ns
    return {at: ns * of_median for at, ns in zip(QUANTILES_PERCENT, decoding.quantiles_ns, strict=True)}


def _name(row: Any) -> str:
    return f"{row.device_name}, {row.dtype}"


def _bar(row: Any, decoding: Decoding) -> dict[str, Any]:
    relative = _relative(row, decoding)
    name, median = _name(row), f"{number(row.tpot_ms)} ms"
    what = plural(int(row.samples), "step" if decoding.per_step else "repetition's mean step")
    tip = (
        f"{name}: median {median} of {what}; half of them between {_ms(decoding, 25)} and {_ms(decoding, 75)} ms, "
        f"one in a hundred above {_ms(decoding, 99)} ms"
    )
    value = f"{median}, p99 {_signed(relative[99] - 100)}"
    interval = {"low": 100 * row.tpot_low_ns / row.tpot_ns, "high": 100 * row.tpot_high_ns / row.tpot_ns}
    spread = {f"p{at}": relative[at] for at in (1, 5, 25, 75, 95, 99)}
    return {"row": row.run, "name": name, "value": value, "tip": tip, "median": 100.0} | interval | spread


def _ms(decoding: Decoding, at: int) -> str:
    return number(decoding.quantiles_ns[QUANTILES_PERCENT.index(at)] / 1e6)


def _signed(share: float) -> str:
    return f"{'+' if share >= 0 else ''}{percent(share)}"


def _table_row(row: Any, decoding: Decoding) -> tuple[str, ...]:
    interval = f"{number(row.tpot_low_ns / 1e6)} to {number(row.tpot_high_ns / 1e6)}"
    spans = [f"{_ms(decoding, low)} to {_ms(decoding, high)}" for low, high in ((5, 95), (1, 99))]
    return (_name(row), number(row.tpot_ms), interval, *spans, _ms(decoding, 100), str(int(row.samples)))


def _caption(timed: list[tuple[Any, dict[int, float]]]) -> str:
    steadiest, *others = sorted(timed, key=lambda entry: entry[1][95] - entry[1][5])
    row, relative = steadiest
    said = f"Nine of ten steps of {_name(row)} take {_span(relative)} of its median"
    if others:
        row, relative = others[-1]
        said = f"{said}, the steadiest; those of {_name(row)} {_span(relative)}, the least steady."
    else:
        said = f"{said}, and one in a hundred {percent(relative[99])} or more."
    return f"{said} {KEY}"


def _span(relative: dict[int, float]) -> str:
    return f"{whole(relative[5])} to {whole(relative[95])} %"


def _draw(data: dict[str, Any]) -> Any:
    import altair as alt  # noqa: PLC0415 - only a new picture needs it

    from generator.charts import style  # noqa: PLC0415

    frame = style.rows(data["bars"])
    row = style.bar_row("row", [bar["row"] for bar in data["bars"]])
    scale = alt.Scale(zero=False, nice=False, padding=6)
    bands = (("p1", "p99", 3, style.MUTED), ("p5", "p95", 9, style.MUTED), ("p25", "p75", 15, style.FILL))
    layers = [
        alt.Chart(frame)
        .mark_bar(size=size, color=colour)
        .encode(
            x=alt.X(f"{low}:Q", title="% of the median step", scale=scale),
            x2=f"{high}:Q",
            y=row,
            **({"description": style.tip()} if low == "p1" else {}),
        )
        for low, high, size, colour in bands
    ]
    whisker = alt.Chart(frame).mark_bar(size=3, color=style.INK, yOffset=14)
    tick = alt.Chart(frame).mark_tick(size=22, thickness=2, color=style.INK)
    layers += [
        whisker.encode(x=alt.X("low:Q", scale=scale), x2="high:Q", y=row),
        tick.encode(x="median:Q", y=row),
        *style.labels(frame, row),
    ]
    return style.finish(layers, len(data["bars"]))
