"""The command: what it prints, what it writes, and its exit codes."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from generator import __main__ as cli
from generator.importers import IMPORTERS, importer
from generator.importers.accounts import Unaccounted
from tests.generator.importers.boards import RATED, Board, entry, rated, row


def written(board: Board) -> dict[str, bytes]:
    places = [path for path in board.data.rglob("*") if path.is_file()]
    return {path.relative_to(board.data).as_posix(): path.read_bytes() for path in places}


def test_every_importer_can_be_had() -> None:
    for name in IMPORTERS:
        assert callable(importer(name))


def test_what_is_imported_is_a_valid_part_of_the_record(board: Board) -> None:
    before = written(board)
    result = board.run(
        board.csv(row(9), row(9, device="nvidia-h20"), row(50_000, kernel="decode", shape="[1, 1536]"))
    )
    assert result.exit_code == 0, result.output
    after = written(board)
    assert sorted(after.keys() - before.keys()) == [
        "devices/nvidia-h20.md",
        "reported/pu-rs-leaderboard/pu-rs-a-tool-2.json",
        "reported/pu-rs-leaderboard/pu-rs-a-tool-3.json",
        "reported/pu-rs-leaderboard/pu-rs-a-tool.json",
    ]
    assert {place: after[place] for place in before} == before
    assert board.problems() == []


def test_a_second_run_writes_nothing_and_says_so(board: Board) -> None:
    files = [
        board.csv(row(9.87654), row(9, device="nvidia-h20"), row(5e4, kernel="decode", shape="[1, 1536]")),
        board.file("nvidia-t4_results.log", "BENCH,1x64,gelu,0,0.0123\nBENCH,1x64,gelu,1,0.0125\n"),
        board.json(entry(77, input_shape="[2, 2]", num_runs=5)),
    ]
    first = board.run(*files)
    assert "written: 6 files" in first.output, first.output
    before = written(board)
    again = board.run(*files)
    assert again.exit_code == 0
    assert "nothing is new: nothing to write" in again.output
    assert written(board) == before
    assert again.output.splitlines()[4].split() == ["all", "files", "6", "0", "0", "6", "0", "0"]


def test_the_order_of_the_arguments_makes_no_difference(board: Board) -> None:
    files = [
        board.csv(row(shape=f"[{n}, 8]"), row(device="nvidia-h20"), name=f"{n}.csv") for n in range(1, 5)
    ]
    assert board.run("--dry-run", *files).output == board.run("--dry-run", *files[::-1], files[0]).output


def test_a_dry_run_writes_nothing(board: Board) -> None:
    before = written(board)
    result = board.run("--dry-run", board.csv(row()))
    assert "would write 1 file\n  data/reported/pu-rs-leaderboard/pu-rs-a.json" in result.output
    assert written(board) == before


def test_the_report_is_a_table_and_a_line_for_each_row_that_is_left_out(board: Board) -> None:
    path = board.csv(row(9), row(-1), row(8, toolchain="theoretical peak"), row(9, kernel="conv1d"))
    lines = board.run("--dry-run", path).output.splitlines()
    assert lines[0].split() == ["file", "read", "imported", "merged", "on", "file", "dropped", "refused"]
    assert lines[1].split() == ["a.csv", "4", "1", "0", "0", "1", "2"]
    assert lines[2].split() == ["all", "files", "4", "1", "0", "0", "1", "2"]
    assert f"  {path}:3: latency: is not above 0 (got '-1'); no kernel takes no time; measure it" in lines
    assert any(line.startswith(f"  {path}:4: row: is computed, not measured") for line in lines)
    assert any(line.startswith(f"  {path}:5: kernel: is none that we know (got 'conv1d')") for line in lines)


def test_rows_left_out_for_the_same_reason_share_a_line(board: Board) -> None:
    path = board.csv(
        row(9, kernel="conv1d"), row(8, kernel="conv1d"), row(7, kernel="conv2d"), row(6, kernel="conv1d")
    )
    output = board.run("--dry-run", path).output
    told = [line for line in output.splitlines() if "is none that we know" in line]
    assert [line.endswith(" (and 2 more rows)") for line in told] == [True, False]
    assert told[0].startswith(f"  {path}:2: kernel: is none that we know (got 'conv1d')")


def test_the_report_for_programs_says_the_same(board: Board) -> None:
    path = board.csv(rated(100, 5.2, shape="[64, 1024]"), rated(-1, 5.2), header=RATED)
    found = json.loads(board.run("--format", "json", path).output)
    assert found["files"] == [
        {"path": str(path), "read": 2, "imported": 1, "merged": 0, "on_file": 0, "dropped": 0, "refused": 1}
    ]
    assert found["total"] == {"read": 2, "imported": 1, "merged": 0, "on_file": 0, "dropped": 0, "refused": 1}
    assert [one["place"] for one in found["refused"]] == [f"{path}:3"]
    assert found["notes"] == [{"path": str(path), "note": "throughput is GB/s in 1 row; it is not stored"}]
    assert (found["records"], found["written"]) == (["data/reported/pu-rs-leaderboard/pu-rs-a.json"], True)


def test_records_may_go_to_a_folder_of_their_own_which_counts_as_on_file(
    board: Board, tmp_path: Path
) -> None:
    output, before = tmp_path / "output", written(board)
    output.mkdir()
    path = board.csv(row(device="nvidia-h20"))
    assert "written: 2 files" in board.run(path, "--output", output).output
    assert written(board) == before
    assert (output / "reported" / "pu-rs-leaderboard" / "pu-rs-a.json").exists()
    assert (output / "devices" / "nvidia-h20.md").exists()
    assert "nothing is new" in board.run(path, "--output", output).output


def test_one_unreadable_file_stops_all_with_its_line(board: Board) -> None:
    before = written(board)
    result = board.run(board.csv(row()), board.file("b.csv", b"\xff\xfe"), board.file("c.csv", "a,b\n"))
    assert result.exit_code == 1
    assert "b.csv: file: is not UTF-8 (got byte 0xff at offset 0); save it as UTF-8" in result.output
    assert "c.csv: header: lacks device_id" in result.output
    assert "2 problems in 2 files; nothing was imported" in result.stderr
    assert written(board) == before


def test_a_record_with_problems_takes_nothing(board: Board) -> None:
    board.folder.reported("bad", "gpu-x", 10.0, decode_model="huge")
    result = board.run(board.csv(row()))
    assert result.exit_code == 1
    assert "device: is unknown (got 'gpu-x')" in result.output
    assert "nothing is imported into a record with problems" in result.stderr


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda text: text.replace("prefix:", "prefx:"), ": "),
        (lambda text: text.replace("shape: heads", "shape: tails"), "kernels: name unknown shapes (got tails)"),
        (lambda _: "- a\n", "importers/purs.yml: file: does not fit"),
        (lambda _: "a: &b c\n", "importers/purs.yml: file: is not the YAML we read"),
        (lambda text: text + "#" * 70_000, "importers/purs.yml: file: is too large"),
        (lambda text: text.replace("latency_us: us", "latency_us: hours"), "importers/purs.yml: latency"),
    ],
)  # fmt: skip
def test_a_vocabulary_that_does_not_fit_stops_the_import(
    board: Board, change: Callable[[str], str], why: str
) -> None:
    path = board.data / "importers" / "purs.yml"
    path.write_text(change(path.read_text()))
    result = board.run(board.csv(row()))
    assert result.exit_code == 1
    assert why in result.output


def test_a_data_folder_without_a_vocabulary_says_so(board: Board) -> None:
    (board.data / "importers" / "purs.yml").unlink()
    result = board.run(board.csv(row()))
    assert result.exit_code == 1
    assert (
        "data/importers/purs.yml: file: cannot be read (got 'No such file or directory'); restore it"
        in result.output
    )


@pytest.mark.parametrize(
    "arguments", [[], ["purs"], ["asv", "x.csv"], ["purs", "x", "--retrieved", "yesterday"]]
)
def test_a_wrong_call_is_a_usage_error(arguments: list[str]) -> None:
    assert CliRunner().invoke(cli.main, ["import", *arguments]).exit_code == 2


def test_an_import_that_loses_a_row_is_no_import(board: Board, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("generator.importers.purs.flow.settle_seconds", lambda *_: None)
    with pytest.raises(Unaccounted):
        board.read(board.csv(row(9)), board.json(entry(9)))


def test_a_hostile_name_does_not_reach_the_terminal(board: Board) -> None:
    result = board.run("--dry-run", board.csv(row(-1), name="a\x1b[31m.csv"))
    assert "\x1b" not in result.output
