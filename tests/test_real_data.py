"""The published record: what the sources state stands on the board, and nothing that they do not.

The figures are those of the publications, written down here a second time. Rows that runners add later are left
out, because they may change ranks but not what was published.
"""

from __future__ import annotations

import html
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from generator.charts.roofline import roofline_figure
from generator.dataset import Dataset, read_dataset
from generator.findings import (
    CheckedClaim,
    checked_claims,
    kernel_against_decode,
    reconciliations,
    source_groups,
)
from generator.rules import cross_file_problems, today
from generator.tables import Board, make_board, rows_of
from generator.views import KernelView

ROOT = Path(__file__).resolve().parent.parent
MODEL = "deepseek-r1-distill-qwen-1.5b"
ASCEND, TPU, M2, T4, TRAINIUM = (
    "pu-rs-decode-huawei-ascend-910b2",
    "pu-rs-decode-google-tpu-v2-8",
    "pu-rs-decode-apple-m2-max",
    "pu-rs-decode-nvidia-t4",
    "pu-rs-decode-aws-trainium1",
)
HEADLINE = {ASCEND: 168.9, TPU: 162.9, M2: 91.7, T4: 53.7, TRAINIUM: 12.2}
REFERENCE = "pu-rs-decode-cpu-reference"


@pytest.fixture(scope="module")
def loaded() -> tuple[Dataset, list[Any]]:
    return read_dataset(ROOT / "data")


@pytest.fixture(scope="module")
def board(loaded: tuple[Dataset, list[Any]]) -> Board:
    """The board of what is published: reported rows only."""
    data, _ = loaded
    runs = {name: entry for name, entry in data.runs.items() if entry.run.provenance == "reported"}
    return make_board(replace(data, runs=runs))


@pytest.fixture(scope="module")
def decode(board: Board) -> dict[str, Any]:
    return {row.run: row for row in rows_of(board.decode)}


@pytest.fixture(scope="module")
def leaderboard(board: Board) -> pd.DataFrame:
    """The rows of the kernel leaderboard."""
    of_leaderboard = board.kernels["source_url"].str.contains("pu-rs.org/leaderboard", regex=False)
    return board.kernels[of_leaderboard]


@pytest.fixture(scope="module")
def claims(board: Board) -> dict[str, CheckedClaim]:
    """Claims of the sources by their words."""
    return {checked.claim.statement: checked for checked in checked_claims(board, board.decode)}


def test_all_files_are_valid(loaded: tuple[Dataset, list[Any]]) -> None:
    data, problems = loaded
    assert [str(problem) for problem in [*problems, *cross_file_problems(data, today())]] == []


def test_the_published_ranks(board: Board) -> None:
    ranked = [row for row in rows_of(board.decode) if row.ranked]
    assert [(row.run, row.tok_per_s) for row in ranked] == [
        (name, pytest.approx(tok_per_s)) for name, tok_per_s in HEADLINE.items()
    ]
    assert [(row.rank, row.rank_best, row.rank_worst) for row in ranked] == [
        (n, n, n) for n in (1, 2, 3, 4, 5)
    ]


def test_the_published_devices(decode: dict[str, Any]) -> None:
    assert [decode[name].device for name in HEADLINE] == [
        "huawei-ascend-910b2", "google-tpu-v2-8", "apple-m2-max", "nvidia-t4", "aws-trainium1",
    ]  # fmt: skip
    assert [decode[name].dtype for name in HEADLINE] == ["f16", "f32", "bf16", "f16", "bf16"]


def test_the_reference_is_not_ranked(decode: dict[str, Any]) -> None:
    row = decode[REFERENCE]
    assert (row.tok_per_s, row.role, row.ranked) == (pytest.approx(3.7), "reference", False)
    assert (pd.isna(row.rank), row.times_reference) == (True, 1)


def test_every_row_says_where_it_is_published(board: Board) -> None:
    for frame in (board.decode, board.kernels):
        assert frame["source_url"].str.startswith("https://").all()
        assert frame["source_locator"].notna().all()
        assert (frame["provenance"] == "reported").all()


