"""Whether a row was measured and checked as all others are."""

from __future__ import annotations

from collections.abc import Iterator

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
