"""Rows side by side."""

from __future__ import annotations

import math

import numpy as np
import pytest

from generator.compare import Entries
from generator.compare_view import CompareView, Comparison, ratio
from generator.tables import rows_of
from generator.views import ModelView
from tests.generator.examples import Folder, kernel_source, samples, timing, timings


def beside(folder: Folder, *runs: str) -> Comparison:
    board = folder.board()
    rows = {row.run: row for row in rows_of(board.decode)}
    return Comparison(tuple(Entries(board).of(rows[run]) for run in runs))


def ours(folder: Folder, name: str, device: str = "gpu-a", fast: int = 1000) -> Folder:
    return folder.measured(
        name, device, samples([fast], [fast + 40]), kernel_source=kernel_source(sha256="a" * 64)
    )


def test_points_have_a_ratio_without_width() -> None:
    found = ratio((30, 30, 30), (20, 20, 20))
    assert (found.value, found.low, found.high) == pytest.approx((1.5, 1.5, 1.5))


def test_the_interval_of_a_ratio_adds_the_distances_of_both_as_squares() -> None:
    found = ratio(
        (30, 30 / math.exp(0.03), 30 * math.exp(0.06)), (20, 20 / math.exp(0.08), 20 * math.exp(0.04))
    )
    assert found.low == pytest.approx(1.5 * math.exp(-0.05))
    assert found.high == pytest.approx(1.5 * math.exp(0.1))


def test_a_ratio_and_its_inverse_have_inverse_intervals() -> None:
    one, other = (30.0, 28.0, 31.0), (20.0, 19.0, 24.0)
    there, back = ratio(one, other), ratio(other, one)
    assert (1 / back.high, 1 / back.low) == pytest.approx((there.low, there.high))


def test_the_interval_holds_the_true_ratio_about_95_times_of_100() -> None:
    random = np.random.default_rng(7)
    held, draws = 0, 2000
    for _ in range(draws):
        one, other = np.exp(random.normal(np.log([30, 20]), [0.05, 0.02]))
        bounds = [
            (x, x * math.exp(-1.96 * s), x * math.exp(1.96 * s)) for x, s in ((one, 0.05), (other, 0.02))
        ]
        found = ratio(*bounds)
        held += found.low <= 1.5 <= found.high
    assert 0.935 < held / draws < 0.965


def test_each_row_stands_against_the_first(basic: Folder) -> None:
    (pair,) = beside(ours(ours(basic, "one"), "other", "gpu-b", 2000), "one", "other").pairs
    assert pair.comparability.verdict == "like for like"
    assert pair.ratio
    assert pair.ratio.value == pytest.approx(0.5, rel=0.05)
    assert pair.interval.startswith("95 % interval 0.")
    assert "point" not in pair.interval


def test_a_reported_row_counts_as_a_point_and_two_have_no_interval(basic: Folder) -> None:
    ours(basic, "one").reported("page", "gpu-b").reported("other-page", "gpu-a")
    mixed, reported = beside(basic, "one", "page").pairs[0], beside(basic, "page", "other-page").pairs[0]
    assert mixed.interval.endswith("; the reported one counts as a point")
    assert reported.interval == "both are reported, so there is no interval"


def test_rows_that_are_not_comparable_have_no_ratio(basic: Folder) -> None:
    basic.model("large").reported("one", "gpu-a").reported("other", "gpu-b", decode_model="large")
    (pair,) = beside(basic, "one", "other").pairs
    assert pair.comparability.verdict == "not comparable"
    assert pair.ratio is None
    assert pair.interval == ""


def test_kernels_stand_beside_each_other_each_over_the_first(basic: Folder) -> None:
    basic.reported("one", "gpu-a", 50_000, timings(timing("norm", us=1)))  # 5 of 20 µs
    basic.reported("other", "gpu-b", 25_000, timings(timing("norm", us=2), timing("proj", us=4)))
    lines = {line.what: line.cells for line in beside(basic, "one", "other").kernels}
    assert list(lines) == ["whole step", "remainder", "norm", "proj"]
    assert [(cell.text, cell.small) for cell in lines["norm"]] == [("5", ""), ("10", "2.00×")]
    assert [(cell.text, cell.small) for cell in lines["proj"]] == [("–", ""), ("8", "")]
    assert lines["whole step"][1].share == 1
    assert lines["norm"][0].share == pytest.approx(5 / 40)


def test_a_sum_above_the_step_has_no_ratio(basic: Folder) -> None:
    basic.reported("one", "gpu-a", 50_000, timings(timing("norm", us=1)))
    basic.reported("other", "gpu-b", 250_000, timings(timing("norm", us=1)))
    (remainder,) = (line for line in beside(basic, "one", "other").kernels if line.what == "remainder")
    assert [(cell.text, cell.small) for cell in remainder.cells] == [("15", ""), ("−1", "")]


def test_what_is_equal_stands_apart_from_what_differs(whole: Folder) -> None:
    rows = beside(whole, "top", "base")
    equal = [what for what, _ in rows.equal]
    assert [line.what for line in rows.differing] == ["Kernel source"]
    assert "Command" in equal
    assert "Kernel source" not in equal


def test_the_two_best_rows_are_shown_without_a_script(whole: Folder) -> None:
    board = whole.board()
    views = [ModelView(board, model) for model in board.data.models.values()]
    assert CompareView(board).best(views).runs == "top,second"
    assert [pair.other.run for pair in CompareView(board).against_leader(views[0])] == [
        "second",
        "gone",
        "ref",
    ]


def test_a_board_without_two_ranked_rows_compares_nothing(basic: Folder) -> None:
    board = basic.reported("ref", "gpu-b", 100, role="reference").board()
    view = ModelView(board, board.data.models["tiny"])
    rows = CompareView(board).best([view])
    assert (rows.entries, rows.pairs, rows.figures, rows.kernels, rows.differing, rows.equal) == (
        (),
        [],
        [],
        [],
        [],
        [],
    )
    assert CompareView(board).against_leader(view) == []
