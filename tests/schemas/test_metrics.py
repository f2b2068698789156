"""The arithmetic of the board, against values computed by hand."""

from __future__ import annotations

import math
from math import comb
from pathlib import Path

import numpy as np
import pytest

from schemas.metrics import (
    busy,
    decode_spread,
    joules_per_token,
    kernel_bytes,
    kernel_flops,
    kernel_latency,
    mbu_percent,
    mean_depth_tokens,
    probed,
    quantiles,
    roofline_tok_per_s,
)
from schemas.records import DecodeSamples, Repetition
from tests.generator.examples import BYTES_PER_TOKEN, MODEL, Folder


@pytest.fixture
def basic(data_folder: Path) -> Folder:
    """A model and three kernels, as files."""
    folder = Folder(data_folder.parent).device("gpu-a").model()
    for name in ("proj", "attend", "soft", "gemm", "norm"):
        folder.kernel(name)
    return folder


def per_step(*repetitions: list[int]) -> DecodeSamples:
    made = tuple(Repetition(tuple(steps), None, None, None, None) for steps in repetitions)
    return DecodeSamples("per_step", len(repetitions[0]), 2, None, made)


def per_repetition(steps: int, *totals: int) -> DecodeSamples:
    made = tuple(Repetition(None, total, None, None, None) for total in totals)
    return DecodeSamples("per_repetition", steps, 2, None, made)


def test_mbu_is_bytes_over_time_over_bandwidth() -> None:
    # 2,976 bytes in 19.84 ns are 150 GB/s
    assert mbu_percent(2976.0, 19.84, 300.0) == pytest.approx(50)


def test_mbu_against_an_unknown_bandwidth_is_unknown() -> None:
    assert math.isnan(mbu_percent(2976.0, 19.84, math.nan))
    assert math.isnan(roofline_tok_per_s(2976.0, math.nan))


def test_roofline_is_bandwidth_over_bytes() -> None:
    assert roofline_tok_per_s(3e9, 300.0) == pytest.approx(100)


def test_a_row_at_its_roofline_has_an_mbu_of_100_percent() -> None:
    roof = roofline_tok_per_s(2976.0, 280.5)
    assert mbu_percent(2976.0, 1e9 / roof, 280.5) == pytest.approx(100)


def test_bytes_of_a_token_of_the_small_model(basic: Folder) -> None:
    model = basic.dataset().models[MODEL]
    assert model.bytes_per_token("f16") == BYTES_PER_TOKEN
    assert model.bytes_per_token("f32") == 2 * BYTES_PER_TOKEN
    assert model.bytes_per_token("bf16", 10) == BYTES_PER_TOKEN + 10 * 2 * 16


@pytest.mark.parametrize(
    ("depth", "steps", "mean"),
    [(128, 64, 159.5), (0, 3, 1.0), (128, 1, 128.0), (128, None, 128.0), (None, 64, 0.0)],
)
def test_mean_depth_is_that_of_the_middle_step(depth: int | None, steps: int | None, mean: float) -> None:
    assert mean_depth_tokens(depth, steps) == mean


def test_bytes_of_a_call_count_each_tensor_once_at_its_own_width(basic: Folder) -> None:
    kernels = basic.dataset().kernels
    assert kernel_bytes(kernels["proj"], {"out": 8, "in": 4}, "f16") == 2 * (32 + 4 + 8)
    assert kernel_bytes(kernels["proj"], {"out": 8, "in": 4}, "f32") == 4 * (32 + 4 + 8)
    assert kernel_bytes(kernels["soft"], {"rows": 3, "cols": 5}, "bf16") == 2 * 15 + 4 * 15
    assert (
        kernel_bytes(kernels["attend"], {"depth": 7}, "f16") == 2 * 7 + 4
    )  # a tensor without axes is one number


def test_operations_of_a_call(basic: Folder) -> None:
    kernels = basic.dataset().kernels
    assert kernel_flops(kernels["gemm"], {"m": 2, "n": 3, "k": 5}) == 60
    assert kernel_flops(kernels["norm"], {"cols": 8}) == 0


