"""Rows set side by side: what differs, by how much, kernel by kernel. The page's script does the same."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from generator.comparability import Comparability, compared
from generator.compare import Entries, Entry, Part
from generator.formats import times
from generator.tables import Board, rows_of
from generator.views import ModelView


@dataclass(frozen=True, slots=True)
class Ratio:
    """One row's tok/s over another's, with the bounds of its 95 % interval."""

    value: float
    low: float
    high: float


def ratio(one: Sequence[float], other: Sequence[float]) -> Ratio:
    """``one`` over ``other``, each a figure and the bounds of its own 95 % interval; a point's bounds are its figure.

    The two are independent estimates. This is the method of variance estimates recovery (MOVER) on their logarithms:
    the distances from a figure to its bounds add up as squares, and need not be the same on both sides. (G. Y. Zou
    and A. Donner, "Construction of confidence limits about effect measures: a general approach", Statistics in
    Medicine 27, 2008.)
    """
    (a, a_low, a_high), (b, b_low, b_high) = one, other
    below = math.hypot(math.log(a / a_low), math.log(b_high / b))
    above = math.hypot(math.log(a_high / a), math.log(b / b_low))
    return Ratio(a / b, a / b * math.exp(-below), a / b * math.exp(above))


@dataclass(frozen=True, slots=True)
class Pair:
    """A row against the first one; ``ratio`` is None where they are figures of different things."""

    first: Entry
    other: Entry

    @property
    def comparability(self) -> Comparability:
        """Whether they compare, and what differs: in brackets first what the first one has."""
        return compared(self.first.facts, self.other.facts)

    @property
    def ratio(self) -> Ratio | None:
        """The other's tok/s over the first one's."""
        if self.comparability.verdict == "not comparable":
            return None
        return ratio(self.other.tok_per_s, self.first.tok_per_s)

    @property
    def interval(self) -> str:
        """The interval of the ratio in words, and what counts as a point in it."""
        found, points = self.ratio, self.first.point + self.other.point
        if found is None or points == 2:
            return "both are reported, so there is no interval" if found else ""
        bounds = f"95 % interval {times(found.low)} to {times(found.high)}"
        return f"{bounds}; the reported one counts as a point" if points else bounds


@dataclass(frozen=True, slots=True)
class Cell:
    """What one row has in a line: its text, the ratio to the first row's, and a share for a bar."""

    text: str
    small: str = ""
    share: float = 0


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a table: what it is of, and a cell for each row."""

    what: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class Comparison:
    """Entries side by side, each against the first."""

    entries: tuple[Entry, ...]

    @property
    def runs(self) -> str:
        """The runs as an address has them."""
        return ",".join(entry.run for entry in self.entries)

    @property
    def pairs(self) -> list[Pair]:
        """Each further row against the first."""
        return [Pair(self.entries[0], other) for other in self.entries[1:]]

    @property
    def figures(self) -> list[Line]:
        """The figures of each row."""
        return _lines([entry.figures for entry in self.entries])

    @property
    def kernels(self) -> list[Line]:
        """Microseconds a token of the whole step, of what its kernels leave over, and of each kernel."""
        names = dict.fromkeys(part[0] for entry in self.entries for part in entry.kernels)
        known = [{part[0]: part for part in entry.kernels} for entry in self.entries]
        most = max((part[2] for parts in known for part in parts.values()), default=0)
        return [_timed(name, [parts.get(name, (name, "–", 0)) for parts in known], most) for name in names]

    @property
    def differing(self) -> list[Line]:
        """What the rows' environments differ in."""
        return [line for line in self._environment if len({cell.text for cell in line.cells}) > 1]

    @property
    def equal(self) -> list[tuple[str, str]]:
        """What they share, or none of them states."""
        return [
            (line.what, line.cells[0].text)
            for line in self._environment
            if len({cell.text for cell in line.cells}) == 1
        ]

    @cached_property
    def _environment(self) -> list[Line]:
        return _lines([entry.environment for entry in self.entries])


def _lines(columns: Sequence[Sequence[tuple[str, str]]]) -> list[Line]:
    """Columns of the same lines, across."""
    return [
        Line(across[0][0], tuple(Cell(text) for _, text in across)) for across in zip(*columns, strict=True)
    ]


def _timed(what: str, parts: Sequence[Part], most: float) -> Line:
    """A line of times, each over the first one's; the bars are shares of the longest time of all."""
    first = parts[0][2]
    cells = [
        Cell(text, times(us / first) if index and min(us, first) > 0 else "", us / most)
        for index, (_, text, us) in enumerate(parts)
    ]
    return Line(what, tuple(cells))


@dataclass(frozen=True)
class CompareView:
    """What the page shows without a script."""

    board: Board

    @cached_property
    def _entries(self) -> Entries:
        return Entries(self.board)

    def best(self, views: Sequence[ModelView]) -> Comparison:
        """The two best ranked rows of the first model that has two, beside each other; empty where none has."""
        pairs = (view.ranked.head(2) for view in views if len(view.ranked) > 1)
        return Comparison(tuple(map(self._entries.of, rows_of(next(pairs, self.board.decode.head(0))))))

    def against_leader(self, view: ModelView) -> list[Pair]:
        """Each other row of a model's headline against its leader."""
        if view.ranked.empty:
            return []
        leader, *others = map(self._entries.of, view.headline)
        return [Pair(leader, other) for other in others]
