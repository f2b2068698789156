"""One run from start to file: compile, check, load, check the step, measure, time each kernel."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from runners import baselines
from runners.check import KernelCheck, check_kernels
from runners.check_step import CHECKED_STEPS, StepCheck, check_step
from runners.device import Contents, Device, KernelError
from runners.environment import line
from runners.journal import Journal
from runners.kernels.emit import Emitted
from runners.kernels.sizes import MICROBENCHMARK, Storage, step_sizes
from runners.kernels.source import DECODE_STEP, MICROBENCHMARKS
from runners.latencies import SEED as SEED
from runners.latencies import TRACED_STEPS, TRACED_TOGETHER, rotated, trace
from runners.measure import Contender, DeviceContender, Measured, Plan, measure
from runners.step import Step, decode_step, room
from runners.weights import WeightSource, first_contents
from schemas.records import Model, Repetition


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line asked for."""

    model: Model
    weights: WeightSource
    storage: Storage
    depth_tokens: int
    plan: Plan
    baselines: tuple[str, ...] = ()
    weights_folder: Path | None = None
    kernels_only: bool = False
    checked_steps: int = CHECKED_STEPS
    runner: str = ""
    settings: dict[str, int] = field(default_factory=dict)


@dataclass(slots=True)
class Findings:
    """All that a run found. ``interrupted`` says that the person stopped it after some repetitions."""

    kernels: dict[str, Emitted]
    compile_s: float = 0.0
    checks: dict[str, KernelCheck] = field(default_factory=dict)
    step: StepCheck | None = None
    repetitions: dict[str, list[Repetition]] = field(default_factory=dict)
    tokens: dict[str, list[int]] = field(default_factory=dict)
    latencies_ns: dict[str, list[int]] = field(default_factory=dict)
    versions: dict[str, dict[str, str]] = field(default_factory=dict)
    interrupted: bool = False

    @property
    def failed(self) -> list[KernelCheck]:
        """The kernels that failed their check."""
        return [check for check in self.checks.values() if not check.passed]


Say = Callable[[str], None]


def run(device: Device, options: Options, journal: Journal, say: Say, watch: Say) -> Findings:
    """The whole protocol. ``say`` gets lines to keep, ``watch`` what is being done at the moment."""
    step = decode_step(options.model, options.storage, room(options.depth_tokens + options.plan.steps))
    found = Findings(emitted_kernels(device, options))
    try:
        watch("compiling")
        compiled = _compiled(device, found, say)
        took = f"in {found.compile_s:.1f} s" if found.compile_s else "(kept from before)"
        say(f"compiled   {len(compiled)} kernels {took}")
        _check_kernels(device, found, compiled, step, options, say, watch)
        _microbenchmarks(device, found, options, watch)
        if not any(check.kernel in step.sizes for check in found.failed):
            _decode(device, found, step, options, journal, say, watch)
    finally:
        device.close()
    return found


def _compiled(device: Device, found: Findings, say: Say) -> dict[str, Emitted]:
    """The kernels that the compiler takes; each other one has failed its check."""
    left = dict(found.kernels)
    while True:
        try:
            found.compile_s = device.compile(list(left.values()))
        except KernelError as failed:
            _keep_check(found, KernelCheck(failed.kernel, None, line(str(failed))), say)
            del left[failed.kernel]
        else:
            return left


def emitted_kernels(device: Device, options: Options) -> dict[str, Emitted]:
    """Every kernel's text for this model and storage type."""
    sizes = step_sizes(options.model)
    return {
        kernel.name: device.emit(kernel, sizes.get(kernel.name, MICROBENCHMARK), options.storage)
        for kernel in (*DECODE_STEP, *MICROBENCHMARKS)
    }


def _check_kernels(
    device: Device, found: Findings, compiled: dict[str, Emitted], step: Step, options: Options,
    say: Say, watch: Say,
) -> None:  # fmt: skip
    position = options.depth_tokens + options.plan.steps // 2
    checks = check_kernels(device, compiled, position, step.capacity, SEED + 1)
    for name in compiled:
        watch(f"checking {name}")
        _keep_check(found, next(checks), say)
    passed = [check.rel_l2_error or 0.0 for check in found.checks.values() if check.passed]
    if passed:
        count = f"{len(passed)} of {len(found.checks)} kernels at true shapes"
        say(f"checked    {count}, relative L2 error up to {max(passed):.1e}")


