"""What on file has gone stale: valid data that somebody should look at. Advice, never a reason to refuse.

Each check is a small function of :class:`Examined` that yields a line for each finding; :data:`CHECKS` lists
them, in the order in which they are told. A row that is withdrawn or superseded is history, and of no check.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from pathlib import Path

from generator.dataset import Dataset
from generator.formats import plural
from generator.rows import RunRows
from generator.tables import Board, rows_of
from schemas.problems import Problem, got
from schemas.records import Device, EmittedText
from schemas.standing import REPRODUCED_WITHIN_PERCENT

_LONG_AGO = timedelta(days=365)
_MOST_NAMED = 3
_DRAFT = "`python -m generator new-result --reported`"
_TOLERANCE = f"{REPRODUCED_WITHIN_PERCENT:g} %"


@dataclass(frozen=True)
class Examined:
    """A valid record on the day ``today``, and the checkout ``root`` that holds the kernel source."""

    board: Board
    root: Path
    today: date

    @property
    def data(self) -> Dataset:
        """The record."""
        return self.board.data

    @cached_property
    def standing(self) -> list[RunRows]:
        """Measured runs that stand for something: not withdrawn, quick or superseded, and not beside another row."""
        decode = self.board.decode
        replaced = set(decode.loc[decode["superseded_by"].notna(), "run"])
        return [
            entry
            for name, entry in self.data.runs.items()
            if entry.measured and entry.run.role != "baseline" and not entry.run.quick
            if name not in replaced and name not in self.data.retractions
        ]  # fmt: skip

    def is_long_ago(self, day: str) -> bool:
        """Whether a date, or that of a time, is more than a year ago."""
        return self.today - date.fromisoformat(day[:10]) > _LONG_AGO

    def path(self, entry: RunRows) -> str:
        """How messages name the file of a run."""
        return self.data.paths["run", entry.run.run]

    def emitted_texts(self) -> tuple[EmittedText, ...]:
        """The texts that are emitted now."""
        return self.data.emitted.index.kernels if self.data.emitted.index else ()


@dataclass(frozen=True, slots=True)
class Check:
    """One question to the record: its id for programs, its title for people, and the answer."""

    id: str
    title: str
    findings: Callable[[Examined], Iterator[Problem]]


def examine(examined: Examined) -> list[tuple[Check, list[Problem]]]:
    """Every check with its findings, in the order of paths."""
    return [(check, sorted(check.findings(examined))) for check in CHECKS]


def _changed_texts(examined: Examined) -> Iterator[Problem]:
    """Texts at the sizes of another model than the index's have other hashes, which says nothing of their age."""
    index, current = examined.data.emitted.index, examined.data.emitted.targets()
    for entry in examined.standing if index else ():
        ran = [row for row in entry.kernels if row.emitted_sha256 and index and row.model == index.model]
        changed = [row.kernel for row in ran if (row.kernel, row.emitted_sha256) not in current]
        if changed:
            said = f"ran texts that are emitted no more (got {len(changed)} of {len(ran)}: {_some(changed)})"
            yield Problem(examined.path(entry), "kernels.timings", said, _measure_again(entry))


def _changed_source(examined: Examined) -> Iterator[Problem]:
    """The source is a file of this checkout; that of another repository is not here to compare with."""
    for entry in examined.standing:
        path, stated = entry.run.kernel_source_path, entry.run.kernel_source_key
        now = _sha256(examined.root, path) if path else None
        if now and stated and len(stated) == 64 and stated != now:
            said = f"is not that of {path} any more (got {stated[:12]}, now {now[:12]})"
            yield Problem(examined.path(entry), "kernel_source.sha256", said, _measure_again(entry))


def _sha256(root: Path, path: str) -> str | None:
    """The hash of a file below ``root``; None where none is there."""
    file = (root / path).resolve()
    inside = file.is_relative_to(root.resolve()) and file.is_file()
    return hashlib.sha256(file.read_bytes()).hexdigest() if inside else None


def _old_proofs(examined: Examined) -> Iterator[Problem]:
    proofs = examined.data.emitted.proofs
    now = {(one.kernel, one.target): one.sha256 for one in examined.emitted_texts()}
    old: dict[str, list[str]] = defaultdict(list)
    for proof in proofs.proofs if proofs else ():
        if now.get((proof.kernel, proof.target)) != proof.sha256:
            old[proof.target].append(proof.kernel)
    for target, kernels in old.items():
        said = f"are of other texts in '{target}' than the index has (got {len(kernels)}: {_some(kernels)})"
        remedy = "run `python -m pytest tests/runners/kernels --write-proof`"
        yield Problem(f"{examined.data.folder}/emitted/proof.json", "proofs", said, remedy)


def _no_source(examined: Examined) -> Iterator[Problem]:
    """Models and reported rows have one by their schema; a bandwidth and a reproduction bring their own."""
    for device in examined.data.devices.values():
        stated = [name for name in ("memory_gb", "tdp_w") if getattr(device, name) is not None]
        named = device.peak_bandwidth or device.other_bandwidths or device.reproduction
        if not device.sources and (stated or not named):
            what = f"{' and '.join(stated)} without a source" if stated else "nothing that has a source"
            yield Problem(
                examined.data.paths["device", device.id], "sources", f"state {what} (got none)",
                "name the page of the vendor that says it, with title and url",
            )  # fmt: skip


