"""Drafts are judged as the data folder would judge them once they lie there."""

from __future__ import annotations

import json
from typing import Any

from generator.importers.drafts import Draft, problems_of, written
from tests.generator.importers.boards import Board, row


def draft(board: Board, **changes: Any) -> Draft:
    """The record of one row, with ``changes`` of its timing."""
    (made,) = board.read(board.csv(row(50))).drafts
    record = json.loads(made.text)
    record["kernels"]["timings"][0] |= changes
    return Draft(made.place, json.dumps(record))


def said(board: Board, *drafts: Draft) -> list[str]:
    return [str(problem) for problem in problems_of(drafts, board.folder.dataset())]


def test_a_valid_draft_has_no_problem(board: Board) -> None:
    assert said(board, draft(board)) == []


def test_what_its_schema_its_own_rules_and_its_company_refuse_is_told(board: Board) -> None:
    place = "data/reported/pu-rs-leaderboard/pu-rs-a.json"
    (schema,) = said(board, draft(board, dtype="int4"))
    assert schema.startswith(f"{place}: kernels.timings[0].dtype: is not allowed here (got 'int4')")
    figure = {"latency_us": 9, "min_us": 10, "max_us": 11, "values_in_source": 3}
    (own,) = said(board, draft(board, figure=figure))
    assert own.startswith(f"{place}: kernels.timings[0].figure.latency_us: lies outside of its bounds")
    (across,) = said(board, draft(board, kernels=["sofmax"]))
    assert across.startswith(f"{place}: kernels.timings[0].kernels[0]: is unknown (got 'sofmax')")


def test_drafts_know_each_other(board: Board) -> None:
    device, record = board.read(board.csv(row(device="nvidia-h20"))).drafts
    assert said(board, device, record) == []
    (alone,) = said(board, record)
    assert "device: is unknown (got 'nvidia-h20')" in alone


def test_problems_of_what_is_on_file_are_not_the_drafts(board: Board) -> None:
    record = draft(board)
    board.folder.reported("bad", "gpu-x", 10.0, decode_model="huge")
    assert said(board, record) == []


def test_a_record_is_spread_over_lines_however_short(board: Board) -> None:
    assert written({"a": 1}) == '{\n  "a": 1\n}'
    assert draft(board).id == "pu-rs-a"
