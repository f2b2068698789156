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
        device, model = submission.dataset.devices.get(new.result.device), None
        if row := new.rows.decode:
            model = submission.dataset.models.get(row.model)
        if not (row and model and device and device.peak_bandwidth):
            continue
        depth = mean_depth_tokens(row.depth_tokens, row.steps_per_repetition)
        needed = model.bytes_per_token(row.dtype, depth)  # type: ignore[arg-type]
        mbu = mbu_percent(needed, row.tpot_ns, device.peak_bandwidth.gb_per_s)
        if HIGH_MBU_PERCENT < mbu <= 100:
            said = f"use {mbu:.0f} % of the memory bandwidth (got {1e9 / row.tpot_ns:.4g} tok/s)"
            yield Problem(new.path, "decode.samples", said, "compare the device's bandwidth with its source")


def fastest_step(submission: Submission) -> Iterator[Problem]:
    """Single steps above the memory's bandwidth, though the median is not."""
    for new in submission.decoded:
        row, decode = new.rows.decode, new.result.decode
        device = submission.dataset.devices.get(new.result.device)
        model = submission.dataset.models.get(row.model) if row else None
        if not (row and decode and decode.samples and device and device.peak_bandwidth and model):
            continue
        fastest_ns = min(
            chain.from_iterable(one.step_ns or () for one in decode.samples.repetitions), default=0
        )
        needed = model.bytes_per_token(
            decode.dtype, mean_depth_tokens(row.depth_tokens, row.steps_per_repetition)
        )
        mbu = mbu_percent(needed, fastest_ns or math.inf, device.peak_bandwidth.gb_per_s)
        if mbu > ODD_MBU_PERCENT:
            said = (
                f"holds a step that is too fast (got {fastest_ns:,} ns, {mbu:.0f} % of the memory bandwidth)"
            )
            yield Problem(new.path, "decode.samples", said, "ask how steps are synchronised there")


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