@pytest.mark.parametrize(
    ("run", "of", "tok_per_s"),
    [
        ("pu-rs-decode-huawei-ascend-910b2-aclnn", ASCEND, 68.3),
        ("pu-rs-decode-google-tpu-v2-8-jax", TPU, 166.0),
        ("pu-rs-decode-apple-m2-max-mlx", M2, 88.0),
        ("pu-rs-decode-aws-trainium1-one-neff", TRAINIUM, 2.5),
        ("pu-rs-decode-aws-trainium1-eager-nki-jit", TRAINIUM, 0.001),
    ],
)
def test_the_published_baselines(decode: dict[str, Any], run: str, of: str, tok_per_s: float) -> None:
    row = decode[run]
    assert (row.role, row.baseline_of, row.ranked) == ("baseline", of, False)
    assert row.tok_per_s == pytest.approx(tok_per_s)
    assert row.device == decode[of].device


@pytest.mark.parametrize(
    ("run", "times"), [(ASCEND, 2.47), (TPU, 0.98), (M2, 1.04), (TRAINIUM, 4.88), (T4, None)]
)
def test_against_the_own_baseline(decode: dict[str, Any], run: str, times: float | None) -> None:
    computed = decode[run].times_baseline
    assert (None if pd.isna(computed) else round(computed, 2)) == times


def test_against_the_reference(decode: dict[str, Any]) -> None:
    assert round(decode[ASCEND].times_reference, 1) == 45.6
    assert round(decode[TPU].times_reference, 1) == 44.0


def test_the_weights_of_a_token(board: Board) -> None:
    model = board.data.models[MODEL]
    assert model.weights_read_per_token == 1_543_714_304
    assert round(model.bytes_per_token("f16") / 1e9, 3) == 3.087
    assert round(model.bytes_per_token("f32") / 1e9, 3) == 6.175


def test_the_bandwidth_that_trainium_uses_and_what_its_source_claims(
    decode: dict[str, Any], claims: dict[str, CheckedClaim]
) -> None:
    row = decode[TRAINIUM]
    assert (round(row.mbu_percent, 1), row.peak_gb_per_s) == (4.6, 820)
    (checked,) = [one for one in claims.values() if one.claim.metric == "mbu_percent"]
    assert (checked.claim.value, checked.device, checked.agrees) == (9.5, "aws-trainium1", False)
    assert [round(value, 1) for value, _ in checked.ours] == [4.6, 9.2]
    assert [against.split(",")[0] for _, against in checked.ours] == ["of 820 GB/s", "of 410 GB/s"]


def test_the_claim_about_matmul_shapes_is_not_checkable(claims: dict[str, CheckedClaim]) -> None:
    (checked,) = [one for one in claims.values() if one.claim.metric == "kernel_speedup"]
    assert (checked.claim.value, checked.claim.value_high) == (1.75, 2.98)
    assert (checked.device, checked.ours, checked.agrees) == ("huawei-ascend-910b2", (), None)


def test_the_claims_that_hold(claims: dict[str, CheckedClaim]) -> None:
    held = sorted((one.device, one.claim.metric, one.claim.value) for one in claims.values() if one.agrees)
    assert held == [
        ("aws-trainium1", "speedup_over_baseline", 5),
        ("aws-trainium1", "wall_s", 5.23),
        ("huawei-ascend-910b2", "speedup_over_baseline", 2.47),
        ("huawei-ascend-910b2", "speedup_over_reference", 45.6),
    ]


def test_the_leaderboard_has_98_latencies(leaderboard: pd.DataFrame) -> None:
    assert len(leaderboard) == 98
    assert leaderboard["latency_us"].notna().all()
    assert leaderboard["kernel"].value_counts().to_dict() == {
        "softmax": 34,
        "layernorm": 16,
        "attention": 12,
        "gelu": 12,
        "matmul": 12,
        "rms_norm": 12,
    }


