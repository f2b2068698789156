"""The data of the chart that readers explore: every decode row, and of each only what the chart shows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
import pandas as pd

from generator.tables import Board

ADDRESS = "assets/data/explore.js"
COLUMNS = (
    "run",
    "device_name",
    "model",
    "dtype",
    "stack",
    "standing",
    "role",
    "depth_tokens",
    "tok_per_s",
    "mbu_percent",
    "peak_gb_per_s",
)
DIGITS = 6


def explore_files(board: Board) -> Iterator[tuple[str, bytes]]:
    """One script that hands over the rows, column by column."""
    rows = board.decode[~board.decode["retracted"].astype(bool)]
    names = {model.id: model.name for model in board.data.models.values()}
    columns = {name: _cells(rows[name]) for name in COLUMNS}
    columns["model"] = [names[name] for name in columns["model"]]
    yield ADDRESS, b'board.take("explore", ' + msgspec.json.encode(columns) + b");\n"


def _cells(column: pd.Series[Any]) -> list[Any]:
    """The cells, None where one is missing; numbers as finely as a picture can show."""
    return [
        None if pd.isna(cell) else float(f"{cell:.{DIGITS}g}") if isinstance(cell, float) else cell
        for cell in column.tolist()
    ]
