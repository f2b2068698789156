"""What a schema cannot say about one file: counts that match, numbers in order, entries that stand once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from generator.text_rules import text_problems
from generator.texts import index_problems
from schemas.problems import Problem
from schemas.records import (
    DecodeBlock,
    DecodeFigure,
    DecodeSamples,
    EmittedIndex,
    Kernel,
    KernelTiming,
    Ledger,
    Proofs,
    Record,
    Reproduce,
    Result,
)

MOST_STEP_DISAGREEMENT = 0.01


def file_problems(record: Record, path: str) -> list[Problem]:
    """Everything that is wrong with one record taken alone."""
    problems = list(text_problems(record, path))
    if isinstance(record, Ledger):
        return [*problems, *_ledger(record, path)]
    if isinstance(record, EmittedIndex):
        return [*problems, *index_problems(record, path)]
    if isinstance(record, Proofs | Reproduce):
        return problems
    if record.id == "index" or record.id.endswith((".html", ".md", ".json")):
        said = f"is how a file of the site is named (got '{record.id}')"
        problems.append(Problem(path, "id", said, "choose another id"))
    if isinstance(record, Result):
        problems += _result(record, path)
    if isinstance(record, Kernel):
        problems += _kernel(record, path)
    return problems


def _ledger(ledger: Ledger, path: str) -> Iterator[Problem]:
    seen: set[str] = set()
    for index, entry in enumerate(ledger.retractions):
        if entry.result in seen:
            said = f"is withdrawn already (got '{entry.result}')"
            yield Problem(path, f"retractions[{index}].result", said, "keep the first entry")
        seen.add(entry.result)


def _result(result: Result, path: str) -> Iterator[Problem]:
    if result.role == "baseline" and result.decode and not result.decode.baseline_of:
        yield Problem(
            path,
            "decode.baseline_of",
            "is missing in a baseline (got null)",
            "name the row it is a baseline of",
        )
    yield from _origin(result, path)
    if result.decode:
        yield from _decode(result.decode, result.quick, path)
    if result.kernels:
        for index, timing in enumerate(result.kernels.timings):
            yield from _timing(timing, result.kernels.model, f"kernels.timings[{index}]", path)
        yield from _timed_twice(result.kernels.timings, path)


def _origin(result: Result, path: str) -> Iterator[Problem]:
    """Who says it, since when, and of which step."""
    if result.submitter is not None and not any(map(str.isalnum, result.submitter)):
        said = f"holds no letter and no digit (got '{result.submitter}')"
        yield Problem(path, "submitter", said, "write a name that people can say")
    source = result.source
    if source and source.published and source.published > source.retrieved:
        said = f"comes after it was retrieved (got '{source.published}', retrieved '{source.retrieved}')"
        yield Problem(path, "source.published", said, "check both against the source")
    step = result.kernels.step_of if result.kernels else None
    if result.provenance == "measured" and step not in {None, result.id}:
        said = f"is another row's step (got '{step}')"
        yield Problem(path, "kernels.step_of", said, "write null; a runner times the kernels of its own step")


def _decode(decode: DecodeBlock, quick: bool, path: str) -> Iterator[Problem]:
    if decode.figure:
        yield from _figure(decode.figure, path)
    if decode.samples:
        yield from _samples(decode.samples, quick, path)


def _figure(figure: DecodeFigure, path: str) -> Iterator[Problem]:
    for index, claim in enumerate(figure.claims):
        if (claim.value is None) != (claim.metric == "statement"):
            said = f"does not fit the metric (got {claim.value} for '{claim.metric}')"
            remedy = "give the figure, or null for a statement without one"
            yield Problem(path, f"decode.figure.claims[{index}].value", said, remedy)
    if figure.step_us and abs(figure.step_us * figure.tok_per_s / 1e6 - 1) > MOST_STEP_DISAGREEMENT:
        said = (
            f"disagrees with tok_per_s (got {figure.step_us:g}, expected about {1e6 / figure.tok_per_s:.6g})"
        )
        yield Problem(path, "decode.figure.step_us", said, "check both against the source")


def _samples(samples: DecodeSamples, quick: bool, path: str) -> Iterator[Problem]:
    where, steps = "decode.samples.repetitions", samples.steps_per_repetition
    if len(samples.repetitions) < 5 and not quick:
        yield Problem(
            path, where, f"are too few (got {len(samples.repetitions)})", "the protocol asks for at least 5"
        )
    wanted, other = ("step_ns", "total_ns") if samples.timing == "per_step" else ("total_ns", "step_ns")
    for index, repetition in enumerate(samples.repetitions):
        place = f"{where}[{index}]"
        if getattr(repetition, wanted) is None or getattr(repetition, other) is not None:
            yield Problem(path, f"{place}.{wanted}", f"does not fit the timing (got timing {samples.timing})",
                          f"give {wanted} and null for {other}")  # fmt: skip
        elif repetition.step_ns is not None and len(repetition.step_ns) != steps:
            said = f"has the wrong number of steps (got {len(repetition.step_ns)}, expected {steps})"
            yield Problem(path, f"{place}.step_ns", said, "give every step of the repetition")


def _timing(timing: KernelTiming, model: str | None, where: str, path: str) -> Iterator[Problem]:
    if timing.shape is None and model is None:
        yield Problem(
            path,
            f"{where}.shape",
            "is missing (got null)",
            "give a shape, or name kernels.model, which has one",
        )
    if timing.shape is not None and len(timing.kernels) > 1:
        yield Problem(
            path, f"{where}.shape", "stands for several fused kernels (got one shape)", "write null"
        )
    figure = timing.figure
    if figure is None:
        return
    low, high = figure.min_us or figure.latency_us, figure.max_us or figure.latency_us
    if not low <= figure.latency_us <= high:
        said = f"lies outside of its bounds (got {figure.latency_us:g}, bounds {low:g} to {high:g})"
        yield Problem(path, f"{where}.figure.latency_us", said, "check all three against the source")


def _timed_twice(timings: tuple[KernelTiming, ...], path: str) -> Iterator[Problem]:
    keys = [
        (
            t.kernels,
            frozenset((t.shape or {}).items()),
            t.dtype,
            t.per,
            t.execution,
            t.language,
            t.implementation,
        )
        for t in timings
    ]
    for key, count in Counter(keys).items():
        if count > 1:
            place = f"kernels.timings[{len(keys) - 1 - keys[::-1].index(key)}]"
            yield Problem(path, place, f"repeats an earlier timing (got {' + '.join(key[0])})", "keep one")


def _kernel(kernel: Kernel, path: str) -> Iterator[Problem]:
    known = set(kernel.axes)
    used: dict[str, tuple[str, ...]] = {"model_shape": tuple(kernel.model_shape)}
    used |= {f"reads[{i}].axes": tensor.axes for i, tensor in enumerate(kernel.reads)}
    used |= {f"writes[{i}].axes": tensor.axes for i, tensor in enumerate(kernel.writes)}
    used |= {f"flops[{i}].axes": term.axes for i, term in enumerate(kernel.flops)}
    for where, axes in used.items():
        for axis in axes:
            if axis not in known:
                yield Problem(
                    path, where, f"names an unknown axis (got '{axis}')", f"known: {', '.join(kernel.axes)}"
                )
    unbound = [axis for axis in kernel.axes if axis not in kernel.model_shape]
    if kernel.category == "decode_step" and unbound:
        yield Problem(
            path,
            "model_shape",
            f"leaves an axis open (got no '{unbound[0]}')",
            "bind every axis to the model",
        )
    if kernel.rate == "gflop_per_s" and not kernel.flops:
        yield Problem(
            path, "flops", "are missing (got none)", "a kernel rated in GFLOP/s counts its operations"
        )