def test_rows_that_fail_their_checksum_are_shown_and_not_ranked(board: Board) -> None:
    tile = board.kernels[
        (board.kernels["run"] == "pu-rs-huawei-910b-tile") & (board.kernels["kernel"] == "softmax")
    ]
    assert len(tile) == 5
    assert [ok is False for ok in tile["numerics_ok"]] == [True] * 5
    assert not tile["ranked"].any()
    assert tile["rank"].isna().all()
    view = KernelView(board, board.data.kernels["softmax"])
    shown = [row for group in view.groups for row in group["rows"] if row.run == "pu-rs-huawei-910b-tile"]
    assert len(shown) == 5


def test_a_row_has_one_effective_rate(board: Board) -> None:
    both = board.kernels["gb_per_s"].notna() & board.kernels["gflop_per_s"].notna()
    assert not both.any()
    assert board.kernels["gb_per_s"].notna().any()
    assert board.kernels["gflop_per_s"].notna().any()
    for kernel, rows in board.kernels.groupby("rate_unit"):
        assert rows["gflop_per_s" if kernel == "gb_per_s" else "gb_per_s"].isna().all()


def test_all_ranked_rows_share_one_kernel_source(board: Board) -> None:
    (group,) = source_groups(board.decode)
    assert group.label == "ascend-rs 4493f7ab"
    assert len(group.devices) == 5
    assert board.decode[board.decode["ranked"]]["kernel_source_key"].notna().all()


def test_the_clearest_fall_from_kernels_to_decode_is_the_t4(board: Board) -> None:
    found = kernel_against_decode(board, board.decode)
    first = found[0]
    assert first.device == "nvidia-t4"
    assert first.drop > max(entry.drop for entry in found[1:])
    assert (first.decode_rank, first.decode_place, first.decode_places) == (4, 3, 3)
    assert first.wins >= 1
    rival = first.rivals[0]
    assert rival.device == "apple-m2-max"
    assert rival.tok_per_s == pytest.approx(91.7)
    assert rival.losses > rival.contests / 2


def test_the_steps_that_can_be_taken_apart(board: Board) -> None:
    steps = {step.run: step for step in reconciliations(board, board.decode, 100)}
    assert steps[M2].remainder_us == pytest.approx(-95, abs=0.5)
    assert steps[M2].sum_us == pytest.approx(11_000)
    assert steps[ASCEND].remainder_us == pytest.approx(627, abs=0.5)
    assert steps[ASCEND].remainder_percent == pytest.approx(10.6, abs=0.05)


def test_mbu_of_the_ranked_rows(decode: dict[str, Any]) -> None:
    assert [round(decode[name].mbu_percent, 1) for name in HEADLINE] == [32.6, 35.9, 70.8, 51.8, 4.6]


def test_no_row_beats_its_roofline(board: Board) -> None:
    known = board.decode[board.decode["mbu_percent"].notna()]
    assert (known["tok_per_s"] < known["roofline_tok_per_s"]).all()


def test_the_chart_and_its_table_name_the_same_rows(board: Board) -> None:
    figure = roofline_figure(board.decode, "m")
    assert figure is not None
    assert [line[1] for line in figure.table[:5]] == ["168.9", "162.9", "91.7", "53.7", "12.2"]
    assert "M2 Max (38-core GPU) comes closest" in figure.caption


def text_of(page: Path) -> str:
    """What a page says, without its markup."""
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page.read_text("utf-8"))).split())


def test_the_pages_say_it(web: Path) -> None:
    """The whole way, from files to a published page."""
    (site,) = web.iterdir()
    said = text_of(site / "decode" / "index.html")
    for figure in ("168.9", "162.9", "91.7", "53.7", "12.2", "3.7", "166.0", "88.0", "2.47×", "45.6×"):
        assert figure in said, figure
    for words in (
        "1,543,714,304 weights",
        "3.087 GB",
        "1.75 x to 2.98 x",
        "not checkable",
        "9.2 % of 410 GB/s",
    ):
        assert words in said, words
    softmax = (site / "kernels" / "softmax" / "index.html").read_text("utf-8")
    assert softmax.count(">fails its check</span>") == 5
