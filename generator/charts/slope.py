"""How devices stand per kernel, on the left, and on decode, on the right: who loses what on the way."""

from __future__ import annotations

from typing import Any

from generator.charts.svg import Figure
from generator.findings import KernelAgainstDecode
from generator.formats import number, plural

MOST_DEVICES = 12
CLEAR_DROP = 0.1
LEFT, RIGHT = 205, 415  # where the lines start and end; the names stand outside


def slope_figure(entries: list[KernelAgainstDecode], model: str) -> Figure | None:
    """Devices with both figures, in the order of decode; None where there are fewer than two."""
    if len(entries) < 2:
        return None
    by_kernels = sorted(entries, key=lambda entry: (-entry.kernel_standing, entry.decode_place))
    places = {entry.device: _place(by_kernels, entry) for entry in entries}
    shown = sorted(entries, key=lambda entry: entry.decode_place)[:MOST_DEVICES]
    kept = {entry.device for entry in shown}
    left = [entry.device for entry in by_kernels if entry.device in kept]
    loser = entries[0] if entries[0].drop > CLEAR_DROP else None
    return Figure(
        id=f"slope-{model}",
        title="Place per kernel against place on decode",
        caption=_caption(entries, places, loser),
        columns=("Device", "Place per kernel", "Place on decode", "Decode tok/s"),
        table=tuple(
            (entry.device_name, str(places[entry.device]), str(entry.decode_place), number(entry.tok_per_s))
            for entry in shown
        ),
        data={
            "lines": [
                _line(entry, places[entry.device], left.index(entry.device), at, loser)
                for at, entry in enumerate(shown)
            ]
        },
        draw=_draw,
    )


def _place(by_kernels: list[KernelAgainstDecode], entry: KernelAgainstDecode) -> int:
    """Its place by kernel standing; devices of the same standing share the better one."""
    return 1 + sum(other.kernel_standing > entry.kernel_standing for other in by_kernels)


def _line(
    entry: KernelAgainstDecode, place: int, left: int, right: int, loser: KernelAgainstDecode | None
) -> dict[str, Any]:
    rate = f"{number(entry.tok_per_s)} tok/s"
    tip = (
        f"{entry.device_name}: number {place} per kernel (first in {entry.wins} of "
        f"{plural(entry.contests, 'contest')}), number {entry.decode_place} on decode at {rate}"
    )
    names = {
        "before": f"{place}. {entry.device_name}",
        "after": f"{entry.decode_place}. {entry.device_name}",
    }
    return {"row": entry.device, "left": left, "right": right, "marked": entry is loser, "tip": tip, **names}


def _caption(
    entries: list[KernelAgainstDecode], places: dict[str, int], loser: KernelAgainstDecode | None
) -> str:
    count = len(entries)
    if loser is None:
        return f"Of {count} devices with both figures, none stands clearly better per kernel than on decode."
    after = "last" if loser.decode_place == count else f"number {loser.decode_place}"
    place = places[loser.device]
    before = "first" if place == 1 else f"number {place}"
    return (
        f"{loser.device_name} stands {before} per kernel and {after} on decode, of {count} devices with both figures. "
        "Left: place by kernel standing. Right: place on decode."
    )


def _draw(data: dict[str, Any]) -> Any:
    import altair as alt  # noqa: PLC0415 - only a new picture needs it

    from generator.charts import style  # noqa: PLC0415

    lines = data["lines"]
    ends = [
        {**line, "x": x, "y": line[side], "text": line[name], "side": side}
        for line in lines
        for side, x, name in (("left", LEFT, "before"), ("right", RIGHT, "after"))
    ]
    frame = style.rows(ends)
    across = alt.X("x:Q", axis=None, scale=alt.Scale(domain=[0, style.WIDTH], nice=False))
    down = alt.Y("y:Q", axis=None, scale=alt.Scale(domain=[len(lines) - 0.5, -1.5], nice=False))
    layers = []
    for marked, colour, width in ((False, style.MUTED, 1.5), (True, style.FILL, 3)):
        chart = alt.Chart(frame).transform_filter(f"datum.marked === {str(marked).lower()}")
        rule = chart.mark_line(color=colour, strokeWidth=width)
        dot = chart.mark_circle(color=colour, size=70, opacity=1)
        layers += [
            rule.encode(x=across, y=down, detail="row:N"),
            dot.encode(x=across, y=down, description=style.tip()),
        ]
    heads = [
        {"x": LEFT, "y": -1, "text": "Per kernel", "side": "left"},
        {"x": RIGHT, "y": -1, "text": "On decode", "side": "right"},
    ]
    for texts, colour in ((frame, style.INK), (style.rows(heads), style.MUTED)):
        left = alt.Chart(texts).transform_filter("datum.side === 'left'")
        right = alt.Chart(texts).transform_filter("datum.side === 'right'")
        for side in (
            left.mark_text(align="right", dx=-12, limit=LEFT - 12, fontSize=13, color=colour),
            right.mark_text(align="left", dx=12, limit=LEFT - 12, fontSize=13, color=colour),
        ):
            layers.append(side.encode(x=across, y=down, text="text:N"))
    return style.finish(layers, len(lines) + 1, step=34)
