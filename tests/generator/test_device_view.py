"""A device's page: its rows, and what its measured runs tell."""

from __future__ import annotations

import pytest

from generator.device_view import DeviceView
from tests.generator.examples import MODEL, Folder, about, samples, timing, timings


def device(folder: Folder, name: str = "gpu-a") -> DeviceView:
    board = folder.board()
    return DeviceView(board, board.data.devices[name])


def test_a_device_and_its_rows(basic: Folder) -> None:
    basic.reported("slow", "gpu-a", 10, timings(timing("norm", us=1))).reported("fast", "gpu-a", 30)
    basic.reported("other", "gpu-b", 50)
    view = device(basic)
    assert [row.run for row in view.decode_rows] == ["fast", "slow"]
    assert view.best is not None
    assert (view.best.run, view.best.rank) == ("fast", 2)
    assert [step.run for step in view.steps] == ["slow"]
    assert list(view.kernels["kernel"]) == ["norm"]


def test_a_device_without_rows(basic: Folder) -> None:
    view = device(basic)
    assert (view.best, view.decode_rows, view.best_kernels, view.steps, view.reference) == (
        None,
        [],
        [],
        [],
        None,
    )
    assert view.roofs == [
        ("Tiny 1K", "16-bit weights", about(300e9 / 2976)),
        ("Tiny 1K", "32-bit weights", about(150e9 / 2976)),
    ]


def test_a_device_without_bandwidth_has_no_roof(basic: Folder) -> None:
    assert device(basic.device("gpu-a", peak_bandwidth=None)).roofs == []


def test_the_best_kernels_of_a_device(basic: Folder) -> None:
    entries = timing("norm", us=3), timing("norm", us=2, implementation="x"), timing("proj", us=1)
    basic.reported("r", "gpu-a", None, timings(*entries)).reported(
        "s", "gpu-b", None, timings(timing("norm", us=1))
    )
    assert [(row.kernel, row.latency_us, row.rank) for row in device(basic).best_kernels] == [
        ("norm", about(2), 2), ("proj", about(1), 1),
    ]  # fmt: skip


def test_a_ranked_kernel_row_goes_before_a_faster_one_that_is_wrong(basic: Folder) -> None:
    entries = timing("norm", us=3), timing("norm", us=1, numerics_ok=False, implementation="x")
    basic.reported("r", "gpu-a", None, timings(*entries))
    assert [row.latency_us for row in device(basic).best_kernels] == [about(3)]


@pytest.mark.parametrize("own", [True, False])
def test_the_reference_of_a_device_is_that_of_its_model(basic: Folder, own: bool) -> None:
    basic.model("other").reported("r", "gpu-a").reported("ref", "gpu-b", role="reference",
                                                         decode_model=MODEL if own else "other")  # fmt: skip
    reference = device(basic).reference
    assert (reference.run if reference else None) == ("ref" if own else None)


def test_rows_that_count_no_more_stand_last_and_are_not_expected_again(basic: Folder) -> None:
    basic.measured("old", "gpu-a", samples([10**6])).measured(
        "gone", "gpu-a", samples([10**5]), submitter="C"
    )
    basic.measured("new", "gpu-a", samples([10**7]), measured_at="2026-05-01T00:00:00Z").retract("gone")
    basic.reported("r", "gpu-a", 5).instructions()
    view = device(basic)
    assert [row.run for row in view.decode_rows] == ["new", "r", "gone", "old"]
    assert "old" not in [one.row.run for one in view.reproduction.expected]


def test_the_step_of_a_ranked_row_is_taken_apart_before_a_withdrawn_one(basic: Folder) -> None:
    for name, tok_per_s in (("gone", 40), ("r", 10)):
        basic.reported(name, "gpu-a", tok_per_s, timings(timing("norm", us=1)))
    assert [step.run for step in device(basic.retract("gone")).steps] == ["r", "gone"]
