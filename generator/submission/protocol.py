"""Whether a row was measured and checked as all others are."""

from __future__ import annotations

from collections.abc import Iterator

from generator.formats import listed
from generator.rows import FUSED
from generator.submission.submission import New, Submission
from schemas.contract import MOST_REL_L2_ERROR
from schemas.metrics import measured_ns
from schemas.problems import Problem
from schemas.records import DecodeBlock, DecodeSamples, Dtype, Protocol

LEAST_KERNEL_SAMPLES = 5
_RUNNER = "measure with a runner, without options that shorten it"


def measured_so(submission: Submission) -> Iterator[Problem]:
    """Steps, warm-up, repetitions and time are the protocol's, and the tokens are the model's."""
    for new in submission.decoded:
        decode, protocol = new.result.decode, submission.protocol
        assert decode
        if new.result.quick:
            continue  # which another rule says
        if decode.samples and protocol:
            yield from _length(new, decode.samples, protocol)
        yield from _tokens(submission, new, decode)


def often_enough(submission: Submission) -> Iterator[Problem]:
    """Each kernel was timed often enough for its median to mean something."""
    for new in submission.measured:
        for place, timing in enumerate(new.result.kernels.timings if new.result.kernels else ()):
            if timing.samples_ns is not None and len(timing.samples_ns) < LEAST_KERNEL_SAMPLES:
                said = f"are too few (got {len(timing.samples_ns)})"
                remedy = f"measure with a runner; it times each at least {LEAST_KERNEL_SAMPLES} times"
                yield Problem(new.path, f"kernels.timings[{place}].samples_ns", said, remedy)


def _length(new: New, samples: DecodeSamples, protocol: Protocol) -> Iterator[Problem]:
    seconds = measured_ns(samples) / 1e9
    least_seconds = (
        protocol.seconds if new.result.role == "contender" else 0
    )  # a baseline runs along in turns
    steps, warmup, count = samples.steps_per_repetition, samples.warmup_repetitions, len(samples.repetitions)
    for field, fits, got, wanted in (
        ("steps_per_repetition", steps == protocol.steps, steps, protocol.steps),
        ("warmup_repetitions", warmup >= protocol.warmup_repetitions, warmup, protocol.warmup_repetitions),
        ("repetitions", count >= protocol.repetitions, count, protocol.repetitions),
        ("repetitions", seconds >= least_seconds, f"{seconds:.1f} s", f"{least_seconds:g} s"),
    ):
        if not fits:
            said = f"is not the protocol's (got {got}, it asks for {wanted})"
            yield Problem(new.path, f"decode.samples.{field}", said, _RUNNER)


def _tokens(submission: Submission, new: New, decode: DecodeBlock) -> Iterator[Problem]:
    model, where = submission.dataset.models.get(decode.model), "decode.token_ids"
    steps = decode.samples.steps_per_repetition if decode.samples else 0
    if decode.weights.kind == "checkpoint" and decode.weights.sha256 is None:
        yield Problem(new.path, "decode.weights.sha256", "is missing (got null)", "measure with a runner")
    if (decode.first_divergence_step or 0) > steps:
        said = f"lies beyond the steps (got {decode.first_divergence_step:,} of {steps})"
        yield Problem(
            new.path, "decode.first_divergence_step", said, "submit the file as the runner wrote it"
        )
    if decode.token_ids is None or len(decode.token_ids) != steps:
        said = f"are not one for each step (got {len(decode.token_ids or ())} of {steps})"
        yield Problem(new.path, where, said, "submit the file as the runner wrote it")
    elif model and max(decode.token_ids) >= model.vocab_size:
        said = f"hold a token that the model does not have (got {max(decode.token_ids):,})"
        yield Problem(new.path, where, said, f"{model.id} has {model.vocab_size:,}")


def exact_enough(submission: Submission) -> Iterator[Problem]:
    """What is said to have passed its check has an error, and that within the protocol's bound."""
    for new in submission.measured:
        decode, kernels = new.result.decode, new.result.kernels
        if decode and decode.numerics_ok:
            yield from _bound(new.path, "decode.logits_rel_l2", decode.logits_rel_l2, decode.dtype)
        for place, timing in enumerate(kernels.timings if kernels else ()):
            if timing.numerics_ok:
                field = f"kernels.timings[{place}].rel_l2_error"
                yield from _bound(new.path, field, timing.rel_l2_error, timing.dtype)


def _bound(path: str, field: str, error: float | None, dtype: Dtype) -> Iterator[Problem]:
    bound = MOST_REL_L2_ERROR[dtype]
    if error is None or error > bound:
        said = f"does not fit a passed check (got {'null' if error is None else format(error, '.3g')})"
        yield Problem(path, field, said, f"for {dtype} it is at most {bound:g}")


def all_kernels(submission: Submission) -> Iterator[Problem]:
    """A contender times every kernel of its step, so that the step can be taken apart."""
    data = submission.dataset
    for new in submission.decoded:
        model = data.models.get(new.rows.decode.model) if new.rows.decode else None
        if new.result.role != "contender" or new.result.kernels is None or model is None:
            continue
        own = [row for row in new.rows.kernels if row.shape is None and row.step_of in {None, new.result.id}]
        timed = {name for row in own for name in row.kernel.split(FUSED)}
        needed = (kernel for kernel in data.kernels.values() if kernel.category == "decode_step")
        missing = [kernel.id for kernel in needed if kernel.calls_per_token(model) and kernel.id not in timed]
        if missing:
            said = f"leave out kernels of the step (got no {listed(missing[:3])}{', …' if len(missing) > 3 else ''})"
            yield Problem(new.path, "kernels.timings", said, "submit the file as the runner wrote it")


def another_depth(submission: Submission) -> Iterator[Problem]:
    """Contenders at another depth than the protocol's, each of which is a row of its own."""
    for new in submission.decoded:
        decode, protocol = new.result.decode, submission.protocol
        if (
            decode
            and protocol
            and new.result.role == "contender"
            and decode.depth_tokens != protocol.depth_tokens
        ):
            said = f"is not the protocol's (got {decode.depth_tokens}, it asks for {protocol.depth_tokens})"
            yield Problem(
                new.path, "decode.depth_tokens", said, "decide whether the board wants a row at this depth"
            )


def failed_checks(submission: Submission) -> Iterator[Problem]:
    """Rows whose step, or one of whose kernels, failed its check: shown, and never ranked."""
    for new in submission.measured:
        decode, kernels = new.result.decode, new.result.kernels
        if decode and decode.numerics_ok is False:
            said = "is a failed check (got false)"
            yield Problem(new.path, "decode.numerics_ok", said, "decide whether the board should show it")
        for place, timing in enumerate(kernels.timings if kernels else ()):
            if timing.numerics_ok is False:
                said = f"is a failed check of {' + '.join(timing.kernels)} (got false)"
                field = f"kernels.timings[{place}].numerics_ok"
                yield Problem(new.path, field, said, "decide whether the board should show it")