def _no_bandwidth(examined: Examined) -> Iterator[Problem]:
    """A device that only others are divided by needs none."""
    for device in examined.data.devices.values():
        rows = examined.board.decode_of(device.id)
        barred = int((rows["role"] == "contender").sum())
        if device.peak_bandwidth is None and (barred or not len(rows)):
            said = f"is unknown, so that none of its rows is ranked (got null, {plural(barred, 'contender')})"
            remedy = "look it up and name the source; else say in the notes who was asked"
            yield Problem(examined.data.paths["device", device.id], "peak_bandwidth", said, remedy)


def _not_reproduced(examined: Examined) -> Iterator[Problem]:
    for row in rows_of(examined.board.decode[examined.board.decode["reproduced_within"] == 0]):
        entry = examined.data.runs[row.run]
        said = f"is the only one who measured this {got(row.submitter)}"
        if others := int(row.reproduced_others):
            said = f"is contradicted by {plural(others, 'other')}, all more than {_TOLERANCE} off {got(row.submitter)}"
        yield Problem(examined.path(entry), "submitter", said, _have_it_measured(examined, entry))


def _idle_devices(examined: Examined) -> Iterator[Problem]:
    used = {entry.run.device for entry in examined.data.runs.values()}
    for name, device in examined.data.devices.items():
        if name not in used:
            path, remedy = examined.data.paths["device", name], _first_row(examined, device)
            yield Problem(path, "file", f"has no row {got(device.name)}", remedy)


def _idle_models(examined: Examined) -> Iterator[Problem]:
    runs = examined.data.runs.values()
    used = {entry.decode.model for entry in runs if entry.decode}
    used |= {row.model for entry in runs for row in entry.kernels if row.model}
    for name in examined.data.models.keys() - used:
        remedy = f"measure it (`python -m runners list`), or draft a published figure: {_DRAFT}"
        yield Problem(examined.data.paths["model", name], "file", f"has no row {got(name)}", remedy)


def _old_publications(examined: Examined) -> Iterator[Problem]:
    """One line a publication, as one look at it answers for all of its rows; the last look counts."""
    read: dict[tuple[str, str], list[str]] = defaultdict(list)
    for name, entry in examined.data.runs.items():
        run = entry.run
        if run.source_url and run.source_retrieved and name not in examined.data.retractions:
            read[f"{examined.path(entry).rpartition('/')[0]}/", run.source_url].append(run.source_retrieved)
    for (folder, url), days in read.items():
        if examined.is_long_ago(max(days)):
            said = f"is more than a year ago (got {max(days)}, {plural(len(days), 'file')})"
            remedy = (
                f"see whether {url} still says so; file what is new, withdraw what is wrong in retracted.yml"
            )
            yield Problem(folder, "source.retrieved", said, remedy)


def _old_measurements(examined: Examined) -> Iterator[Problem]:
    for entry in examined.standing:
        day = entry.run.measured_at
        if day and examined.is_long_ago(day):
            said = f"is more than a year ago (got {day[:10]}, {entry.run.toolchain or entry.run.stack})"
            yield Problem(examined.path(entry), "measured_at", said, _measure_again(entry))


def _some(names: list[str]) -> str:
    return ", ".join(names[:_MOST_NAMED]) + (", …" if len(names) > _MOST_NAMED else "")


def _measure_again(entry: RunRows) -> str:
    assert entry.measured
    return f"measure again: `{entry.measured.environment.command}`"


def _have_it_measured(examined: Examined, entry: RunRows) -> str:
    index, measured = examined.data.instructions.index, entry.measured
    runners = [
        one for one in (index.runners if index else ()) if measured and one.id == measured.environment.runner
    ]
    command = runners[0].run if runners else "python -m runners list"
    return f"ask somebody who has one: `{command}`"


def _first_row(examined: Examined, device: Device) -> str:
    runners = examined.data.instructions.runners(device)
    measure = f"measure it (`{runners[0].run}`), or " if runners else ""
    return f"{measure}draft a published figure: {_DRAFT}"


CHECKS = (
    Check("changed-texts", "Measured rows whose kernels are emitted otherwise now", _changed_texts),
    Check("changed-source", "Measured rows of an older kernel source", _changed_source),
    Check("old-proofs", "Proofs of texts that are emitted no more", _old_proofs),
    Check("no-source", "Devices whose facts have no source", _no_source),
    Check("no-bandwidth", "Devices that cannot be ranked", _no_bandwidth),
    Check("not-reproduced", "Measured rows that nobody has reproduced", _not_reproduced),
    Check("idle-devices", "Devices without a row", _idle_devices),
    Check("idle-models", "Models without a row", _idle_models),
    Check("old-publications", "Publications that were read more than a year ago", _old_publications),
    Check("old-measurements", "Rows that were measured more than a year ago", _old_measurements),
)
"""Every check; one more is one more entry."""
