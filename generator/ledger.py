"""The ledger: rows that were withdrawn, with who decided and why, and rows that a later one took the place of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pandas as pd

from generator.formats import number, plural, short, signed
from generator.rows import Run
from generator.tables import Board, rows_of
from schemas.records import Retraction
from schemas.standing import REPRODUCED_WITHIN_PERCENT

MOST_SUPERSEDED_ROWS = 200
_TOLD = ["run", "superseded_by", "submitter", "measured_at"]


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """A withdrawn row: its entry in the record, its run, its device's name, and its tok/s where it decodes."""

    entry: Retraction
    run: Run
    device_name: str
    tok_per_s: float | None


@dataclass(frozen=True, slots=True)
class Superseded:
    """A row of the decode frame, and the one that took its place."""

    row: Any
    by: Any


@dataclass(frozen=True)
class LedgerView:
    """What a board's rows lost their rank for after they were filed; pages show the latest first."""

    board: Board
    tolerance_percent: float = REPRODUCED_WITHIN_PERCENT

    @property
    def retractions(self) -> Mapping[str, Retraction]:
        """The entry of each withdrawn run."""
        return self.board.data.retractions

    @cached_property
    def withdrawn(self) -> list[Withdrawn]:
        """Every withdrawn row."""
        decoded = dict(zip(self.board.decode["run"], self.board.decode["tok_per_s"], strict=True))
        entries = sorted(self.retractions.values(), key=lambda entry: entry.date)[::-1]
        return [self._withdrawn(entry, decoded.get(entry.result)) for entry in entries]

    def _withdrawn(self, entry: Retraction, tok_per_s: float | None) -> Withdrawn:
        run = self.board.data.runs[entry.result].run
        return Withdrawn(entry, run, self.board.data.devices[run.device].name, tok_per_s)

    @cached_property
    def superseded(self) -> pd.DataFrame:
        """The decode rows that another took the place of."""
        rows = self.board.decode[self.board.decode["superseded_by"].notna()]
        return rows.sort_values(["measured_at", "run"], ascending=False)

    @property
    def shown(self) -> list[Superseded]:
        """The superseded rows that a page shows."""
        rows, frame = self.superseded.head(MOST_SUPERSEDED_ROWS), self.board.decode
        by = {row.run: row for row in rows_of(frame[frame["run"].isin(rows["superseded_by"])])}
        return [Superseded(row, by[row.superseded_by]) for row in rows_of(rows)]

    def agreement(self, row: Any) -> str:
        """How other submitters' rows compare with ``row``: how many agree, with which drift, and whose they are."""
        within, others = int(row.reproduced_within), int(row.reproduced_others)
        low, high = signed(row.reproduced_low_percent), signed(row.reproduced_high_percent)
        tolerance = f"within {number(self.tolerance_percent)}\u00a0%"
        agree = f"{within} of {others} {tolerance}" if others > 1 else tolerance
        said = agree if within else f"{plural(others, 'other run')}, none {tolerance}"
        named = row.reproduced_by or ()
        names = ", ".join(short(name) for name in named)
        more = f" and {within - len(named)} more" if within > len(named) else ""
        drift = low if low == high else f"{low} to {high}"
        return f"{said}, drift {drift}\u00a0%{': by ' + names if names else ''}{more}"

    def as_json(self) -> dict[str, list[dict[str, Any]]]:
        """All of it for machines; withdrawn rows in the record's order, which is append-only."""
        runs = self.board.data.runs
        return {
            "withdrawn": [
                {"run": entry.result, "date": entry.date, "by": entry.by, "reason": entry.reason,
                 **_named(runs[entry.result].run)}
                for entry in self.retractions.values()
            ],
            "superseded": [
                {"run": run, "superseded_by": by, "submitter": submitter, "measured_at": at, **_named(runs[run].run)}
                for run, by, submitter, at in self.superseded[_TOLD].itertuples(index=False)
            ],
        }  # fmt: skip


def _named(run: Run) -> dict[str, str]:
    return {
        "device": run.device,
        "card": f"rows/{run.run}/",
        "address": f"api/v1/runs/{run.run}.json",
        "path": run.path,
    }
