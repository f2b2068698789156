"""A result file, distilled: what a row needs of it, with the samples reduced to their spread.

Everything here follows from one file alone, so it is what a build caches by the file's content. What needs
a device, a model or other rows is joined later, in :mod:`generator.tables`.
"""

from __future__ import annotations

from dataclasses import dataclass

from generator.measured import Measured, measured
from schemas.contract import contract_state
from schemas.metrics import busy, decode_spread, kernel_latency, probed
from schemas.records import Claim, Contract, DecodeBlock, KernelBlock, KernelSource, KernelTiming, Result

FUSED = " + "


@dataclass(frozen=True, slots=True)
class Run:
    """What all rows of one result file share; ``path`` starts at the folder that holds ``data/``."""

    run: str
    path: str
    provenance: str
    role: str
    quick: bool
    device: str
    device_as_stated: str | None
    submitter: str | None
    measured_at: str | None
    source_title: str | None
    source_url: str | None
    source_locator: str | None
    source_retrieved: str | None
    stack: str
    backend: str | None
    languages: str | None
    toolchain: str | None
    driver: str | None
    kernel_source: str | None
    kernel_source_key: str | None
    kernel_source_path: str | None
    notes: str


@dataclass(frozen=True, slots=True)
class DecodeRow:
    """One decode block, in nanoseconds a token; the interval of a reported row is the figure itself."""

    run: str
    model: str
    dtype: str
    depth_tokens: int | None
    steps_per_repetition: int | None
    baseline_of: str | None
    numerics_ok: bool | None
    logits_rel_l2: float | None
    first_divergence_step: int | None
    weights: str | None
    contract: str
    tpot_ns: float
    tpot_low_ns: float
    tpot_high_ns: float
    tpot_p90_ns: float | None
    tpot_p99_ns: float | None
    cv_percent: float | None
    samples: int | None
    repetitions: int | None
    busy_repetitions: int | None
    compile_s: float | None
    probe_gb_per_s: float | None
    probe_low_gb_per_s: float | None
    probe_high_gb_per_s: float | None
    probe_bytes_in_tpot: float | None
    changed_speed: bool


@dataclass(frozen=True, slots=True)
class KernelRow:
    """One kernel latency; fused kernels are joined by :data:`FUSED`, a failed one may have no latency."""

    run: str
    index: int
    kernel: str
    model: str | None
    depth_tokens: int | None
    step_of: str | None
    shape: tuple[tuple[str, int], ...] | None
    dtype: str
    per: str
    execution: str
    language: str | None
    implementation: str | None
    numerics_ok: bool | None
    rel_l2_error: float | None
    emitted_sha256: str | None
    latency_ns: float | None
    low_ns: float | None
    high_ns: float | None
    values: int | None


@dataclass(frozen=True, slots=True)
class RunRows:
    """All rows of one result file, the claims its source makes about them, and what its decode step contains."""

    run: Run
    decode: DecodeRow | None
    kernels: tuple[KernelRow, ...]
    claims: tuple[Claim, ...]
    measured: Measured | None
    step: Contract | None = None


def distill(result: Result, path: str) -> RunRows:
    """The rows of ``result``, whose file is ``path``."""
    figure = result.decode.figure if result.decode else None
    return RunRows(
        run=_run(result, path),
        decode=_decode_row(result.id, result.decode) if result.decode else None,
        kernels=_kernel_rows(result.id, result.kernels) if result.kernels else (),
        claims=figure.claims if figure else (),
        measured=measured(result),
        step=result.decode.contract if result.decode else None,
    )


def _run(result: Result, path: str) -> Run:
    source, stack, kernel_source = result.source, result.stack, result.kernel_source
    return Run(
        run=result.id,
        path=path,
        provenance=result.provenance,
        role=result.role,
        quick=result.quick,
        device=result.device,
        device_as_stated=result.device_as_stated,
        submitter=result.submitter,
        measured_at=result.measured_at,
        source_title=source.title if source else None,
        source_url=source.url if source else None,
        source_locator=source.locator if source else None,
        source_retrieved=source.retrieved if source else None,
        stack=stack.name,
        backend=stack.backend,
        languages=FUSED.join(stack.languages) or None,
        toolchain=stack.toolchain,
        driver=stack.driver,
        kernel_source=_kernel_source_label(kernel_source),
        kernel_source_key=_kernel_source_key(kernel_source),
        kernel_source_path=kernel_source.path if kernel_source else None,
        notes=result.notes,
    )


