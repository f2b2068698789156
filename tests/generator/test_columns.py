"""The columns of the decode table and the leaderboard."""

from __future__ import annotations

from typing import Any

from generator.columns import decode_columns, kernel_columns, table_files
from generator.leaderboard import Leaderboard
from generator.views import ModelView
from tests.generator.examples import Folder, samples, timing, timings
from tests.generator.test_column_files import handed


def table(folder: Folder) -> dict[str, dict[str, Any]]:
    """The rows of the decode table by run, with what is said of each."""
    board = folder.board()
    (model,) = board.data.models.values()
    columns = decode_columns(ModelView(board, model))
    return _rows(columns.texts, columns.numbers)


def kernels(folder: Folder) -> list[dict[str, Any]]:
    columns = kernel_columns(Leaderboard(folder.board()).rows)
    return list(_rows(columns.texts, columns.numbers, by="").values())


def _rows(texts: Any, numbers: Any, by: str = "run") -> dict[Any, dict[str, Any]]:
    count = len(next(iter(numbers.values())))
    lines = [{name: list(column)[at] for name, column in (texts | numbers).items()} for at in range(count)]
    said = [{name: one for name, one in line.items() if one is not None and one == one} for line in lines]  # noqa: PLR0124 - NaN
    return {line.get(by, at): line for at, line in enumerate(said)}


def test_every_row_of_the_decode_table_is_there_in_its_order(whole: Folder) -> None:
    assert list(table(whole)) == ["top", "second", "gone", "ref"]


def test_the_files_are_those_of_each_model_and_of_the_kernels(whole: Folder) -> None:
    files = dict(table_files(whole.board()))
    assert set(files) == {"assets/data/table/decode/tiny/0.js", "assets/data/table/kernels/0.js"}
    name, value = handed(files["assets/data/table/decode/tiny/0.js"])
    assert (name, value["total"]) == ("table/decode/tiny/0", 4)


def test_a_board_without_rows_has_no_files(basic: Folder) -> None:
    assert list(table_files(basic.board())) == []


def test_numbers_have_the_digits_that_are_shown(basic: Folder) -> None:
    row = table(basic.reported("a", "gpu-a", 123.456))["a"]
    assert (row["tok_per_s"], row["tpot_ms"], row["rank"]) == (123.5, 8.1, 1)
    assert "rank_worst" not in row
    assert "tok_per_s_low" not in row


def test_ranks_and_intervals_of_measured_rows(basic: Folder) -> None:
    for name, device, ns in (("a", "gpu-a", 20_000), ("b", "gpu-b", 20_100)):
        basic.measured(name, device, samples(*([ns + 500 * turn] * 2 for turn in range(5))))
    row = table(basic)["a"]
    assert (row["rank"], row["rank_worst"]) == (1, 2)
    assert row["tok_per_s_low"] < row["tok_per_s"] < row["tok_per_s_high"]


def test_withdrawn_rows_say_so_with_the_reason(whole: Folder) -> None:
    gone = table(whole.retract("gone", reason="a wrong clock " * 20))["gone"]
    assert (gone["withdrawn"], gone["gone"], gone["state"]) == ("withdrawn", " badge-gone", "withdrawn")
    assert gone["retraction"].startswith("2026-01-31, us: a wrong clock a wrong")
    assert gone["retraction"].endswith(" clock a…")
    assert "rank" not in gone


def test_a_superseded_row_leads_to_the_one_that_took_its_place(basic: Folder) -> None:
    for name, day in (("old", 1), ("new", 5)):
        at = f"2026-01-0{day}T10:00:00Z"
        basic.measured(
            name, "gpu-a", samples([20_000, 20_010]), submitter="A. Person" + "x" * 50, measured_at=at
        )
    row = table(basic)["old"]
    assert (row["superseded_by"], row["successor"], row["state"]) == ("new", "#row-new", "superseded")
    assert row["later_by"] == "A. Person" + "x" * 30 + "…"


def test_a_reproduced_row_says_by_whom(basic: Folder) -> None:
    for name in ("a", "b"):
        basic.measured(name, "gpu-a", samples([20_000, 20_010]), submitter=f"Person {name}")
    row = table(basic)["a"]
    assert row["provenance"] == "reproduced"
    assert row["agreement"] == "within 5\u00a0%, drift 0.0\u00a0%: by Person b"
    assert row["confirmed"] == ", and reproduced by 1 other submitter"


def test_rows_that_are_wrong_or_in_doubt_say_why(basic: Folder) -> None:
    basic.measured("a", "gpu-a", samples([20_000, 60_000]), decode_numerics_ok=False)
    assert table(basic)["a"]["state"] == "fails its check"


def test_mbu_against_the_other_bandwidths_of_a_device(whole: Folder) -> None:
    assert table(whole)["top"]["mbu_others"] == "0.099 % of 150 GB/s"
    assert "mbu_others" not in table(whole)["second"]


def test_kernel_rows_say_what_they_are(basic: Folder) -> None:
    failed = timing("norm", us=1, numerics_ok=False, implementation="x")
    step = timings(timing("norm", us=1234.56), failed, timing("proj", "attend", us=4, per="token"))
    failing, fine, fused = sorted(
        kernels(basic.reported("a", "gpu-a", None, step)), key=lambda row: row["kernel"]
    )
    assert (fine["latency_us"], fine["rank"], fine["index"], fine["page"]) == (1234.6, 1, 0, "norm")
    assert (failing["kind"], failing["state"]) == ("failed", "fails its check")
    assert "rank" not in failing
    assert fused["per"] == "sum over a token’s calls"
    assert "page" not in fused


def test_withdrawn_kernels_are_struck_through_rather_than_failed(basic: Folder) -> None:
    basic.reported("a", "gpu-a", None, timings(timing("norm", us=1, numerics_ok=False))).retract("a")
    (row,) = kernels(basic)
    assert (row["kind"], row["state"]) == ("withdrawn", "withdrawn, fails its check")
