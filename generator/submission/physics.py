"""What no machine does: read faster than its memory, or need less time for a step than for its kernels."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import chain

from generator.kernel_sizes import call_size
from generator.rows import FUSED
from generator.submission.submission import New, Submission
from schemas.metrics import mbu_percent, mean_depth_tokens
from schemas.problems import Problem

MOST_SUM_OVER_STEP = 1.5
ODD_SUM_OVER_STEP = 1.1
ODD_MBU_PERCENT = 105
HIGH_MBU_PERCENT = 90
LEAST_SUM_OVER_STEP = 0.1


def speed_of_light(submission: Submission) -> Iterator[Problem]:
    """No figure is above the memory's bandwidth."""
    return (problem for problem in submission.problems if problem.rule == "speed-of-light")


def kernels_fit(submission: Submission) -> Iterator[Problem]:
    """The kernels of a step take no longer than the step by more than timing them one by one can add."""
    for new in submission.decoded:
        if (times := _sum_over_step(submission, new)) > MOST_SUM_OVER_STEP:
            said = f"take longer than the step that they make up (got {times:.2f} times its TPOT)"
            remedy = f"measure again; timed one by one they may take {MOST_SUM_OVER_STEP:g} times as long"
            yield Problem(new.path, "kernels.timings", said, remedy)


def kernels_overlap(submission: Submission) -> Iterator[Problem]:
    """Kernels that together take longer than their step: they overlap, or something is wrong."""
    for new in submission.decoded:
        if ODD_SUM_OVER_STEP < (times := _sum_over_step(submission, new)) <= MOST_SUM_OVER_STEP:
            said = f"take longer than the step that they make up (got {times:.2f} times its TPOT)"
            yield Problem(new.path, "kernels.timings", said, "ask whether launches overlap on this device")


def kernels_hide(submission: Submission) -> Iterator[Problem]:
    """Kernels that take next to nothing of their step."""
    for new in submission.decoded:
        if 0 < (times := _sum_over_step(submission, new)) < LEAST_SUM_OVER_STEP:
            said = f"are next to nothing of the step that they make up (got {times:.3f} times its TPOT)"
            yield Problem(new.path, "kernels.timings", said, "ask what else the step does on this device")


def near_the_roofline(submission: Submission) -> Iterator[Problem]:
    """Rows that use more of the memory's bandwidth than devices mostly give."""
    for new in submission.decoded:
        row = new.rows.decode
        mbu = mbu_at(submission, new, row.tpot_ns) if row else None
        if row and mbu is not None and HIGH_MBU_PERCENT < mbu <= 100:
            said = f"use {mbu:.0f} % of the memory bandwidth (got {1e9 / row.tpot_ns:.4g} tok/s)"
            yield Problem(new.path, "decode.samples", said, "compare the device's bandwidth with its source")


def fastest_step(submission: Submission) -> Iterator[Problem]:
    """Single steps above the memory's bandwidth, though the median is not."""
    for new in submission.decoded:
        decode = new.result.decode
        if decode is None or decode.samples is None:
            continue
        fastest_ns = min(
            chain.from_iterable(one.step_ns or () for one in decode.samples.repetitions), default=0
        )
        mbu = mbu_at(submission, new, fastest_ns or math.inf)
        if mbu is not None and mbu > ODD_MBU_PERCENT:
            said = (
                f"holds a step that is too fast (got {fastest_ns:,} ns, {mbu:.0f} % of the memory bandwidth)"
            )
            yield Problem(new.path, "decode.samples", said, "ask how steps are synchronised there")


def mbu_at(submission: Submission, new: New, tpot_ns: float) -> float | None:
    """MBU of a new row's step, were it of ``tpot_ns``; None where its device's bandwidth or its model is unknown."""
    row, data = new.rows.decode, submission.dataset
    device, model = data.devices.get(new.result.device), data.models.get(row.model) if row else None
    if row is None or device is None or device.peak_bandwidth is None or model is None:
        return None
    depth = mean_depth_tokens(row.depth_tokens, row.steps_per_repetition)
    needed = model.bytes_per_token(row.dtype, depth)  # type: ignore[arg-type]
    return mbu_percent(needed, tpot_ns, device.peak_bandwidth.gb_per_s)


def _sum_over_step(submission: Submission, new: New) -> float:
    """Calls a token x latency over the kernels of the row's own step, in units of its TPOT."""
    step, total_ns, known = new.rows.decode, 0.0, submission.dataset.kernels.keys()
    for row in new.rows.kernels:
        own = row.shape is None and row.step_of in {None, new.result.id}
        if own and row.latency_ns is not None and known >= set(row.kernel.split(FUSED)):
            size = call_size(
                submission.dataset, row.kernel, row.shape, row.dtype, row.model, row.depth_tokens
            )
            total_ns += row.latency_ns * (size.calls_per_token if row.per == "call" else 1)
    return total_ns / step.tpot_ns if step else 0.0
