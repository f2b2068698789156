"""Estimates for what nobody has measured."""

from __future__ import annotations

import json
from typing import Any

import pytest

from generator.what_if import (
    DEPTH_TOKENS,
    OF_BOARD,
    OF_DEVICE,
    OF_DTYPE,
    Basis,
    Estimate,
    WhatIfView,
    what_if_files,
)
from schemas.records import Dtype
from tests.generator.examples import BYTES_PER_TOKEN, Folder, repetition, samples


def estimate(folder: Folder, device: str, dtype: Dtype = "f16", depth_tokens: int = 0) -> Estimate:
    board = folder.board()
    found = WhatIfView(board).estimate(
        board.data.models["tiny"], dtype, depth_tokens, board.data.devices[device]
    )
    assert found
    return found


def basis(folder: Folder, device: str, dtype: Dtype = "f16") -> Basis:
    return WhatIfView(folder.board()).basis(device, dtype)


def ends(found: Basis) -> dict[str, tuple[int, str, str]]:
    return {one.provenance: (one.rows, one.low.run, one.high.run) for one in found.ranges}


def test_the_roofline_is_bandwidth_over_bytes_a_token(basic: Folder) -> None:
    found = estimate(basic, "gpu-a")
    assert found.roofline_tok_per_s == pytest.approx(found.gb_per_s * 1e9 / BYTES_PER_TOKEN)
    deep, wide = estimate(basic, "gpu-a", depth_tokens=10), estimate(basic, "gpu-a", "f32")
    assert deep.roofline_tok_per_s == pytest.approx(found.gb_per_s * 1e9 / (BYTES_PER_TOKEN + 320))
    assert wide.roofline_tok_per_s == pytest.approx(found.roofline_tok_per_s / 2)


def test_measured_and_reported_rows_are_kept_apart(basic: Folder) -> None:
    basic.reported("slow", "gpu-a", 100).reported("fast", "gpu-a", 300).reported("between", "gpu-a", 200)
    basic.measured("ours", "gpu-a", samples([8_000_000]))
    found = basis(basic, "gpu-a")
    assert found.words == OF_DTYPE
    assert ends(found) == {"measured": (1, "ours", "ours"), "reported": (3, "slow", "fast")}


def test_the_mbu_of_a_row_gives_its_own_figure_back(basic: Folder) -> None:
    found = estimate(basic.reported("one", "gpu-a", 100), "gpu-a")
    assert found.tok_per_s(found.basis.ranges[0].low) == pytest.approx(100)


def test_without_rows_of_a_storage_type_those_of_the_device_count(basic: Folder) -> None:
    basic.reported("wide", "gpu-a", 100, decode_dtype="f32").reported("other", "gpu-b", 300)
    found = basis(basic, "gpu-a", "bf16")
    assert (found.words, ends(found)) == (OF_DEVICE, {"reported": (1, "wide", "wide")})


def test_without_rows_of_a_device_all_ranked_rows_count(basic: Folder) -> None:
    basic.device("new").reported("one", "gpu-a", 100).reported("two", "gpu-b", 300)
    found = basis(basic, "new")
    assert (found.words, ends(found)) == (OF_BOARD, {"reported": (2, "one", "two")})


@pytest.mark.parametrize(("probed_gb_per_s", "carries"), [(149.0, False), (151.0, True), (None, True)])
def test_a_machine_with_a_small_share_of_its_device_counts_for_that_device_alone(
    basic: Folder, probed_gb_per_s: float | None, carries: bool
) -> None:
    around = {"read_gb_per_s_before": probed_gb_per_s, "read_gb_per_s_after": probed_gb_per_s}
    ran = [repetition(step_ns=[10**6] * 2, **(around if probed_gb_per_s else {})) for _ in range(5)]
    basic.device("new").measured("part", "gpu-a", samples([1, 2], repetitions=ran)).reported(
        "all", "gpu-b", 300
    )
    assert ends(basis(basic, "gpu-a")) == {"measured": (1, "part", "part")}  # of 300 GB/s
    found = basis(basic, "new")
    assert ("measured" in ends(found)) == carries
    assert ("left out: 1 row of a machine that reads less than half" in found.words) != carries


def test_only_ranked_rows_count(whole: Folder) -> None:
    assert ends(basis(whole, "gpu-a")) == {"reported": (1, "top", "top")}  # not its baseline
    assert ends(basis(whole, "gpu-b")) == {"measured": (1, "second", "second")}  # nor what was withdrawn


def test_a_board_without_ranked_rows_makes_nothing_likely(basic: Folder) -> None:
    assert basis(basic, "gpu-a") == Basis(OF_BOARD, ())


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"memory_gb": 64}, "yes: 0.00000347 of 64 GB"),
        ({"memory_gb": 0.000003}, "no: 0.00000347 of 0.000003 GB"),
        ({"memory_gb": None}, "not known: its memory is not stated"),
    ],
)
def test_whether_the_weights_fit_is_told(basic: Folder, changes: dict[str, Any], said: str) -> None:
    assert estimate(basic.device("gpu-a", **changes), "gpu-a").fits == said  # 2 * (1,480 + 256) bytes


def test_tied_embeddings_lie_in_memory_once(basic: Folder) -> None:
    apart, tied = estimate(basic, "gpu-a"), estimate(basic.model(tie_word_embeddings=True), "gpu-a")
    assert apart.weights_bytes - tied.weights_bytes == 2 * 32 * 8
    assert apart.roofline_tok_per_s == tied.roofline_tok_per_s


def test_a_device_without_a_bandwidth_has_no_estimate(whole: Folder) -> None:
    board = whole.board()
    found = WhatIfView(board).estimates(board.data.models["tiny"])
    assert [one.device.id for one in found] == ["gpu-a", "gpu-b"]
    assert {one.cache_bytes for one in found} == {2 * DEPTH_TOKENS * 16}


def test_the_page_computes_with_sizes_and_ranges(whole: Folder) -> None:
    ((address, content),) = what_if_files(whole.board())
    assert address == "assets/data/what-if.js"
    name, given = json.loads(f"[{content.decode().strip().removeprefix('board.take(').removesuffix(');')}]")
    assert name == "what-if"
    assert set(given["devices"]) == {"gpu-a", "gpu-b"}
    assert given["models"]["tiny"]["hidden_size"] == 8
    assert given["devices"]["gpu-a"]["bases"]["any"]["ranges"][0]["low"]["run"] == "top"
    assert given["all"]["words"] == OF_BOARD
