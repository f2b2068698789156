"""The summary says the figure, how far to trust it, where the time went, and the row's place."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from runners.summary import summary
from schemas.load import RESULT, parse
from schemas.records import DecodeSamples, Device, KernelBlock, Repetition, Result
from tests.generator.examples import Folder
from tests.runners.tiny import tiny_model
from tests.schemas import examples

MODEL = tiny_model()
STEPS = 4


@pytest.fixture
def result() -> Result:
    given = examples.measured()
    found = parse(json.dumps(given).encode(), RESULT, "x", given["id"])
    assert isinstance(found, Result)
    return replace(found, device="a", quick=False, notes="", kernels=None)


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path).model().device("a")


def with_times(result: Result, times_ns: list[int], **changed: Any) -> Result:
    """Repetitions whose every step takes the same time."""
    fields: dict[str, Any] = {"total_ns": None, "read_gb_per_s_before": None, "read_gb_per_s_after": None}
    fields |= {"other_cores_busy": 0.0, **changed}
    repetitions = tuple(Repetition(step_ns=(ns,) * STEPS, **fields) for ns in times_ns)
    samples = DecodeSamples("per_step", STEPS, 1, 0.0, repetitions)
    assert result.decode
    decode = replace(result.decode, model="tiny", dtype="bf16", depth_tokens=4, samples=samples)
    return replace(result, decode=decode)


def device(gb_per_s: float, folder: Folder) -> Device:
    bandwidth = examples.device()["peak_bandwidth"] | {"gb_per_s": gb_per_s}
    folder.device("a", peak_bandwidth=bandwidth)
    return folder.dataset().devices["a"]


def text(result: Result, folder: Folder, known: Device | None = None, *baselines: Result) -> str:
    return "\n".join(summary(result, list(baselines), MODEL, known, folder.data))


BYTES = MODEL.bytes_per_token("bf16", 4 + (STEPS - 1) / 2)


def test_the_figure_is_the_median_with_its_interval(result: Result, folder: Folder) -> None:
    found = text(with_times(result, [9_000_000, 10_000_000, 11_000_000]), folder)
    assert "decode     100.00 tok/s, 95 % interval 90.91 to 111.11" in found
    assert "TPOT 10.00 ms" in found
    assert "repetitions: 3 of 4 steps, bf16, depth 4" in found


@pytest.mark.parametrize(
    ("times", "words"),
    [
        ([100, 101, 100], None),
        ([100, 108, 100], "noisy: close what else"),
        ([100, 130, 100], "very noisy: measure again"),
    ],
)
def test_noise_is_named_with_its_remedy(
    result: Result, folder: Folder, times: list[int], words: str | None
) -> None:
    found = text(with_times(result, [ns * 10_000 for ns in times]), folder)
    assert ("noisy" in found) == bool(words)
    assert (words or "") in found


def test_the_bandwidth_is_a_share_of_what_the_memory_gave_just_then(result: Result, folder: Folder) -> None:
    time_ns = int(BYTES)  # 1 GB/s
    probes = {"read_gb_per_s_before": 1.9, "read_gb_per_s_after": 2.1}
    found = text(with_times(result, [time_ns] * 3, **probes), folder)
    assert "bandwidth  1.0 GB/s read, 50 % of what the memory gave" in found
    assert "changed speed" not in found
    apart = {"read_gb_per_s_before": 1.0, "read_gb_per_s_after": 2.0}
    assert "its memory gave 1.0 to 2.0 GB/s" in text(with_times(result, [time_ns] * 3, **apart), folder)


def test_without_a_probe_the_bandwidth_stands_alone(result: Result, folder: Folder) -> None:
    assert "bandwidth  1.0 GB/s read\n" in text(with_times(result, [int(BYTES)] * 3), folder)


def test_mbu_is_against_the_device_file(result: Result, folder: Folder) -> None:
    row = with_times(result, [int(BYTES)] * 3)
    assert "MBU        25.0 % of the device file's 4 GB/s" in text(row, folder, device(4, folder))
    assert "MBU        unknown" in text(row, folder)


def test_more_than_the_memory_can_give_is_said(result: Result, folder: Folder) -> None:
    row = with_times(result, [int(BYTES)] * 3)
    assert "the board refuses it" in text(row, folder, device(0.5, folder))
    assert "the board refuses it" not in text(row, folder, device(1.1, folder))


def test_repetitions_beside_other_work_are_counted(result: Result, folder: Folder) -> None:
    assert "used more than 0.1 of a core (repetitions: 3)" in text(
        with_times(result, [100] * 3, other_cores_busy=0.2), folder
    )
    assert "other processes" not in text(with_times(result, [100] * 3, other_cores_busy=0.1), folder)


def test_a_baseline_is_compared_pair_by_pair(result: Result, folder: Folder) -> None:
    ours = with_times(result, [10_000_000, 20_000_000, 10_000_000])
    theirs = with_times(result, [20_000_000, 40_000_000])
    theirs = replace(theirs, stack=replace(theirs.stack, name="other"))
    found = text(ours, folder, None, theirs)
    assert "baseline   other 33.33 tok/s; ours, 100.00, is 2.00 times as fast (median of 2 pairs)" in found


def test_the_rank_and_the_neighbours_are_named(result: Result, folder: Folder) -> None:
    folder.device("b").reported("fast", "b", 300.0).reported("slow", "b", 50.0)
    known = device(1000, folder)
    row = with_times(result, [10_000_000] * 3)
    found = text(row, folder, known)
    assert (
        "rank       2 of 3 on the decode page today, below b (300.0 tok/s) and above b (50.0 tok/s)" in found
    )
    assert "a quick run is not ranked" in text(replace(row, quick=True), folder, known)
    apart = with_times(result, [1_000_000, 10_000_000, 100_000_000])
    assert "rank       1–3 of 3" in text(apart, folder, known)


@pytest.mark.parametrize("quick", [True, False])
def test_a_device_without_a_bandwidth_has_no_rank(result: Result, folder: Folder, quick: bool) -> None:
    folder.device("b").reported("fast", "b", 300.0)
    row = replace(with_times(result, [10_000_000] * 3), quick=quick)
    folder.device("a", peak_bandwidth=None)
    for known in (None, folder.dataset().devices["a"]):
        (line,) = (line for line in text(row, folder, known).splitlines() if line.startswith("rank"))
        assert line.startswith("rank       none: ")
        assert "the device's file states no peak bandwidth" in line
        assert ("once it does, 2 of 2 on the decode page today" in line) == (not quick)


def block(result: Result, *timings: tuple[str, int | None]) -> Result:
    given = examples.measured()["kernels"]
    read = parse(
        json.dumps(examples.measured() | {"kernels": given}).encode(), RESULT, "x", examples.measured()["id"]
    )
    assert isinstance(read, Result)
    assert read.kernels
    base = read.kernels.timings[0]
    made = tuple(
        replace(base, kernels=(name,), samples_ns=(ns,) * 3 if ns else None, numerics_ok=ns is not None)
        for name, ns in timings
    )
    return replace(result, kernels=KernelBlock("tiny", 4, None, made))


def test_the_step_is_reconciled_with_calls_times_latency(result: Result, folder: Folder) -> None:
    row = block(with_times(result, [10_000_000] * 3), ("lm_head_matvec", 2_000_000), ("rope_qk", 1_000_000))
    found = text(row, folder)  # rope runs in each of three layers
    assert "reconciled kernels sum to 5.00 of 10.00 ms; the rest, +50.0%, is launches and host" in found
    assert "slowest    rope_qk                   3.00 ms a token, 60.0%" in found
    assert "           lm_head_matvec            2.00 ms a token, 40.0%" in found


def test_a_sum_above_the_step_is_no_overhead(result: Result, folder: Folder) -> None:
    row = block(with_times(result, [1_000_000] * 3), ("lm_head_matvec", 2_000_000))
    assert "the rest, -100.0%, is too much" in text(row, folder)


def test_a_microbenchmark_is_no_part_of_the_step(result: Result, folder: Folder) -> None:
    row = block(with_times(result, [10_000_000] * 3), ("rope_qk", 1_000_000), ("softmax", 5_000_000))
    assert "softmax" not in text(row, folder)


def test_failed_kernels_and_notes_are_named_even_where_nothing_was_timed(
    result: Result, folder: Folder
) -> None:
    row = block(replace(result, decode=None, notes="Failed."), ("rope_qk", None))
    assert text(row, folder).splitlines() == ["failed     rope_qk", "notes      Failed."]


def test_energy_is_said_where_the_device_tells_it(result: Result, folder: Folder) -> None:
    assert "energy     0.5 J a token" in text(with_times(result, [5, 6], energy_j=2.0), folder)
    assert "energy" not in text(with_times(result, [5, 6]), folder)