def test_tpot_is_the_median_over_all_steps() -> None:
    spread = decode_spread(per_step([1, 2, 90], [1, 2, 90], [1, 2, 90], [3, 80, 85], [3, 80, 85]))
    assert spread.median_ns == 3
    assert (spread.samples, spread.repetitions) == (15, 5)


def test_the_best_step_does_not_make_the_figure() -> None:
    steady = [[100, 100, 100]] * 5
    lucky = [[1, 100, 100], *steady[1:]]
    assert decode_spread(per_step(*lucky)).median_ns == decode_spread(per_step(*steady)).median_ns


def test_time_of_a_whole_repetition_is_shared_by_its_steps() -> None:
    spread = decode_spread(per_repetition(10, 100, 110, 90, 100, 100))
    assert spread.median_ns == 10
    assert (spread.samples, spread.repetitions) == (5, 5)
    # 10, 11, 9, 10, 10: the sum of squares is 2, over 4 degrees of freedom
    assert spread.cv_percent == pytest.approx(100 * math.sqrt(2 / 4) / 10)


def test_percentiles_are_over_steps() -> None:
    spread = decode_spread(per_step(list(range(1, 51)), list(range(51, 101))))
    assert spread.p90_ns == pytest.approx(90.1)
    assert spread.p99_ns == pytest.approx(99.01)


@pytest.mark.parametrize("count", [1, 2, 5, 64, 321])
def test_quantiles_are_numpys(count: int) -> None:
    values, percents = np.random.default_rng(count).normal(size=count), (0, 2.5, 50, 90, 99, 100)
    assert quantiles(values, percents) == pytest.approx(np.percentile(values, percents).tolist(), rel=1e-12)


def test_variation_is_between_repetitions_not_between_steps() -> None:
    assert decode_spread(per_step(*[[1, 50, 99]] * 5)).cv_percent == 0


NOISY = [[90, 91], [97, 95], [100, 101], [104, 105], [110, 111], [99, 102]]
CALM = [[98, 99], [99, 99], [100, 100], [100, 101], [101, 102], [100, 100]]


def test_the_interval_is_the_same_in_every_build() -> None:
    assert decode_spread(per_step(*NOISY)) == decode_spread(per_step(*NOISY))


@pytest.mark.parametrize("repetitions", [NOISY, CALM, [[5, 5]] * 5, [[7, 9]]])
def test_the_interval_contains_the_median(repetitions: list[list[int]]) -> None:
    spread = decode_spread(per_step(*repetitions))
    assert spread.low_ns <= spread.median_ns <= spread.high_ns


def test_the_interval_contains_a_median_that_no_resample_has() -> None:
    # most repetitions have the median 10, but most steps take 20 or more
    spread = decode_spread(per_step(*[[10, 10, 1000]] * 30, *[[20, 20, 21]] * 11))
    assert (spread.low_ns, spread.median_ns, spread.high_ns) == (10, 20, 20)


def test_the_interval_is_narrower_where_repetitions_agree() -> None:
    noisy, calm = decode_spread(per_step(*NOISY)), decode_spread(per_step(*CALM))
    assert calm.high_ns - calm.low_ns < noisy.high_ns - noisy.low_ns


def test_the_interval_stays_within_the_repetitions() -> None:
    spread = decode_spread(per_step(*NOISY))
    assert spread.low_ns >= 90.5
    assert spread.high_ns <= 110.5
    assert spread.high_ns > spread.low_ns


def test_steps_of_one_repetition_share_its_luck() -> None:
    """Wide steps in equal repetitions leave no doubt; the same steps in unequal repetitions do."""
    equal = decode_spread(per_step(*[[50, 100, 150]] * 6))
    unequal = decode_spread(per_step(*[[50, 50, 50], [100, 100, 100], [150, 150, 150]] * 2))
    assert equal.low_ns == equal.high_ns == 100
    assert unequal.high_ns - unequal.low_ns == 100


def test_one_repetition_has_no_interval() -> None:
    spread = decode_spread(per_step([4, 5, 6]))
    assert (spread.low_ns, spread.median_ns, spread.high_ns, spread.cv_percent) == (5, 5, 5, 0)


