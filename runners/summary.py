"""What a person wants to see when a run ends: the figure, how far to trust it, where the time went, its place."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from runners.standing import place_of, standing
from runners.step import decode_step
from schemas.metrics import (
    BUSY_CORES,
    NOISY_PERCENT,
    VERY_NOISY_PERCENT,
    Spread,
    busy,
    decode_spread,
    joules_per_token,
    mbu_percent,
    mean_depth_tokens,
    probed,
)
from schemas.records import DecodeBlock, DecodeSamples, Device, KernelBlock, Model, Result

_SLOWEST = 5
_POSSIBLE_PERCENT = 100


def summary(
    result: Result, baselines: list[Result], model: Model, device: Device | None, data_folder: Path
) -> list[str]:
    """The lines of the summary of a contender and its baselines."""
    rows: list[tuple[str, str]] = []
    if result.decode and result.decode.samples:
        samples, spread = result.decode.samples, decode_spread(result.decode.samples)
        rows += _decode(result.decode, samples, spread)
        joules = joules_per_token(samples)
        rows += [("energy", f"{joules:.3g} J a token, by the device's own counter")] if joules else []
        rows += _bandwidth(result.decode, samples, spread, model, device)
        rows += (_baseline(samples, spread, baseline) for baseline in baselines)
        if result.kernels:
            rows += _reconciliation(result.kernels, spread, model)
        rows.append(_rank(result, device, data_folder))
    if result.kernels:
        rows += _slowest(result.kernels, model)
    if result.notes:
        rows.append(("notes", result.notes))
    return [f"{head:<10} {text}" for head, text in rows]


Rows = Iterator[tuple[str, str]]


def _decode(decode: DecodeBlock, samples: DecodeSamples, spread: Spread) -> Rows:
    low, high = 1e9 / spread.high_ns, 1e9 / spread.low_ns
    yield "decode", f"{1e9 / spread.median_ns:.2f} tok/s, 95 % interval {low:.2f} to {high:.2f}"
    yield "", f"TPOT {spread.median_ns / 1e6:.2f} ms, p99 {spread.p99_ns / 1e6:.2f} ms"
    steps = samples.steps_per_repetition
    yield (
        "",
        f"repetitions: {spread.repetitions} of {steps} steps, {decode.dtype}, depth {decode.depth_tokens}",
    )
    if spread.cv_percent > NOISY_PERCENT:
        noisy = "noisy: close what else is running, or measure longer by --repetitions"
        very = "very noisy: measure again, or say why in the file's notes, as the board wants to know"
        said = very if spread.cv_percent > VERY_NOISY_PERCENT else noisy
        yield "", f"coefficient of variation {spread.cv_percent:.1f} %, {said}"
    beside = sum(map(busy, samples.repetitions))
    if beside:
        yield "", f"other processes used more than {BUSY_CORES} of a core (repetitions: {beside})"


def _bandwidth(
    decode: DecodeBlock, samples: DecodeSamples, spread: Spread, model: Model, device: Device | None
) -> Rows:
    depth = mean_depth_tokens(decode.depth_tokens, samples.steps_per_repetition)
    read_bytes = model.bytes_per_token(decode.dtype, depth)
    said = f"{read_bytes / spread.median_ns:.1f} GB/s read"
    found = probed(samples)
    if found:
        share = 100 * read_bytes / found.bytes_in_tpot
        yield "bandwidth", f"{said}, {share:.0f} % of what the memory gave just then (median)"
        if found.changed_speed:
            moved = f"{found.low_gb_per_s:.1f} to {found.high_gb_per_s:.1f} GB/s"
            yield "", f"the host changed speed: its memory gave {moved}; the figure is of a mixture"
    else:
        yield "bandwidth", said
    if device and device.peak_bandwidth:
        peak = device.peak_bandwidth.gb_per_s
        mbu = mbu_percent(read_bytes, spread.median_ns, peak)
        yield "MBU", f"{mbu:.1f} % of the device file's {peak:g} GB/s"
        if mbu > _POSSIBLE_PERCENT:
            yield "", "more than the memory can give: the board refuses it; check the device file's figure"
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


def _rank(result: Result, device: Device | None, data_folder: Path) -> tuple[str, str]:
    assert result.decode
    unranked = "the device's file states no peak bandwidth"
    if result.quick and not (device and device.peak_bandwidth):
        return "rank", f"none: a quick run is not ranked, and {unranked}"
    found = standing(data_folder, result.decode.model, place_of(result))
    ranks = f"{found.rank_best}–{found.rank_worst}".removesuffix(f"–{found.rank_best}")
    beside = [f"below {found.above.device} ({found.above.tok_per_s:.1f} tok/s)"] if found.above else []
    beside += [f"above {found.below.device} ({found.below.tok_per_s:.1f} tok/s)"] if found.below else []
    said = f"{ranks} of {found.rows} on the decode page today, {' and '.join(beside) or 'alone'}"
    if result.quick:
        return "rank", f"{said}; but a quick run is not ranked"
    if not (device and device.peak_bandwidth):
        return "rank", f"none: {unranked}; once it does, {said}"
    return "rank", said
