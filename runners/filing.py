"""Findings to result files: the contender's with its kernels, and one for each baseline."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from runners.check import KernelCheck
from runners.device import Device
from runners.kernels.sizes import MICROBENCHMARK
from runners.kernels.source import MICROBENCHMARKS
from runners.measure import LEAST_REPETITIONS, samples
from runners.record import SCHEMA, kernel_source, text_of
from runners.session import Findings, Options
from runners.step import decode_step
from schemas.contract import STACK, STEP
from schemas.metrics import VERY_NOISY_PERCENT, decode_spread, probed
from schemas.records import (
    DecodeBlock,
    DecodeSamples,
    Dtype,
    Environment,
    KernelBlock,
    KernelTiming,
    Package,
    Result,
    Stack,
)

_BASELINE_NOTE = (
    "Measured in turns with the row it is the baseline of, in its own process, with its own KV cache."
)


def results(
    found: Findings, options: Options, identity: dict[str, Any], environment: Environment, device: Device
) -> list[Result]:
    """The files of a run, ours first. ``identity``: id, device, submitter, measured_at, quick."""
    identity = {
        **identity,
        "quick": identity["quick"] or bool(_short(found, options, device)),
        "notes": _notes(found, options, device),
    }
    decode = _decode(found, options, device.runner, None)
    decided = replace(environment, toolchain=(*environment.toolchain, *device.decided))
    ours = _result(identity, decided, "contender", _stack(found, environment, device), decode)
    ours = replace(ours, kernels=_kernels(found, options, device, (bool(decode) and identity["id"]) or None))
    ours = replace(ours, kernel_source=kernel_source(environment.git_revision))
    return [
        ours,
        *(
            _baseline(found, options, ours, environment, name)
            for name in found.repetitions
            if name != device.runner
        ),
    ]


def rehearse(options: Options, identity: dict[str, Any], environment: Environment, device: Device) -> None:
    """RunnerError now for what the schema would refuse at the end of a run: labels, names, the environment."""
    kernel = MICROBENCHMARKS[0]
    emitted = {kernel.name: device.emit(kernel, MICROBENCHMARK, options.storage)}
    checks = {kernel.name: KernelCheck(kernel.name, None, "not run")}
    text_of(results(Findings(emitted, checks=checks), options, identity, environment, device)[0])


def _short(found: Findings, options: Options, device: Device) -> str:
    """What the step was measured for, where that is less than was planned; else empty."""
    if found.interrupted:
        return "Stopped by hand before the protocol's end."
    repetitions = found.repetitions.get(device.runner)
    if repetitions is None:
        return ""
    measured_s = sum(sum(one.step_ns or ()) for one in repetitions) / 1e9
    if len(repetitions) < LEAST_REPETITIONS:
        return f"Stopped early (repetitions: {len(repetitions)}); the protocol asks for {LEAST_REPETITIONS}."
    if measured_s < options.plan.least_seconds:
        return f"Stopped early (measured: {measured_s:.1f} s); the protocol asks for {options.plan.least_seconds:g}."
    return ""


def _notes(found: Findings, options: Options, device: Device) -> str:
    """What a reader must know: why there is less in the file than there should be, or what made it unsteady."""
    if found.step and not found.step.passed:
        return f"The decode step failed its check and was not timed. {found.step.error}."
    if found.failed:
        failed = ", ".join(check.kernel for check in found.failed)
        rest = "" if found.step else "; so the decode step was neither checked nor timed"
        return f"Failed their check and were not timed: {failed}{rest}."
    repetitions = found.repetitions.get(device.runner)
    unsteady = _unsteady(samples(options.plan, repetitions, None)) if repetitions else ""
    return _short(found, options, device) or unsteady


def _unsteady(taken: DecodeSamples) -> str:
    """What the probes say of a host that changed its speed, or that nothing explains how far samples lie apart."""
    around, spread = probed(taken), decode_spread(taken)
    if around and around.changed_speed:
        moved = f"{around.low_gb_per_s:.1f} to {around.high_gb_per_s:.1f} GB/s"
        return f"The host changed its speed: the read bandwidth probed around the repetitions was {moved}."
    if spread.cv_percent > VERY_NOISY_PERCENT:
        return f"The repetitions vary by {spread.cv_percent:.1f} %, for a reason that the probes do not show."
    return ""


def _result(
    identity: dict[str, Any], environment: Environment, role: Any, stack: Stack, decode: DecodeBlock | None
) -> Result:
    return Result(
        schema=SCHEMA,
        provenance="measured",
        role=role,
        device_as_stated=environment.device_name,
        source=None,
        stack=stack,
        kernel_source=None,
        environment=environment,
        decode=decode,
        kernels=None,
        **identity,
    )


def _stack(found: Findings, environment: Environment, device: Device) -> Stack:
    compiler = environment.toolchain[0]
    emitted = (kernel for name, kernel in found.kernels.items() if name not in device.executions)
    return Stack(
        name=STACK,
        backend=None,
        languages=tuple(dict.fromkeys(map(device.language_of, emitted))),
        toolchain=_named_once(compiler)[:300],
        driver=environment.driver,
    )


def _named_once(package: Package) -> str:
    """Name and version, where the version does not say the name itself."""
    said = package.version.startswith(package.name)
    return package.version if said else f"{package.name} {package.version}"


def _decode(found: Findings, options: Options, name: str, baseline_of: str | None) -> DecodeBlock | None:
    repetitions = found.repetitions.get(name)
    if not repetitions or found.step is None:
        return None
    checked = found.step if baseline_of is None else None
    return DecodeBlock(
        model=options.model.id,
        dtype=options.storage,
        batch_size=1,
        depth_tokens=options.depth_tokens,
        weights=options.weights.record,
        contract=STEP,
        baseline_of=baseline_of,
        numerics_ok=checked.passed if checked else None,
        logits_rel_l2=checked.logits_rel_l2 if checked else None,
        first_divergence_step=checked.first_divergence_step if checked else None,
        token_ids=tuple(found.tokens[name]),
        figure=None,
        samples=samples(options.plan, repetitions, (found.compile_s or None) if checked else None),
    )


def _kernels(found: Findings, options: Options, device: Device, step_of: str | None) -> KernelBlock:
    in_step = {launch.kernel for launch in decode_step(options.model, options.storage, 1).launches}
    timings = [
        _timing(found, options.storage, device, check, check.kernel in in_step)
        for check in found.checks.values()
        if check.kernel in found.latencies_ns or not check.passed
    ]
    return KernelBlock(options.model.id, options.depth_tokens, step_of, tuple(timings))


def _timing(found: Findings, dtype: Dtype, device: Device, check: KernelCheck, in_step: bool) -> KernelTiming:
    latencies = found.latencies_ns.get(check.kernel) if check.passed else None
    emitted, execution = found.kernels[check.kernel], device.executions.get(check.kernel, "emitted")
    as_emitted = execution == "emitted"
    return KernelTiming(
        kernels=(check.kernel,),
        shape=None if in_step else dict(MICROBENCHMARK.lengths),
        dtype=dtype,
        per="call",
        execution=execution,
        language=device.language_of(emitted) if as_emitted else None,
        implementation=None if as_emitted else device.implementation(check.kernel),
        numerics_ok=check.passed,
        rel_l2_error=check.rel_l2_error,
        error=check.error,
        emitted_sha256=emitted.sha256 if as_emitted else None,
        figure=None,
        samples_ns=tuple(latencies) if latencies else None,
    )


def _baseline(found: Findings, options: Options, ours: Result, environment: Environment, name: str) -> Result:
    versions = tuple(Package(package, release) for package, release in found.versions.get(name, {}).items())
    taken = samples(options.plan, found.repetitions[name], None)
    stack = Stack(
        name, None, (), " ".join(f"{one.name} {one.version}" for one in versions) or None, environment.driver
    )
    identity = {
        "id": f"{ours.id}-{name.replace('.', '-')}",
        "device": ours.device,
        "submitter": ours.submitter,
        "measured_at": ours.measured_at,
        "quick": ours.quick,
        "notes": " ".join(filter(None, (_BASELINE_NOTE, _unsteady(taken)))),
    }
    shared = (package for package in environment.toolchain if package.name in options.settings)
    its_own = replace(environment, toolchain=(*versions, *shared))
    return _result(identity, its_own, "baseline", stack, _decode(found, options, name, ours.id))
