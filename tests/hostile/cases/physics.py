"""Figures that no machine has."""

from __future__ import annotations

from tests.generator.examples import sha256, timing, timings
from tests.hostile.base import Case, Scratch, published, row, timed
from tests.submissions import NORM_TEXT, STEP_NS

FIRST = "decode.samples.repetitions.0.step_ns.0"
SHOWN = "decode.samples.repetitions[0].step_ns[0]"
NORM = timing("norm", emitted_sha256=sha256(NORM_TEXT), rel_l2_error=1e-3)
QUICK_SOFT = timings(timing("norm", us=1e-6, emitted_sha256=None))


def norm(times: list[int]) -> tuple[str, object]:
    """The times of the one kernel."""
    return "kernels", timings(NORM | {"samples_ns": times})


def _unsteady(turn: int, step: int) -> int:
    return STEP_NS * (1 + 3 * (turn % 2)) + 977 * step + turn


def _short(scratch: Scratch) -> None:
    data = scratch.valid()
    del data["decode"]["samples"]["repetitions"][4]
    scratch.submit(data)


CASES = (
    Case("faster than the memory", timed(lambda turn, step: 3 + (turn + step) % 5), "speed-of-light", "decode.samples"),
    Case("a published figure faster than the memory", published(("decode.figure.tok_per_s", 1e9)), "speed-of-light",
         "decode.figure.tok_per_s"),
    Case("a figure faster than any memory", published(("device", "gpu-x"), ("decode.figure.tok_per_s", 1e12)),
         "speed-of-light", "decode.figure.tok_per_s"),
    Case("a kernel faster than any cache", published(("kernels", QUICK_SOFT)), "speed-of-light", "kernels.timings[0]"),
    Case("kernels longer than their step", row(norm([STEP_NS + 7 * n for n in range(20)])), "kernels-fit",
         "kernels.timings", builds=True),
    Case("steps of one length", timed(lambda *_: STEP_NS + 1), "varied", "decode.samples.repetitions[0]", builds=True),
    Case("a kernel timed once", row(norm([977])), "often-enough", "kernels.timings[0].samples_ns", builds=True),
    Case("calls of one length", row(norm([99_999] * 20)), "varied", "kernels.timings[0].samples_ns", builds=True),
    Case("steps of whole milliseconds", timed(lambda turn, step: STEP_NS + 1_000_000 * ((turn + step * 7) % 9)),
         "clock-tick", "decode.samples", builds=True),
    Case("calls of whole microseconds times two", row(norm([60_000 + 2_000 * (n % 7) for n in range(20)])),
         "clock-tick", "kernels.timings", builds=True),
    Case("no time", row((FIRST, 0)), "valid", SHOWN),
    Case("time before it began", row((FIRST, -100_000_000)), "valid", SHOWN),
    Case("a step of eleven days", row((FIRST, 10**15)), "valid", SHOWN),
    Case("half a nanosecond", row((FIRST, 0.5)), "valid", SHOWN),
    Case("an empty repetition", row(("decode.samples.repetitions.0.step_ns", [])), "valid",
         "decode.samples.repetitions[0].step_ns"),
    Case("a step less", row(("decode.samples.repetitions.0.step_ns", [STEP_NS] * 63)), "valid",
         "decode.samples.repetitions[0].step_ns"),
    Case("four repetitions", _short, "valid", "decode.samples.repetitions"),
    Case("five seconds in all", timed(lambda turn, step: STEP_NS // 6 + 977 * ((turn * 64 + step) % 97)), "protocol",
         "decode.samples.repetitions", builds=True),
    Case("no warm-up", row(("decode.samples.warmup_repetitions", 0)), "protocol", "decode.samples.warmup_repetitions",
         builds=True),
    Case("repetitions far apart", timed(_unsteady, notes="The host was busy."), "variation",
         "decode.samples.repetitions", builds=True),
    Case("repetitions apart without a word", timed(_unsteady), "variation", "notes"),
    Case("deeper than the model", row(("decode.depth_tokens", 10_000_000)), "valid", "decode.depth_tokens"),
    Case("tokens that the model does not have", row(("decode.token_ids.7", 32)), "protocol", "decode.token_ids",
         builds=True),
    Case("a token for half of the steps", row(("decode.token_ids", [1] * 32)), "protocol", "decode.token_ids",
         builds=True),
    Case("two tokens at once", row(("decode.batch_size", 2)), "valid", "decode.batch_size"),
    Case("a step without its head", row(("decode.contract.lm_head", "excluded")), "valid", "decode.contract.lm_head"),
    Case("an error beyond its bound", row(("decode.logits_rel_l2", 0.9)), "exact-enough", "decode.logits_rel_l2",
         builds=True),
    Case("no error said of a passed check", row(("kernels.timings.0.rel_l2_error", None)), "exact-enough",
         "kernels.timings[0].rel_l2_error", builds=True),
    Case("times of a kernel that failed", row(("kernels.timings.0.numerics_ok", False)), "valid",
         "kernels.timings[0].samples_ns"),
    Case("another's step", row(("kernels.step_of", "page-a")), "valid", "kernels.step_of"),
    Case("a kernel twice in a step", row(("kernels", timings(
        NORM | {"samples_ns": [900, 950]}, NORM | {"samples_ns": [900, 950], "implementation": "again"}))), "valid",
        "kernels.timings[1].kernels"),
)  # fmt: skip
