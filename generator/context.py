"""What the templates see: the views of the board, the charts, the downloads, and the fastest rows."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

from generator.api import SCHEMAS, downloads
from generator.charts.roofline import roofline_figure
from generator.charts.step import step_figure
from generator.charts.svg import Figure, svg
from generator.device_view import DeviceView
from generator.highlight import highlighted
from generator.ledger import LedgerView
from generator.tables import Board, rows_of
from generator.views import MOST_DECODE_ROWS, KernelView, ModelView

MOST_CONTESTS = 200


def contests(board: Board) -> list[dict[str, Any]]:
    """Every kernel, shape and storage type with a ranked row: its fastest, and by how much."""
    ranked = board.kernels[board.kernels["ranked"]]
    found = []
    for (_, shape, dtype), rows in ranked.groupby(["kernel", "shape_label", "dtype"], sort=False):
        best = next(rows_of(rows))
        others = rows[rows["device"] != best.device]["latency_us"]
        lead = float(others.iloc[0] / best.latency_us) if len(others) else math.nan
        found.append(
            {"row": best, "shape": shape, "dtype": dtype, "devices": rows["device"].nunique(), "lead": lead}
        )
    return found[:MOST_CONTESTS]


def site_context(board: Board, cache: Path | None) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
    """The names every template sees, and the collections that ``[name]`` pages run over."""
    from generator.submission.rules import RULES  # noqa: PLC0415 - what only validates needs no page of them

    models = [ModelView(board, model) for model in board.data.models.values()]
    kernels = {name: KernelView(board, kernel) for name, kernel in board.data.kernels.items()}
    devices = {name: DeviceView(board, device) for name, device in board.data.devices.items()}
    draw: Callable[[Figure], str] = lambda figure: svg(figure, cache)  # noqa: E731
    by_rank = sorted(
        devices.values(), key=lambda view: (view.best is None, view.best.rank if view.best else 0)
    )
    context = {
        "board": board,
        "devices_by_rank": by_rank,
        "downloads": downloads(board),
        "schemas": SCHEMAS,
        "models": [view for view in models if len(view.rows)],
        "kernels": kernels,
        "devices": devices,
        "emitted_kernels": [kernels[name] for name in board.data.emitted.kernels()],
        "contests": contests(board),
        "ledger": LedgerView(board),
        "rules": RULES,
        "roofline_figure": roofline_figure,
        "step_figure": step_figure,
        "draw": draw,
        "highlight": lambda text, path: highlighted(text, path, cache),
        "most_rows": MOST_DECODE_ROWS,
    }
    return context, {"kernel": kernels, "device": devices}
