"""A preview's places are those of the site: by the ranks of a whole field, and by the board that a merge builds."""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from generator.dataset import read_dataset
from generator.submission.on_file import Filed, know_medians, read_filed
from generator.submission.preview import previews
from generator.submission.standing import Entry, Place, _entry, field_of
from generator.submission.submission import read_submission
from generator.tables import make_board
from schemas.standing import ranks
from tests.generator.examples import TODAY
from tests.submissions import STEP_NS, Repository

MODEL = "tiny"
bounded = settings(derandomize=True, database=None, deadline=None, max_examples=100)


def naive(entries: list[Entry]) -> list[Place]:
    """Every interval computed, and ranked as the site ranks them."""
    ordered = sorted(entries, key=lambda entry: (-entry.tok_per_s, entry.run))
    low, high = (np.array([entry.interval()[side] for entry in ordered]) for side in (0, 1))
    best, worst = ranks(low, high)
    places = zip(best.tolist(), worst.tolist(), strict=True)
    return [Place(rank, low, high, len(ordered)) for rank, (low, high) in enumerate(places, 1)]


@st.composite
def entries(draw: st.DrawFn) -> Entry:
    """An entry with its figure in its interval, and that in its bounds; of few numbers, so that many are the same."""
    below, low, figure, high, above = sorted(draw(st.lists(st.integers(1, 12), min_size=5, max_size=5)))
    run = f"run-{draw(st.integers(0, 10**6))}"
    return Entry(run, f"gpu-{draw(st.integers(0, 2))}", figure, (below, above), lambda: (low, high))


@bounded
@given(st.lists(entries(), max_size=25))
def test_places_by_bounds_are_those_by_all_intervals(every: list[Entry]) -> None:
    field = field_of(every)
    assert list(field.places) == field.places[:] == naive(every)
    for place, entry in enumerate(field.entries):
        assert field.entries[field.index(entry.run) or 0].run == entry.run
        assert field.places[place - len(every)] == field.places[place]
    for device in ("gpu-0", "gpu-1", "gpu-2"):
        own = [
            place for place, entry in zip(field.places, field.entries, strict=True) if entry.device == device
        ]
        assert field.best_of(device) == min(own, key=lambda place: place.rank, default=None)


def test_only_intervals_that_may_overlap_are_computed() -> None:
    asked: list[str] = []

    def entry(run: str, tok_per_s: float) -> Entry:
        def interval() -> tuple[float, float]:
            asked.append(run)
            return tok_per_s - 1, tok_per_s + 1

        return Entry(run, "gpu", tok_per_s, (tok_per_s - 2, tok_per_s + 2), interval)

    field = field_of([entry("far above", 20), entry("above", 13), entry("own", 10), entry("far below", 1)])
    assert field.places[2] == Place(3, 3, 3, 4)
    assert asked == ["own", "above"]


# --- the board ------------------------------------------------------------------------------------


def _filled(repository: Repository, random: Random, rows: int) -> None:
    """``rows`` random rows, committed: of few people, near each other, some of which carry no rank."""
    for number in range(rows):
        _row(repository, random, f"2026020{random.randint(1, 3)}t{number:06}z")
    for number in range(rows // 4):
        repository.reported(f"page-{number}", random.choice(["gpu-a", "gpu-b"]), random.uniform(9, 11))
    runs = [
        path.stem
        for folder in ("results", "reported")
        for path in sorted((repository.data / folder).rglob("*.json"))
    ]
    repository.retract(*random.sample(runs, rows // 6))
    repository.commit()


def _row(repository: Repository, random: Random, when: str) -> str:
    device = random.choice(["gpu-a", "gpu-b", "no-bandwidth"])
    run = f"{device}-{when}"
    changes: dict[str, Any] = random.choice([
        {}, {}, {}, {}, {"quick": True}, {"decode_numerics_ok": False}, {"role": "reference"},
        {"role": "baseline", "decode_baseline_of": "page-b"},
    ])  # fmt: skip
    day, person = random.randint(1, 4), f"Person {random.randint(1, 4)}"
    changes |= {"device": device, "submitter": person, "measured_at": f"2026-02-0{day}T12:00:00Z"}
    row = repository.row(run, slower=random.uniform(0.95, 1.05), seed=random.randrange(10**6), **changes)
    for turn in row["decode"]["samples"]["repetitions"]:
        factor = random.uniform(0.97, 1.03)
        turn["step_ns"] = [int(step * factor * random.uniform(0.99, 1.01)) for step in turn["step_ns"]]
    repository.submit(row)
    return run


def _board(data: Path) -> dict[str, Any]:
    """The rows of the board that is built from a data folder, by run."""
    found, problems = read_dataset(data)
    assert not problems
    return {str(row.run): row for row in make_board(found).decode.itertuples()}


def _place(rows: dict[str, Any], run: str) -> Place | None:
    ranked = sum(row.rank > 0 for row in rows.values())
    row = rows[run]
    return Place(int(row.rank), int(row.rank_best), int(row.rank_worst), ranked) if row.rank > 0 else None


@pytest.mark.parametrize("seed", range(4))
def test_a_preview_is_the_row_of_the_board_that_a_merge_builds(repository: Repository, seed: int) -> None:
    random = Random(seed)  # noqa: S311 - no secret
    repository.device("no-bandwidth", peak_bandwidth=None)
    _filled(repository, random, 36)
    before = _board(repository.data)
    for number in range(8):
        _row(repository, random, f"20260205t{number:06}z")
    after = _board(repository.data)
    shown = list(previews(read_submission(repository.root, "HEAD", TODAY)))
    assert len(shown) == 8
    for one in shown:
        row = after[one.run]
        assert one.after == _place(after, one.run), one.unranked
        assert (one.tok_per_s, one.tok_per_s_low, one.tok_per_s_high) == (
            row.tok_per_s, row.tok_per_s_low, row.tok_per_s_high,
        )  # fmt: skip
        assert one.before == _best(before, one.device)
        standing = [run for run in before if not before[run].superseded_by]
        gone = {run for run in standing if after[run].superseded_by == one.run}
        assert gone == (set() if row.superseded_by else set(one.supersedes))
        for neighbour, away in ((one.above, -1), (one.below, 1)):
            rank = one.after.rank + away if one.after else 0
            assert (neighbour and neighbour.run) == next(
                (run for run in after if after[run].rank == rank), None
            )
            if neighbour:
                assert neighbour.place == _place(after, neighbour.run)


def _best(rows: dict[str, Any], device: str) -> Place | None:
    own = [run for run in rows if rows[run].device == device and rows[run].rank > 0]
    return _place(rows, min(own, key=lambda run: float(rows[run].rank))) if own else None


def test_entries_of_files_lie_within_their_bounds(repository: Repository) -> None:
    _filled(repository, Random(7), 12)  # noqa: S311 - no secret
    filed: list[Filed] = [one for one in read_filed(repository.data).values() if one.result.decode]
    assert len(filed) > 12
    alone = {one.id: one.medians for one in filed}
    for one in filed:
        vars(one).pop("medians")
    know_medians(filed)
    assert {one.id: one.medians for one in filed} == alone
    for entry in map(_entry, filed):
        assert (
            entry.within[0]
            <= entry.interval()[0]
            <= entry.tok_per_s
            <= entry.interval()[1]
            <= entry.within[1]
        )
    assert all(one.tpot_ns and one.tpot_ns < 3 * STEP_NS for one in filed if one.times)
