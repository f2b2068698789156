"""Which values are one figure, which of several figures is kept, and what is on file already."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from generator.importers.accounts import Place
from tests.generator.importers.boards import (
    CHECKED,
    Board,
    checked,
    counts,
    entry,
    figures,
    notes,
    records,
    refusals,
    row,
    timings,
)

SHAPE = {"rows": 64, "cols": 1024}


def figure(us: float, low: float | None, high: float | None, values: int) -> dict[str, Any]:
    return {"latency_us": us, "min_us": low, "max_us": high, "values_in_source": values}


def file_softmax(board: Board, us: float, **changes: Any) -> None:
    """A latency that the data folder has, under the names that :func:`row` comes to."""
    timing = {
        "kernels": ["softmax"], "shape": SHAPE, "dtype": "f32", "per": "call", "execution": "not_stated",
        "language": "CUDA", "implementation": "tool", "numerics_ok": None, "rel_l2_error": None, "error": None,
        "emitted_sha256": None, "figure": figure(us, None, None, 1), "samples_ns": None,
    } | changes  # fmt: skip
    block = {"model": None, "depth_tokens": None, "step_of": None, "timings": [timing]}
    board.folder.reported("old", "nvidia-t4", None, block)


# --- values ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("order", [(20, 10, 90), (20, 90, 10), (10, 10, 90), (10, 10, 10)])
def test_three_values_with_the_first_between_are_median_minimum_maximum(
    board: Board, order: tuple[int, ...]
) -> None:
    found = board.read(board.csv(*map(row, order)))
    assert figures(found) == [figure(order[0], min(order), max(order), 3)]
    assert "not as three runs" in records(found)[0]["notes"]
    assert counts(found) == {"read": 3, "imported": 1, "merged": 2}


@pytest.mark.parametrize("order", [(10, 20, 90), (90, 10, 20), (90, 20, 10)])
def test_three_values_in_another_order_are_summed_up_by_their_median(
    board: Board, order: tuple[int, ...]
) -> None:
    found = board.read(board.csv(*map(row, order)))
    assert figures(found) == [figure(20, 10, 90, 3)]
    assert "not as three runs" not in records(found)[0]["notes"]
    assert "the latency is their median" in records(found)[0]["notes"]


def test_one_value_has_no_bounds_and_many_have_a_median(board: Board) -> None:
    found = board.read(board.csv(row(5, shape="[1, 1024]"), *[row(us) for us in (10, 40, 20, 30)]))
    assert figures(found) == [figure(5, None, None, 1), figure(25, 10, 40, 4)]
    assert counts(found) == {"read": 5, "imported": 2, "merged": 3}


def test_runs_of_a_log_are_never_a_triple(board: Board) -> None:
    runs = "".join(
        f"BENCH,64x1024,tile_softmax_64x1024,{run},{ms}\n" for run, ms in enumerate((0.02, 0.01, 0.09))
    )
    found = board.read(board.file("nvidia-tesla-t4_results.csv", runs))
    assert figures(found) == [figure(20, 10, 90, 3)]
    assert "not as three runs" not in records(found)[0]["notes"]
    assert records(found)[0]["device_as_stated"] == "nvidia-tesla-t4"


@pytest.mark.parametrize(
    "other",
    [{"shape": "[1, 1024]"}, {"dtype": "f16"}, {"toolchain": "other"}, {"language": "rust"}, {"kernel": "gelu"},
     {"device": "nvidia-h200"}],
)  # fmt: skip
def test_what_differs_in_its_key_is_another_figure(board: Board, other: dict[str, str]) -> None:
    assert len(figures(board.read(board.csv(row(10), row(20, **other))))) == 2


def test_names_of_one_device_are_one_device(board: Board) -> None:
    found = board.read(board.csv(row(10), row(30, device="Tesla T4"), row(20, device="nvidia_t4")))
    assert figures(found) == [figure(20, 10, 30, 3)]


@pytest.mark.parametrize("checks", [("true", "false"), ("false", "true"), ("false", "")])
def test_one_failed_check_fails_a_figure(board: Board, checks: tuple[str, str]) -> None:
    found = board.read(board.csv(*[checked(9, ok) for ok in checks], header=CHECKED))
    assert [timing["numerics_ok"] for timing in timings(found)] == [False]


def test_a_check_that_some_values_lack_is_not_stated(board: Board) -> None:
    found = board.read(board.csv(checked(9, "true"), checked(9, ""), header=CHECKED))
    assert [timing["numerics_ok"] for timing in timings(found)] == [None]


# --- several sources ------------------------------------------------------------------------------


def test_a_submission_is_kept_before_the_aggregate_made_of_it(board: Board) -> None:
    aggregate, submission = board.json(entry(20, num_runs=3)), board.csv(row(20), row(10), row(90))
    for order in itertools.permutations((aggregate, submission)):
        found = board.read(*order)
        assert figures(found) == [figure(20, 10, 90, 3)]
        assert counts(found) == {"read": 4, "imported": 1, "merged": 3}
        assert notes(found) == []


def test_an_aggregate_that_pools_implementations_is_merged_with_a_note(board: Board) -> None:
    found = board.read(board.json(entry(35.5, num_runs=40)), board.csv(*[row(20)] * 10))
    assert figures(found) == [figure(20, 20, 20, 10)]
    assert notes(found) == [
        "line 2: 35.5 µs over 40 values, which pools implementations; kept is 20 µs of a.csv"
    ]


def test_the_aggregate_alone_is_imported_with_its_number_of_values(board: Board) -> None:
    found = board.read(
        board.json(
            entry(20, num_runs=40), entry(9, input_shape="[1, 1024]", latency_min_us=8, latency_max_us=11)
        )
    )
    assert figures(found) == [figure(20, None, None, 40), figure(9, 8, 11, 1)]
    (record,) = records(found)
    assert record["source"]["locator"] == "data/leaderboard.json"
    assert "pools the values" in record["notes"]
    assert record["measured_at"] is None  # the day of ingestion is none of measurement


def test_an_entry_that_stands_twice_is_no_second_value(board: Board) -> None:
    found = board.read(board.json(entry(20), entry(20)))
    assert figures(found) == [figure(20, None, None, 1)]
    assert counts(found) == {"read": 2, "imported": 1, "merged": 1}


def test_of_two_entries_with_one_key_the_one_of_more_values_is_kept(board: Board) -> None:
    found = board.read(board.json(entry(20), entry(30, num_runs=4)))
    assert figures(found) == [figure(30, None, None, 4)]
    assert counts(found) == {"read": 2, "imported": 1, "merged": 1}


def test_of_two_submissions_the_one_of_more_values_is_kept_then_the_first(board: Board) -> None:
    one, many = board.csv(row(10), name="a.csv"), board.csv(row(21), row(20), row(22), row(23), name="b.csv")
    again = board.csv(row(11), name="c.csv")
    for order in itertools.permutations((one, many, again)):
        assert figures(board.read(*order)) == [figure(21.5, 20, 23, 4)]
        assert counts(board.read(*order)) == {"read": 6, "imported": 1, "merged": 5}
    for order in itertools.permutations((one, again)):
        assert figures(board.read(*order)) == [figure(10, None, None, 1)]
        assert notes(board.read(*order)) == ["line 2: 11 µs over 1 values; kept is 10 µs of a.csv"]


def test_a_failed_figure_is_not_merged_into_one_that_passed(board: Board) -> None:
    passed = board.csv(checked(9, "true"), checked(9, "true"), header=CHECKED, name="a.csv")
    failed = board.csv(checked(9, "false"), header=CHECKED, name="b.csv")
    found = board.read(passed, failed)
    assert [timing["numerics_ok"] for timing in timings(found)] == [True, False]


def test_what_was_to_be_merged_into_a_refused_figure_is_refused(board: Board) -> None:
    impossible = board.csv(*[row(1e-4)] * 2, name="a.csv")
    found = board.read(impossible, board.csv(row(10), name="b.csv"))
    assert counts(found) == {"read": 3, "refused": 3}
    assert "has the key of a row that is refused" in refusals(found)[2]


# --- on file --------------------------------------------------------------------------------------


def test_a_figure_on_file_is_recognised_and_not_imported_again(board: Board) -> None:
    file_softmax(board, 20.001)
    found = board.read(board.csv(row(20.00123), row(10), row(90)))
    assert counts(found) == {"read": 3, "on_file": 3}
    assert not found.drafts


def test_another_latency_than_on_file_is_refused_not_replaced(board: Board) -> None:
    file_softmax(board, 20)
    (said,) = refusals(board.read(board.csv(row(21))))
    assert "differs from what is on file (got 21 µs, 20 in data/reported/page/old.json)" in said
    assert "withdraw the old row in retracted.yml first" in said


def test_an_aggregate_of_another_latency_is_merged_where_its_submission_is_on_file(board: Board) -> None:
    file_softmax(board, 20)
    found = board.read(board.csv(row(20)), board.json(entry(35, num_runs=40)))
    assert counts(found) == {"read": 2, "merged": 1, "on_file": 1}


def test_a_failed_check_is_not_on_file_where_the_check_passed(board: Board) -> None:
    file_softmax(board, 20, numerics_ok=True)
    (said,) = refusals(board.read(board.csv(checked(20, "false"), header=CHECKED)))
    assert "and its check failed here" in said


@pytest.mark.parametrize(
    "changes", [{"dtype": "f16"}, {"implementation": "other"}, {"shape": {"rows": 1, "cols": 1024}}]
)
def test_another_key_on_file_is_no_match(board: Board, changes: dict[str, Any]) -> None:
    file_softmax(board, 20, **changes)
    assert counts(board.read(board.csv(row(20)))) == {"read": 1, "imported": 1}


def test_decode_steps_and_their_parts_are_recognised_by_device_and_latency(board: Board) -> None:
    timing = {"kernels": ["q_proj_matvec", "kv_proj_matvec", "o_proj_matvec"], "per": "token", "shape": None}
    file_softmax(board, 4300, **timing)
    model = "deepseek-r1-distill-qwen-1.5b"
    board.folder.reported("step", "nvidia-t4", 20.0, decode_model=model)
    board.folder.reported("ref", "cpu-reference", 3.7, decode_model=model, role="reference")
    data = board.data / "reported" / "page" / "old.json"
    data.write_text(data.read_text().replace('"model": null', f'"model": "{model}"'))
    step = {"kernel": "deepseek_decode_step", "shape": "[1, 1536]"}
    found = board.read(
        board.csv(
            row(50_000.4, dtype="f16", toolchain="as the source calls it", **step),
            row(4300, kernel="qkvo_matvecs", shape="[1, 1536]", dtype="bf16"),
            row(270_270.3, language="cpu", **step),
            row(270_270.3, toolchain="on the device", **step),
        )
    )
    assert counts(found) == {"read": 4, "imported": 1, "on_file": 3}


def test_tokens_a_second_are_recognised_by_the_time_of_their_step(board: Board) -> None:
    board.folder.reported("step", "nvidia-t4", 20.0, decode_model="deepseek-r1-distill-qwen-1.5b")
    found = board.read(board.csv(row(20, kernel="deepseek_decode_tok_s", shape="[1, 1536]", dtype="f16")))
    assert counts(found) == {"read": 1, "on_file": 1}


def test_places_sort_by_file_line_and_number() -> None:
    places = [Place("b", 1, 1), Place("a", 10, 3), Place("a", 9, 2)]
    assert [str(place) for place in sorted(places)] == ["a:9", "a:10", "b:1"]
