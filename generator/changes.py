"""The history in words: what belongs together is told once, by month, the latest first."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from itertools import groupby
from operator import attrgetter

from generator.formats import listed, one_decimal, percent, plural
from generator.history import LEAD, MEASURED, PUBLISHED, SUPERSEDED, WITHDRAWN, Event, events
from generator.rows import Run
from generator.tables import Board

MOST_CHANGES = 200
MOST_RUNS_NAMED = 12
_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "urn:decode-board:changes")
_TOGETHER = attrgetter("date", "kind", "by")


@dataclass(frozen=True)
class Named:
    """A run as a change names it: ``what`` is the run in two or three words."""

    run: Run
    device_name: str
    what: str


@dataclass(frozen=True)
class Change:
    """Events of one day that are told together: many rows of one source, say, are one piece of news."""

    events: tuple[Event, ...]
    words: str
    named: tuple[Named, ...]

    @property
    def date(self) -> str:
        """The day, YYYY-MM-DD."""
        return self.events[0].date

    @property
    def kind(self) -> str:
        """One of :data:`generator.history.KINDS`."""
        return self.events[0].kind

    @property
    def at(self) -> str:
        """When the last of it happened, as an instant."""
        latest = max(event.at for event in self.events)
        return latest if "T" in latest else f"{latest}T00:00:00Z"

    @cached_property
    def id(self) -> str:
        """A UUID, the same in every build, also where another row of that day and source is filed later."""
        return str(uuid.uuid5(_NAMESPACE, "\n".join(_TOGETHER(self.events[0]))))

    @property
    def alone(self) -> Named | None:
        """The run, where it is one; ``words`` then go on where its device's name ends."""
        return self.named[0] if len(self.events) == 1 else None

    @property
    def sentence(self) -> str:
        """All of it in one sentence."""
        return f"{self.alone.device_name}: {self.words}" if self.alone else self.words


@dataclass(frozen=True)
class Month:
    """The changes of one month."""

    name: str
    changes: list[Change]


@dataclass(frozen=True)
class History:
    """The latest changes of a board, and how many there are."""

    board: Board

    @cached_property
    def _told(self) -> list[tuple[Event, ...]]:
        return [tuple(told) for _, told in groupby(events(self.board), key=_TOGETHER)]

    @property
    def total(self) -> int:
        """How many changes there are."""
        return len(self._told)

    @cached_property
    def shown(self) -> list[Change]:
        """The latest ones."""
        teller = _Teller(self.board)
        return [teller.change(told) for told in self._told[:MOST_CHANGES]]

    @property
    def months(self) -> list[Month]:
        """The latest ones by month."""
        by_month = groupby(self.shown, key=lambda change: change.date[:7])
        return [Month(_month_name(month), list(changes)) for month, changes in by_month]


def _month_name(month: str) -> str:
    return f"{date.fromisoformat(f'{month}-01'):%B %Y}"


class _Teller:
    """Puts events into words."""

    def __init__(self, board: Board) -> None:
        self._data = board.data
        self._tok_per_s: dict[str, float] = dict(
            zip(board.decode["run"], board.decode["tok_per_s"], strict=True)
        )

    def change(self, told: tuple[Event, ...]) -> Change:
        words = self._of_one(told[0]) if len(told) == 1 else self._of_many(told)
        return Change(told, words, tuple(self._named(event.run) for event in told[:MOST_RUNS_NAMED]))

    def _named(self, name: str) -> Named:
        run = self._data.runs[name].run
        return Named(run, self._data.devices[run.device].name, self._what(name))

    def _what(self, name: str) -> str:
        """``79.3 tok/s``, ``9 kernel latencies``, or both."""
        run = self._data.runs[name].run
        rate = [self._rate(name)] if name in self._tok_per_s else []
        what = listed(rate + _counted(0, self._latencies(name))) or "no figure"
        role = {"baseline": " as a baseline", "reference": " as the reference"}.get(run.role, "")
        return what + role + (" in a quick run" if run.quick else "")

    def _rate(self, name: str) -> str:
        return f"{one_decimal(self._tok_per_s[name])} tok/s"

    def _latencies(self, name: str) -> int:
        return sum(row.latency_ns is not None for row in self._data.runs[name].kernels)

    def _of_one(self, event: Event) -> str:
        run, by, other = event.run, event.by, event.other
        if event.kind in _ALONE:
            return f"{self._what(run)}, {_ALONE[event.kind]} {by}"
        if event.kind == LEAD:
            before = f", before {self._leader(other, run)} ({self._rate(other)})" if other else ""
            model = self._data.models[by].name
            return f"the fastest ranked row in decoding {model}: {self._rate(run)}{before}"
        if event.kind == SUPERSEDED:
            day = str(self._data.runs[run].run.measured_at)[:10]
            return (
                f"{self._rate(run)}, measured on {day}, superseded by {by}’s later run ({self._rate(other)})"
            )
        whose = self._data.runs[other].run.submitter
        high, low = sorted((self._tok_per_s[run], self._tok_per_s[other]), reverse=True)
        apart = percent(100 * (high / low - 1))
        return f"{by}’s run ({self._rate(run)}) reproduces {whose}’s, {apart} apart"

    def _of_many(self, told: tuple[Event, ...]) -> str:
        kind, by, runs = told[0].kind, told[0].by, plural(len(told), "run")
        if kind not in _TOGETHER_WORDS:
            return f"{runs} of {by} {'superseded by later ones' if kind == SUPERSEDED else 'reproduce those of others'}"
        decode = sum(event.run in self._tok_per_s for event in told)
        rows = _counted(decode, sum(self._latencies(event.run) for event in told))
        return f"{listed(rows) or f'{runs} without a figure'} {_TOGETHER_WORDS[kind]} {by}"

    def _leader(self, leader: str, run: str) -> str:
        runs = self._data.runs
        device = runs[leader].run.device
        return (
            "an earlier row of its own" if device == runs[run].run.device else self._data.devices[device].name
        )


_ALONE = {MEASURED: "measured by", PUBLISHED: "published in", WITHDRAWN: "withdrawn by"}
_TOGETHER_WORDS = {MEASURED: "measured by", PUBLISHED: "taken from", WITHDRAWN: "withdrawn by"}


def _counted(decode: int, latencies: int) -> list[str]:
    """How many rows of the two kinds."""
    rows = [plural(decode, "decode row")] if decode else []
    return rows + ([plural(latencies, "kernel latency", "kernel latencies")] if latencies else [])
