"""What a clock takes while a machine works: samples that vary, as fine as a tick, and not wildly."""

from __future__ import annotations

import pytest

from tests.generator.examples import sha256, timing, timings
from tests.generator.submission.judged import asked_once, judged, passed, refused, refused_once
from tests.submissions import DEVICE, NORM_TEXT, RUN, STEP_NS, STEPS, Data, Repository, noise

PLACE = f"data/results/{DEVICE}/{RUN}.json"
CLOCK = "measure again with a runner, which takes its times from the machine's clock"


def of_steps(row: Data, repetitions: list[list[int]]) -> Data:
    for one, steps in zip(row["decode"]["samples"]["repetitions"], repetitions, strict=True):
        one["step_ns"] = steps
    return row


def of_kernel(repository: Repository, times: list[int]) -> Data:
    norm = timing("norm", ns=times, emitted_sha256=sha256(NORM_TEXT), rel_l2_error=1e-3)
    return repository.row(decode=None, kernels=timings(norm))


def whole(row: Data, totals: list[int]) -> Data:
    """The row where only whole repetitions were timed."""
    row["decode"]["samples"]["timing"] = "per_repetition"
    for one, total in zip(row["decode"]["samples"]["repetitions"], totals, strict=True):
        one |= {"total_ns": total, "step_ns": None}
    return row


def noisy(*factors: float) -> list[list[int]]:
    """Repetitions that are slower by these factors."""
    return [noise(int(STEP_NS * factor), 100_000, STEPS, turn, factor) for turn, factor in enumerate(factors)]


# --- they vary ------------------------------------------------------------------------------------


@pytest.mark.parametrize(("each_ns", "allowed"), [(49_999, True), (50_000, False)])
def test_what_takes_as_long_as_fifty_ticks_varies(
    repository: Repository, each_ns: int, allowed: bool
) -> None:
    report = judged(repository, of_kernel(repository, [each_ns] * 20))
    if allowed:
        passed(report)
    else:
        line = refused_once(report, "varied")
        assert line == f"{PLACE}: kernels.timings[0].samples_ns: is constant (got 20 x 50,000 ns); {CLOCK}"


def test_a_repetition_is_not_one_number(repository: Repository) -> None:
    row = repository.row()
    row["decode"]["samples"]["repetitions"][2]["step_ns"] = [100_000_001] * STEPS
    line = refused_once(judged(repository, row), "varied")
    assert "decode.samples.repetitions[2]: is constant (got 64 x 100,000,001 ns)" in line


def test_whole_repetitions_are_not_one_number(repository: Repository) -> None:
    line = refused_once(judged(repository, whole(repository.row(), [6_500_000_001] * 5)), "varied")
    assert "decode.samples.repetitions: is constant (got 5 x 6,500,000,001 ns)" in line


def test_one_step_that_differs_is_enough(repository: Repository) -> None:
    row = repository.row()
    row["decode"]["samples"]["repetitions"][2]["step_ns"] = [100_000_001] * (STEPS - 1) + [100_000_002]
    passed(judged(repository, row))


# --- as fine as a clock ---------------------------------------------------------------------------


@pytest.mark.parametrize(("tick_ns", "fine"), [(1_000, True), (1_001, False), (1_000_000, False)])
def test_steps_are_as_fine_as_a_clock(repository: Repository, tick_ns: int, fine: bool) -> None:
    row = repository.row()
    steps = [
        [time // tick_ns * tick_ns for time in noise(STEP_NS, 30_000_000, STEPS, turn)] for turn in range(5)
    ]
    report = judged(repository, of_steps(row, steps))
    if fine:
        passed(report)
    else:
        line = refused_once(report, "clock-tick")
        assert (
            line
            == f"{PLACE}: decode.samples: holds only multiples of {tick_ns:,} ns (got 320 times); {CLOCK}"
        )


def test_kernels_are_as_fine_as_a_clock(repository: Repository) -> None:
    report = judged(repository, of_kernel(repository, [2_000 * time for time in noise(100, 50, 20, "k")]))
    assert "kernels.timings: holds only multiples of" in refused_once(report, "clock-tick")


def test_short_kernels_may_all_take_the_same_few_ticks(repository: Repository) -> None:
    passed(judged(repository, of_kernel(repository, [2_000] * 20)))


def test_whole_repetitions_are_as_fine_as_a_clock(repository: Repository) -> None:
    report = judged(repository, whole(repository.row(), [6_500_000_000 + 10_000 * turn for turn in range(5)]))
    assert "holds only multiples of 10,000 ns (got 5 times)" in refused_once(report, "clock-tick")


# --- a sane variation -----------------------------------------------------------------------------


@pytest.mark.parametrize(("slower", "quiet"), [(1.184, True), (1.188, False)])
def test_above_eight_percent_notes_say_why(repository: Repository, slower: float, quiet: bool) -> None:
    report = judged(repository, of_steps(repository.row(), noisy(1, 1, 1, 1, slower)))
    if quiet:
        passed(report)
    else:
        line = refused_once(report, "variation")
        assert line.startswith(
            f"{PLACE}: notes: are empty, though repetitions lie far apart (got a variation of 8.1"
        )


def test_above_eight_percent_notes_are_enough(repository: Repository) -> None:
    row = repository.row(notes="The host changed its speed.")
    passed(judged(repository, of_steps(row, noisy(1, 1, 1, 1, 1.188))))


@pytest.mark.parametrize(("slower", "sane"), [(2.43, True), (2.46, False)])
def test_above_fifty_percent_no_note_helps(repository: Repository, slower: float, sane: bool) -> None:
    row = repository.row(notes="The host changed its speed.")
    report = judged(repository, of_steps(row, noisy(1, 1, 1, 1, slower)))
    if sane:
        passed(report)
    else:
        line = refused_once(report, "variation")
        assert line == (
            f"{PLACE}: decode.samples.repetitions: vary too much to be a measurement (got 51 %); find what else runs "
            "there, and measure again"
        ).replace("51", line.partition("(got ")[2][:2])


@pytest.mark.parametrize(("wide_ns", "steady"), [(16_500, True), (18_500, False)])
def test_hardly_any_variation_is_asked_for(repository: Repository, wide_ns: int, steady: bool) -> None:
    row = of_steps(repository.row(), [noise(STEP_NS, wide_ns, STEPS, turn) for turn in range(5)])
    report = judged(repository, row)
    if steady:
        assert "decode.samples: hardly vary (got 0.004" in asked_once(report, "too-steady")
    else:
        passed(report)


def test_a_row_of_whole_repetitions_passes(repository: Repository) -> None:
    passed(judged(repository, whole(repository.row(), noise(6_500_000_000, 10_000_000, 5, "whole"))))


def test_every_series_is_told(repository: Repository) -> None:
    row = of_steps(repository.row(), [[STEP_NS + turn] * STEPS for turn in range(5)])
    assert len(refused(judged(repository, row), "varied")) == 5