def test_many_repetitions_do_not_take_more_memory_than_fits() -> None:
    spread = decode_spread(per_repetition(1, *range(1, 10_001)))
    assert spread.low_ns < 5000.5 < spread.high_ns


def test_order_statistics_bound_the_median_of_a_kernel() -> None:
    spread = kernel_latency(tuple(range(100, 0, -1)))
    # 50 -+ 0.98 x 10 of the sorted samples
    assert (spread.low_ns, spread.median_ns, spread.high_ns) == (41, 50.5, 61)
    assert spread.samples == 100


@pytest.mark.parametrize("count", [6, 10, 30, 100, 999])
def test_the_interval_of_a_kernel_covers_the_median_95_times_in_100(count: int) -> None:
    spread = kernel_latency(tuple(range(1, count + 1)))
    low, high = int(spread.low_ns), int(spread.high_ns)  # ranks, because sample n has the value n
    covered = sum(comb(count, below) for below in range(low, high)) / 2**count
    assert 0.945 < covered < 0.99


def test_a_kernel_timed_once_has_no_interval() -> None:
    spread = kernel_latency((17,))
    assert (spread.low_ns, spread.median_ns, spread.high_ns) == (17, 17, 17)


def test_the_median_of_a_kernel_ignores_one_lucky_call() -> None:
    assert kernel_latency((1, 100, 100, 100, 101)).median_ns == 100


def probes(*around: tuple[float | None, float | None], steps: tuple[int, ...] = (1000,)) -> DecodeSamples:
    """Repetitions of the same steps, each between two probes."""
    turns = tuple(Repetition(steps, None, before, after, None) for before, after in around)
    return DecodeSamples("per_step", len(steps), 2, None, turns)


def test_the_probed_bandwidth_is_a_median_with_its_extremes() -> None:
    found = probed(probes((10, 11), (12, 20), (9, 10)))
    assert found is not None
    assert (found.gb_per_s, found.low_gb_per_s, found.high_gb_per_s) == (10.5, 9, 20)


def test_the_share_of_the_probed_bandwidth_is_the_median_over_repetitions() -> None:
    samples = probes((10, 10), (20, 30), (40, 40), steps=(900, 1000, 5000))
    found = probed(samples)
    assert found is not None
    shares = [2000 / 1000 / bandwidth for bandwidth in (10, 25, 40)]
    assert 2000 / found.bytes_in_tpot == pytest.approx(sorted(shares)[1])


def test_of_an_even_number_of_repetitions_shares_are_averaged_and_not_their_inverses() -> None:
    found = probed(probes((10, 10), (40, 40)))
    assert found is not None
    assert 2000 / found.bytes_in_tpot == pytest.approx((0.2 + 0.05) / 2)


@pytest.mark.parametrize(("high", "changed"), [(12.5, False), (12.6, True)])
def test_a_host_changed_speed_beyond_a_quarter(high: float, changed: bool) -> None:
    found = probed(probes((10, 11), (high, 10)))
    assert found is not None
    assert found.changed_speed is changed


@pytest.mark.parametrize("around", [(None, None), (10, None), (None, 10)])
def test_without_every_probe_there_is_no_share(around: tuple[float | None, float | None]) -> None:
    assert probed(probes((10, 10), around)) is None


@pytest.mark.parametrize(("cores", "marked"), [(None, False), (0.0, False), (0.1, False), (0.11, True)])
def test_a_repetition_beside_others_is_busy(cores: float | None, marked: bool) -> None:
    assert busy(Repetition((1,), None, None, None, cores)) is marked


@pytest.mark.parametrize(
    ("used_j", "expected"),
    [((0.0, 8.0, 4.0), 1.0), ((8.0, None, 40.0), None), ((None,) * 3, None), ((0.0,) * 3, None)],
)
def test_energy_a_token_is_the_mean_over_repetitions_if_each_tells_its_own(
    used_j: tuple[float | None, ...], expected: float | None
) -> None:
    repetitions = tuple(Repetition((1,) * 4, None, None, None, 0.0, energy_j) for energy_j in used_j)
    assert joules_per_token(DecodeSamples("per_step", 4, 1, None, repetitions)) == expected
