"""What a person wants to see when a run ends: the figure, how far to trust it, where the time went, its place."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from runners.standing import standing
from runners.step import decode_step
from schemas.metrics import Spread, decode_spread, mbu_percent, mean_depth_tokens
from schemas.records import DecodeBlock, DecodeSamples, Device, KernelBlock, Model, Result

_SLOWEST = 5
_BUSY_CORES = 0.1
_CHANGED_SPEED = 1.25
_NOISY_PERCENT, _VERY_NOISY_PERCENT = 3, 8


def summary(
    result: Result, baselines: list[Result], model: Model, device: Device | None, data_folder: Path
) -> list[str]:
    """The lines of the summary of a contender and its baselines."""
    rows: list[tuple[str, str]] = []
    if result.decode and result.decode.samples:
        samples, spread = result.decode.samples, decode_spread(result.decode.samples)
        rows += _decode(result.decode, samples, spread)
        rows += _bandwidth(result.decode, samples, spread, model, device)
        rows += (_baseline(samples, spread, baseline) for baseline in baselines)
        if result.kernels:
            rows += _reconciliation(result.kernels, spread, model)
        rows.append(_rank(result, spread, data_folder))
    if result.kernels:
        rows += _slowest(result.kernels, model)
    return [f"{head:<10} {text}" for head, text in rows]


Rows = Iterator[tuple[str, str]]


def _decode(decode: DecodeBlock, samples: DecodeSamples, spread: Spread) -> Rows:
    low, high = 1e9 / spread.high_ns, 1e9 / spread.low_ns
    yield "decode", f"{1e9 / spread.median_ns:.2f} tok/s, 95 % interval {low:.2f} to {high:.2f}"
    yield "", f"TPOT {spread.median_ns / 1e6:.2f} ms, p99 {spread.p99_ns / 1e6:.2f} ms"
    steps = samples.steps_per_repetition
    yield (
        "",
        f"{spread.repetitions} repetitions of {steps} steps, {decode.dtype}, depth {decode.depth_tokens}",
    )
    if spread.cv_percent > _NOISY_PERCENT:
        noisy = "noisy: close what else is running, or measure longer by --repetitions"
        very = "very noisy: say why in the file's notes, or measure again"
        said = very if spread.cv_percent > _VERY_NOISY_PERCENT else noisy
        yield "", f"coefficient of variation {spread.cv_percent:.1f} %, {said}"
    busy = sum((one.other_cores_busy or 0) > _BUSY_CORES for one in samples.repetitions)
    if busy:
        yield "", f"other processes used more than {_BUSY_CORES} of a core during {busy} of the repetitions"


def bytes_per_token(decode: DecodeBlock, steps: int, model: Model) -> float:
    """What the protocol counts as read by a step, at a repetition's mean depth."""
    return model.bytes_per_token(decode.dtype, mean_depth_tokens(decode.depth_tokens, steps))


def probed_shares(samples: DecodeSamples, bytes_a_token: float) -> list[float]:
    """For each repetition with a probe: its median step's bytes/s as a share of the mean probe around it."""
    return [
        bytes_a_token / median(one.step_ns) / ((one.read_gb_per_s_before + one.read_gb_per_s_after) / 2)
        for one in samples.repetitions
        if one.step_ns and one.read_gb_per_s_before and one.read_gb_per_s_after
    ]


def _bandwidth(
    decode: DecodeBlock, samples: DecodeSamples, spread: Spread, model: Model, device: Device | None
) -> Rows:
    read_bytes = bytes_per_token(decode, samples.steps_per_repetition, model)
    rate = read_bytes / spread.median_ns
    shares = probed_shares(samples, read_bytes)
    if shares:
        yield (
            "bandwidth",
            f"{rate:.1f} GB/s read, {median(shares):.0%} of what the memory gave just then (median)",
        )
        around = [(one.read_gb_per_s_before, one.read_gb_per_s_after) for one in samples.repetitions]
        probes = [probe for pair in around for probe in pair if probe]
        if max(probes) > _CHANGED_SPEED * min(probes):
            moved = f"{min(probes):.1f} to {max(probes):.1f} GB/s"
            yield "", f"the host changed speed: its memory gave {moved}; the figure is of a mixture"
    if device and device.peak_bandwidth:
        peak = device.peak_bandwidth.gb_per_s
        yield (
            "MBU",
            f"{mbu_percent(read_bytes, spread.median_ns, peak):.1f} % of the device file's {peak:g} GB/s",
        )
    else:
        yield "MBU", "unknown: the device's file states no peak bandwidth"


def _baseline(ours: DecodeSamples, spread: Spread, baseline: Result) -> tuple[str, str]:
    """Against one baseline, repetition by repetition, as each pair was measured one after the other."""
    assert baseline.decode
    assert baseline.decode.samples
    pairs = zip(ours.repetitions, baseline.decode.samples.repetitions, strict=False)
    ratios = [median(b.step_ns) / median(a.step_ns) for a, b in pairs if a.step_ns and b.step_ns]
    rate = 1e9 / decode_spread(baseline.decode.samples).median_ns
    ratio = f"{median(ratios):.2f} times as fast (median of {len(ratios)} pairs)"
    return (
        "baseline",
        f"{baseline.stack.name} {rate:.2f} tok/s; ours, {1e9 / spread.median_ns:.2f}, is {ratio}",
    )


def _reconciliation(kernels: KernelBlock, spread: Spread, model: Model) -> Rows:
    total_ns = sum(_token_ns(kernels, model).values())
    rest = (spread.median_ns - total_ns) / spread.median_ns
    what = "launches and host" if rest >= 0 else "too much: kernels timed alone wait for each other more"
    sums = f"kernels sum to {total_ns / 1e6:.2f} of {spread.median_ns / 1e6:.2f} ms"
    yield "reconciled", f"{sums}; the rest, {rest:+.1%}, is {what}"


def _slowest(kernels: KernelBlock, model: Model) -> Rows:
    costs = _token_ns(kernels, model)
    total = sum(costs.values())
    slowest = sorted(costs, key=lambda name: -costs[name])[:_SLOWEST]
    for place, name in enumerate(slowest):
        share = costs[name] / total
        yield "" if place else "slowest", f"{name:<22} {costs[name] / 1e6:7.2f} ms a token, {share:5.1%}"
    failed = [timing.kernels[0] for timing in kernels.timings if not timing.numerics_ok]
    if failed:
        yield "failed", ", ".join(failed)


def _token_ns(kernels: KernelBlock, model: Model) -> dict[str, float]:
    """Kernel to what it takes in one decode step: calls a token times the median call."""
    calls = Counter(launch.kernel for launch in decode_step(model, "bf16", capacity=1).launches)
    return {
        timing.kernels[0]: calls[timing.kernels[0]] * median(timing.samples_ns)
        for timing in kernels.timings
        if timing.samples_ns and timing.kernels[0] in calls
    }


def _rank(result: Result, spread: Spread, data_folder: Path) -> tuple[str, str]:
    assert result.decode
    place = standing(data_folder, result.decode.model, 1e9 / spread.median_ns)
    beside = [f"below {place.above[0]} ({place.above[1]:.1f} tok/s)"] if place.above else []
    beside += [f"above {place.below[0]} ({place.below[1]:.1f} tok/s)"] if place.below else []
    said = f"{place.rank} of {place.rows} on the decode page today, {' and '.join(beside) or 'alone'}"
    return "rank", said + ("; but a --quick run is not ranked" if result.quick else "")
