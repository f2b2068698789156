"""Measured and checked as all others are."""

from __future__ import annotations

from typing import Any

import pytest

from generator.submission.protocol import LEAST_KERNEL_SAMPLES
from tests.generator.submission.judged import asked_once, judged, passed, refused, refused_once
from tests.submissions import DEVICE, PROTOCOL, RUN, STEPS, Data, Repository, noise

PLACE = f"data/results/{DEVICE}/{RUN}.json"
RULE = "protocol"


def asking(repository: Repository, **changes: Any) -> Repository:
    """The record with another protocol."""
    repository.instructions(protocol=PROTOCOL | changes)
    repository.commit()
    return repository


def seconds(row: Data) -> float:
    return sum(sum(one["step_ns"]) for one in row["decode"]["samples"]["repetitions"]) / 1e9


def test_a_row_by_the_protocol_passes(repository: Repository) -> None:
    passed(judged(repository, repository.row()))


@pytest.mark.parametrize("steps", [STEPS - 1, STEPS + 1])
def test_a_repetition_has_the_protocols_steps(repository: Repository, steps: int) -> None:
    asking(repository, steps=steps)
    line = refused_once(judged(repository, repository.row()), RULE)
    assert line == (
        f"{PLACE}: decode.samples.steps_per_repetition: is not the protocol's (got 64, it asks for {steps}); measure "
        "with a runner, without options that shorten it"
    )


@pytest.mark.parametrize(("field", "least"), [("warmup_repetitions", 3), ("repetitions", 6)])
def test_there_are_the_protocols_repetitions(repository: Repository, field: str, least: int) -> None:
    asking(repository, **{field: least})
    line = refused_once(judged(repository, repository.row()), RULE)
    assert f"decode.samples.{field}: is not the protocol's (got {least - 1}, it asks for {least})" in line


def test_more_repetitions_than_the_protocols_pass(repository: Repository) -> None:
    asking(repository, warmup_repetitions=1, repetitions=5)
    row = repository.row()
    repetitions = row["decode"]["samples"]["repetitions"]
    repetitions.append(repetitions[0] | {"step_ns": noise(100_000_000, 1_000_000, STEPS, "one more")})
    passed(judged(repository, row))


@pytest.mark.parametrize(("longer_s", "enough"), [(0.0, True), (0.1, False)])
def test_there_is_the_protocols_time(repository: Repository, longer_s: float, enough: bool) -> None:
    asking(repository, seconds=seconds(repository.row()) + longer_s)
    report = judged(repository, repository.row())
    if enough:
        passed(report)
    else:
        line = refused_once(report, RULE)
        assert "decode.samples.repetitions: is not the protocol's (got 32.2 s, it asks for 32.2" in line


def test_a_baseline_takes_as_long_as_it_takes(repository: Repository) -> None:
    repository.submit(repository.row())
    row = repository.row(f"{RUN}-another-stack", slower=0.5, role="baseline", kernel_source=None, kernels=None,
                         decode_baseline_of=RUN, decode_numerics_ok=None, decode_logits_rel_l2=None,
                         stack=repository.row()["stack"] | {"name": "another stack"})  # fmt: skip
    passed(judged(repository, row))


@pytest.mark.parametrize("tokens", [None, [0] * (STEPS - 1), [0] * (STEPS + 1)])
def test_there_is_one_token_a_step(repository: Repository, tokens: list[int] | None) -> None:
    line = refused_once(judged(repository, repository.row(decode_token_ids=tokens)), RULE)
    assert f"decode.token_ids: are not one for each step (got {len(tokens or ())} of 64)" in line


@pytest.mark.parametrize(("token", "known"), [(31, True), (32, False)])
def test_a_token_is_one_of_the_model(repository: Repository, token: int, known: bool) -> None:
    report = judged(repository, repository.row(decode_token_ids=[*range(16), *[token] * (STEPS - 16)]))
    if known:
        passed(report)
    else:
        line = refused_once(report, RULE)
        assert line.endswith("hold a token that the model does not have (got 32); tiny has 32")


