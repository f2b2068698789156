"""What no machine does is refused, what hardly one does is asked for."""

from __future__ import annotations

from typing import Any

import pytest

from tests.generator.examples import BYTES_PER_TOKEN, sha256, timing, timings
from tests.generator.submission.judged import asked_once, judged, passed, refused_once
from tests.submissions import DEVICE, NORM_TEXT, RUN, STEPS, Data, Repository

PLACE = f"data/results/{DEVICE}/{RUN}.json"
NEEDED_BYTES = BYTES_PER_TOKEN + 32 * (8 + (STEPS - 1) / 2)
CALLS = 5


def median_ns(row: Data) -> float:
    times: list[int] = sorted(
        time for one in row["decode"]["samples"]["repetitions"] for time in one["step_ns"]
    )
    return (times[159] + times[160]) / 2


def with_norm(repository: Repository, median: float, **changes: Any) -> Data:
    """A row whose norm takes ``median`` ns a call, for a device as slow as one likes."""
    times = [*range(int(median) - 10, int(median)), *range(int(median), int(median) + 10)]
    norm = timing("norm", ns=times, emitted_sha256=sha256(NORM_TEXT), rel_l2_error=1e-3)
    return repository.row(kernels=timings(norm), **changes)


def of_bandwidth(repository: Repository, gb_per_s: float) -> Repository:
    source = {"title": "t", "url": "https://example.org"}
    repository.device(DEVICE, peak_bandwidth={"gb_per_s": gb_per_s, "what": "whole device", "source": source})
    repository.reported("page-a", DEVICE, 1.0)
    repository.commit()
    return repository


@pytest.mark.parametrize(("mbu_percent", "possible"), [(99.99, True), (100.01, False)])
def test_no_step_is_faster_than_the_memory(
    repository: Repository, mbu_percent: float, possible: bool
) -> None:
    row = with_norm(repository, 4_000_000)
    of_bandwidth(repository, 100 * NEEDED_BYTES / median_ns(row) / mbu_percent)
    report = judged(repository, row)
    if possible:
        asked_once(report, "near-roofline")
        assert report["previews"][0]["mbu_percent"] == pytest.approx(mbu_percent)
    else:
        line = refused_once(report, "speed-of-light")
        assert line.startswith(f"{PLACE}: decode.samples: is impossible (got 9.9")
        assert (
            "100.0 % of the memory bandwidth); check the measurement, the dtype and data/devices/gpu-a.md"
            in line
        )


@pytest.mark.parametrize(("times_peak", "possible"), [(19.9, True), (20.1, False)])
def test_no_kernel_is_faster_than_any_cache(
    repository: Repository, times_peak: float, possible: bool
) -> None:
    of_bandwidth(repository, 48 / 2_000_000 / times_peak * 1.0)
    row = with_norm(repository, 2_000_000, decode=None)
    report = judged(repository, row)
    if possible:
        passed(report)
    else:
        assert "kernels.timings[0]: is impossible" in refused_once(report, "speed-of-light")


@pytest.mark.parametrize(
    ("share", "verdict"),
    [(1.09, "passed"), (1.11, "for a person"), (1.49, "for a person"), (1.51, "refused")],
)
def test_the_kernels_of_a_step_fit_into_it(repository: Repository, share: float, verdict: str) -> None:
    report = judged(repository, with_norm(repository, share / CALLS * median_ns(repository.row())))
    assert report["verdict"] == verdict
    if verdict == "passed":
        passed(report)
    elif verdict == "refused":
        assert refused_once(report, "kernels-fit") == (
            f"{PLACE}: kernels.timings: take longer than the step that they make up (got 1.51 times its TPOT); "
            "measure again; timed one by one they may take 1.5 times as long"
        )
    else:
        assert f"(got {share:.2f} times its TPOT)" in asked_once(report, "kernels-overlap")


def test_kernels_at_another_shape_are_no_part_of_the_step(repository: Repository) -> None:
    row = with_norm(repository, median_ns(repository.row()))
    row["kernels"]["timings"].append(row["kernels"]["timings"][0] | {"shape": {"cols": 4096}})
    row["kernels"]["timings"][0] = repository.row()["kernels"]["timings"][0]
    passed(judged(repository, row))


@pytest.mark.parametrize(("mbu_percent", "asked"), [(104.9, False), (105.1, True)])
def test_one_step_above_the_bandwidth_is_asked_for(
    repository: Repository, mbu_percent: float, asked: bool
) -> None:
    row = with_norm(repository, 4_000_000)
    gb_per_s = NEEDED_BYTES / 89_000_000
    row["decode"]["samples"]["repetitions"][1]["step_ns"][5] = round(
        100 * NEEDED_BYTES / gb_per_s / mbu_percent
    )
    of_bandwidth(repository, gb_per_s)
    report = judged(repository, row)
    if asked:
        line = asked_once(report, "fast-step")
        assert "decode.samples: holds a step that is too fast (got 84,6" in line
        assert "105 % of the memory bandwidth); ask how steps are synchronised there" in line
    else:
        passed(report)


def test_where_whole_repetitions_are_timed_no_step_is_too_fast(repository: Repository) -> None:
    row = with_norm(repository, 4_000_000)
    for one in row["decode"]["samples"]["repetitions"]:
        one |= {"total_ns": sum(one["step_ns"]), "step_ns": None}
    row["decode"]["samples"]["timing"] = "per_repetition"
    of_bandwidth(repository, 1.12 * NEEDED_BYTES / 100_000_000)
    passed(judged(repository, row))


def test_a_device_without_bandwidth_has_no_light_to_be_faster_than(repository: Repository) -> None:
    repository.device(DEVICE, peak_bandwidth=None)
    repository.commit()
    report = judged(repository, repository.row(slower=1e-3, measured_at="2026-02-01T12:10:00Z"))
    assert list(report["previews"][0])
    assert report["previews"][0]["mbu_percent"] is None
    assert "speed-of-light" not in [rule["id"] for rule in report["rules"] if rule["verdict"] != "passed"]


@pytest.mark.parametrize(("mbu_percent", "asked"), [(89.9, False), (90.1, True)])
def test_a_row_near_the_roofline_is_asked_for(
    repository: Repository, mbu_percent: float, asked: bool
) -> None:
    row = repository.row()
    of_bandwidth(repository, 100 * NEEDED_BYTES / median_ns(row) / mbu_percent)
    report = judged(repository, row)
    if asked:
        assert "decode.samples: use 90 % of the memory bandwidth" in asked_once(report, "near-roofline")
    else:
        passed(report)


@pytest.mark.parametrize(("share", "asked"), [(0.101, False), (0.099, True)])
def test_kernels_that_are_next_to_nothing_are_asked_for(
    repository: Repository, share: float, asked: bool
) -> None:
    report = judged(repository, with_norm(repository, share * median_ns(repository.row()) / CALLS))
    if asked:
        line = asked_once(report, "kernels-hide")
        assert (
            "kernels.timings: are next to nothing of the step that they make up (got 0.099 times its TPOT)"
            in line
        )
    else:
        passed(report)
