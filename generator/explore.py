"""The chart that readers explore: every decode row, of each only what the chart shows, and how Vega draws it."""

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
_INK, _MUTED, _LINE, _ACCENT = (f"var(--board-{name})" for name in ("ink", "muted", "line", "accent"))
_STANDINGS = ["measured", "reproduced", "reported"]
_QUIET = {"domainColor": _LINE, "tickColor": _LINE, "gridColor": _LINE, "titleFontWeight": "normal"}
SPEC: dict[str, Any] = {
    "width": "container",
    "height": 380,
    "background": "transparent",
    "params": [
        {"name": "kept", "select": {"type": "point", "fields": ["standing"]}, "bind": "legend"},
        {
            "name": "window",
            "bind": "scales",
            "select": {
                "type": "interval",
                "zoom": "wheel![event.ctrlKey || event.metaKey]",
            },  # a page still scrolls
        },
    ],
    "mark": {"type": "point", "aria": False, "filled": True, "size": 80, "cursor": "pointer"},
    "encoding": {
        "x": {"type": "quantitative", "scale": {"nice": False, "padding": 14}},
        "y": {
            "field": "tok_per_s",
            "type": "quantitative",
            "title": "tok/s",
            "scale": {"nice": False, "padding": 14},
        },
        "color": {
            "field": "standing",
            "title": None,
            "scale": {"domain": _STANDINGS, "range": [_ACCENT, _ACCENT, _MUTED]},
        },
        "shape": {
            "field": "standing",
            "scale": {"domain": _STANDINGS, "range": ["circle", "diamond", "triangle-up"]},
        },
        "opacity": {"condition": {"param": "kept", "value": 0.85}, "value": 0.08},
        "tooltip": {"field": "run"},
    },
    "config": {
        "aria": False,
        "font": "system-ui, sans-serif",
        "view": {"stroke": None},
        "axis": {"labelColor": _MUTED, "titleColor": _MUTED, "labelFontSize": 12, "titleFontSize": 12}
        | _QUIET,
        "legend": {"labelColor": _INK, "labelFontSize": 13, "orient": "top", "symbolSize": 90},
    },
}


def explore_files(board: Board) -> Iterator[tuple[str, bytes]]:
    """One script that hands over the rows, column by column, and the Vega-Lite spec; the page's script joins them."""
    rows = board.decode[~board.decode["retracted"].astype(bool)]
    names = {model.id: model.name for model in board.data.models.values()}
    columns = {name: _cells(rows[name]) for name in COLUMNS}
    columns["model"] = [names[name] for name in columns["model"]]
    told = msgspec.json.encode({"columns": columns, "spec": SPEC})
    yield ADDRESS, b'board.take("explore", ' + told + b");\n"


def _cells(column: pd.Series[Any]) -> list[Any]:
    """The cells, None where one is missing; numbers as finely as a picture can show."""
    return [
        None if pd.isna(cell) else float(f"{cell:.{DIGITS}g}") if isinstance(cell, float) else cell
        for cell in column.tolist()
    ]
