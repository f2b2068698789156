"""How much of the memory's read bandwidth the emitted C reaches, and how it compares with other stacks.

``python -m tests.benchmarks.decode_cpu [--dtype T] [--turns N] [--steps N] [--contender NAME …]``. Contenders are
interleaved in an order that reverses each turn; the bandwidth is probed before and after each sample. A sample
during which other processes used more than a tenth of a core is dropped. A shared host may change its speed by
a factor of two: samples are split by what the probe read, and compared within a regime only, by pairs of one turn.
"""

from __future__ import annotations

import resource
import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import cast
from unittest.mock import patch

import click

from runners import baselines, compiler
from runners.baselines import stacks
from runners.cpu import CpuDevice
from runners.kernels.sizes import MICROBENCHMARK, Storage
from runners.kernels.source import MICROBENCHMARKS
from runners.latencies import SEED, rotated, trace
from runners.measure import Contender, DeviceContender, Measured, Plan, measure
from runners.session import Options, emitted_kernels
from runners.step import Step, decode_step
from runners.weights import Synthetic, first_contents
from schemas.load import load
from schemas.metrics import kernel_bytes
from schemas.records import Kernel, Model

ROOT = Path(__file__).resolve().parents[2]
OURS = "emitted C"
BUSY_CORES = 0.1
REGIMES_APART = 1.35
"""Probes further apart than this are of two regimes; the split is at their geometric mean."""


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--dtype", type=click.Choice(CpuDevice.storages), default="bf16", show_default=True)
@click.option("--turns", default=20, show_default=True, help="Samples of each contender.")
@click.option("--steps", default=16, show_default=True, help="Decode steps in a sample.")
@click.option("--threads", type=int, help="Threads of every contender; else all usable cores.")
@click.option(
    "--contender", "names", multiple=True, default=stacks.names("cpu"), show_default=True,
    type=click.Choice([*stacks.names("cpu"), "none"]), help="What to compare with.",
)  # fmt: skip
def main(dtype: str, turns: int, steps: int, threads: int | None, names: tuple[str, ...]) -> None:
    """Print bandwidth shares, ratios and the time of each part."""
    model = load(ROOT / "data" / "models" / "deepseek-r1-distill-qwen-1.5b.yml", ROOT / "data")
    assert isinstance(model, Model)
    device = CpuDevice(threads)
    plan = Plan(steps, 1, turns, 0.0, 3600.0)
    storage = cast("Storage", dtype)
    settings = {"threads": device.threads}
    options = Options(model, Synthetic(SEED, storage), storage, 128, plan, runner="cpu", settings=settings)
    step = _prepared(device, options)
    print(f"{device.open().name}, {device.threads} threads, {dtype}, {turns} turns of {steps} steps")
    wanted = [name for name in names if name != "none" and stacks.available("cpu")[name] is None]
    with ExitStack() as stack:
        rivals = [stack.enter_context(baselines.start(name, options)) for name in wanted]
        taken = _taken([_ours(device, options, step), *rivals], plan, device)
    _report(taken, model.bytes_per_token(options.storage, 128 + (steps - 1) / 2))
    _kernels(device, options, step)


@contextmanager
def _timed(what: str) -> Iterator[None]:
    start = time.monotonic()
    yield
    print(f"{what:<24} {time.monotonic() - start:6.2f} s", flush=True)


def _prepared(device: CpuDevice, options: Options) -> Step:
    """The device with the step loaded, each part timed; compiled afresh."""
    device.open()
    kernels = emitted_kernels(device, options)
    with tempfile.TemporaryDirectory() as folder, patch.object(compiler, "CACHE_FOLDER", Path(folder)):
        print(f"{'compiling':<24} {device.compile(list(kernels.values())):6.2f} s", flush=True)
    step = decode_step(options.model, options.storage, 192)
    contents = first_contents(options.model, step, options.weights, 128, SEED)
    with _timed("weights, drawn only"):
        for buffer in step.buffers.values():
            if buffer.role == "weight":
                for first in range(0, buffer.shape[0], 4096):
                    contents(buffer, first, min(first + 4096, buffer.shape[0]))
    with _timed("weights, drawn and packed"):
        device.load(step, kernels, contents)
    weight_gb = sum(device.arrays[b.name].nbytes for b in step.buffers.values() if b.role == "weight") / 1e9
    peak_gb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9
    print(f"{'peak memory':<24} {peak_gb:6.2f} GB, of which weights {weight_gb:.2f}")
    return step


def _ours(device: CpuDevice, options: Options, step: Step) -> DeviceContender:
    contents = first_contents(options.model, step, options.weights, 128, SEED)
    token, position = (contents(step.buffers[name], 0, 1) for name in ("token", "position"))
    return DeviceContender(OURS, device, token, position)