@pytest.mark.parametrize(
    ("error", "fits", "got"),
    [(1e-2, True, ""), (1.001e-2, False, "0.01"), (None, False, "null"), (9.0, False, "9")],
)
def test_a_step_that_passed_its_check_is_within_the_bound(
    repository: Repository, error: float | None, fits: bool, got: str
) -> None:
    report = judged(repository, repository.row(decode_logits_rel_l2=error))
    if fits:
        passed(report)
    else:
        line = refused_once(report, "exact-enough")
        assert line == (
            f"{PLACE}: decode.logits_rel_l2: does not fit a passed check (got {got}); for f16 it is at most 0.01"
        )


@pytest.mark.parametrize(("error", "fits"), [(1e-2, True), (1.001e-2, False), (None, False)])
def test_a_kernel_that_passed_its_check_is_within_the_bound(
    repository: Repository, error: float | None, fits: bool
) -> None:
    row = repository.row()
    row["kernels"]["timings"][0]["rel_l2_error"] = error
    report = judged(repository, row)
    if fits:
        passed(report)
    else:
        assert "kernels.timings[0].rel_l2_error: does not fit" in refused_once(report, "exact-enough")


def test_what_failed_its_check_may_have_any_error_and_carries_no_rank(repository: Repository) -> None:
    report = judged(repository, repository.row(decode_numerics_ok=False, decode_logits_rel_l2=0.7))
    assert "decode.numerics_ok: is a failed check (got false)" in asked_once(report, "failed-check")
    (preview,) = report["previews"]
    assert (preview["unranked"], preview["after"]) == ("it fails its check", None)


def test_all_that_the_protocol_misses_is_said_at_once(repository: Repository) -> None:
    asking(repository, steps=32, warmup_repetitions=9, repetitions=50, seconds=600)
    assert len(refused(judged(repository, repository.row()), RULE)) == 4


def test_a_kernel_is_timed_often_enough(repository: Repository) -> None:
    row = repository.row()
    times = row["kernels"]["timings"][0]["samples_ns"]
    row["kernels"]["timings"][0]["samples_ns"] = times[:LEAST_KERNEL_SAMPLES]
    passed(judged(repository, row))
    row["kernels"]["timings"][0]["samples_ns"] = times[: LEAST_KERNEL_SAMPLES - 1]
    line = refused_once(judged(repository, row), "often-enough")
    assert line.startswith(f"{PLACE}: kernels.timings[0].samples_ns: are too few (got 4); ")


def test_a_contender_times_every_kernel_of_its_step(repository: Repository) -> None:
    repository.kernel("proj").kernel("soft")
    repository.commit()
    line = refused_once(judged(repository, repository.row()), "all-kernels")
    assert line.startswith(f"{PLACE}: kernels.timings: leave out kernels of the step (got no proj); ")


def test_a_row_at_another_depth_is_asked_for(repository: Repository) -> None:
    line = asked_once(judged(repository, repository.row(decode_depth_tokens=9)), "another-depth")
    assert "decode.depth_tokens: is not the protocol's (got 9, it asks for 8)" in line


def test_a_kernel_that_failed_its_check_is_asked_for(repository: Repository) -> None:
    row = repository.row()
    (norm,) = row["kernels"]["timings"]
    wrong = norm | {"numerics_ok": False, "samples_ns": None, "implementation": "another", "error": "wrong"}
    row["kernels"]["timings"].append(wrong)
    line = asked_once(judged(repository, row), "failed-check")
    assert "kernels.timings[1].numerics_ok: is a failed check of norm (got false)" in line


def test_a_checkpoint_is_named_by_its_hash(repository: Repository) -> None:
    weights = {"kind": "checkpoint", "seed": None, "sha256": None}
    line = refused_once(judged(repository, repository.row(decode_weights=weights)), RULE)
    assert "decode.weights.sha256: is missing (got null)" in line


@pytest.mark.parametrize(("step", "fits"), [(STEPS, True), (STEPS + 1, False)])
def test_tokens_part_within_the_steps(repository: Repository, step: int, fits: bool) -> None:
    report = judged(repository, repository.row(decode_first_divergence_step=step))
    if fits:
        passed(report)
    else:
        assert "lies beyond the steps (got 65 of 64)" in refused_once(report, RULE)
