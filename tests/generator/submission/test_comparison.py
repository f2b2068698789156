"""A new row beside those of its device: far from them, in the place of one, or attached to one."""

from __future__ import annotations

import pytest

from tests.generator.submission.judged import asked_once, judged, passed
from tests.submissions import DEVICE, RUN, Data, Repository, questions, refusals

OLD = f"{DEVICE}-f16-20260131t120000z"
PLACE = f"data/results/{DEVICE}/{RUN}.json"


@pytest.fixture
def with_old(repository: Repository) -> Repository:
    """A record with a row of another person."""
    repository.submit(old(repository))
    repository.commit()
    return repository


def old(repository: Repository, run: str = OLD, slower: float = 1.0, submitter: str = "B. Person") -> Data:
    return repository.row(run, slower=slower, seed=9, submitter=submitter, measured_at="2026-01-31T12:10:00Z")


@pytest.mark.parametrize(("slower", "near"), [(1.24, True), (1.26, False)])
def test_a_row_far_from_its_devices_others_is_asked_for(
    with_old: Repository, slower: float, near: bool
) -> None:
    report = judged(with_old, with_old.row(slower=slower))
    if near:
        passed(report)
    else:
        assert asked_once(report, "outlier") == (
            f"{PLACE}: decode.samples: is far from this device's other rows (got 0.79 times the median of 1 row on "
            "file); ask what is different on this machine"
        )


def test_a_row_far_faster_than_its_devices_others_is_asked_for(repository: Repository) -> None:
    repository.submit(old(repository, slower=1.3))
    repository.commit()
    assert "(got 1.30 times the median of 1 row on file)" in asked_once(
        judged(repository, repository.row()), "outlier"
    )


def test_it_is_the_median_of_all_that_a_row_is_far_from(repository: Repository) -> None:
    for day, slower in enumerate((1.0, 1.0, 5.0), 1):
        run = f"{DEVICE}-f16-2026013{day - 1}t120000z"
        repository.submit(old(repository, run, slower + day / 1000, f"{'BCD'[day - 1]}. Person"))
    repository.commit()
    passed(judged(repository, repository.row()))


@pytest.mark.parametrize("other", ["stack", "quick", "numerics_ok", "withdrawn", "dtype"])
def test_rows_of_another_kind_are_not_far(repository: Repository, other: str) -> None:
    row = old(repository, slower=2.0)
    if other == "stack":
        row["stack"] = row["stack"] | {"name": "another stack"}
    elif other == "withdrawn":
        repository.retract(OLD)
    elif other == "quick":
        row["quick"] = True
    else:
        row["decode"][other] = False if other == "numerics_ok" else "bf16"
    repository.submit(row)
    repository.commit()
    passed(judged(repository, repository.row()))


def test_a_machine_of_another_name_is_asked_for(repository: Repository) -> None:
    row = repository.row()
    row["environment"]["device_name"] = "Device gpu-b"
    assert asked_once(judged(repository, row), "device-name") == (
        f"{PLACE}: environment.device_name: is not how gpu-a is known (got 'Device gpu-b'); compare the two; an alias "
        "of the device settles it"
    )


@pytest.mark.parametrize("name", ["Device gpu-a", "GPU A", "gpu-a", "Big Old Thing"])
def test_a_machine_is_known_by_name_id_and_alias(repository: Repository, name: str) -> None:
    repository.device(DEVICE, aliases=["big-old-thing"])
    repository.commit()
    row = repository.row()
    row["environment"]["device_name"] = name
    passed(judged(repository, row))


def test_a_new_reference_is_asked_for(repository: Repository) -> None:
    report = judged(repository, repository.row(role="reference"))
    assert asked_once(report, "reference") == (
        f"{PLACE}: role: makes all others of its model be divided by it (got 'reference'); decide whether this "
        "is the one"
    )
    assert report["previews"][0]["unranked"] == "it is a reference"


def baseline(repository: Repository, of: str, submitter: str) -> Data:
    return repository.row(f"{of}-another-stack", slower=1.1, role="baseline", submitter=submitter, kernel_source=None,
                          kernels=None, stack=repository.row()["stack"] | {"name": "another stack"},
                          decode_baseline_of=of, decode_numerics_ok=None)  # fmt: skip


def test_a_baseline_of_anothers_row_is_asked_for(with_old: Repository) -> None:
    line = asked_once(judged(with_old, baseline(with_old, OLD, "A. Person")), "others-row")
    assert (
        f"decode.baseline_of: is a row of B. Person (got '{OLD}'); ask whether both are of one machine"
        in line
    )


def test_a_baseline_of_a_published_row_is_asked_for(repository: Repository) -> None:
    line = asked_once(judged(repository, baseline(repository, "page-a", "A. Person")), "others-row")
    assert "is a row of a publication (got 'page-a')" in line


def test_a_baseline_of_ones_own_row_passes(with_old: Repository) -> None:
    report = judged(with_old, baseline(with_old, OLD, "B. Person"))
    passed(report)
    assert report["previews"][0]["unranked"] == "it is a baseline"


def test_a_later_row_of_the_same_submitter_is_asked_for(with_old: Repository) -> None:
    report = judged(with_old, with_old.row(slower=1.02, submitter="B. Person"))
    assert asked_once(report, "later-row") == (
        f"{PLACE}: submitter: supersedes a row on file (got 'B. Person', who filed {OLD}); compare who opened the two "
        "pull requests"
    )
    assert report["previews"][0]["supersedes"] == [OLD]


def test_only_the_row_that_stands_is_superseded(with_old: Repository) -> None:
    older = f"{DEVICE}-f16-20260130t120000z"
    with_old.submit(old(with_old, older, 1.01) | {"measured_at": "2026-01-30T12:10:00Z"})
    with_old.commit()
    report = judged(with_old, with_old.row(slower=1.02, submitter="B. Person"))
    assert OLD in asked_once(report, "later-row")
    assert report["previews"][0]["supersedes"] == [OLD]


@pytest.mark.parametrize("change", [{"decode_depth_tokens": 9}, {"decode_dtype": "bf16"}, {"quick": True}])
def test_a_row_of_another_quantity_supersedes_none(with_old: Repository, change: Data) -> None:
    row = with_old.row(slower=1.02, submitter="B. Person", **change)
    report = judged(with_old, row)
    assert "later-row" not in questions(report)
    assert report["previews"][0]["supersedes"] == []


def test_an_earlier_row_that_comes_later_takes_no_place(with_old: Repository) -> None:
    run = f"{DEVICE}-f16-20260130t120000z"
    row = with_old.row(run, slower=0.99, submitter="B. Person", measured_at="2026-01-30T12:10:00Z")
    report = judged(with_old, row)
    passed(report)
    (preview,) = report["previews"]
    assert (preview["after"], preview["unranked"]) == (None, "its submitter has a later row")


def test_a_row_of_unknown_things_is_refused_and_stops_no_rule(repository: Repository) -> None:
    row = repository.row(decode_model="huge")
    row["kernels"]["timings"][0]["kernels"] = ["nothing"]
    repository.submit(row | {"device": "gpu-x"})
    found = refusals(repository.check())
    assert {"valid", "emitted-text", "own-id"} == set(found)
    assert {line.split(": ")[1] for line in found["valid"]} == {
        "decode.model",
        "device",
        "kernels.timings[0].kernels[0]",
    }