def _taken(contenders: list[Contender], plan: Plan, device: CpuDevice) -> dict[str, list[Measured]]:
    """Each contender's samples, by turn."""
    taken: dict[str, list[Measured]] = defaultdict(list)
    for event in measure(contenders, plan, device):
        if isinstance(event, Measured):
            taken[event.contender].append(event)
    return taken


# --- the report -----------------------------------------------------------------------------------


def _probe(sample: Measured) -> float:
    before, after = sample.repetition.read_gb_per_s_before, sample.repetition.read_gb_per_s_after
    assert before
    assert after
    return (before + after) / 2


def _steady(sample: Measured) -> bool:
    """Whether nobody else was at work, and the host kept its speed while the sample was taken."""
    one = sample.repetition
    assert one.read_gb_per_s_before
    assert one.read_gb_per_s_after
    low, high = sorted((one.read_gb_per_s_before, one.read_gb_per_s_after))
    return (one.other_cores_busy or 0) <= BUSY_CORES and high < REGIMES_APART * low


def _report(taken: dict[str, list[Measured]], bytes_per_token: float) -> None:
    every = [sample for samples in taken.values() for sample in samples]
    kept = [sample for sample in every if _steady(sample)]
    why = "others at work, or the host's speed changed meanwhile"
    print(f"{len(every) - len(kept)} of {len(every)} samples dropped: {why}")
    if not kept:
        return
    probes = [_probe(sample) for sample in kept]
    apart = max(probes) > REGIMES_APART * min(probes)
    split = (min(probes) * max(probes)) ** 0.5 if apart else 0.0
    for regime, low, high in (("fast", split, float("inf")), ("slow", 0.0, split)):
        here = {
            name: {
                turn: one for turn, one in enumerate(samples) if _steady(one) and low <= _probe(one) < high
            }
            for name, samples in taken.items()
        }
        if any(here.values()):
            _report_regime(regime, here, bytes_per_token)


def _report_regime(regime: str, here: dict[str, dict[int, Measured]], bytes_per_token: float) -> None:
    probes = [_probe(one) for samples in here.values() for one in samples.values()]
    print(f"\n{regime} regime: the probe read {min(probes):.1f} to {max(probes):.1f} GB/s")
    head = f"{'':<16} {'':<12} {'n':>3} {'median':>8} {'min':>8} {'max':>8} {'cv %':>6}"
    print(head)
    for name, samples in here.items():
        tpot = {turn: statistics.median(one.ran.step_ns) for turn, one in samples.items()}
        _print_row(name, "tok/s", [1e9 / ns for ns in tpot.values()])
        _print_row(
            "", "of bandwidth", [bytes_per_token / tpot[turn] / _probe(one) for turn, one in samples.items()]
        )
        if name != OURS:
            pairs = [turn for turn in tpot if turn in here[OURS]]
            ours = [statistics.median(here[OURS][turn].ran.step_ns) for turn in pairs]
            _print_row("", "ours, times", [tpot[turn] / own for turn, own in zip(pairs, ours, strict=True)])


def _print_row(name: str, what: str, values: list[float]) -> None:
    if not values:
        return
    middle = statistics.median(values)
    spread = 100 * statistics.stdev(values) / statistics.mean(values) if len(values) > 1 else 0.0
    figures = f"{middle:8.3f} {min(values):8.3f} {max(values):8.3f} {spread:6.1f}"
    print(f"{name:<16} {what:<12} {len(values):3} {figures}")


# --- single kernels -------------------------------------------------------------------------------


def _kernels(device: CpuDevice, options: Options, step: Step) -> None:
    """Each kernel within the step and each microbenchmark: its latency, and its bytes over it."""
    contents = first_contents(options.model, step, options.weights, 128, SEED)
    latencies: dict[str, list[int]] = defaultdict(list)
    probes = []
    for _ in range(3):
        probes.append(device.read_bandwidth() or 0.0)
        trace(device, step, contents, latencies, 8)
    kernels = emitted_kernels(device, options)
    for kernel in MICROBENCHMARKS:
        latencies[kernel.name] = rotated(device, kernels[kernel.name], options.storage)
    print(f"\nkernels; the probe read {min(probes):.1f} to {max(probes):.1f} GB/s just before")
    for name, samples in latencies.items():
        median_ns = statistics.median(samples)
        rate = _bytes(name, options) / median_ns
        print(
            f"{name:<24} {median_ns / 1e3:10.1f} us {rate:6.1f} GB/s {rate / statistics.median(probes):6.0%}"
        )


def _bytes(name: str, options: Options) -> int:
    """What a call must move, by the kernel's own file."""
    fact = load(ROOT / "data" / "kernels" / f"{name}.md", ROOT / "data")
    assert isinstance(fact, Kernel)
    shape = {axis: options.model.dimension(size, 132) or 1 for axis, size in fact.model_shape.items()}
    return kernel_bytes(fact, shape or MICROBENCHMARK.lengths, options.storage)


if __name__ == "__main__":
    main()
