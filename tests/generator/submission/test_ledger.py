"""The ledger of withdrawn rows only grows."""

from __future__ import annotations

import pytest

from tests.generator.submission.judged import asked_once, judge_committed, refused, refused_once
from tests.submissions import Repository

LEDGER = "data/retracted.yml"


@pytest.fixture
def with_entries(repository: Repository) -> Repository:
    """A ledger with two entries."""
    repository.reported("page-c", "gpu-a", 4.0).retract("page-a", "page-c")
    repository.commit()
    return repository


def test_an_entry_at_the_end_is_for_a_person(with_entries: Repository) -> None:
    with_entries.retract("page-a", "page-c", "page-b")
    line = asked_once(with_entries.check(), "withdrawal")
    assert line == (
        f"{LEDGER}: retractions[2]: withdraws a row (got 'page-b': a wrong clock); decide whether the reason holds"
    )


def test_an_entry_may_come_with_a_row(with_entries: Repository) -> None:
    with_entries.retract("page-a", "page-c", "page-b").submit(with_entries.row())
    asked_once(with_entries.check(), "withdrawal")


@pytest.mark.parametrize("committed", [False, True])
def test_an_entry_on_file_is_not_edited(with_entries: Repository, committed: bool) -> None:
    with_entries.retract("page-a", "page-c", reason="we like it")
    found = judge_committed(with_entries, committed)
    assert list(found) == ["ledger-grows"]
    assert found["ledger-grows"] == [
        f"{LEDGER}: retractions[0]: is another entry than before (got 'page-a', had 'page-a'); restore it; new "
        "entries go to the end"
    ]


@pytest.mark.parametrize(
    "entries", [("page-c", "page-a"), ("page-b", "page-a", "page-c"), ("page-a", "page-b", "page-c")]
)
def test_entries_keep_their_order(with_entries: Repository, entries: tuple[str, ...]) -> None:
    with_entries.retract(*entries)
    assert "is another entry than before" in refused_once(with_entries.check(), "ledger-grows")


def test_the_last_entry_is_not_removed(with_entries: Repository) -> None:
    with_entries.retract("page-a")
    line = refused_once(with_entries.check(), "ledger-grows")
    assert (
        line == f"{LEDGER}: retractions: has lost entries (got 1, had 2); restore them; the ledger only grows"
    )


def test_the_first_entry_is_not_removed(with_entries: Repository) -> None:
    with_entries.retract("page-c")
    lines = refused(with_entries.check(), "ledger-grows")
    assert [line.split(": ")[1] for line in lines] == ["retractions", "retractions[0]"]


@pytest.mark.parametrize("committed", [False, True])
def test_the_ledger_is_not_deleted(with_entries: Repository, committed: bool) -> None:
    (with_entries.data / "retracted.yml").unlink()
    found = judge_committed(with_entries, committed)
    assert list(found) == ["allowed-changes"]
    assert f"{LEDGER}: file: was deleted" in found["allowed-changes"][0]


def test_a_ledger_that_cannot_be_read_is_refused(with_entries: Repository) -> None:
    (with_entries.root / LEDGER).write_text("- {")
    assert LEDGER in refused_once(with_entries.check(), "valid")
