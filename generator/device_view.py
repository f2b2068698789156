"""A device's page: its rows, its best kernels and its steps. What one run tells stands on the row's card."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from generator.findings import reconciliations
from generator.reproduction_view import ReproductionView
from generator.tables import Board, rows_of
from generator.views import MOST_DECODE_ROWS, current_first, other_mbu
from schemas.metrics import roofline_tok_per_s
from schemas.records import Device, Dtype

MOST_STEPS_OF_A_DEVICE = 2


@dataclass(frozen=True)
class DeviceView:
    """Everything about one device."""

    board: Board
    device: Device

    @cached_property
    def decode(self) -> pd.DataFrame:
        """Its decode rows, fastest first."""
        return self.board.decode_of(self.device.id)

    @cached_property
    def best(self) -> Any | None:
        """Its best ranked decode row."""
        return next(rows_of(self.decode[self.decode["ranked"]].head(1)), None)

    @cached_property
    def kernels(self) -> pd.DataFrame:
        """Its kernel rows."""
        return self.board.kernels_of(self.device.id)

    @cached_property
    def best_kernels(self) -> list[Any]:
        """Its best row of each kernel, shape and storage type, in the order of the leaderboard."""
        ranked_first = np.argsort(~self.kernels["ranked"].to_numpy(dtype=bool), kind="stable")
        best = self.kernels.iloc[ranked_first].drop_duplicates("contest").sort_index()
        return list(rows_of(best.head(MOST_DECODE_ROWS)))

    @property
    def other_mbu(self) -> dict[str, list[dict[str, float]]]:
        """MBU of its rows against its other bandwidths."""
        return other_mbu(self.board, self.decode)

    @property
    def reference(self) -> Any | None:
        """The row that its rows are divided by."""
        models = self.decode["model"].unique()[:1]
        return self.board.references.get(models[0]) if len(models) else None

    @property
    def roofs(self) -> list[tuple[str, str, float]]:
        """Roofline tok/s of each model at each storage width."""
        peak = self.device.peak_bandwidth
        widths: tuple[tuple[str, Dtype], ...] = (("16-bit weights", "bf16"), ("32-bit weights", "f32"))
        return [
            (model.name, label, roofline_tok_per_s(model.bytes_per_token(dtype), peak.gb_per_s))
            for model in self.board.data.models.values()
            for label, dtype in widths
            if peak
        ]

    @cached_property
    def steps(self) -> list[Any]:
        """Its fastest steps, taken apart: ranked rows before other contenders, and these before baselines."""
        ranked = self.decode["ranked"].to_numpy(bool)
        contenders = (self.decode["role"] == "contender").to_numpy(bool)
        order = np.argsort(np.where(ranked, 0, np.where(contenders, 1, 2)), kind="stable")
        return reconciliations(self.board, self.decode.iloc[order], MOST_STEPS_OF_A_DEVICE)

    @cached_property
    def decode_rows(self) -> list[Any]:
        """Its decode rows as the tables show them: fastest first, withdrawn and superseded ones last."""
        return list(rows_of(current_first(self.decode).head(MOST_DECODE_ROWS)))

    @cached_property
    def reproduction(self) -> ReproductionView:
        """How its rows can be had again."""
        current = [row for row in self.decode_rows if row.superseded_by is None]
        return ReproductionView(self.device, self.board.data.instructions, current)
