"""Why a device stands where it stands, as far as the record can tell: its memory, its kernels, other stacks on it.

Each reason is computed, so that it cannot outlive the rows that it rests on. What nobody measured is said to be
unknown instead of guessed.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd

from generator.device_view import DeviceView
from generator.findings import KernelAgainstDecode, Reconciliation
from generator.formats import listed, number, percent, plural, times
from generator.tables import rows_of

MOST_KERNELS = 2


def reasons(view: DeviceView, ranked: pd.DataFrame, contests: list[KernelAgainstDecode]) -> list[str]:
    """Sentences about the best row of a device among the ``ranked`` rows of its model; none without such a row."""
    if view.best is None:
        return []
    step = next((step for step in view.steps if step.run == view.best.run), None)
    contest = next((entry for entry in contests if entry.device == view.device.id), None)
    found = [_memory(view.best, ranked), _kernels(step)]
    return [*found, *_stacks(view), *([_contests(contest)] if contest else [])]


def _memory(best: Any, ranked: pd.DataFrame) -> str:
    each = ranked.drop_duplicates("device")
    place = int((each["mbu_percent"] > best.mbu_percent).sum()) + 1
    said = (
        f"Its memory would allow {number(best.roofline_tok_per_s, 3)} tok/s, and its step reaches "
        f"{percent(best.mbu_percent)} of that: number {place} of {plural(len(each), 'ranked device')} in what it makes "
        "of its memory."
    )
    typical = float(each["mbu_percent"].median())
    if len(each) < 3:
        return said
    would = number(best.roofline_tok_per_s * typical / 100, 3)
    if best.mbu_percent < typical / 2:
        return (
            f"{said} With the share of the middle one, {percent(typical)}, it would decode at {would} tok/s."
        )
    if place == 1:
        return f"{said} What holds it back is the memory itself."
    return said


def _kernels(step: Reconciliation | None) -> str:
    if step is None:
        return "How long its kernels take inside the step is not on file, so the record cannot say where the time goes."
    largest = [f"{part.kernel} ({percent(part.share_percent)})" for part in step.parts[:MOST_KERNELS]]
    verb = "takes" if len(largest) == 1 else "take"
    rest = (
        f"{percent(step.remainder_percent)} is left for launches, the host and kernels without a figure"
        if step.remainder_us > 0
        else "together its kernels' figures exceed the step"
    )
    return f"In its step {listed(largest)} {verb} most; {rest}."


def _stacks(view: DeviceView) -> Iterator[str]:
    """Whether another stack does better on the same device, which is the nearest thing to a controlled experiment."""
    best = view.best
    assert best is not None
    same = view.decode[(view.decode["role"] == "baseline") & ~view.decode["retracted"]]
    fastest = next(rows_of(same[same["model"] == best.model].head(1)), None)
    if fastest is None:
        return
    if fastest.tok_per_s > best.tok_per_s:
        more = times(fastest.tok_per_s / best.tok_per_s)
        yield f"Another stack on the same device, {fastest.stack}, decodes {more} as fast: the device can do better."
    else:
        more = times(best.tok_per_s / fastest.tok_per_s)
        yield f"No other stack on file is faster on it: {fastest.stack} comes nearest, and this row is at {more} of it."


def _contests(entry: KernelAgainstDecode) -> str:
    return f"Kernel by kernel it is the fastest in {entry.wins} of {plural(entry.contests, 'contest')} with other devices."
