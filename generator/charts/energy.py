"""Joules a token of the rows whose device counts its energy."""

from __future__ import annotations

from typing import Any

import pandas as pd

from generator.charts.bars import draw_bars
from generator.charts.svg import Figure
from generator.formats import number, times
from generator.tables import Board, rows_of

MOST_ROWS = 12


def energy_figure(board: Board, rows: pd.DataFrame, model_name: str) -> Figure | None:
    """Each device's thriftiest current row of one model, the thriftiest first; None where nobody counted."""
    thriftiest: dict[str, tuple[Any, float]] = {}
    for row, joules in sorted(_counted(board, rows), key=lambda entry: entry[1]):
        thriftiest.setdefault(row.device, (row, joules))
    best = list(thriftiest.values())[:MOST_ROWS]
    if not best:
        return None
    return Figure(
        id=f"energy-{best[0][0].model}",
        title=f"Energy a token, {model_name}",
        caption=_caption(best),
        columns=("Device", "dtype", "J/token", "tok/s"),
        table=tuple(
            (row.device_name, row.dtype, number(joules, 3), number(row.tok_per_s)) for row, joules in best
        ),
        data={"axis": "J a token", "bars": [_bar(row, joules) for row, joules in best]},
        draw=draw_bars,
    )


def _counted(board: Board, rows: pd.DataFrame) -> list[tuple[Any, float]]:
    """Ranked measured rows that tell their energy."""
    found = []
    for row in rows_of(rows[rows["ranked"] & (rows["provenance"] == "measured")]):
        measured = board.data.runs[row.run].measured
        joules = measured.decoding.joules_per_token if measured and measured.decoding else None
        if joules is not None:
            found.append((row, joules))
    return found


def _bar(row: Any, joules: float) -> dict[str, Any]:
    name, value = f"{row.device_name}, {row.dtype}", f"{number(joules, 3)} J a token"
    tip = f"{name}: {value} at {number(row.tok_per_s)} tok/s"
    return {"row": row.run, "name": name, "value": value, "amount": joules, "tip": tip}


def _caption(best: list[tuple[Any, float]]) -> str:
    (first, least), (last, most) = best[0], best[-1]
    if len(best) == 1:
        return f"{first.device_name} needs {number(least, 3)} J a token, as its own counter tells."
    return (
        f"{first.device_name} needs least energy a token ({number(least, 3)} J), {last.device_name} "
        f"{times(most / least)} as much. Each device's own counter tells, and what it counts differs."
    )
