"""What a row is worth beside others, against implementations that compare each with each."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.names import skeleton
from schemas.standing import MOST_NAMED, Reproduction, Timed, agree, ranks, reproductions, superseded

bounded = settings(derandomize=True, database=None, deadline=None, max_examples=200)
ROW = Timed(
    "a", "gpu", "tiny", "f16", 128, "ours", "A. Person", measured_at="2026-01-01T00:00:00Z", tpot_ns=1000.0
)
ANOTHER: list[dict[str, Any]] = [
    {"device": "gpu-2"}, {"model": "large"}, {"dtype": "f32"}, {"depth_tokens": 256}, {"stack": "theirs"},
]  # fmt: skip


def about(value: float) -> Any:
    """``value`` but for rounding, in a place where the types are compared too."""
    return pytest.approx(value)


def row(run: str, **changes: Any) -> Timed:
    return ROW._replace(run=run, **changes)


def by(run: str, tpot_ns: float = 1000.0, **changes: Any) -> Timed:
    """A row of a submitter of its own."""
    return row(run, submitter=f"Person {run}", tpot_ns=tpot_ns, **changes)


def test_a_quantity_is_all_but_the_run_its_submitter_and_its_time() -> None:
    assert ROW.quantity == (ROW.device, ROW.model, ROW.dtype, ROW.depth_tokens, ROW.stack)


def test_the_latest_row_of_a_submitter_supersedes_the_others_also_a_faster_one() -> None:
    rows = [
        row("new", measured_at="2026-03-01T00:00:00Z", tpot_ns=2000.0),
        row("fast", tpot_ns=1.0),
        row("second", measured_at="2026-02-01T00:00:00Z"),
    ]
    assert superseded(rows) == {"fast": "new", "second": "new"}
    assert superseded(rows[1:]) == {"fast": "second"}
    assert superseded([*rows[:1], by("other")]) == {}


def test_of_two_rows_of_one_second_the_greater_id_counts() -> None:
    assert superseded([row("b"), row("a")]) == superseded([row("a"), row("b")]) == {"a": "b"}


@pytest.mark.parametrize("changes", ANOTHER, ids=lambda changes: next(iter(changes)))
def test_rows_of_two_quantities_have_nothing_to_do_with_each_other(changes: dict[str, Any]) -> None:
    assert superseded([row("a"), row("b", **changes)]) == {}
    assert reproductions([by("a"), by("b", **changes)]) == {}


@pytest.mark.parametrize("name", ["a. person", "A  Person", "А. Pеrson"])
def test_a_name_that_passes_for_another_is_the_same_submitter(name: str) -> None:
    assert superseded([row("a"), row("b", submitter=name)]) == {"a": "b"}


def test_rows_within_the_tolerance_reproduce_each_other_and_state_their_drift() -> None:
    found = reproductions([by("a", 1000.0), by("b", 1040.0)])
    assert found["a"] == Reproduction(1, 1, about(-3.846154), about(-3.846154), ("Person b",))
    assert found["b"] == Reproduction(1, 1, about(4), about(4), ("Person a",))


def test_the_tolerance_itself_is_within_it() -> None:
    assert [one.within for one in reproductions([by("a", 1000.0), by("b", 1050.0)]).values()] == [1, 1]
    assert [one.within for one in reproductions([by("a", 1000.0), by("b", 1050.1)]).values()] == [0, 0]


def test_where_none_comes_within_it_the_drift_is_that_of_all_others() -> None:
    found = reproductions([by("a", 1000.0), by("b", 2000.0), by("c", 4000.0)])
    assert found["b"] == Reproduction(0, 2, about(-50), about(100), ())
    assert found["a"] == Reproduction(0, 2, about(-75), about(-50), ())


def test_what_is_out_of_tolerance_is_counted_and_no_part_of_the_drift() -> None:
    found = reproductions([by("a", 1000.0), by("b", 1010.0), by("c", 4000.0)])
    assert (found["a"].within, found["a"].others, found["a"].by) == (1, 2, ("Person b",))
    assert found["a"].low_percent == found["a"].high_percent == about(100 * (1000 / 1010 - 1))


def test_the_nearest_are_named() -> None:
    rows = [by(name, 1000.0 + step) for step, name in enumerate("abcdefg")]
    assert reproductions(rows)["d"].by == ("Person c", "Person e", "Person b")
    assert reproductions(rows)["a"].by == ("Person b", "Person c", "Person d")


def test_a_row_alone_is_not_compared() -> None:
    assert reproductions([by("a")]) == reproductions([]) == {}


def test_who_needs_no_ranks_waits_for_no_numpy() -> None:
    said = (
        "import schemas.standing, sys; print('numpy' in sys.modules, 'confusable_homoglyphs' in sys.modules)"
    )
    run = subprocess.run([sys.executable, "-c", said], capture_output=True, text=True, check=True)
    assert run.stdout.split() == ["False", "False"]


def _naive(rows: Sequence[Timed], own: Timed) -> tuple[int, int, float, float] | None:
    """Within, others, and the drifts, by comparing with each."""
    others = [one for one in rows if one.quantity == own.quantity and one.run != own.run]
    pairs = [(one, sorted((own.tpot_ns, one.tpot_ns))) for one in others]
    near = [one for one, (faster, slower) in pairs if slower <= faster * 1.05]
    drifts = [100 * (own.tpot_ns / one.tpot_ns - 1) for one in near or others]
    return (len(near), len(others), min(drifts), max(drifts)) if others else None


def _nearest(rows: Sequence[Timed], own: Timed) -> list[float]:
    """How far the nearest rows within the tolerance are, in nanoseconds."""
    near = [one for one in rows if (_naive([own, one], own) or (0,))[0]]
    return sorted(abs(one.tpot_ns - own.tpot_ns) for one in near)[:MOST_NAMED]


ROWS = st.lists(
    st.tuples(st.sampled_from(["gpu", "gpu-2"]), st.floats(900, 1200) | st.sampled_from([1000.0, 1050.0])),
    max_size=12,
)


@given(ROWS)
@bounded
def test_reproductions_are_those_of_each_with_each(drawn: list[tuple[str, float]]) -> None:
    rows = [by(f"run-{index}", ns, device=device) for index, (device, ns) in enumerate(drawn)]
    known = {one.submitter: one for one in rows}
    found = reproductions(rows)
    for own in rows:
        one, expected = found.get(own.run), _naive(rows, own)
        got = (one.within, one.others, one.low_percent, one.high_percent) if one else None
        assert got == expected
        if one:
            named = [abs(known[name].tpot_ns - own.tpot_ns) for name in one.by]
            assert named == sorted(named)
            assert len(set(one.by)) == len(one.by) == min(one.within, MOST_NAMED)
            assert named == _nearest(rows, own)


@given(
    st.lists(
        st.tuples(st.sampled_from("ABc"), st.sampled_from(["f16", "f32"]), st.integers(1, 9)), max_size=12
    )
)
@bounded
def test_a_submitter_keeps_one_row_of_a_quantity(drawn: list[tuple[str, str, int]]) -> None:
    rows = [
        row(f"run-{index}", submitter=who, dtype=dtype, measured_at=f"2026-01-0{day}T00:00:00Z")
        for index, (who, dtype, day) in enumerate(drawn)
    ]
    found = superseded(rows)
    for one in rows:
        same = [r for r in rows if (skeleton(r.submitter), r.dtype) == (skeleton(one.submitter), one.dtype)]
        latest = sorted(same, key=lambda r: (r.measured_at, r.run))[-1].run
        assert found.get(one.run, one.run) == latest


@given(st.lists(st.tuples(st.integers(0, 20), st.integers(0, 5)), max_size=15))
@bounded
def test_ranks_are_those_of_each_with_each(drawn: list[tuple[int, int]]) -> None:
    low = np.array([start for start, _ in drawn], np.float64)
    high = np.array([start + width for start, width in drawn], np.float64)
    best, worst = ranks(low, high)
    for index in range(len(drawn)):
        assert best[index] == 1 + sum(low > high[index])
        assert worst[index] == len(drawn) - sum(high < low[index])
        assert best[index] <= worst[index]


@pytest.mark.parametrize(
    ("times", "near"), [(1, True), (1.05, True), (1.0501, False), (0.953, True), (0.95, False)]
)
def test_two_rows_agree_whichever_is_the_slower(times: float, near: bool) -> None:
    assert agree(100, 100 * times) is near
    assert agree(100 * times, 100) is near
