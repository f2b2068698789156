"""The kernel leaderboard: every kernel row, and of each kernel, shape and storage type the fastest."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pandas as pd

from generator.tables import Board, rows_of

MOST_LEADERS = 40


@dataclass(frozen=True)
class Leaderboard:
    """The rows that the leaderboard shows, in the order of kernels, shapes and latencies."""

    board: Board

    @cached_property
    def rows(self) -> pd.DataFrame:
        """All kernel rows; the fastest of each kernel, shape and storage type have ``lead`` and ``devices``.

        ``lead`` is how much longer the next device takes, and missing where no other device has a ranked row.
        """
        rows = self.board.kernels
        best = rows[rows["ranked"]].drop_duplicates(["contest", "device"])
        places = best.groupby("contest").cumcount()
        second = best[places == 1].set_index("contest")["latency_us"]
        leads = rows["contest"].where(rows["rank"] == 1)
        return rows.assign(
            lead=(leads.map(second) / rows["latency_us"]).astype(float),
            devices=leads.map(best.groupby("contest").size()).astype(float),
        )

    @cached_property
    def leaders(self) -> pd.DataFrame:
        """The fastest ranked row of each kernel, shape and storage type."""
        return self.rows[self.rows["rank"] == 1]

    @property
    def shown(self) -> list[Any]:
        """The first of these, as many as stand in the page."""
        return list(rows_of(self.leaders.head(MOST_LEADERS)))
