"""Sentences with figures in them: sources, claims, steps taken apart, kernels against decode."""

from __future__ import annotations

import math
from typing import Any

import pytest

from generator.findings import (
    CheckedClaim,
    KernelAgainstDecode,
    Reconciliation,
    checked_claims,
    kernel_against_decode,
    reconciliations,
    source_groups,
)
from tests.generator.examples import Folder, about, claim, kernel_source, samples, timing, timings

BANDWIDTH = {"gb_per_s": 300, "what": "memory of the board", "source": {"title": "t", "url": "https://a.org"}}


def groups(folder: Folder) -> list[tuple[str, tuple[str, ...]]]:
    return [(group.label, group.devices) for group in source_groups(folder.board().decode)]


def claims(folder: Folder) -> list[CheckedClaim]:
    board = folder.board()
    return checked_claims(board, board.decode)


def steps(folder: Folder) -> list[Reconciliation]:
    board = folder.board()
    return reconciliations(board, board.decode, 100)


def standings(folder: Folder) -> dict[str, KernelAgainstDecode]:
    board = folder.board()
    return {entry.device: entry for entry in kernel_against_decode(board, board.decode)}


def test_rows_of_one_kernel_source_are_one_group(basic: Folder) -> None:
    basic.reported("a", "gpu-a", 20, kernel_source=kernel_source())
    basic.reported("b", "gpu-b", 10, kernel_source=kernel_source())
    assert groups(basic) == [("kernels 0123abc", ("Device gpu-a", "Device gpu-b"))]


def test_rows_of_two_sources_are_two_groups_the_larger_first(basic: Folder) -> None:
    basic.device("gpu-c").reported("a", "gpu-a", 30, kernel_source=kernel_source("fffffff"))
    basic.reported("b", "gpu-b", 20, kernel_source=kernel_source())
    basic.reported("c", "gpu-c", 10, kernel_source=kernel_source())
    assert groups(basic) == [
        ("kernels 0123abc", ("Device gpu-b", "Device gpu-c")),
        ("kernels fffffff", ("Device gpu-a",)),
    ]


def test_rows_that_state_no_source_are_in_no_group(basic: Folder) -> None:
    basic.reported("a", "gpu-a").reported("b", "gpu-b", kernel_source=kernel_source(revision=None))
    assert groups(basic) == []


def test_only_ranked_rows_make_a_group(basic: Folder) -> None:
    basic.reported("a", "gpu-a", kernel_source=kernel_source())
    basic.reported("b", "gpu-b", role="reference", kernel_source=kernel_source())
    assert groups(basic) == [("kernels 0123abc", ("Device gpu-a",))]


def test_a_group_lists_its_languages_once(basic: Folder) -> None:
    for name, languages in (("a", ["L"]), ("b", ["L"]), ("c", ["M", "N"]), ("d", [])):
        stack = {"name": "s", "backend": None, "languages": languages, "toolchain": None, "driver": None}
        basic.reported(name, "gpu-a", kernel_source=kernel_source(), stack=stack)
    (group,) = source_groups(basic.board().decode)
    assert group.languages == ("L", "M + N")
    assert group.devices == ("Device gpu-a",)


def test_no_rows_make_no_groups(folder: Folder) -> None:
    assert groups(folder) == []


@pytest.mark.parametrize(
    ("value", "high", "agrees"),
    [
        (10, None, True),  # 9.92 rounds to it
        (9.9, None, True),
        (9.85, None, True),  # within 1 %
        (9.7, None, False),
        (12, None, False),
        (8, 12, True),
        (10.5, 12, False),
    ],
)
def test_a_claim_agrees_where_ours_rounds_to_it(
    basic: Folder, value: float, high: float | None, agrees: bool
) -> None:
    basic.device("gpu-a", peak_bandwidth=BANDWIDTH)
    basic.reported("r", "gpu-a", 1e7, claims=[claim("mbu_percent", value, "%", value_high=high)])
    (checked,) = claims(basic)
    assert checked.ours == ((about(9.92), "of 300 GB/s, memory of the board"),)
    assert checked.agrees is agrees
    assert (checked.source_url, checked.device_name) == (
        "https://example.org/page?x=1#table-2",
        "Device gpu-a",
    )


