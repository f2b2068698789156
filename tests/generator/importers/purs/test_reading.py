"""The three forms of a file, however they were saved, and files that are refused as a whole."""

from __future__ import annotations

import json
import os
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest

from generator.importers.purs import reading
from generator.importers.purs.names import read_names
from generator.importers.purs.reading import Row, read_table
from schemas.parse import Unreadable
from tests.generator.examples import REPOSITORY
from tests.generator.importers.boards import CHECKED, PLAIN, RATED, Board, checked, entry, rated, row

NAMES = read_names(REPOSITORY / "data")


def rows(path: Path) -> list[Row]:
    return read_table(path, NAMES).rows


def refusal(path: Path) -> str:
    with pytest.raises(Unreadable) as caught:
        read_table(path, NAMES)
    return f"{caught.value.field}: {caught.value.problem}; {caught.value.remedy}"


@pytest.mark.parametrize(
    ("header", "line"), [(PLAIN, row(12.5)), (RATED, rated(12.5, 3.4)), (CHECKED, checked(12.5, "true"))]
)
def test_each_set_of_columns_is_read(board: Board, header: str, line: str) -> None:
    (found,) = rows(board.csv(line, header=header))
    assert found.form == "submission"
    assert {name: found.cells[name] for name in ("device", "kernel", "dtype", "shape", "latency")} == {
        "device": "nvidia-tesla-t4", "kernel": "softmax", "dtype": "f32", "shape": "[64, 1024]", "latency": "12.5",
    }  # fmt: skip
    assert (found.unit, found.cells.get("rate")) == ("us", {PLAIN: None, RATED: "3.4", CHECKED: ""}[header])
    assert found.cells.get("numerics_ok") == ("true" if header == CHECKED else None)


@pytest.mark.parametrize(
    "dress",
    [
        lambda text: text.encode(),
        lambda text: b"\xef\xbb\xbf" + text.encode(),
        lambda text: text.replace("\n", "\r\n").encode(),
        lambda text: text.replace("\n", "\r").encode(),
        lambda text: text.replace("\n", "\n\n\n").encode(),
        lambda text: ("\n\r\n" + text).encode(),
        lambda text: text.rstrip("\n").encode(),
        lambda text: text.replace("f32", '"f32"').encode(),
        lambda text: text.replace(",", ", ").replace("[64,  1024]", "[64, 1024]").encode(),
        lambda text: text.replace("latency_us", "Latency (µs)").encode(),
        lambda text: text.replace("latency_us", "LATENCY-US").encode(),
    ],
)  # fmt: skip
def test_how_a_file_was_saved_makes_no_difference(board: Board, dress: Callable[[str], bytes]) -> None:
    text = "\n".join([PLAIN, row(1.5), row(2.5, shape="[1, 1024]"), ""])
    found = rows(board.file("a.csv", dress(text)))
    assert [(one.cells["latency"], one.cells["dtype"], one.unit) for one in found] == [
        ("1.5", "f32", "us"),
        ("2.5", "f32", "us"),
    ]


@pytest.mark.parametrize("delimiter", [";", "\t"])
def test_other_delimiters_are_told_by_the_header(board: Board, delimiter: str) -> None:
    header = PLAIN.replace(",", delimiter)
    line = row(1.5).replace("[64, 1024]", "64x1024").replace(",", delimiter)
    (found,) = rows(board.csv(line, header=header))
    assert (found.cells["latency"], found.cells["shape"]) == ("1.5", "64x1024")


def test_columns_may_stand_in_any_order_and_be_more_or_fewer(board: Board) -> None:
    path = board.csv(
        '7,"[1, 2]",softmax,x1,hello,f32', header="latency_ms,size,kernel,device,comment,precision"
    )
    table = read_table(path, NAMES)
    (found,) = table.rows
    assert found.cells == {
        "latency": "7",
        "shape": "[1, 2]",
        "kernel": "softmax",
        "device": "x1",
        "dtype": "f32",
    }
    assert (found.unit, table.unread) == ("ms", ["comment"])


def test_a_row_keeps_its_line_through_blank_ones(board: Board) -> None:
    path = board.file("a.csv", f"{PLAIN}\n\n{row(1)}\n\n\n{row(2)}\n")
    assert [str(one.place) for one in rows(path)] == [f"{path}:3", f"{path}:6"]


def test_a_row_of_other_cells_than_the_header_is_kept_to_be_refused(board: Board) -> None:
    found = rows(board.csv(row(1) + ",more", "a,b", ",".join("x" * 10_000), row(2)))
    assert [one.misfit for one in found] == [
        "has another number of cells than the header (got 12, expected 11)",
        "has another number of cells than the header (got 2, expected 11)",
        "has another number of cells than the header (got 10,000, expected 11)",
        None,
    ]


def test_a_log_is_read_by_its_bench_lines(board: Board) -> None:
    log = "Building...\nBENCH,64x4096,tile_softmax_64x4096,0,0.0125\r\n  ok\nBENCH,1x2,gelu,1\n"
    log += 'BENCH,"[2, 3]",gelu,0,1,x\n'
    found = rows(board.file("huawei-910b_results.txt", log))
    assert [(one.form, one.place.line, one.unit) for one in found] == [
        ("log", 2, "ms"),
        ("log", 4, "ms"),
        ("log", 5, "ms"),
    ]
    assert found[0].cells == {
        "device": "huawei-910b", "shape": "64x4096", "kernel": "tile_softmax_64x4096", "latency": "0.0125",
        "dtype": "f32", "language": "rust",
    }  # fmt: skip
    assert found[1].misfit == "is not BENCH,size,kernel,run,time_ms (got 4 cells)"
    assert (found[2].cells["shape"], found[2].cells["latency"]) == ("[2, 3]", "1")


