"""Samples that were taken once are handed in once: as they stand, or scaled and shifted."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from tests.generator.examples import sha256, timing
from tests.generator.submission.judged import asked, asked_once, judged, passed, refused, refused_once
from tests.submissions import DEVICE, NORM_TEXT, RUN, Data, Repository, noise, samples

OLD = f"{DEVICE}-f16-20260131t120000z"
PLACE = f"data/results/{DEVICE}/{RUN}.json"


@pytest.fixture
def with_old(repository: Repository) -> Repository:
    """A record with a row of another person."""
    repository.submit(old(repository))
    repository.commit()
    return repository


def old(repository: Repository) -> Data:
    return repository.row(OLD, seed=9, submitter="B. Person", measured_at="2026-01-31T12:10:00Z")


def repetitions(row: Data) -> list[Data]:
    found: list[Data] = row["decode"]["samples"]["repetitions"]
    return found


def of_kernels(repository: Repository, *series: list[int]) -> Data:
    """A row that has timed a kernel at other shapes besides."""
    row = repository.row()
    row["kernels"]["timings"] += [
        timing(
            "norm",
            ns=times,
            emitted_sha256=sha256(NORM_TEXT),
            rel_l2_error=1e-3,
            shape={"cols": 8 * (place + 1)},
        )
        for place, times in enumerate(series)
    ]
    return row


def test_a_repetition_of_the_same_row_is_a_copy(repository: Repository) -> None:
    row = repository.row()
    repetitions(row)[3] = repetitions(row)[1]
    assert refused_once(judged(repository, row), "new-samples") == (
        f"{PLACE}: decode.samples.repetitions[3]: is a copy (got the times of {RUN}, decode.samples.repetitions[1]); "
        "submit the file as the runner wrote it"
    )


def test_a_repetition_of_a_row_on_file_is_a_copy(with_old: Repository) -> None:
    row = with_old.row()
    repetitions(row)[0]["step_ns"] = repetitions(old(with_old))[4]["step_ns"]
    line = refused_once(judged(with_old, row), "new-samples")
    assert f"decode.samples.repetitions[0]: is a copy (got the times of {OLD}, repetition 4)" in line


def test_a_repetition_of_another_device_is_a_copy(repository: Repository) -> None:
    theirs = repository.row(OLD.replace("gpu-a", "gpu-b"), device="gpu-b", seed=9, submitter="B. Person")
    repository.submit(theirs)
    repository.commit()
    row = repository.row()
    repetitions(row)[0]["step_ns"] = repetitions(theirs)[4]["step_ns"]
    assert "is a copy" in refused_once(judged(repository, row), "new-samples")


def test_a_repetition_of_another_new_row_is_a_copy(repository: Repository) -> None:
    repository.submit(repository.row())
    other = repository.row(f"{DEVICE}-f16-20260202t120000z", slower=1.01, submitter="B. Person",
                           measured_at="2026-02-02T12:10:00Z")  # fmt: skip
    repetitions(other)[2] = repetitions(repository.row())[2]
    line = refused_once(judged(repository, other), "new-samples")
    assert f"(got the times of {RUN}, decode.samples.repetitions[2])" in line


def test_whole_repetitions_of_another_row_are_a_copy(repository: Repository) -> None:
    totals = noise(6_500_000_000, 10_000_000, 5, "whole")

    def whole(row: Data) -> Data:
        row["decode"]["samples"] |= {"timing": "per_repetition"}
        for one, total in zip(repetitions(row), totals, strict=True):
            one |= {"total_ns": total, "step_ns": None}
        return row

    repository.submit(whole(old(repository)))
    repository.commit()
    line = refused_once(judged(repository, whole(repository.row())), "new-samples")
    assert f"decode.samples.repetitions: is a copy (got the times of {OLD}, repetition 0)" in line


def test_times_of_a_kernel_on_file_are_a_copy(with_old: Repository) -> None:
    row = with_old.row() | {"kernels": old(with_old)["kernels"]}
    line = refused_once(judged(with_old, row), "new-samples")
    assert f"kernels.timings[0].samples_ns: is a copy (got the times of {OLD}, kernels.timings[0])" in line


def test_times_of_a_kernel_of_the_same_row_are_a_copy(repository: Repository) -> None:
    times = noise(900, 50, 20, "norm")
    line = refused_once(judged(repository, of_kernels(repository, times, times)), "new-samples")
    assert (
        f"kernels.timings[2].samples_ns: is a copy (got the times of {RUN}, kernels.timings[1].samples_ns)"
        in line
    )


def test_kernels_alone_are_compared_too(with_old: Repository) -> None:
    row = with_old.row(decode=None) | {"kernels": old(with_old)["kernels"]}
    refused_once(judged(with_old, row), "new-samples")


@pytest.mark.parametrize(
    "times",
    [[2_000] * 20, [2_000] * 19 + [3_000], [1_000, 2_000] * 10, [2_016] * 16 + [2_048, 2_080, 2_112, 2_144]],
)
def test_short_kernels_may_take_the_same_ticks_by_chance(repository: Repository, times: list[int]) -> None:
    passed(judged(repository, of_kernels(repository, times, times)))


def test_a_whole_copied_row_is_told_repetition_by_repetition(with_old: Repository) -> None:
    row = old(with_old) | {"id": RUN, "submitter": "A. Person", "measured_at": "2026-02-01T12:10:00Z"}
    assert len(refused(judged(with_old, row), "new-samples")) == 6


# --- in another order -----------------------------------------------------------------------------

ORDERS: dict[str, Callable[[list[int]], list[int]]] = {
    "shuffled": lambda times: random.Random(1).sample(times, len(times)),  # noqa: S311 - no secret
    "reversed": lambda times: times[::-1],
    "rotated": lambda times: times[7:] + times[:7],
    "sorted": sorted,
}


@pytest.mark.parametrize("order", ORDERS.values(), ids=ORDERS.keys())
def test_a_repetition_on_file_in_another_order_is_a_copy(
    with_old: Repository, order: Callable[[list[int]], list[int]]
) -> None:
    row = with_old.row()
    repetitions(row)[0]["step_ns"] = order(repetitions(old(with_old))[4]["step_ns"])
    assert refused_once(judged(with_old, row), "new-samples") == (
        f"{PLACE}: decode.samples.repetitions[0]: is a copy in another order (got the times of {OLD}, repetition 4); "
        "submit the file as the runner wrote it"
    )


def test_a_repetition_of_the_same_row_in_another_order_is_a_copy(repository: Repository) -> None:
    row = repository.row()
    repetitions(row)[3]["step_ns"] = sorted(repetitions(row)[1]["step_ns"])
    line = refused_once(judged(repository, row), "new-samples")
    assert f"is a copy in another order (got the times of {RUN}, decode.samples.repetitions[1])" in line


def test_times_of_a_kernel_in_another_order_are_a_copy(repository: Repository) -> None:
    times = noise(9_000_000, 500_000, 20, "other")
    line = refused_once(judged(repository, of_kernels(repository, times, times[::-1])), "new-samples")
    assert "kernels.timings[2].samples_ns: is a copy in another order" in line


@pytest.mark.parametrize(
    "times", [noise(900, 12, 20, "norm"), noise(900, 50, 20, "norm"), [900, 901, 902, 903] * 10]
)
def test_short_kernels_may_take_the_same_ticks_in_another_order_by_chance(
    repository: Repository, times: list[int]
) -> None:
    passed(judged(repository, of_kernels(repository, times, times[::-1])))


def cut_otherwise(row: Data, theirs: Data, first: int) -> None:
    """Give ``row`` the steps of ``theirs``, begun at the one of place ``first``."""
    steps = [time for one in repetitions(theirs) for time in one["step_ns"]]
    steps = steps[first:] + steps[:first]
    for turn, one in enumerate(repetitions(row)):
        one["step_ns"] = steps[64 * turn : 64 * (turn + 1)]


@pytest.mark.parametrize("first", [1, 100])
def test_all_steps_of_a_row_on_file_cut_into_other_repetitions_are_a_copy(
    with_old: Repository, first: int
) -> None:
    row = with_old.row()
    cut_otherwise(row, old(with_old), first)
    assert refused_once(judged(with_old, row), "new-samples") == (
        f"{PLACE}: decode.samples: is a copy in another order (got the times of {OLD}, decode.samples); "
        "submit the file as the runner wrote it"
    )


def test_all_steps_of_another_new_row_cut_elsewhere_are_a_copy(repository: Repository) -> None:
    repository.submit(repository.row())
    other = repository.row(f"{DEVICE}-f16-20260202t120000z", slower=1.01, submitter="B. Person",
                           measured_at="2026-02-02T12:10:00Z")  # fmt: skip
    cut_otherwise(other, repository.row(), 1)
    assert f"decode.samples: is a copy in another order (got the times of {RUN}, decode.samples)" in (
        refused_once(judged(repository, other), "new-samples")
    )


# --- scaled and shifted ---------------------------------------------------------------------------

CHANGES: list[Callable[[int], int]] = [
    lambda time: round(time * 0.9),
    lambda time: round(time * 1.37),
    lambda time: time - 1_234_567,
    lambda time: round(time * 0.5) + 40_000_000,
    lambda time: time + time % 3,
]


@pytest.mark.parametrize("change", CHANGES)
def test_a_repetition_that_a_factor_and_an_offset_make_of_one_on_file_is_asked_for(
    with_old: Repository, change: Callable[[int], int]
) -> None:
    row = with_old.row()
    repetitions(row)[0]["step_ns"] = [change(time) for time in repetitions(old(with_old))[4]["step_ns"]]
    row["notes"] = "One repetition is another's."
    assert asked_once(judged(with_old, row), "scaled-samples") == (
        f"{PLACE}: decode.samples.repetitions[0]: is another series, scaled or shifted (got the times of {OLD}, "
        "repetition 4); ask how both were measured"
    )


def test_a_row_of_one_repetition_shifted_is_asked_for(repository: Repository) -> None:
    row = repository.row()
    first = repetitions(row)[0]["step_ns"]
    for turn, one in enumerate(repetitions(row)):
        one["step_ns"] = [time + 1_013 * turn for time in first]
    lines = asked(judged(repository, row), "scaled-samples")
    assert [line.split(": ")[1] for line in lines] == [
        f"decode.samples.repetitions[{turn}]" for turn in range(1, 5)
    ]


def test_scaled_times_of_a_kernel_are_asked_for(repository: Repository) -> None:
    times = noise(90_000, 50_000, 20, "other")
    report = judged(repository, of_kernels(repository, times, [2 * time + 7 for time in times]))
    assert "kernels.timings[2].samples_ns: is another series" in asked_once(report, "scaled-samples")


def test_a_slow_first_step_that_all_repetitions_share_makes_none_a_copy(repository: Repository) -> None:
    row = repository.row()
    for turn, one in enumerate(repetitions(row)):
        one["step_ns"] = [time // 1_000 + 100_000_000 for time in one["step_ns"]]
        one["step_ns"][0] = 110_000_000 + turn
    passed(judged(repository, row))


def test_repetitions_with_a_common_trend_are_no_copies(repository: Repository) -> None:
    row = repository.row()
    for one in repetitions(row):
        one["step_ns"] = [time + 100_000 * step for step, time in enumerate(one["step_ns"])]
    passed(judged(repository, row))


def test_runs_of_a_machine_that_is_as_steady_as_a_clock_are_no_copies(repository: Repository) -> None:
    row = repository.row()
    for turn, one in enumerate(repetitions(row)):
        one["step_ns"] = [
            time + 5_000_000 * (step % 2) for step, time in enumerate(noise(100_000_000, 20_000, 64, turn))
        ]
    passed(judged(repository, row))


def test_of_very_many_repetitions_an_even_choice_is_compared(repository: Repository) -> None:
    row = repository.row()
    first = repetitions(row)[0]
    row["decode"]["samples"]["repetitions"] = [
        first | {"step_ns": [time + 1_013 * turn for time in first["step_ns"]]} for turn in range(600)
    ]
    row["measured_at"] = "2026-02-01T14:10:00Z"
    (rule,) = (rule for rule in judged(repository, row)["rules"] if rule["id"] == "scaled-samples")
    assert 190 <= rule["count"] <= 256


def test_other_seeds_are_other_samples() -> None:
    assert samples(seed=1) != samples(seed=2)
    assert samples(slower=1.1) != samples(slower=1.2)