def test_a_claim_may_agree_with_another_bandwidth_of_the_device(basic: Folder) -> None:
    basic.device("gpu-a", peak_bandwidth=BANDWIDTH, other_bandwidths=[BANDWIDTH | {"gb_per_s": 150}])
    basic.reported("r", "gpu-a", 1e7, claims=[claim("mbu_percent", 19.8, "%")])
    (checked,) = claims(basic)
    assert [value for value, _ in checked.ours] == [about(9.92), about(19.84)]
    assert checked.agrees is True


def test_a_speedup_is_checked_against_the_row_it_names(basic: Folder) -> None:
    basic.reported("slow", "gpu-b", 4)
    basic.reported("r", "gpu-a", 10, claims=[claim("speedup_over_reference", 2.5, "x", against="slow")])
    (checked,) = claims(basic)
    assert checked.ours == ((about(2.5), "10 / 4 tok/s"),)
    assert checked.agrees is True


@pytest.mark.parametrize(("value", "agrees"), [(5, True), (4.9, True), (4.8, False), (6, False)])
def test_a_claim_agrees_as_finely_as_it_is_written(basic: Folder, value: float, agrees: bool) -> None:
    basic.reported("slow", "gpu-b", 2.5)
    basic.reported("r", "gpu-a", 12.2, claims=[claim("speedup_over_baseline", value, "x", against="slow")])
    (checked,) = claims(basic)  # 4.88
    assert checked.agrees is agrees


def test_a_wall_time_is_checked_by_its_steps(basic: Folder) -> None:
    basic.reported("r", "gpu-a", 10, claims=[claim("wall_s", 6.4, "s", steps=64), claim("wall_s", 7, "s")])
    first, second = claims(basic)
    assert first.ours == ((about(6.4), "64 steps at 10 tok/s"),)
    assert (first.agrees, second.agrees) == (True, None)


@pytest.mark.parametrize(
    ("metric", "unit"), [("kernel_speedup", "x"), ("compile_s", "s"), ("wall_s", "s"), ("mbu_percent", "%")]
)
def test_what_nothing_was_published_for_is_not_checkable(basic: Folder, metric: str, unit: str) -> None:
    """Not even where the claim names a row: the decode steps of two rows say nothing of their kernels."""
    basic.device("gpu-a", peak_bandwidth=None).reported("other", "gpu-b", 5)
    basic.reported("r", "gpu-a", 10, claims=[claim(metric, 2, unit, against="other")])
    (checked,) = claims(basic)
    assert (checked.ours, checked.agrees) == ((), None)


def test_a_speedup_over_a_row_without_decode_is_not_checkable(basic: Folder) -> None:
    basic.reported("k", "gpu-b", None, timings(timing("norm", us=3)))
    basic.reported("r", "gpu-a", claims=[claim("speedup_over_baseline", 2, "x", against="k")])
    assert claims(basic)[0].agrees is None


def test_a_step_is_the_sum_of_its_kernels_and_a_remainder(basic: Folder) -> None:
    # 5 calls of 1 µs, 2 of 4 µs, and 3 µs a token, of a step of 20 µs
    basic.reported("r", "gpu-a", 50_000)
    parts = [timing("norm", us=1), timing("proj", us=4), timing("attend", us=3, per="token")]
    basic.reported("k", "gpu-a", None, timings(*parts, step_of="r"))
    (step,) = steps(basic)
    assert [(part.kernel, part.token_us, part.calls) for part in step.parts] == [
        ("proj", about(8), 2), ("norm", about(5), 5), ("attend", about(3), 2),
    ]  # fmt: skip
    assert (step.step_us, step.sum_us) == (about(20), about(16))
    assert (step.remainder_us, step.remainder_percent) == (about(4), about(20))
    assert [part.share_percent for part in step.parts] == [about(v) for v in (40, 25, 15)]
    assert step.parts[2].call_us == about(1.5)
    assert step.missing == ()
    assert (step.run, step.device, step.role) == ("r", "gpu-a", "contender")


