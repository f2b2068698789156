"""Decode rows as the page gets them that sets any of them side by side."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from generator.compare import NOT_STATED, REMAINDER, WHOLE, Entries, Entry, compare_files
from generator.tables import rows_of
from tests.generator.examples import Folder, samples, timing, timings


def entry(folder: Folder, run: str) -> Entry:
    board = folder.board()
    rows = board.decode[board.decode["run"] == run]
    return Entries(board).of(next(rows_of(rows)))


def given(content: bytes) -> tuple[str, Any]:
    """Name and value of a data file."""
    words = content.decode()
    assert words.startswith("board.take(")
    assert words.endswith(");\n")
    name, value = json.loads(f"[{words[len('board.take(') : -3]}]")
    return name, value


def test_a_measured_row_has_an_interval_and_a_reported_one_is_a_point(whole: Folder) -> None:
    whole.measured("uneven", "gpu-b", samples([30_000], [32_000], [31_000]))
    measured, reported = entry(whole, "uneven"), entry(whole, "top")
    assert not measured.point
    assert measured.tok_per_s[1] < measured.tok_per_s[2]
    assert reported.point
    assert reported.tok_per_s == pytest.approx((50_000, 50_000, 50_000))
    assert dict(reported.figures)["95 % interval"] == "none: a reported figure"


def test_kernels_are_summed_over_a_token_beside_what_they_leave_over(whole: Folder) -> None:
    parts = {name: us for name, _, us in entry(whole, "top").kernels}
    assert parts == pytest.approx({WHOLE: 20, REMAINDER: 11, "norm": 5, "proj + attend": 4})
    assert list(parts) == [WHOLE, REMAINDER, "norm", "proj + attend"]


def test_a_step_without_kernels_on_file_leaves_nothing_over(whole: Folder) -> None:
    assert [name for name, *_ in entry(whole, "base").kernels] == [WHOLE]


def test_the_environment_has_the_same_lines_for_every_row(whole: Folder) -> None:
    measured, reported = dict(entry(whole, "second").environment), dict(entry(whole, "top").environment)
    assert list(measured) == list(reported)
    assert reported["Command"] == NOT_STATED
    assert measured["Command"] != NOT_STATED


@pytest.mark.parametrize(
    ("run", "said"),
    [("gone", "withdrawn"), ("other", "baseline"), ("ref", "reference"), ("top", "rank 1 of its model")],
)
def test_a_row_says_its_rank_or_why_it_has_none(whole: Folder, run: str, said: str) -> None:
    assert dict(entry(whole, run).figures)["Standing"] == said


def test_each_decode_row_has_a_file_and_a_line_in_the_list(whole: Folder) -> None:
    board, files = whole.board(), dict(compare_files(whole.board()))
    runs = list(board.decode["run"])
    assert set(files) == {"assets/data/rows.js", *(f"assets/data/rows/{run}.js" for run in runs)}
    name, listed = given(files["assets/data/rows.js"])
    assert name == "rows"
    assert [run for run, _ in listed] == runs
    assert all("Device gpu-" in label and "tok/s" in label for _, label in listed)
    for run in runs:
        name, value = given(files[f"assets/data/rows/{run}.js"])
        assert (name, value["run"]) == (f"rows/{run}", run)
        assert [what for what, *_ in value["facts"]][:2] == ["another model", "another step"]


def test_the_list_says_the_model_where_there_are_several(basic: Folder) -> None:
    basic.reported("one", "gpu-a").model("large", name="Large 2K")
    assert "Tiny 1K" in dict(given(dict(compare_files(basic.board()))["assets/data/rows.js"])[1])["one"]


def test_text_that_means_harm_stays_text(basic: Folder) -> None:
    basic.reported("one", "gpu-a", stack={"name": '");alert(1)//&amp;', "backend": None, "languages": [],
                                          "toolchain": None, "driver": None})  # fmt: skip
    _, value = given(dict(compare_files(basic.board()))["assets/data/rows/one.js"])
    assert dict(value["figures"])["Stack"] == '");alert(1)//&amp;'


def test_the_files_of_many_rows_take_little_time(basic: Folder) -> None:
    step = timings(timing("norm", ns=[900]), timing("proj", ns=[900]))
    for index in range(200):
        basic.measured(f"run-{index}", "gpu-a", samples([30_000]), step, submitter=f"person {index}")
    board = basic.board()
    began = time.perf_counter()
    assert len(list(compare_files(board))) == 201
    assert (
        time.perf_counter() - began < 0.5
    )  # 0.2 ms a row where frames are grouped once; 2 ms where they are cut
