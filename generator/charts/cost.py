"""Tokens for a dollar: the best row of each device that has a list price."""

from __future__ import annotations

from typing import Any

import pandas as pd

from generator.charts.bars import draw_bars
from generator.charts.svg import Figure
from generator.formats import number, times
from generator.tables import Board, rows_of
from schemas.records import Price

MOST_ROWS = 12
SECONDS_PER_HOUR = 3600
Priced = tuple[Any, Price, float]


def cost_figure(board: Board, rows: pd.DataFrame, model_name: str) -> Figure | None:
    """Devices with a price and a ranked row of one model, the most tokens for a dollar first; None without any."""
    priced = sorted(_priced(board, rows), key=lambda entry: -entry[2])[:MOST_ROWS]
    if not priced:
        return None
    return Figure(
        id=f"cost-{priced[0][0].model}",
        title=f"Tokens for a dollar, {model_name}, batch 1",
        caption=_caption(priced),
        columns=("Device", "Tokens for a dollar", "tok/s", "USD an hour", "Price of", "Read on", "Source"),
        table=tuple(_table_row(*entry) for entry in priced),
        data={"axis": "tokens for a dollar", "bars": [_bar(*entry) for entry in priced]},
        draw=draw_bars,
    )


def _priced(board: Board, rows: pd.DataFrame) -> list[Priced]:
    """The best ranked row of each device with a price, and how many tokens a dollar buys there."""
    found = []
    for row in rows_of(rows[rows["ranked"]].drop_duplicates("device")):
        price = board.data.devices[row.device].price
        if price:
            found.append((row, price, row.tok_per_s * SECONDS_PER_HOUR / price.usd_per_hour))
    return found


def _bar(row: Any, price: Price, tokens: float) -> dict[str, Any]:
    name, value = f"{row.device_name}, {row.dtype}", f"{number(tokens, 3)} for a dollar"
    tip = f"{name}: {value}, at {number(row.tok_per_s)} tok/s and {number(price.usd_per_hour)} USD an hour"
    return {"row": row.run, "name": name, "value": value, "amount": tokens, "tip": f"{tip} ({price.what})"}


def _table_row(row: Any, price: Price, tokens: float) -> tuple[str, ...]:
    figures = number(tokens, 3), number(row.tok_per_s), number(price.usd_per_hour)
    return (row.device_name, *figures, price.what, price.date, price.source.title)


def _caption(priced: list[Priced]) -> str:
    (first, _, most), (last, _, least) = priced[0], priced[-1]
    dates = sorted({price.date for _, price, _ in priced})
    read = f"on {dates[0]}" if len(dates) == 1 else f"between {dates[0]} and {dates[-1]}"
    said = f"A dollar buys {number(most, 3)} tokens of one stream on {first.device_name}"
    if len(priced) > 1:
        said += f", {times(most / least)} as many as on {last.device_name} ({number(least, 3)})"
    return (
        f"{said}. List prices of whole machines, read {read}. "
        "A machine that serves many streams at once gives more for a dollar."
    )