def test_a_sum_above_the_step_leaves_a_negative_remainder(basic: Folder) -> None:
    basic.reported("r", "gpu-a", 50_000, timings(timing("norm", us=5)))
    (step,) = steps(basic)
    assert (step.remainder_us, step.remainder_percent) == (about(-5), about(-25))


def test_kernels_without_a_figure_are_named(basic: Folder) -> None:
    basic.measured("m", "gpu-a", samples([20_000]),
                   timings(timing("norm", ns=[1000]), timing("proj", numerics_ok=False)))  # fmt: skip
    (step,) = steps(basic)
    assert [part.kernel for part in step.parts] == ["norm"]
    assert step.missing == ("attend", "proj")


def test_a_fused_kernel_covers_its_parts(basic: Folder) -> None:
    basic.reported("r", "gpu-a", 50_000, timings(timing("norm", "proj", us=2)))
    (step,) = steps(basic)
    assert (step.parts[0].kernel, step.parts[0].token_us) == ("norm + proj", about(10))
    assert step.missing == ("attend",)


def test_microbenchmarks_and_other_shapes_are_no_part_of_a_step(basic: Folder) -> None:
    others = timing("soft", us=9, shape={"rows": 1, "cols": 8}), timing("norm", us=7, shape={"cols": 4096})
    basic.reported("r", "gpu-a", 50_000, timings(timing("norm", us=1), *others))
    (step,) = steps(basic)
    assert [(part.kernel, part.token_us) for part in step.parts] == [("norm", about(5))]


def test_kernels_that_belong_to_no_step_are_not_summed(basic: Folder) -> None:
    basic.reported("r", "gpu-a").reported("k", "gpu-a", None, timings(timing("norm", us=1)))
    assert steps(basic) == []


def test_steps_have_the_order_of_their_rows(basic: Folder) -> None:
    for name, tok_per_s in (("slow", 10.0), ("fast", 20.0)):
        basic.reported(name, "gpu-a", tok_per_s, timings(timing("norm", us=1)))
    assert [step.run for step in steps(basic)] == ["fast", "slow"]


def test_no_more_steps_are_taken_apart_than_asked_for(basic: Folder) -> None:
    for index in range(4):
        basic.reported(f"r{index}", "gpu-a", 20.0 - index, timings(timing("norm", us=1)))
    board = basic.reported("none", "gpu-a", 90.0).board()
    assert [step.run for step in reconciliations(board, board.decode, 2)] == ["r0", "r1"]


def test_a_part_without_an_implementation_is_called_by_its_stack(basic: Folder) -> None:
    block = timings(timing("norm", us=1, implementation=None), timing("proj", us=1))
    basic.reported("r", "gpu-a", 50_000, block)
    (step,) = steps(basic)
    assert {part.kernel: part.implementation for part in step.parts} == {
        "norm": "an emitter",
        "proj": "tiled",
    }


def test_a_rate_above_the_bandwidth_is_marked(basic: Folder) -> None:
    # 160 bytes in 0.5 ns are 320 GB/s of 300
    basic.reported("r", "gpu-a", 50_000, timings(timing("proj", us=0.0005), timing("norm", us=1)))
    (step,) = steps(basic)
    assert {part.kernel: part.above_bandwidth for part in step.parts} == {"proj": True, "norm": False}


def test_no_bandwidth_marks_no_rate(basic: Folder) -> None:
    basic.device("gpu-a", peak_bandwidth=None)
    basic.reported("r", "gpu-a", 50_000, timings(timing("proj", us=0.0005)))
    assert not steps(basic)[0].parts[0].above_bandwidth


def contest(basic: Folder, **latencies: list[tuple[int, float]]) -> None:
    """Latencies of ``soft`` in µs for each device, by its number of rows."""
    for device, measured in latencies.items():
        made = [timing("soft", us=us, shape={"rows": rows, "cols": 1}) for rows, us in measured]
        name = device.replace("_", "-")
        basic.reported(f"kernels-{name}", name, None, timings(*made, model=None))


