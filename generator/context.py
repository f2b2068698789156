"""What the templates see: the views of the board, the charts, and the downloads."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from generator.api import SCHEMAS, downloads
from generator.changes import History
from generator.charts.cost import cost_figure
from generator.charts.depth import depth_figure
from generator.charts.energy import energy_figure
from generator.charts.history import device_history
from generator.charts.roofline import roofline_figure
from generator.charts.slope import slope_figure
from generator.charts.steady import steady_figure
from generator.charts.step import step_figure
from generator.charts.svg import Charts
from generator.compare_view import CompareView
from generator.device_view import DeviceView
from generator.highlight import highlighted
from generator.home import first_answers
from generator.leaderboard import Leaderboard
from generator.ledger import LedgerView
from generator.reasons import Peers, reasons
from generator.tables import Board
from generator.views import KernelView, ModelView
from generator.what_if import WhatIfView


def site_context(
    board: Board, cache: Path | None, charts: Charts
) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
    """The names every template sees, and the collections that ``[name]`` pages run over."""
    from generator.submission.rules import RULES  # noqa: PLC0415 - what only validates needs no page of them

    models = [ModelView(board, model) for model in board.data.models.values()]
    kernels = {name: KernelView(board, kernel) for name, kernel in board.data.kernels.items()}
    devices = {name: DeviceView(board, device) for name, device in board.data.devices.items()}
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
        "leaderboard": Leaderboard(board),
        "compare": CompareView(board),
        "what_if": WhatIfView(board),
        "ledger": LedgerView(board),
        "history": History(board),
        "rules": RULES,
        "first_answers": first_answers,
        "why_so_fast": partial(
            _reasons, {view.model.id: Peers.of(view) for view in models if len(view.ranked)}
        ),
        **_figures(board),
        "draw": charts.draw,
        "highlight": lambda text, path: highlighted(text, path, cache),
    }
    return context, {"kernel": kernels, "device": devices}


def _figures(board: Board) -> dict[str, Callable[..., Any]]:
    """What makes each chart."""
    return {
        "roofline_figure": roofline_figure,
        "step_figure": step_figure,
        "steady_figure": partial(steady_figure, board),
        "depth_figure": partial(depth_figure, board),
        "energy_figure": partial(energy_figure, board),
        "cost_figure": partial(cost_figure, board),
        "slope_figure": slope_figure,
        "device_history": device_history,
    }


def _reasons(peers: Mapping[str, Peers], device: DeviceView) -> list[str]:
    return reasons(device, peers[device.best.model]) if device.best else []
