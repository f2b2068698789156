"""Every row has one fate: the accounts refuse to add up otherwise."""

from __future__ import annotations

from pathlib import Path

import pytest

from generator.importers.accounts import Accounts, Place, Unaccounted
from schemas.problems import Problem

FIRST, SECOND = Place("a", 1, 1), Place("a", 2, 2)


@pytest.fixture
def accounts() -> Accounts:
    found = Accounts()
    found.read(Path("a"), [FIRST, SECOND])
    return found


def test_fates_sum_up_to_the_rows_read(accounts: Accounts) -> None:
    accounts.settle(FIRST, "imported")
    accounts.settle(SECOND, "refused", Problem("a:2", "row", "is wrong", "mend it"))
    for counts in (accounts.counts(), accounts.counts("a")):
        assert dict(counts) == {
            "read": 2,
            "imported": 1,
            "merged": 0,
            "on_file": 0,
            "dropped": 0,
            "refused": 1,
        }
    assert [str(why) for why in accounts.told("refused")] == ["a:2: row: is wrong; mend it"]
    assert accounts.told("dropped") == []


def test_a_row_without_a_fate_is_an_error(accounts: Accounts) -> None:
    accounts.settle(FIRST, "imported")
    with pytest.raises(Unaccounted, match="2 rows read, 1 with a fate"):
        accounts.counts()
    with pytest.raises(Unaccounted, match="a: 2 rows read, 1 with a fate"):
        accounts.counts("a")


def test_a_second_fate_is_an_error(accounts: Accounts) -> None:
    accounts.settle(FIRST, "imported")
    with pytest.raises(Unaccounted, match="a:1: merged after imported"):
        accounts.settle(FIRST, "merged")


def test_a_row_that_was_never_read_is_an_error(accounts: Accounts) -> None:
    for place in (FIRST, SECOND, Place("b", 1, 1)):
        accounts.settle(place, "dropped")
    with pytest.raises(Unaccounted, match="never read"):
        accounts.counts()


def test_a_row_read_twice_is_an_error(accounts: Accounts) -> None:
    accounts.read(Path("a"), [FIRST])
    accounts.settle(FIRST, "dropped")
    accounts.settle(SECOND, "dropped")
    with pytest.raises(Unaccounted):
        accounts.counts()


def test_a_note_stands_once(accounts: Accounts) -> None:
    accounts.note("a", "said")
    accounts.note("a", "said")
    assert list(accounts.notes) == [("a", "said")]