def test_a_device_that_wins_kernels_and_loses_the_step(basic: Folder) -> None:
    basic.reported("a", "gpu-a", 10).reported("b", "gpu-b", 30)
    contest(basic, gpu_a=[(1, 1), (2, 1), (3, 1), (4, 9)], gpu_b=[(1, 2), (2, 2), (3, 2), (4, 2)])
    found = standings(basic)
    assert list(found) == ["gpu-a", "gpu-b"]
    first, second = found.values()
    assert (first.wins, first.contests, first.kernel_standing) == (3, 4, 0.75)
    assert (first.decode_place, first.decode_places, first.decode_rank) == (2, 2, 2)
    assert first.drop == 0.75
    (rival,) = first.rivals
    assert (rival.device, rival.losses, rival.contests, rival.tok_per_s) == ("gpu-b", 3, 4, 30)
    assert (second.drop, second.rivals) == (-0.75, ())


def test_the_middle_place_of_three_is_half_a_standing(basic: Folder) -> None:
    basic.device("gpu-c")
    for name, tok_per_s in (("gpu-a", 30.0), ("gpu-b", 20.0), ("gpu-c", 10.0)):
        basic.reported(name, name, tok_per_s)
    contest(basic, gpu_a=[(1, 3)], gpu_b=[(1, 2)], gpu_c=[(1, 1)])
    found = standings(basic)
    assert {name: (entry.kernel_standing, entry.drop) for name, entry in found.items()} == {
        "gpu-c": (1, 1), "gpu-b": (0.5, 0), "gpu-a": (0, -1),
    }  # fmt: skip
    assert [(rival.device, rival.losses) for rival in found["gpu-c"].rivals] == [("gpu-a", 1), ("gpu-b", 1)]


def test_a_kernel_that_one_device_ran_is_no_contest(basic: Folder) -> None:
    basic.reported("a", "gpu-a", 10).reported("b", "gpu-b", 30)
    contest(basic, gpu_a=[(1, 1), (2, 1)], gpu_b=[(2, 2), (3, 2)])
    assert {name: entry.contests for name, entry in standings(basic).items()} == {"gpu-a": 1, "gpu-b": 1}


def test_only_the_best_row_of_a_device_takes_part(basic: Folder) -> None:
    basic.reported("a", "gpu-a", 10).reported("b", "gpu-b", 30)
    contest(basic, gpu_a=[(1, 1)], gpu_b=[(1, 3)])
    shape = {"rows": 1, "cols": 1}
    basic.reported(
        "more", "gpu-a", None, timings(timing("soft", us=2, shape=shape, implementation="x"), model=None)
    )
    found = standings(basic)
    assert (found["gpu-a"].contests, found["gpu-b"].kernel_standing) == (1, 0)


def test_a_device_counts_with_its_best_decode_row(basic: Folder) -> None:
    basic.reported("a", "gpu-a", 10).reported("a2", "gpu-a", 50).reported("b", "gpu-b", 30)
    contest(basic, gpu_a=[(1, 1)], gpu_b=[(1, 3)])
    found = standings(basic)
    assert (found["gpu-a"].tok_per_s, found["gpu-a"].decode_place) == (50, 1)
    assert (found["gpu-b"].decode_place, found["gpu-b"].decode_rank) == (2, 2)


def test_rows_without_a_rank_take_no_part(basic: Folder) -> None:
    basic.reported("a", "gpu-a", 10).reported("b", "gpu-b", 30, role="reference")
    contest(basic, gpu_a=[(1, 1)], gpu_b=[(1, 2)])
    assert list(standings(basic)) == ["gpu-a"]
    assert standings(basic)["gpu-a"].drop == 1


@pytest.mark.parametrize("kernels", [None, timings(timing("norm", us=1))])
def test_nothing_to_compare_is_an_empty_list(basic: Folder, kernels: Any) -> None:
    basic.reported("a", "gpu-a", 10, kernels)
    assert standings(basic) == {}


def test_an_empty_board_has_no_findings(folder: Folder) -> None:
    assert (claims(folder), steps(folder), standings(folder)) == ([], [], {})


def test_a_row_without_a_rate_has_no_rate_in_its_step(basic: Folder) -> None:
    basic.reported("r", "gpu-a", 50_000, timings(timing("attend", us=1)))
    (part,) = steps(basic)[0].parts
    assert math.isnan(part.gb_per_s)
    assert not part.above_bandwidth
