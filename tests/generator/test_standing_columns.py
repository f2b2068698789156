"""Superseded, reproduced, withdrawn: what happens to rows that are measured again, and to the rows beside them."""

from __future__ import annotations

import math
from typing import Any

import pytest

from generator.standing_columns import COLUMNS
from generator.tables import rows_of
from schemas.standing import Timed, reproductions
from tests.generator.examples import Folder, about, samples, timing, timings

DAYS = {day: f"2026-01-0{day}T00:00:00Z" for day in range(1, 10)}


def rows(folder: Folder) -> dict[str, Any]:
    return {row.run: row for row in rows_of(folder.board().decode)}


def put(folder: Folder, run: str, who: str, ns: int = 100_000, day: int = 1, **changes: Any) -> Folder:
    """A measured row of one device by ``who``."""
    named = {"submitter": who, "measured_at": DAYS[day]}
    return folder.measured(run, changes.pop("device", "gpu-a"), samples([ns]), **named | changes)


def test_a_row_alone_is_measured_and_compared_with_none(basic: Folder) -> None:
    row = rows(put(basic, "a", "A"))["a"]
    assert (row.standing, row.superseded_by, row.reproduced_by) == ("measured", None, None)
    assert (row.reproduced_within, row.reproduced_others) == (0, 0)
    assert math.isnan(row.reproduced_low_percent)
    assert math.isnan(row.reproduced_high_percent)


def test_a_published_figure_is_reported_and_neither_reproduces_nor_is_reproduced(basic: Folder) -> None:
    found = rows(put(basic, "a", "A").reported("r", "gpu-a", 10_000))
    assert {name: row.standing for name, row in found.items()} == {"a": "measured", "r": "reported"}
    assert math.isnan(found["r"].reproduced_others)
    assert found["a"].reproduced_others == 0


def test_two_submitters_within_the_tolerance_reproduce_each_other(basic: Folder) -> None:
    found = rows(put(put(put(basic, "a", "A"), "b", "B", 102_000), "far", "C", 200_000))
    assert [found[name].standing for name in ("a", "b", "far")] == ["reproduced", "reproduced", "measured"]
    one = found["a"]
    assert (one.reproduced_within, one.reproduced_others, one.reproduced_by) == (1, 2, ("B",))
    assert one.reproduced_low_percent == one.reproduced_high_percent == about(100 * (1 / 1.02 - 1))
    assert (found["far"].reproduced_within, found["far"].reproduced_others) == (0, 2)
    assert (found["far"].reproduced_low_percent, found["far"].reproduced_high_percent) == (
        about(100 * (200 / 102 - 1)), about(100),
    )  # fmt: skip
    assert [row.ranked for row in found.values()] == [True] * 3


def test_the_columns_are_those_of_the_shared_computation(basic: Folder) -> None:
    for place, name in enumerate("abcdef"):
        put(basic, name, f"Person {name}", 100_000 + 1_500 * place, day=1 + place)
    found = rows(basic)
    timed = [
        Timed(
            r.run, r.device, r.model, r.dtype, r.depth_tokens, r.stack, r.submitter, r.measured_at, r.tpot_ns
        )
        for r in found.values()
    ]
    for name, one in reproductions(timed).items():
        row = found[name]
        assert (row.reproduced_within, row.reproduced_others, row.reproduced_by or ()) == (*one[:2], one.by)
        assert (row.reproduced_low_percent, row.reproduced_high_percent) == one[2:4]


def test_the_latest_row_of_a_submitter_takes_the_place_of_the_others(basic: Folder) -> None:
    put(put(put(basic, "lucky", "A", 50_000), "late", "A", 90_000, day=3), "middle", "A", 80_000, day=2)
    found = rows(basic)
    assert {name: row.superseded_by for name, row in found.items()} == {
        "lucky": "late", "middle": "late", "late": None,
    }  # fmt: skip
    assert {name: bool(row.ranked) for name, row in found.items()} == {
        "lucky": False, "middle": False, "late": True,
    }  # fmt: skip
    assert (found["late"].rank, found["lucky"].standing) == (1, "measured")
    assert math.isnan(found["lucky"].rank)


