"""One decode step taken apart: the time of each kernel a token, and what no kernel accounts for."""

from __future__ import annotations

from typing import Any

from generator.charts.svg import Figure
from generator.findings import Reconciliation, StepPart
from generator.formats import number, percent, whole

REMAINDER = "unexplained remainder"


def step_figure(step: Reconciliation) -> Figure:
    """The kernels of one step, slowest first, and the remainder."""
    bars = [_bar(part) for part in step.parts] + [_remainder(step)]
    return Figure(
        id=f"step-{step.run}",
        title=f"Kernels of one decode step, {step.device_name}, {step.stack}",
        caption=_caption(step),
        columns=(
            "Kernel",
            "Implementation",
            "Calls a token",
            "µs a call",
            "µs a token",
            "Share of the step",
            "GB/s",
        ),
        table=(*(_table_row(part) for part in step.parts), _remainder_row(step)),
        data={"bars": bars},
        draw=_draw,
    )


def _bar(part: StepPart) -> dict[str, Any]:
    value = f"{number(part.token_us)} µs, {percent(part.share_percent)}"
    tip = f"{part.kernel}: {value}; {whole(part.calls)} × {number(part.call_us)} µs, {part.implementation}"
    bar = {"name": part.kernel, "value": value, "us": part.token_us, "row": part.kernel, "known": True}
    return bar | {"tip": tip}


def _remainder(step: Reconciliation) -> dict[str, Any]:
    value = f"{whole(step.remainder_us)} µs, {percent(step.remainder_percent)}"
    bar = {"name": REMAINDER, "value": value, "us": step.remainder_us, "row": REMAINDER, "known": False}
    return bar | {"tip": f"{REMAINDER}: {value}"}


def _caption(step: Reconciliation) -> str:
    said = f"The step takes {whole(step.step_us)} µs; its kernels with a figure add up to {whole(step.sum_us)} µs."
    if step.remainder_us < 0:
        over = f"{whole(-step.remainder_us)} µs ({percent(-step.remainder_percent)})"
        rest = f"The sum exceeds the step by {over}: rounding by the source, or figures that do not fit together."
    else:
        share = percent(step.remainder_percent)
        rest = f"{share} is left unexplained: launches, the host, and kernels without a figure."
    missing = f" Without a figure: {', '.join(step.missing)}." if step.missing else ""
    return f"{said} {rest}{missing}"


def _table_row(part: StepPart) -> tuple[str, ...]:
    rate = number(part.gb_per_s, 3) + (" (above the device's bandwidth)" if part.above_bandwidth else "")
    times = whole(part.calls), number(part.call_us), number(part.token_us), percent(part.share_percent)
    return (part.kernel, part.implementation, *times, rate)


def _remainder_row(step: Reconciliation) -> tuple[str, ...]:
    return (REMAINDER, "–", "–", "–", whole(step.remainder_us), percent(step.remainder_percent), "–")


def _draw(data: dict[str, Any]) -> Any:
    import altair as alt  # noqa: PLC0415 - only a new picture needs it

    from generator.charts import style  # noqa: PLC0415

    frame = style.rows(data["bars"])
    row = style.bar_row("row", [bar["row"] for bar in data["bars"]])
    axis = alt.X("us:Q", title="µs a token")
    known = (
        alt.Chart(frame)
        .transform_filter("datum.known")
        .mark_bar(size=style.BAR, color=style.FILL, cornerRadius=2)
    )
    rest = (
        alt.Chart(frame)
        .transform_filter("!datum.known")
        .mark_bar(size=style.BAR, color=style.FAINT, stroke=style.MUTED, strokeDash=[4, 3], cornerRadius=2)
    )
    bars = [kind.encode(x=axis, y=row, description=style.tip()) for kind in (known, rest)]
    layers = [*bars, *style.labels(frame, row)]
    return style.finish(layers, len(data["bars"]))
