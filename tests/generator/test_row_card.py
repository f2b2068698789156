"""A row's card: what stands on it, of the row itself and of what lies beside it."""

from __future__ import annotations

from typing import Any

from generator.row_card import Cards, RowCard
from schemas.standing import REPRODUCED_WITHIN_PERCENT
from tests.generator.examples import Folder, about, samples, timing, timings


def card(folder: Folder, run: str) -> RowCard:
    return Cards(folder.board()).of(run)


def measured(folder: Folder, run: str, step_ns: int, submitter: str, **changes: Any) -> None:
    folder.measured(run, "gpu-a", samples([step_ns] * 4), submitter=submitter, **changes)


def test_every_run_has_a_card(basic: Folder) -> None:
    basic.reported("r", "gpu-a", 10).measured("kernels", "gpu-a", None, timings(timing("norm", ns=[9, 9])))
    board = basic.board()
    found = {run: Cards(board).of(run) for run in board.data.runs}
    assert found["kernels"].decode is None
    assert [row.kernel for row in found["kernels"].kernels] == ["norm"]
    assert found["r"].decode is not None
    assert found["r"].decode.tok_per_s == about(10)
    assert set(found) == {"r", "kernels"}


def test_other_submitters_rows_stand_on_it_with_their_drift_the_nearest_first(basic: Folder) -> None:
    measured(basic, "own", 1_000_000, "A")
    measured(basic, "far", 1_250_000, "B")
    measured(basic, "near", 980_000, "C")
    found = card(basic, "own").neighbours
    assert [(one.row.run, one.confirms) for one in found] == [("near", True), ("far", False)]
    assert [one.drift_percent for one in found] == [about(100 * (1000 / 980 - 1)), about(-20)]


def test_the_tolerance_holds_whichever_of_two_is_the_slower(basic: Folder) -> None:
    measured(basic, "own", 1_000_000, "A")
    measured(basic, "slower", round(1_000_000 * (1 + REPRODUCED_WITHIN_PERCENT / 100)) - 1, "B")
    assert card(basic, "own").neighbours[0].confirms
    assert card(basic, "slower").neighbours[0].confirms


def test_ones_own_runs_are_no_neighbours(basic: Folder) -> None:
    measured(basic, "old", 1_000_000, "A")
    measured(basic, "new", 1_000_000, "A", measured_at="2026-05-01T00:00:00Z")
    assert card(basic, "new").neighbours == []


def test_its_step_is_taken_apart_where_its_kernels_were_timed(basic: Folder) -> None:
    basic.reported("bare", "gpu-a", 10).reported("r", "gpu-a", 20, timings(timing("norm", us=1)))
    assert card(basic, "bare").step is None
    step = card(basic, "r").step
    assert step is not None
    assert [part.kernel for part in step.parts] == ["norm"]


def test_its_baselines_are_those_that_ran_beside_it(basic: Folder) -> None:
    measured(basic, "own", 1_000_000, "A")
    for run, of in (("beside", "own"), ("elsewhere", "beside")):
        basic.measured(run, "gpu-a", samples([10**6]), role="baseline", decode_baseline_of=of)
    assert [row.run for row in card(basic, "own").baselines] == ["beside"]


def test_each_part_of_the_step_stands_beside_what_the_board_asks_for(basic: Folder) -> None:
    basic.reported("r", "gpu-a", 10)
    parts = {name: (said, wanted) for name, said, wanted in card(basic, "r").contract}
    assert parts["decoder layers"][1] in {None, "all"}
    assert any(said == "not stated" and wanted for said, wanted in parts.values())


def test_the_leader_of_its_model_is_named(basic: Folder) -> None:
    basic.reported("slow", "gpu-a", 10).reported("fast", "gpu-a", 20)
    leader = card(basic, "slow").leader
    assert leader is not None
    assert leader.run == "fast"


def test_its_title_tells_device_figure_and_stack(basic: Folder) -> None:
    measured(basic, "own", 1_000_000, "A")
    basic.measured("kernels", "gpu-a", None, timings(timing("norm", ns=[9, 9])))
    name = basic.board().data.devices["gpu-a"].name
    assert card(basic, "own").title.startswith(f"{name}: 1000 tok/s, ")
    assert card(basic, "kernels").title.startswith(f"{name}: kernel latencies, ")
