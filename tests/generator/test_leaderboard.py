"""The kernel leaderboard: the fastest of each kernel, shape and storage type, and its lead."""

from __future__ import annotations

import math

from generator.leaderboard import MOST_LEADERS, Leaderboard
from tests.generator.examples import Folder, about, timing, timings


def leaders(folder: Folder) -> list[tuple[str, str, str, float]]:
    shown = Leaderboard(folder.board()).shown
    return [(row.run, row.kernel, row.dtype, row.devices) for row in shown]


def test_the_fastest_row_of_each_contest_and_its_lead(basic: Folder) -> None:
    basic.reported("a", "gpu-a", None, timings(timing("norm", us=2), timing("proj", us=1)))
    basic.reported("b", "gpu-b", None, timings(timing("norm", us=5), timing("norm", us=3, dtype="f32")))
    assert leaders(basic) == [("a", "norm", "f16", 2), ("b", "norm", "f32", 1), ("a", "proj", "f16", 1)]
    first, second, _ = Leaderboard(basic.board()).shown
    assert first.lead == about(2.5)
    assert math.isnan(second.lead)
    assert first.shape_label == "cols 8"


def test_a_lead_is_over_another_device(basic: Folder) -> None:
    basic.reported(
        "a", "gpu-a", None, timings(timing("norm", us=2), timing("norm", us=3, implementation="x"))
    )
    basic.reported("b", "gpu-b", None, timings(timing("norm", us=8)))
    (found,) = Leaderboard(basic.board()).shown
    assert (found.lead, found.devices) == (about(4), 2)


def test_rows_without_a_rank_win_nothing_and_stand_among_all(basic: Folder) -> None:
    basic.reported("a", "gpu-a", None, timings(timing("norm", us=2, numerics_ok=False)))
    basic.reported("b", "gpu-b", None, timings(timing("norm", us=8, per="token")))
    assert leaders(basic) == []
    assert len(Leaderboard(basic.board()).rows) == 2


def test_a_page_holds_so_many_and_no_more(basic: Folder) -> None:
    many = [timing("norm", us=1, shape={"cols": 8 + place}) for place in range(MOST_LEADERS + 1)]
    basic.reported("a", "gpu-a", None, timings(*many))
    assert len(Leaderboard(basic.board()).shown) == MOST_LEADERS
    assert len(Leaderboard(basic.board()).leaders) == MOST_LEADERS + 1
