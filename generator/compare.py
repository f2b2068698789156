"""Decode rows as the page needs them that sets any of them side by side: every text and number is made here.

A script in the page compares entries as :mod:`generator.compare_view` does for readers without one.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import msgspec
import numpy as np
import pandas as pd

from generator.comparability import Fact, facts
from generator.formats import latency, number, one_decimal, percent, plural, rank, whole
from generator.rows import RunRows
from generator.standing_columns import why_unranked
from generator.tables import Board, rows_of
from schemas.records import Environment

NOT_STATED = "not stated"
REMAINDER, WHOLE = "remainder", "whole step"


Part = tuple[str, str, float]
"""What is timed, its microseconds a token in words, and as a number."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A decode row; ``tok_per_s`` is its figure and the bounds of its interval, all the same where it is a point."""

    run: str
    name: str
    about: str
    point: bool
    tok_per_s: tuple[float, float, float]
    facts: tuple[Fact, ...]
    figures: tuple[tuple[str, str], ...]
    kernels: tuple[Part, ...]
    environment: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Entries:
    """The decode rows of a board as entries."""

    board: Board

    def of(self, row: Any) -> Entry:
        """The entry of a line of the decode frame."""
        rows = self.board.data.runs[row.run]
        assert rows.decode, "a decode row has a decode block"
        point = rows.decode.samples is None
        return Entry(
            run=row.run,
            name=row.device_name,
            about=f"{row.stack}, {row.dtype}, {row.provenance}",
            point=point,
            tok_per_s=(row.tok_per_s, row.tok_per_s_low, row.tok_per_s_high),
            facts=facts(rows, rows.decode),
            figures=tuple(_figures(row, self.board.data.models[row.model].name, point)),
            kernels=tuple(_parts(row.tpot_ns / 1e3, self._kernel_us.get(row.run, {}))),
            environment=tuple(_environment(rows)),
        )

    def label(self, row: Any) -> str:
        """A row in one line, by which it is found."""
        depth = "depth not stated" if pd.isna(row.depth_tokens) else f"depth {row.depth_tokens:.0f}"
        model = [self.board.data.models[row.model].name] if len(self.board.data.models) > 1 else []
        parts = (row.device_name, *model, row.stack, row.dtype, depth, row.standing, *why_unranked(row))
        return f"{' · '.join(parts)} · {number(row.tok_per_s)} tok/s"

    @cached_property
    def _kernel_us(self) -> Mapping[str, Mapping[str, float]]:
        """Microseconds a token by step and kernel; grouped once, as thousands of cuts of a frame take seconds."""
        frame = self.board.kernels
        known = (frame["latency_ns"].notna() & (frame["calls_per_token"] > 0)).to_numpy(dtype=bool)
        calls = np.where(frame["per"] == "token", 1.0, frame["calls_per_token"].to_numpy(dtype=float))
        token_us = frame["latency_us"].to_numpy(dtype=float) * calls
        steps = frame["step_of"].fillna(frame["run"])
        found: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
        for step, kernel, us in zip(steps[known], frame["kernel"][known], token_us[known], strict=True):
            found[step][kernel] += float(us)
        return found


def compare_files(board: Board) -> Iterator[tuple[str, bytes]]:
    """What the page reads: a file each decode row, and the list of all by which one is chosen, best first."""
    entries, labels = Entries(board), []
    for row in rows_of(board.decode):
        labels.append((row.run, entries.label(row)))
        yield f"assets/data/rows/{row.run}.js", _script(f"rows/{row.run}", _as_given(entries.of(row)))
    yield "assets/data/rows.js", _script("rows", labels)


def _script(name: str, value: Any) -> bytes:
    return b"board.take(%s,%s);\n" % (msgspec.json.encode(name), msgspec.json.encode(value))


def _as_given(entry: Entry) -> dict[str, Any]:
    """An entry with each fact as what it is of, its value, whether it bars, and the value in words."""
    told = [(fact.what, fact.value, fact.bars, fact.shown) for fact in entry.facts]
    return {name: getattr(entry, name) for name in Entry.__slots__} | {"facts": told}


def _parts(step_us: float, kernels_us: Mapping[str, float]) -> Iterator[Part]:
    """The whole step, then, where its kernels are on file, what they leave over, and each of them, longest first."""
    yield WHOLE, latency(step_us), step_us
    if kernels_us:
        rest = step_us - math.fsum(kernels_us.values())
        yield REMAINDER, whole(rest), rest
    for name, us in sorted(kernels_us.items(), key=lambda entry: -entry[1]):
        yield name, latency(us), us


def _figures(row: Any, model: str, point: bool) -> Iterator[tuple[str, str]]:
    yield "tok/s", one_decimal(row.tok_per_s)
    bounds = f"{one_decimal(row.tok_per_s_low)} – {one_decimal(row.tok_per_s_high)}"
    yield "95 % interval", "none: a reported figure" if point else bounds
    yield "TPOT", f"{number(row.tpot_ms)} ms"
    yield "MBU", percent(row.mbu_percent)
    yield "Model", model
    yield "Storage type", row.dtype
    yield "Depth", NOT_STATED if pd.isna(row.depth_tokens) else plural(int(row.depth_tokens), "token")
    yield "Stack", row.stack
    yield "Provenance", row.standing
    yield "Standing", ", ".join(why_unranked(row)) or _rank(row)


def _rank(row: Any) -> str:
    return f"rank {rank(row.rank_best, row.rank_worst)} of its model" if row.ranked else "no rank"


def _environment(rows: RunRows) -> Iterator[tuple[str, str]]:
    """Where and by what a row was made; a publication states little of it, and the rest stays open."""
    run, machine = rows.run, rows.measured.environment if rows.measured else None
    of_machine = _machine(machine) if machine else dict[str, str | None]()
    stated = (
        ("Device as stated", of_machine.get("device", run.device_as_stated)),
        ("Driver", of_machine.get("driver") or run.driver),
        ("Toolchain", of_machine.get("toolchain") or run.toolchain),
        ("Languages", run.languages),
        ("Backend", run.backend),
        ("Host", of_machine.get("host")),
        ("Operating system", of_machine.get("os")),
        ("Runner", of_machine.get("runner")),
        ("Revision", of_machine.get("revision")),
        ("Kernel source", run.kernel_source),
        ("Weights", rows.decode.weights if rows.decode else None),
        ("Submitter or source", run.submitter or run.source_title),
        ("Command", of_machine.get("command")),
    )
    return ((what, value or NOT_STATED) for what, value in stated)


def _machine(machine: Environment) -> dict[str, str | None]:
    count = f" × {machine.device_count}" if machine.device_count > 1 else ""
    memory = f"{number(machine.memory_bytes / 1e9, 3)} GB"
    revision = machine.git_revision[:12] if machine.git_revision else None
    return {
        "device": machine.device_name + count,
        "driver": machine.driver,
        "toolchain": ", ".join(f"{tool.name} {tool.version}" for tool in machine.toolchain),
        "host": f"{machine.cpu_model}, {plural(machine.cpu_count, 'core')}, {memory}",
        "os": machine.os,
        "runner": f"{machine.runner} {machine.runner_version}",
        "revision": f"{revision}, with changes" if revision and machine.git_dirty else revision,
        "command": machine.command,
    }
