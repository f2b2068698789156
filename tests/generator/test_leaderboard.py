"""The kernel leaderboard."""

from __future__ import annotations

import math

from generator.leaderboard import MOST_LEADERS, Leaderboard
from tests.generator.examples import Folder, about, timing, timings


def test_the_fastest_row_of_each_shape_and_type_and_its_lead(basic: Folder) -> None:
    basic.reported("a", "gpu-a", None, timings(timing("norm", us=2), timing("proj", us=1)))
    basic.reported("b", "gpu-b", None, timings(timing("norm", us=5), timing("norm", us=3, dtype="f32")))
    found = Leaderboard(basic.board()).shown
    assert [(one.run, one.kernel, one.dtype, one.devices) for one in found] == [
        ("a", "norm", "f16", 2), ("b", "norm", "f32", 1), ("a", "proj", "f16", 1),
    ]  # fmt: skip
    assert found[0].lead == about(2.5)
    assert math.isnan(found[1].lead)
    assert found[0].shape_label == "cols 8"


def test_a_lead_is_over_another_device(basic: Folder) -> None:
    again = timing("norm", us=3, implementation="x")
    basic.reported("a", "gpu-a", None, timings(timing("norm", us=2), again))
    basic.reported("b", "gpu-b", None, timings(timing("norm", us=8)))
    (found,) = Leaderboard(basic.board()).shown
    assert (found.lead, found.devices) == (about(4), 2)


def test_rows_without_a_rank_lead_nothing_and_are_all_there(basic: Folder) -> None:
    basic.reported("a", "gpu-a", None, timings(timing("norm", us=2, numerics_ok=False)))
    basic.reported("b", "gpu-b", None, timings(timing("norm", us=8, per="token")))
    board = Leaderboard(basic.board())
    assert board.shown == []
    assert len(board.rows) == 2
    assert board.rows["lead"].isna().all()


def test_a_page_holds_the_first_of_many(basic: Folder) -> None:
    many = [timing("soft", us=1, shape={"rows": 1, "cols": size}) for size in range(1, 121)]
    board = Leaderboard(basic.reported("a", "gpu-a", None, timings(*many, model=None)).board())
    assert (len(board.shown), len(board.leaders)) == (MOST_LEADERS, 120)


def test_a_board_without_kernels_has_no_leaders(basic: Folder) -> None:
    assert Leaderboard(basic.board()).shown == []