def test_one_submitter_reproduces_nothing_of_its_own(basic: Folder) -> None:
    found = rows(put(put(basic, "old", "A. Person"), "new", "a person", day=2))
    assert (found["old"].superseded_by, found["new"].standing) == ("new", "measured")
    assert math.isnan(found["old"].reproduced_others)


def test_kernels_of_a_superseded_run_leave_their_places_to_the_later_run(basic: Folder) -> None:
    norm = timing("norm", ns=[900, 910])
    put(put(basic, "old", "A", kernels=timings(norm)), "new", "A", day=2, kernels=timings(norm))
    found = {row.run: row for row in rows_of(basic.board().kernels)}
    assert (found["old"].superseded_by, bool(found["old"].ranked)) == ("new", False)
    assert (found["new"].superseded_by, found["new"].rank) == (None, 1)


def test_a_superseded_row_reproduces_nothing(basic: Folder) -> None:
    found = rows(put(put(put(basic, "old", "A"), "new", "A", 200_000, day=2), "b", "B"))
    assert (found["b"].standing, found["b"].reproduced_others) == ("measured", 1)
    assert found["b"].reproduced_low_percent == about(-50)


def test_a_withdrawn_row_gives_the_older_one_its_place_back(basic: Folder) -> None:
    put(put(put(basic, "old", "A"), "new", "A", 200_000, day=2), "b", "B").retract("new")
    found = rows(basic)
    assert (found["old"].superseded_by, bool(found["old"].ranked)) == (None, True)
    assert (found["old"].standing, found["b"].reproduced_by) == ("reproduced", ("A",))
    assert (found["new"].standing, bool(found["new"].ranked), found["new"].superseded_by) == (
        "measured",
        False,
        None,
    )


OUT: dict[str, dict[str, Any]] = {
    "withdrawn": {},
    "quick": {"quick": True},
    "failing": {"decode_numerics_ok": False},
    "baseline": {"role": "baseline", "decode_baseline_of": "a"},
}


@pytest.mark.parametrize("why", OUT)
def test_a_row_that_does_not_count_supersedes_and_reproduces_nothing(basic: Folder, why: str) -> None:
    put(put(basic, "a", "A"), "b", "B", 300_000)
    put(put(basic, "x", "B", day=2, **OUT[why]), "y", "C", **OUT[why])
    found = rows(basic.retract("x", "y") if why == "withdrawn" else basic)
    assert [found[name].superseded_by for name in ("a", "b", "x", "y")] == [None] * 4
    assert (found["a"].standing, found["a"].reproduced_others) == ("measured", 1)
    assert {found[name].standing for name in ("x", "y")} == {"measured"}
    assert math.isnan(found["x"].reproduced_others)


def test_a_row_without_a_bandwidth_compares_though_it_has_no_rank(basic: Folder) -> None:
    basic.device("gpu-a", peak_bandwidth=None)
    found = rows(put(put(basic, "a", "A"), "b", "B"))
    assert [(row.standing, bool(row.ranked)) for row in found.values()] == [("reproduced", False)] * 2


@pytest.mark.parametrize(
    "changes",
    [{"device": "gpu-b"}, {"decode_dtype": "f32"}, {"decode_depth_tokens": 64}, {"decode_model": "other"}],
)
def test_rows_of_another_quantity_do_not_compare(basic: Folder, changes: dict[str, Any]) -> None:
    found = rows(put(put(basic.model("other"), "a", "A"), "b", "A", day=2, **changes))
    assert [row.superseded_by for row in found.values()] == [None, None]


def test_a_board_without_decode_rows_has_the_columns(basic: Folder) -> None:
    empty = basic.reported("k", "gpu-a", None, timings(timing("norm", us=3))).board().decode
    assert len(empty) == 0
    assert set(COLUMNS) <= set(empty.columns)
