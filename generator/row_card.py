"""A row's card: all that is known of one result file, at an address that does not change (``rows/<run>/``).

Cards are made for every row, so what many of them share is gathered once: the frames are turned to rows and
grouped by run a single time, not cut for each card.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any

from generator.citation import Citation
from generator.findings import Reconciliation, StepPart, longest_first, reconcile
from generator.rows import Run, RunRows
from generator.tables import Board, rows_of
from generator.views import KernelView, ShownText
from schemas.contract import STEP
from schemas.metrics import mbu_percent
from schemas.records import Device
from schemas.standing import agree

MOST_NEIGHBOURS = 8
MOST_CARDS_WITH_TEXTS = 200
"""Texts stand on the cards of the fastest current rows; the others link to the kernels' pages, as thirteen
texts on each of thousands of cards would make a site of gigabytes."""


@dataclass(frozen=True, slots=True)
class Neighbour:
    """Another submitter's row of the same quantity; ``drift_percent`` is its tok/s over the card's, less one."""

    row: Any
    drift_percent: float

    @property
    def confirms(self) -> bool:
        """Whether the slower of the two needs at most the tolerance more time."""
        return agree(1, 1 + self.drift_percent / 100)


@dataclass(frozen=True)
class RowCard:
    """One run: its decode row if it has one, its kernel rows, and what stands beside it."""

    board: Board
    entry: RunRows
    decode: Any | None
    kernels: Sequence[Any]
    timed: Sequence[Any]
    baselines: Sequence[Any]
    neighbours: Sequence[Neighbour]
    texts: Sequence[ShownText]
    leader: Any | None

    @property
    def run(self) -> Run:
        """What the result file says of the run."""
        return self.entry.run

    @property
    def device(self) -> Device:
        """The device that it is filed under."""
        return self.board.data.devices[self.run.device]

    @cached_property
    def step(self) -> Reconciliation | None:
        """Its step, taken apart, where its kernels were timed."""
        return reconcile(self.board, self.decode, self.timed) if self.decode and self.timed else None

    @cached_property
    def lines(self) -> list[tuple[Any, StepPart | None]]:
        """Its kernel rows with their parts of the step, where they are of it: the longest part first."""
        if self.step is None:
            return [(row, None) for row in self.kernels]
        of_step = longest_first(self.timed)
        known = {id(row) for row in of_step}
        others = [(row, None) for row in self.kernels if id(row) not in known]
        return [*zip(of_step, self.step.parts, strict=True), *others]

    @property
    def contract(self) -> list[tuple[str, str, str | None]]:
        """What the step contains: each part in words, as stated, and what the board asks for where it differs."""
        if self.entry.step is None:
            return []
        parts = (
            (one.name, getattr(self.entry.step, one.name), getattr(STEP, one.name)) for one in fields(STEP)
        )
        return [
            (_words(name), _words(said), None if said == wanted else _words(wanted))
            for name, said, wanted in parts
        ]

    @property
    def other_mbu(self) -> list[tuple[float, float]]:
        """MBU against each other bandwidth that is stated for the device: (percent, GB/s)."""
        if self.decode is None:
            return []
        needed, tpot_ns = self.decode.bytes_per_token, self.decode.tpot_ns
        return [(mbu_percent(needed, tpot_ns, o.gb_per_s), o.gb_per_s) for o in self.device.other_bandwidths]

    @property
    def title(self) -> str:
        """The card in one line, as a search engine or a citation shows it."""
        said = (
            [f"{self.decode.tok_per_s:.4g} tok/s", self.decode.dtype] if self.decode else ["kernel latencies"]
        )
        return f"{self.device.name}: {', '.join([*said, self.run.stack])}"

    def citation(self, site_url: str) -> Citation:
        """How to cite it, with the address of the site."""
        return Citation(self.run, self.title, site_url)


def _words(name: str) -> str:
    return name.replace("_", " ")


class Cards:
    """The cards of a board, each made when it is asked for: thousands of them fill the memory."""

    def __init__(self, board: Board) -> None:
        self._board = board
        self._kernel_views = {name: KernelView(board, kernel) for name, kernel in board.data.kernels.items()}
        self._decode = {row.run: row for row in rows_of(board.decode)}
        kernel_rows = list(rows_of(board.kernels))
        self._kernels = _grouped(kernel_rows, lambda row: row.run)
        parts = (row for row in kernel_rows if row.latency_ns == row.latency_ns and row.calls_per_token > 0)
        self._timed = _grouped(parts, lambda row: row.step_of if isinstance(row.step_of, str) else row.run)
        baselines = (row for row in self._decode.values() if row.role == "baseline")
        self._baselines = _grouped(baselines, lambda row: row.baseline_of)
        self._quantities = _grouped(self._decode.values(), _quantity)
        leaders = board.decode[board.decode["ranked"]].drop_duplicates("model")
        self._leaders = {row.model: row for row in rows_of(leaders)}
        current = board.decode[board.decode["superseded_by"].isna() & ~board.decode["retracted"]]
        measured = current[current["provenance"] == "measured"]
        self._with_texts = set(measured["run"].head(MOST_CARDS_WITH_TEXTS))

    def of(self, run: str) -> RowCard:
        """The card of a run of this id; raises KeyError where there is none."""
        entry = self._board.data.runs[run]
        decode, kernels = self._decode.get(run), self._kernels.get(run, ())
        return RowCard(
            board=self._board,
            entry=entry,
            decode=decode,
            kernels=kernels,
            timed=self._timed.get(run, ()),
            baselines=self._baselines.get(run, ()),
            neighbours=self._neighbours(decode) if decode else (),
            texts=list(self._texts(kernels)) if run in self._with_texts else (),
            leader=self._leaders.get(decode.model) if decode else None,
        )

    def _neighbours(self, row: Any) -> list[Neighbour]:
        """Other submitters' rows that the row was compared with, the nearest first."""
        if not row.reproduced_others > 0:
            return []
        others = [
            Neighbour(other, 100 * (other.tok_per_s / row.tok_per_s - 1))
            for other in self._quantities[_quantity(row)]
            if other.run != row.run and other.reproduced_others > 0
        ]
        return sorted(others, key=lambda one: abs(one.drift_percent))[:MOST_NEIGHBOURS]

    def _texts(self, kernels: Iterable[Any]) -> Iterator[ShownText]:
        """The text of each kernel that ran, where it is the one on file."""
        for row in kernels:
            view = self._kernel_views.get(row.kernel)
            text = view.in_language(row.emitted_target) if view and row.emitted_target else None
            if text:
                yield text


def _quantity(row: Any) -> tuple[object, ...]:
    return (row.device, row.model, row.dtype, row.depth_tokens, row.stack)


def _grouped(rows: Iterable[Any], key: Callable[[Any], Hashable]) -> Mapping[Hashable, list[Any]]:
    found: dict[Hashable, list[Any]] = defaultdict(list)
    for row in rows:
        found[key(row)].append(row)
    return found