@pytest.mark.parametrize("indent", [None, 2])
def test_the_aggregate_is_read_with_the_lines_of_its_entries(board: Board, indent: int | None) -> None:
    path = board.file(
        "leaderboard.json", "\n" + json.dumps([entry(1.5), entry(2, num_runs=40)], indent=indent)
    )
    found = rows(path)
    assert [one.cells["latency"] for one in found] == ["1.5", "2"]
    assert [one.cells["values"] for one in found] == ["1", "40"]
    assert [one.place.line for one in found] == ([2, 2] if indent is None else [3, 3 + len(entry()) + 2])
    assert found[0].cells["rate"] == ""
    assert found[0].form == "aggregate"


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "file: is empty"),
        (b" \n\r\n", "file: is empty"),
        (b"\xff\xfe" + PLAIN.encode("utf-16-le"), "file: is not UTF-8 (got byte 0xff at offset 0); save it as UTF-8"),
        ((PLAIN + "\n" + row(toolchain="caf\xe9")).encode("latin-1"), "file: is not UTF-8 (got byte 0xe9"),
        ((PLAIN + "\n" + row() + "\n\0").encode(), "file: holds a NUL byte (got one on line 3)"),
        (b"hello world\n1,2\n", "header: lacks device_id, kernel_id, dtype, input_shape, latency_us"),
        (PLAIN.replace("latency_us", "speed").encode(), "header: lacks latency_us"),
        ((PLAIN + ",dtype\n").encode(), "header: names a column twice (got 'dtype')"),
        (",".join(f"c{n}" for n in range(101)).encode(), "header: has too many columns (got 101)"),
        ((PLAIN + '\n"unfinished,1\n' + row()).encode(), "file: is not CSV (got"),
        ((PLAIN + "\n" + "x" * 20_001).encode(), "file: has a line of 20,001 characters (got line 2)"),
        (b"{}", "file: is not a list of entries"),
        (b"[1, 2]", "file: is not a list of entries"),
        (b"[]", "file: holds no entry"),
        (b"[{}]", "file: holds no entry"),
        (b'[{"a": 1}]', "header: lacks device_id"),
        (b'[{"latency_us": NaN}]', "file: holds a number that JSON does not have (got NaN)"),
        (b'[{"latency_us": 1e400}]', "file: holds a number too large to read (got 1e400)"),
        (b'[{"a": 1, "a": 2}]', "a: stands twice in one object"),
        (b"[" * 100_000, "file: is nested too deeply"),
        (b"[{]", "file: is not JSON"),
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_read_says_why(board: Board, content: bytes, why: str) -> None:
    assert refusal(board.file("a.csv", content)).startswith(why)


def test_what_is_no_regular_file_is_not_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path, tmp_path / "pipe", Path("/dev/zero")):
        assert refusal(path).startswith("file: is not a regular file")
    assert refusal(tmp_path / "absent.csv").startswith("file: cannot be read (got 'No such file")
    assert refusal(Path("a\0b")).startswith("file: cannot be read (got 'embedded null byte')")


def test_too_many_rows_are_refused_in_every_form(board: Board, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MOST_ROWS", 2)
    for path in (
        board.csv(*[row()] * 3),
        board.json(*[entry()] * 3),
        board.file("a.log", "BENCH,1x2,softmax,0,1\n" * 3),
    ):
        assert refusal(path).startswith("file: has too many rows (got more than 2)")


def test_a_file_of_gigabytes_is_refused_unread(board: Board) -> None:
    path = board.file("a.csv", "")
    with path.open("r+b") as file:
        file.truncate(1 << 30)  # one line of zeros, and no disk
    tracemalloc.start()
    assert refusal(path).startswith(
        "file: is too large (got 1,073,741,824 bytes); an import reads up to 8,000,000"
    )
    assert tracemalloc.get_traced_memory()[1] < 1_000_000
    tracemalloc.stop()


@pytest.mark.parametrize(
    "content",
    [
        b"\n" * 7_900_000 + b"a,b",
        (PLAIN + "\n").encode() + b"\n" * 7_900_000,
        (PLAIN + "\n").encode() + b"a\n" * 3_900_000,
        b"x" * 7_900_000,
        b'"' * 7_900_000,
        b"," * 7_900_000,
        b"BENCH," * 1_300_000,
        b"BENCH,\n" * 1_100_000,
        (PLAIN + "\n").encode() + (b"x," * 9_999 + b"\n") * 390,
        b"[" + b"{}," * 2_600_000 + b"{}]",
        b"[" + b"1," * 3_900_000 + b"1]",
    ],
    ids=["blank lines", "blank rows", "short rows", "one word", "quotes", "commas", "one log line", "log lines",
         "wide rows", "empty entries", "numbers"],
)  # fmt: skip
def test_no_file_takes_long_or_much_memory(board: Board, content: bytes) -> None:
    path = board.file("a.csv", content)
    started = time.process_time()
    try:
        kept = read_table(path, NAMES).rows
    except Unreadable:
        kept = []
    assert time.process_time() - started < 2
    assert len(kept) <= reading.MOST_ROWS
