"""How a new row would appear: its rank before and after, its neighbours, and who agrees with it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.submissions import DEVICE, RUN, STEP_NS, Data, Repository

OLD = f"{DEVICE}-f16-20260131t120000z"


def preview(repository: Repository, row: Data) -> Data:
    repository.submit(row)
    (found,) = (one for one in repository.check()["previews"] if one["run"] == row["id"])
    shown: Data = found
    return shown


def on_file(
    repository: Repository, slower: float, submitter: str = "B. Person", run: str = OLD
) -> Repository:
    """A record with a measured row."""
    row = repository.row(run, slower=slower, submitter=submitter, measured_at="2026-01-31T12:10:00Z")
    repository.submit(row)
    repository.commit()
    return repository


def exactly(row: Data, slower: float) -> Data:
    """The row with a median TPOT that is exactly so much slower than a tenth of a second."""
    for turn, one in enumerate(row["decode"]["samples"]["repetitions"]):
        middle = round(STEP_NS * slower)
        one["step_ns"] = [middle + (step - 32 + (step >= 32)) * (1_000 + turn) for step in range(64)]
    return row


def test_figures_are_those_of_the_samples(repository: Repository) -> None:
    row = exactly(repository.row(), 1.0)
    shown = preview(repository, row)
    assert shown["tpot_ms"] == pytest.approx(100, abs=1e-9)
    assert shown["tok_per_s"] == pytest.approx(10, abs=1e-9)
    assert shown["tok_per_s_low"] <= shown["tok_per_s"] <= shown["tok_per_s_high"]
    assert (shown["device"], shown["model"], shown["dtype"], shown["depth_tokens"]) == (
        DEVICE,
        "tiny",
        "f16",
        8,
    )
    assert (shown["stack"], shown["submitter"], shown["provenance"]) == (
        row["stack"]["name"],
        "A. Person",
        "measured",
    )


def test_rank_before_and_after_and_the_rows_it_stands_between(repository: Repository) -> None:
    shown = preview(repository, repository.row())
    assert shown["before"] == {"rank": 2, "best": 2, "worst": 2, "of": 2}
    assert shown["after"] == {"rank": 2, "best": 2, "worst": 2, "of": 3}
    assert (shown["above"]["run"], shown["below"]["run"]) == ("page-b", "page-a")
    assert shown["below"]["place"] == {"rank": 3, "best": 3, "worst": 3, "of": 3}
    assert (shown["unranked"], shown["supersedes"]) == (None, [])


def test_the_fastest_row_comes_after_nobody_and_the_slowest_before_nobody(repository: Repository) -> None:
    assert (
        preview(repository, repository.row(slower=0.5, measured_at="2026-02-01T12:10:00Z"))["above"] is None
    )
    assert preview(repository, repository.row(slower=3.0))["below"] is None


def test_rows_whose_intervals_overlap_share_a_range_of_ranks(repository: Repository) -> None:
    on_file(repository, 1.0)
    shown = preview(repository, repository.row())
    assert (shown["after"]["best"], shown["after"]["worst"], shown["after"]["of"]) == (2, 3, 4)


def test_a_device_without_a_ranked_row_was_nowhere(repository: Repository) -> None:
    repository.device("npu-c")
    repository.commit()
    row = repository.row("npu-c-f16-20260201t120000z", device="npu-c")
    assert preview(repository, row)["before"] is None


def test_comparability_with_its_neighbours_is_told(repository: Repository) -> None:
    on_file(repository, 1.05)
    shown = preview(repository, repository.row())
    assert shown["below"]["run"] == OLD
    assert shown["below"]["comparability"] == "like for like"
    assert shown["above"]["comparability"].startswith("with care: depth (8, not stated); kernel source (")


def test_a_second_submitter_within_five_percent_reproduces_it(repository: Repository) -> None:
    on_file(repository, 1.03)
    (measured, published) = preview(repository, repository.row())["drifts"]
    assert (measured["run"], measured["by"], measured["published"], measured["within"]) == (
        OLD,
        "B. Person",
        False,
        True,
    )
    assert measured["percent"] == pytest.approx(-2.9, abs=0.1)
    assert (published["run"], published["published"], published["within"]) == ("page-a", True, False)


@pytest.mark.parametrize(
    ("slower", "within"), [(1.0499, True), (1.0501, False), (1 / 1.0499, True), (1 / 1.0501, False)]
)
def test_five_percent_more_time_is_the_bound_both_ways(
    repository: Repository, slower: float, within: bool
) -> None:
    repository.submit(
        exactly(repository.row(OLD, submitter="B. Person", measured_at="2026-01-31T12:10:00Z"), slower)
    )
    repository.commit()
    assert preview(repository, exactly(repository.row(), 1.0))["drifts"][0]["within"] is within


def test_a_third_at_twenty_percent_does_not_and_is_told_all_the_same(repository: Repository) -> None:
    on_file(repository, 1.02)
    on_file(repository, 1.2, "C. Person", f"{DEVICE}-f16-20260130t120000z")
    shown = preview(repository, repository.row())
    assert [(one["by"], one["within"]) for one in shown["drifts"] if not one["published"]] == [
        ("B. Person", True),
        ("C. Person", False),
    ]
    assert shown["others"] == 3


@pytest.mark.parametrize("submitter", ["A. Person", "a. person"])
def test_nobody_confirms_themselves(repository: Repository, submitter: str) -> None:
    on_file(repository, 1.02, submitter)
    shown = preview(repository, repository.row())
    assert [one["run"] for one in shown["drifts"]] == ["page-a"]


@pytest.mark.parametrize("change", [{"decode_depth_tokens": 9}, {"decode_dtype": "bf16"}])
def test_rows_of_another_quantity_confirm_nothing(repository: Repository, change: Data) -> None:
    on_file(repository, 1.02)
    shown = preview(repository, repository.row(**change))
    assert [one for one in shown["drifts"] if not one["published"]] == []


def test_withdrawn_and_superseded_rows_confirm_nothing(repository: Repository) -> None:
    on_file(repository, 1.02)
    on_file(repository, 1.01, "C. Person", f"{DEVICE}-f16-20260130t120000z")
    repository.submit(
        repository.row(
            f"{DEVICE}-f16-20260131t130000z",
            slower=1.04,
            submitter="C. Person",
            measured_at="2026-01-31T13:10:00Z",
        )
    )
    repository.retract(OLD)
    repository.commit()
    shown = preview(repository, repository.row())
    assert [one["run"] for one in shown["drifts"] if not one["published"]] == [
        f"{DEVICE}-f16-20260131t130000z"
    ]


def test_of_many_others_the_nearest_are_named_and_all_counted(repository: Repository) -> None:
    for number in range(7):
        run = f"{DEVICE}-f16-2026013{number % 2}t12000{number}z"
        row = repository.row(run, slower=1 + (7 - number) / 200, submitter=f"{'BCDEFGH'[number]}. Person",
                             measured_at="2026-01-31T12:10:00Z")  # fmt: skip
        repository.submit(row)
    repository.commit()
    shown = preview(repository, repository.row())
    assert [one["by"][0] for one in shown["drifts"]] == ["H", "G", "F", "E", "D"]
    assert shown["others"] == 8


def test_a_published_row_is_confirmed_by_nobody(repository: Repository) -> None:
    on_file(repository, 1.0)
    repository.reported("page-c", DEVICE, 10.0)
    (shown,) = repository.check()["previews"]
    assert [one["run"] for one in shown["drifts"]] == ["page-a"]
    assert (shown["submitter"], shown["provenance"]) == (None, "reported")
    assert shown["tok_per_s_low"] == shown["tok_per_s"] == shown["tok_per_s_high"]


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"quick": True}, "it is a quick run"),
        ({"role": "reference"}, "it is a reference"),
        ({"decode_numerics_ok": False}, "it fails its check"),
    ],
)
def test_what_carries_no_rank_says_why(repository: Repository, change: Data, why: str) -> None:
    shown = preview(repository, repository.row(**change))
    assert (shown["unranked"], shown["after"], shown["above"], shown["below"]) == (why, None, None, None)


def test_a_row_that_is_withdrawn_as_it_comes_carries_no_rank(repository: Repository) -> None:
    repository.retract(RUN)
    assert preview(repository, repository.row())["unranked"] == "it is withdrawn"


def test_two_new_rows_stand_beside_each_other(repository: Repository) -> None:
    other = f"{DEVICE}-f16-20260202t120000z"
    repository.submit(
        repository.row(other, slower=1.05, submitter="B. Person", measured_at="2026-02-02T12:10:00Z")
    )
    shown = preview(repository, repository.row())
    assert shown["below"]["run"] == other
    assert shown["below"]["comparability"] == "like for like"


def test_of_two_new_rows_of_one_submitter_the_later_one_is_ranked(repository: Repository) -> None:
    repository.submit(repository.row())
    later = f"{DEVICE}-f16-20260202t120000z"
    shown = preview(repository, repository.row(later, slower=1.05, measured_at="2026-02-02T12:10:00Z"))
    assert shown["after"]["rank"] == 2
    (first,) = (one for one in repository.check()["previews"] if one["run"] == RUN)
    assert (first["after"], first["unranked"]) == (None, "its submitter has a later row")


def test_kernels_alone_have_no_preview(repository: Repository) -> None:
    repository.submit(repository.row(decode=None))
    assert repository.check()["previews"] == []


def test_of_many_rows_ten_are_shown(repository: Repository) -> None:
    for number in range(12):
        repository.reported(f"page-new-{number}", DEVICE, 1 + number / 100)
    assert len(repository.check()["previews"]) == 10


# --- what else comes with it ----------------------------------------------------------------------


OTHER = f"{DEVICE}-f16-20260202t120000z"


def both(repository: Repository, other: Data) -> tuple[list[Data], list[Data]]:
    """The measured drifts of a new row, and those of another one of the same submission."""
    repository.submit(repository.row())
    repository.submit(other)
    shown = {one["run"]: one["drifts"] for one in repository.check()["previews"]}
    first, second = (
        [one for one in shown[run] if not one["published"]] if run in shown else []
        for run in (RUN, other["id"])
    )
    return first, second


def other_row(repository: Repository, submitter: str = "B. Person", **changes: Any) -> Data:
    return repository.row(
        OTHER, slower=1.02, submitter=submitter, measured_at="2026-02-02T12:10:00Z", **changes
    )


def test_two_new_rows_of_different_submitters_reproduce_each_other(repository: Repository) -> None:
    first, second = both(repository, other_row(repository))
    assert [(one["run"], one["by"], one["within"]) for one in first] == [(OTHER, "B. Person", True)]
    assert [(one["run"], one["by"], one["within"]) for one in second] == [(RUN, "A. Person", True)]
    assert first[0]["percent"] < 0 < second[0]["percent"]


@pytest.mark.parametrize(
    "changes",
    [
        {"submitter": "a. person"},
        {"quick": True},
        {"decode_numerics_ok": False},
        {"decode_depth_tokens": 9},
        {"role": "baseline", "decode_baseline_of": RUN},
    ],
)
def test_a_new_row_that_would_confirm_nothing_on_file_confirms_no_new_one(
    repository: Repository, changes: Data
) -> None:
    first, _ = both(repository, other_row(repository, **changes))
    assert first == []


def test_a_new_row_that_is_withdrawn_as_it_comes_confirms_nobody(repository: Repository) -> None:
    repository.retract(OTHER)
    assert both(repository, other_row(repository))[0] == []


def test_a_row_on_file_that_its_submitter_measures_anew_confirms_only_once(repository: Repository) -> None:
    on_file(repository, 1.03)
    first, _ = both(repository, other_row(repository))
    assert [one["run"] for one in first] == [OTHER]


def test_the_place_of_today_is_that_before_a_withdrawal_that_comes_along(repository: Repository) -> None:
    on_file(repository, 0.9)
    repository.retract(OLD)
    shown = preview(repository, repository.row())
    assert shown["before"] == {"rank": 2, "best": 2, "worst": 2, "of": 3}
    assert shown["after"] == {"rank": 2, "best": 2, "worst": 2, "of": 3}
    assert [one["run"] for one in shown["drifts"]] == ["page-a"]


def test_what_a_withdrawn_row_had_superseded_stands_again_but_not_today(repository: Repository) -> None:
    older = f"{DEVICE}-f16-20260130t120000z"
    on_file(repository, 0.8, run=older)
    row = repository.row(OLD, slower=0.9, submitter="B. Person", measured_at="2026-02-01T12:00:00Z")
    repository.submit(row)
    repository.commit()
    repository.retract(OLD)
    shown = preview(repository, repository.row(measured_at="2026-02-01T12:20:00Z"))
    assert (shown["before"]["rank"], shown["before"]["of"]) == (2, 3)
    assert (shown["above"]["run"], shown["above"]["place"]["rank"]) == ("page-b", 2)
    assert (shown["after"]["rank"], shown["after"]["of"]) == (3, 4)
    assert [one["run"] for one in shown["drifts"] if not one["published"]] == [older]


def test_a_withdrawal_on_file_has_no_place_today(repository: Repository) -> None:
    on_file(repository, 0.9)
    repository.retract(OLD)
    repository.commit()
    assert preview(repository, repository.row())["before"] == {"rank": 2, "best": 2, "worst": 2, "of": 2}


@pytest.mark.parametrize("together", [True, False])
def test_a_baseline_says_of_which_row_and_how_many_times_it(repository: Repository, together: bool) -> None:
    repository.submit(exactly(repository.row(OLD, measured_at="2026-01-31T12:10:00Z"), 1.0))
    if not together:
        repository.commit()
    row = repository.row(role="baseline", decode_baseline_of=OLD)
    shown = preview(repository, exactly(row, 1.25))
    assert shown["baseline_of"] == {
        "run": OLD,
        "tok_per_s": pytest.approx(10),
        "times": pytest.approx(1.25),
    }


def test_a_baseline_of_a_row_that_is_not_there_has_no_figure(repository: Repository) -> None:
    shown = preview(repository, repository.row(role="baseline", decode_baseline_of="nowhere"))
    assert shown["baseline_of"] == {"run": "nowhere", "tok_per_s": None, "times": None}


def test_only_a_baseline_is_one_of_a_row(repository: Repository) -> None:
    assert preview(repository, repository.row())["baseline_of"] is None