def _kernel_source_label(source: KernelSource | None) -> str | None:
    if source is None:
        return None
    said = source.sha256 or source.revision
    return f"{source.repository} {said[:8] if said else '(revision not stated)'}"


def _kernel_source_key(source: KernelSource | None) -> str | None:
    """What two rows must share to come from one kernel source: its hash, else its repository and revision."""
    if source is None or (source.sha256 is None and source.revision is None):
        return None
    return source.sha256 or f"{source.repository} {source.revision}"


def _decode_row(run: str, block: DecodeBlock) -> DecodeRow:
    samples = block.samples
    spread, probe = (decode_spread(samples), probed(samples)) if samples else (None, None)
    figure_ns = 1e9 / block.figure.tok_per_s if block.figure else 0.0
    return DecodeRow(
        run=run,
        model=block.model,
        dtype=block.dtype,
        depth_tokens=block.depth_tokens,
        steps_per_repetition=samples.steps_per_repetition if samples else None,
        baseline_of=block.baseline_of,
        numerics_ok=block.numerics_ok,
        logits_rel_l2=block.logits_rel_l2,
        first_divergence_step=block.first_divergence_step,
        weights=None if block.weights.kind == "not_stated" else block.weights.kind,
        contract=contract_state(block.contract),
        tpot_ns=spread.median_ns if spread else figure_ns,
        tpot_low_ns=spread.low_ns if spread else figure_ns,
        tpot_high_ns=spread.high_ns if spread else figure_ns,
        tpot_p90_ns=spread.p90_ns if spread else None,
        tpot_p99_ns=spread.p99_ns if spread else None,
        cv_percent=spread.cv_percent if spread else None,
        samples=spread.samples if spread else None,
        repetitions=spread.repetitions if spread else None,
        busy_repetitions=sum(map(busy, samples.repetitions)) if samples else None,
        compile_s=samples.compile_s if samples else None,
        probe_gb_per_s=probe.gb_per_s if probe else None,
        probe_low_gb_per_s=probe.low_gb_per_s if probe else None,
        probe_high_gb_per_s=probe.high_gb_per_s if probe else None,
        probe_bytes_in_tpot=probe.bytes_in_tpot if probe else None,
        changed_speed=bool(probe and probe.changed_speed),
    )


def _kernel_rows(run: str, block: KernelBlock) -> tuple[KernelRow, ...]:
    return tuple(_kernel_row(run, index, block, timing) for index, timing in enumerate(block.timings))


def _kernel_row(run: str, index: int, block: KernelBlock, timing: KernelTiming) -> KernelRow:
    latency_ns, low_ns, high_ns, values = _latency(timing)
    return KernelRow(
        run=run,
        index=index,
        kernel=FUSED.join(timing.kernels),
        model=block.model,
        depth_tokens=block.depth_tokens,
        step_of=block.step_of,
        shape=tuple(timing.shape.items()) if timing.shape is not None else None,
        dtype=timing.dtype,
        per=timing.per,
        execution=timing.execution,
        language=timing.language,
        implementation=timing.implementation,
        numerics_ok=timing.numerics_ok,
        rel_l2_error=timing.rel_l2_error,
        emitted_sha256=timing.emitted_sha256,
        latency_ns=latency_ns,
        low_ns=low_ns,
        high_ns=high_ns,
        values=values,
    )


def _latency(timing: KernelTiming) -> tuple[float | None, float | None, float | None, int | None]:
    """Median and its bounds: a 95 % interval where there are samples, the source's own min and max else."""
    if timing.samples_ns is not None:
        found = kernel_latency(timing.samples_ns)
        return found.median_ns, found.low_ns, found.high_ns, found.samples
    if timing.figure is None:
        return None, None, None, None
    figure = timing.figure
    low = figure.min_us * 1e3 if figure.min_us is not None else None
    high = figure.max_us * 1e3 if figure.max_us is not None else None
    return figure.latency_us * 1e3, low, high, figure.values_in_source
