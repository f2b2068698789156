"""The two frames: joins, derived columns, ranks and their intervals."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd
import pytest

from generator.tables import rows_of
from tests.generator.examples import BYTES_PER_TOKEN, Folder, repetition, samples, timing, timings


def decode(folder: Folder) -> dict[str, Any]:
    """Decode rows by run, in the order of the frame."""
    return {row.run: row for row in rows_of(folder.board().decode)}


def kernels(folder: Folder) -> list[Any]:
    return list(rows_of(folder.board().kernels))


def ranks(folder: Folder) -> dict[str, tuple[float, float, float]]:
    """Rank, best and worst of each ranked row."""
    return {
        name: (row.rank, row.rank_best, row.rank_worst) for name, row in decode(folder).items() if row.ranked
    }


def between(low: int, high: int) -> Any:
    """Samples whose median lies midway, and whose interval reaches from ``low`` to ``high``."""
    middle = (low + high) // 2
    made = [low, low, low, middle, high, high, high]
    return samples([1], timing="per_repetition", repetitions=[repetition(total_ns=value) for value in made])


def test_a_row_has_every_derived_number(basic: Folder) -> None:
    row = decode(basic.reported("r", "gpu-a", 1e7))["r"]
    assert (row.tpot_ns, row.tok_per_s, row.tpot_ms) == (100, pytest.approx(1e7), pytest.approx(1e-4))
    assert (row.bytes_per_token, row.peak_gb_per_s) == (BYTES_PER_TOKEN, 300)
    assert row.mbu_percent == pytest.approx(100 * 29.76 / 300)
    assert row.roofline_tok_per_s == pytest.approx(300e9 / 2976)
    assert (row.device_name, row.vendor) == ("Device gpu-a", "Example")


def test_bytes_of_a_measured_row_count_the_mean_depth(basic: Folder) -> None:
    basic.measured("m", "gpu-a", samples([1000, 1000, 1000]), decode_depth_tokens=10)
    row = decode(basic)["m"]
    assert row.bytes_per_token == BYTES_PER_TOKEN + 11 * 32
    assert row.mbu_percent == pytest.approx(100 * (BYTES_PER_TOKEN + 352) / 1000 / 300)


def test_a_device_without_bandwidth_has_no_mbu_and_no_roofline(basic: Folder) -> None:
    row = decode(basic.device("gpu-a", peak_bandwidth=None).reported("r", "gpu-a"))["r"]
    assert math.isnan(row.mbu_percent)
    assert math.isnan(row.roofline_tok_per_s)
    assert math.isnan(row.rank)  # nothing tells whether it is possible


def test_the_interval_in_tokens_turns_around(basic: Folder) -> None:
    row = decode(basic.measured("m", "gpu-a", between(100, 300)))["m"]
    assert row.tok_per_s == pytest.approx(1e9 / 200)
    assert row.tok_per_s_low == pytest.approx(1e9 / 300)
    assert row.tok_per_s_high == pytest.approx(1e9 / 100)


def test_rows_are_ranked_by_throughput(basic: Folder) -> None:
    basic.reported("slow", "gpu-a", 10).reported("fast", "gpu-b", 30).reported("middle", "gpu-a", 20)
    assert ranks(basic) == {"fast": (1, 1, 1), "middle": (2, 2, 2), "slow": (3, 3, 3)}


def test_equal_rows_share_their_places(basic: Folder) -> None:
    basic.reported("b", "gpu-a", 20).reported("a", "gpu-b", 20).reported("c", "gpu-a", 10)
    assert ranks(basic) == {"a": (1, 1, 2), "b": (2, 1, 2), "c": (3, 3, 3)}


def test_overlapping_intervals_share_their_places(basic: Folder) -> None:
    basic.measured("a", "gpu-a", between(100, 200)).measured("b", "gpu-b", between(150, 260))
    basic.measured("c", "gpu-a", between(400, 500), submitter="C. Person")
    assert ranks(basic) == {"a": (1, 1, 2), "b": (2, 1, 2), "c": (3, 3, 3)}


def test_a_wide_interval_may_take_many_places(basic: Folder) -> None:
    """The wide row overlaps both others, which do not overlap each other."""
    basic.measured("a", "gpu-a", between(100, 140)).measured("wide", "gpu-b", between(130, 310))
    basic.measured("c", "gpu-a", between(300, 400), submitter="C. Person")
    assert ranks(basic) == {"a": (1, 1, 2), "wide": (2, 1, 3), "c": (3, 2, 3)}


def test_intervals_that_touch_do_not_surely_differ(basic: Folder) -> None:
    basic.measured("a", "gpu-a", between(100, 200)).measured("b", "gpu-b", between(200, 300))
    assert ranks(basic) == {"a": (1, 1, 2), "b": (2, 1, 2)}
    basic.measured("b", "gpu-b", between(201, 301))
    assert ranks(basic) == {"a": (1, 1, 1), "b": (2, 2, 2)}


def test_a_figure_counts_as_a_point(basic: Folder) -> None:
    basic.measured("m", "gpu-a", between(100, 200)).reported("in", "gpu-b", 1e9 / 120)
    basic.reported("out", "gpu-b", 1e9 / 210)
    assert ranks(basic) == {"in": (1, 1, 2), "m": (2, 1, 2), "out": (3, 3, 3)}


def test_models_are_ranked_apart(basic: Folder) -> None:
    basic.model("other").reported("a", "gpu-a", 10).reported("b", "gpu-b", 20)
    basic.reported("c", "gpu-a", 5, decode_model="other")
    assert ranks(basic) == {"c": (1, 1, 1), "b": (1, 1, 1), "a": (2, 2, 2)}


@pytest.mark.parametrize("why", ["baseline", "reference", "quick", "failed", "withdrawn"])
def test_rows_without_a_rank(basic: Folder, why: str) -> None:
    basic.reported("slow", "gpu-a", 10)
    fast = samples([1000])
    if why == "baseline":
        basic.reported("x", "gpu-a", 90, role="baseline", decode_baseline_of="slow")
    elif why == "reference":
        basic.reported("x", "gpu-a", 90, role="reference")
    elif why == "quick":
        basic.measured("x", "gpu-a", fast, quick=True)
    elif why == "failed":
        basic.measured("x", "gpu-a", fast, decode_numerics_ok=False)
    else:
        basic.reported("x", "gpu-a", 90).retract("x")
    found = decode(basic)
    assert list(found) == ["x", "slow"]
    assert (bool(found["x"].ranked), math.isnan(found["x"].rank)) == (False, True)
    assert math.isnan(found["x"].rank_best)
    assert (found["slow"].rank, found["slow"].rank_worst) == (1, 1)


@pytest.mark.parametrize("checked", [True, None])
def test_a_row_that_is_right_or_does_not_say_is_ranked(basic: Folder, checked: bool | None) -> None:
    basic.reported("r", "gpu-a", decode_numerics_ok=checked)
    basic.reported("s", "gpu-a", 5, decode_numerics_ok=False)
    assert list(ranks(basic)) == ["r"]


def test_a_folder_of_measured_rows_alone(basic: Folder) -> None:
    """Where no field is missing, a column has another type than where some are."""
    basic.measured("m", "gpu-a", samples([1000]), timings(timing("norm", ns=[3])))
    basic.measured("w", "gpu-b", samples([900]), timings(timing("norm", ns=[2])), decode_numerics_ok=False)
    assert ranks(basic) == {"m": (1, 1, 1)}
    assert [row.rank for row in kernels(basic)] == [1, 2]


def test_rows_are_divided_by_the_reference_of_their_model(basic: Folder) -> None:
    basic.model("other").reported("ref", "gpu-b", 4, role="reference").reported("r", "gpu-a", 10)
    basic.reported("alone", "gpu-a", 10, decode_model="other")
    found = decode(basic)
    assert found["r"].times_reference == pytest.approx(2.5)
    assert found["ref"].times_reference == 1
    assert math.isnan(found["alone"].times_reference)


def test_a_withdrawn_reference_divides_nothing(basic: Folder) -> None:
    basic.reported("ref", "gpu-b", 4, role="reference").reported("r", "gpu-a", 10).retract("ref")
    assert math.isnan(decode(basic)["r"].times_reference)


def test_a_row_is_divided_by_its_fastest_baseline(basic: Folder) -> None:
    basic.reported("r", "gpu-a", 60).reported("other", "gpu-b", 50)
    for name, tok_per_s in (("b-slow", 10), ("b-fast", 30), ("b-middle", 20)):
        basic.reported(name, "gpu-a", tok_per_s, role="baseline", decode_baseline_of="r")
    found = decode(basic)
    assert (found["r"].baseline_run, found["r"].times_baseline) == ("b-fast", pytest.approx(2))
    assert (found["r"].baseline_stack, found["r"].baseline_tok_per_s) == ("an emitter", pytest.approx(30))
    assert math.isnan(found["other"].times_baseline)
    assert math.isnan(found["b-slow"].times_baseline)


def test_a_withdrawn_baseline_counts_no_more(basic: Folder) -> None:
    basic.reported("r", "gpu-a", 60).retract("b-fast")
    for name, tok_per_s in (("b-slow", 10), ("b-fast", 30)):
        basic.reported(name, "gpu-a", tok_per_s, role="baseline", decode_baseline_of="r")
    assert decode(basic)["r"].times_baseline == pytest.approx(6)


def test_a_contender_that_names_a_baseline_is_no_baseline(basic: Folder) -> None:
    basic.reported("r", "gpu-a", 60).reported("s", "gpu-a", 10, decode_baseline_of="r")
    assert math.isnan(decode(basic)["r"].times_baseline)


def test_effective_rates_stand_in_one_column(basic: Folder) -> None:
    soft = timing("soft", us=2, shape={"rows": 10, "cols": 100})  # 6,000 bytes at 16 bits
    gemm = timing("gemm", us=4, shape={"m": 10, "n": 10, "k": 10})  # 2,000 operations
    basic.reported("r", "gpu-a", None, timings(gemm, soft, model=None))
    first, second = kernels(basic)
    assert (first.kernel, first.gflop_per_s) == ("gemm", pytest.approx(0.5))
    assert math.isnan(first.gb_per_s)
    assert (second.kernel, second.gb_per_s) == ("soft", pytest.approx(3.0))
    assert math.isnan(second.gflop_per_s)
    assert (second.latency_us, second.peak_gb_per_s) == (pytest.approx(2), 300)


def test_a_sum_over_a_token_moves_the_bytes_of_all_calls(basic: Folder) -> None:
    call, token = timing("norm", us=2), timing("norm", us=2, per="token")
    basic.reported("r", "gpu-a", None, timings(call, token))
    rates = {row.per: row.gb_per_s for row in kernels(basic)}
    assert rates == {"call": pytest.approx(48 / 2000), "token": pytest.approx(5 * 48 / 2000)}


def test_fused_kernels_have_one_rate(basic: Folder) -> None:
    basic.reported("r", "gpu-a", None, timings(timing("norm", "proj", us=2, per="token")))
    (row,) = kernels(basic)
    assert (row.calls_per_token, row.gb_per_s) == (5, pytest.approx((5 * 48 + 2 * 160) / 2000))


def test_an_unknown_shape_has_no_rate(basic: Folder) -> None:
    basic.reported("r", "gpu-a", None, timings(timing("attend", us=2)))
    (row,) = kernels(basic)
    assert math.isnan(row.gb_per_s)
    assert math.isnan(row.rank)  # two unknown shapes are no contest


def test_kernels_are_ranked_within_kernel_shape_and_type(basic: Folder) -> None:
    small, large = {"rows": 9, "cols": 1}, {"rows": 10, "cols": 1}
    basic.reported(
        "a", "gpu-a", None, timings(timing("soft", us=3, shape=large), timing("soft", us=2, shape=small))
    )
    basic.reported("b", "gpu-b", None, timings(timing("soft", us=1, shape=large), timing("norm", us=9)))
    basic.reported("c", "gpu-b", None, timings(timing("soft", us=1, shape=small, dtype="f32")))
    basic.reported("d", "gpu-b", None, timings(timing("norm", us=8)))
    found = [
        (row.kernel, row.shape_label, row.dtype, row.run, row.rank, row.rank_of) for row in kernels(basic)
    ]
    assert found == [
        ("norm", "cols 8", "f16", "d", 1, 2),
        ("norm", "cols 8", "f16", "b", 2, 2),
        ("soft", "rows 9 × cols 1", "f16", "a", 1, 1),
        ("soft", "rows 9 × cols 1", "f32", "c", 1, 1),
        ("soft", "rows 10 × cols 1", "f16", "b", 1, 2),
        ("soft", "rows 10 × cols 1", "f16", "a", 2, 2),
    ]


def test_the_shape_of_the_model_meets_the_same_shape_written_out(basic: Folder) -> None:
    basic.reported("a", "gpu-a", None, timings(timing("norm", us=3)))
    basic.reported("b", "gpu-b", None, timings(timing("norm", us=2, shape={"cols": 8}), model=None))
    assert [(row.run, row.rank) for row in kernels(basic)] == [("b", 1), ("a", 2)]


def test_kernel_rows_without_a_rank(basic: Folder) -> None:
    basic.measured("failed", "gpu-a", None, timings(timing("norm", numerics_ok=False)))
    basic.measured("quick", "gpu-a", None, timings(timing("norm", ns=[10])), quick=True)
    basic.reported("wrong", "gpu-a", None, timings(timing("norm", us=0.02, numerics_ok=False)))
    basic.reported("gone", "gpu-a", None, timings(timing("norm", us=0.03))).retract("gone")
    basic.reported("base", "gpu-a", None, timings(timing("norm", us=0.04)), role="baseline")
    basic.reported("sum", "gpu-a", None, timings(timing("norm", us=0.05, per="token")))
    basic.reported("r", "gpu-a", None, timings(timing("norm", us=5)))
    ranked = {row.run: (row.rank, row.rank_of) for row in kernels(basic) if not math.isnan(row.rank)}
    assert ranked == {"r": (1, 1)}
    assert len(kernels(basic)) == 7


def test_a_board_of_nothing_has_its_columns(folder: Folder) -> None:
    full = Folder(folder.root / "full")
    full.device("gpu-a").model().kernel("norm").reported("r", "gpu-a", kernels=timings(timing("norm", us=3)))
    empty, filled = folder.board(), full.board()
    assert (len(empty.decode), len(empty.kernels)) == (0, 0)
    assert list(empty.decode.columns) == list(filled.decode.columns)
    assert list(empty.kernels.columns) == list(filled.kernels.columns)
    assert empty.decode[empty.decode["ranked"]].empty
    assert empty.kernels[empty.kernels["ranked"]].empty


def test_a_board_of_decode_rows_alone_or_kernels_alone(basic: Folder) -> None:
    basic.reported("r", "gpu-a")
    assert (len(basic.board().decode), len(basic.board().kernels)) == (1, 0)
    basic.reported("r", "gpu-a", None, timings(timing("norm", us=3)))
    assert (len(basic.board().decode), len(basic.board().kernels)) == (0, 1)


def test_a_shape_beyond_a_machine_word_has_a_rate(basic: Folder) -> None:
    huge = timing("gemm", us=1e15, shape={"m": 10**9, "n": 10**9, "k": 10**8})
    basic.reported("r", "gpu-a", None, timings(huge, timing("gemm", us=1, shape={"m": 1, "n": 1, "k": 1})))
    frame = basic.board().kernels
    assert frame["gflop_per_s"].tolist() == [pytest.approx(0.002), pytest.approx(2e8)]
    assert frame["shape_elements"].dtype == float


def test_lines_of_a_frame_have_attributes() -> None:
    (row,) = rows_of(pd.DataFrame({"a": [1], "b": ["x"]}))
    assert (row.a, row.b) == (1, "x")