def _keep_check(found: Findings, check: KernelCheck, say: Say) -> None:
    found.checks[check.kernel] = check
    if check.error:
        say(f"FAILED     {check.kernel}: {check.error}")


# --- single kernels -------------------------------------------------------------------------------


def _microbenchmarks(device: Device, found: Findings, options: Options, watch: Say) -> None:
    for kernel in MICROBENCHMARKS:
        if found.checks[kernel.name].passed:
            watch(f"timing {kernel.name}")
            found.latencies_ns[kernel.name] = rotated(device, found.kernels[kernel.name], options.storage)


# --- the decode step ------------------------------------------------------------------------------


def _decode(
    device: Device, found: Findings, step: Step, options: Options, journal: Journal, say: Say, watch: Say
) -> None:
    contents = first_contents(options.model, step, options.weights, options.depth_tokens, SEED)
    watch("loading weights")
    traced_s = device.load(step, found.kernels, contents)
    if traced_s:
        found.compile_s += traced_s
        say(f"compiled   the step in {traced_s:.1f} s")
    launches = itertools.count(1)
    found.step = check_step(
        device, step, contents, options.checked_steps,
        lambda: watch(f"checking the step: reference {next(launches)} of {len(step.launches) - 1} launches"),
    )  # fmt: skip
    if not found.step.passed:
        say(f"FAILED     the step: {found.step.error}")
        return
    say(f"checked    the step: {_said(found.step)}")
    if not options.kernels_only:
        _measure(device, found, contents, step, options, journal, say, watch)
    watch("timing each kernel within the step")
    missing = TRACED_STEPS - len(found.latencies_ns.get(step.launches[-1].kernel, ()))
    if missing > 0:
        trace(device, step, contents, found.latencies_ns, min(missing, options.plan.steps))


def _said(check: StepCheck) -> str:
    agree = (
        "all tokens agree"
        if check.first_divergence_step is None
        else f"tokens leave the reference's at step {check.first_divergence_step}"
    )
    return (
        f"logits of {len(check.token_ids)} steps, relative L2 error up to {check.logits_rel_l2:.1e}, {agree}"
    )


def _measure(
    device: Device, found: Findings, contents: Contents, step: Step, options: Options,
    journal: Journal, say: Say, watch: Say,
) -> None:  # fmt: skip
    """Repetitions, and after each of ours some steps launch by launch: so both see the same moods of a host."""
    first = {name: contents(step.buffers[name], 0, 1) for name in ("token", "position")}
    ours = DeviceContender(device.runner, device, first["token"], first["position"])
    with ExitStack() as stack:
        contenders: list[Contender] = [ours]
        for name in options.baselines:
            watch(f"starting {name}")
            baseline = stack.enter_context(baselines.start(name, options))
            found.versions[name] = baseline.versions
            contenders.append(baseline)
        try:
            for event in measure(contenders, options.plan, device):
                _keep(event, found, journal, say, watch)
                if isinstance(event, Measured) and event.contender == ours.name:
                    together = min(TRACED_TOGETHER, options.plan.steps)
                    trace(device, step, contents, found.latencies_ns, together)
        except KeyboardInterrupt:
            if not found.repetitions.get(ours.name):
                raise
            found.interrupted = True
            say("interrupted: the repetitions that finished are kept")


def _keep(event: Measured | str, found: Findings, journal: Journal, say: Say, watch: Say) -> None:
    if isinstance(event, str):
        watch(event)
        return
    warned = journal.problem
    journal.add(event.contender, event.repetition)
    if journal.problem and not warned:
        say(f"warning    {journal.problem}")
    found.repetitions.setdefault(event.contender, []).append(event.repetition)
    found.tokens.setdefault(event.contender, event.ran.tokens)
