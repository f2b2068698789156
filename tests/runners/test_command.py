"""The command: what a person sees, what is on disk afterwards, and the exit status."""

from __future__ import annotations

import errno
import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest

from generator.build import validate
from generator.dataset import read_dataset
from generator.layout import Layout
from generator.tables import make_board, rows_of
from runners import baselines, command, journal
from runners.baselines import stacks
from runners.device import Ran, RunnerError
from runners.kernels.emit import Emitted
from tests.runners import runs
from tests.runners.runs import TINY, TriedDevice, add_device, filed, files

CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f]")


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    handler = signal.getsignal(signal.SIGTERM)
    monkeypatch.setattr(signal, "signal", lambda *_: handler)
    return runs.prepare(tmp_path, monkeypatch.setattr)


def run(*arguments: str) -> int:
    return command.main("null", [*TINY, *arguments])


def said(captured: pytest.CaptureFixture[str]) -> str:
    """All that was said, without control characters."""
    out, err = captured.readouterr()
    assert not CONTROL.search(out + err)
    return out + err


# --- what is filed --------------------------------------------------------------------------------


def test_a_run_files_a_result_and_a_drafted_device_that_the_board_takes(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("--submitter", "someone") == 0
    result = filed(tmp_path)
    assert files(tmp_path) == ["data/devices/null-device.md", f"data/results/null-device/{result.id}.json"]
    assert validate(Layout(runs.REPOSITORY, data, tmp_path / "site", tmp_path / "work")) == []
    assert (result.submitter, result.device, result.quick, result.notes) == (
        "someone",
        "null-device",
        False,
        "",
    )
    assert result.decode
    assert result.decode.samples
    assert [len(one.step_ns or ()) for one in result.decode.samples.repetitions] == [4] * 5
    text = said(capsys)
    for part in (
        "tok/s, 95 % interval",
        "bandwidth",
        "MBU",
        "reconciled",
        "rank",
        "slowest",
        "to contribute",
    ):
        assert part in text.replace("To contribute", "to contribute")


def test_the_board_shows_the_figure_of_the_summary(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    add_device(data)
    assert run() == 0
    dataset, problems = read_dataset(data)
    assert problems == []
    (row,) = rows_of(make_board(dataset).decode)
    text = said(capsys)
    assert row.run == filed(tmp_path).id
    assert f"decode     {row.tok_per_s:.2f} tok/s" in text
    assert f"MBU        {row.mbu_percent:.1f} % of the device file's {row.peak_gb_per_s:g} GB/s" in text
    assert f", {row.probed_share_percent:.0f} % of what the memory gave" in text
    assert (row.rank, f"rank       {row.rank_best:.0f} of 1 on" in text) == (1, True)


def test_a_baseline_is_filed_beside_our_row_and_the_board_takes_both(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Other:
        name, versions = "llama.cpp", {"llama-cpp-python": "1.0"}

        def repetition(self, steps: int) -> Ran:
            return Ran([4_000_000] * steps, [1] * steps)

    monkeypatch.setattr(stacks, "available", lambda _: {"llama.cpp": None})
    monkeypatch.setattr(baselines, "start", lambda *_: nullcontext(Other()))
    add_device(data)
    assert run("--baseline", "llama.cpp") == 0
    assert "baseline   llama.cpp 250.00 tok/s; ours, 500.00, is 2.00 times as fast" in said(capsys)
    assert len(files(tmp_path)) == 3
    assert validate(Layout(runs.REPOSITORY, data, tmp_path / "site", tmp_path / "work")) == []
    ours = next(row for row in rows_of(make_board(read_dataset(data)[0]).decode) if row.role == "contender")
    assert ours.times_baseline == pytest.approx(2.0)
    (beside,) = (path for path in files(tmp_path) if "llama" in path)
    toolchain = json.loads((tmp_path / beside).read_text())["environment"]["toolchain"]
    assert [package["name"] for package in toolchain] == ["llama-cpp-python"], "it runs none of our packages"


def test_a_device_on_file_is_found_by_its_alias(data: Path, tmp_path: Path) -> None:
    add_device(data)
    assert run() == 0
    assert filed(tmp_path).device == "tried"
    assert "data/devices/null-device.md" not in files(tmp_path)


def test_the_next_commands_name_the_files(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    del data
    assert run() == 0
    result, text = filed(tmp_path), said(capsys)
    assert f"git switch -c {result.id}" in text
    assert f"data/results/null-device/{result.id}.json" in text.partition("git add")[2]
    assert "data/devices/null-device.md" in text.partition("git add")[2]


def test_output_takes_all_that_is_written(data: Path, tmp_path: Path) -> None:
    del data
    assert run("--output", str(tmp_path / "elsewhere")) == 0
    assert files(tmp_path) == [f"elsewhere/{filed(tmp_path).id}.json", "elsewhere/null-device.md"]


def test_quick_is_marked_and_not_for_submission(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    del data
    assert run("--quick") == 0
    assert filed(tmp_path).quick
    assert filed(tmp_path).id.endswith("-quick")
    text = said(capsys)
    assert "not for submission" in text
    assert "git switch" not in text
    assert "To measure in full: the same command without --quick" in text
    assert "make check then says" in text


def test_whoever_gives_no_name_is_told_twice_what_it_is_for(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    del data
    assert run() == 0
    assert filed(tmp_path).submitter == "anonymous"
    assert said(capsys).count("submitter  anonymous; --submitter NAME is what is credited, and") == 2


def test_whoever_gives_a_name_reads_it(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    del data
    assert run("--submitter", "someone", "--dry-run") == 0
    text = said(capsys)
    assert "submitter  someone\n" in text
    assert "--submitter NAME" not in text


def test_what_is_named_wins_over_quick(data: Path, tmp_path: Path) -> None:
    del data
    assert run("--quick", "--steps", "5", "--repetitions", "3") == 0
    decode = filed(tmp_path).decode
    assert decode
    assert decode.samples
    assert (decode.samples.steps_per_repetition, len(decode.samples.repetitions)) == (5, 3)


def test_fewer_repetitions_than_the_protocol_asks_for_are_marked_quick(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    del data
    assert run("--repetitions", "2") == 0
    assert filed(tmp_path).quick
    assert "Stopped early (repetitions: 2)" in filed(tmp_path).notes
    assert "the same command to its end, with all steps and repetitions" in said(capsys)


def test_kernels_only_files_kernels_only(data: Path, tmp_path: Path) -> None:
    assert run("--kernels-only") == 0
    result = filed(tmp_path)
    assert result.decode is None
    assert result.kernels
    assert len(result.kernels.timings) == 17
    assert validate(Layout(runs.REPOSITORY, data, tmp_path / "site", tmp_path / "work")) == []


def test_a_dry_run_writes_nothing(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    del data
    assert run("--dry-run") == 0
    assert files(tmp_path) == []
    assert "data/results/null-device/" in said(capsys)


def test_a_result_names_neither_path_nor_person(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    del data
    monkeypatch.setenv("HOME", "/home/alice")
    home = tmp_path / "alice"
    monkeypatch.setattr(
        TriedDevice, "call", _failing("compiler at /home/alice/bin failed", TriedDevice.call, "gelu")
    )
    assert run(f"--output={home}", "--quick") == 1
    result = next(home.glob("*.json")).read_text("utf-8")
    assert "alice" not in result
    assert str(tmp_path) not in result
    assert os.uname().nodename not in result
    assert json.loads(result)["environment"]["command"] == (
        "python -m runners.null --depth 4 --output DIR --quick"
    )


# --- what fails -----------------------------------------------------------------------------------


def _failing(message: str, call: Callable[..., None], kernel: str) -> Callable[..., None]:
    def failing(self: TriedDevice, emitted: Emitted, arrays: Any, capacity: int) -> None:
        if emitted.kernel.name == kernel:
            raise RunnerError(message)
        call(self, emitted, arrays, capacity)

    return failing


def test_a_kernel_that_is_wrong_is_filed_as_failed_and_the_step_is_not_timed(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    call = TriedDevice.call

    def wrong(self: TriedDevice, emitted: Emitted, arrays: Any, capacity: int) -> None:
        call(self, emitted, arrays, capacity)
        if emitted.kernel.name == "rope_qk":
            runs.spoiled(arrays["q_rotated"])

    monkeypatch.setattr(TriedDevice, "call", wrong)
    assert run() == 1
    result = filed(tmp_path)
    assert result.decode is None
    assert result.kernels
    failed = [timing for timing in result.kernels.timings if not timing.numerics_ok]
    assert [timing.kernels for timing in failed] == [("rope_qk",)]
    assert "q_rotated: relative L2 error above" in (failed[0].error or "")
    assert failed[0].samples_ns is None
    assert "rope_qk" in result.notes
    text = said(capsys)
    assert "FAILED     rope_qk" in text
    assert "failed     rope_qk" in text
    assert validate(Layout(runs.REPOSITORY, data, tmp_path / "site", tmp_path / "work")) == []


def test_a_microbenchmark_that_fails_does_not_keep_the_step_from_being_timed(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    del data
    monkeypatch.setattr(TriedDevice, "call", _failing("no such unit", TriedDevice.call, "gelu"))
    assert run() == 1
    assert filed(tmp_path).decode
    assert "gelu" in filed(tmp_path).notes


def test_a_step_that_is_wrong_files_the_microbenchmarks_and_says_why(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    read = TriedDevice.read

    def wrong(self: TriedDevice, buffer: str) -> Any:
        numbers = read(self, buffer)
        return numbers * 1.1 if buffer == "logits" else numbers

    monkeypatch.setattr(TriedDevice, "read", wrong)
    assert run() == 1
    result = filed(tmp_path)
    assert result.decode is None
    assert result.kernels
    assert len(result.kernels.timings) == 4
    assert "The decode step failed its check" in result.notes
    assert "relative L2 error above 1e-02" in result.notes
    assert "FAILED     the step" in said(capsys)
    assert validate(Layout(runs.REPOSITORY, data, tmp_path / "site", tmp_path / "work")) == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--dtype", "int4"), "'--dtype': 'int4' is not one of 'bf16', 'f16', 'f32'"),
        (("--model", "other"), "--model: is not in data/models (got 'other'); known: tiny"),
        (("--device", "No Such!"), "--device: is not an id (got 'No Such!')"),
        (("--depth", "62"), "--depth: leads beyond the model's context (got 66 with its steps); it has 64"),
        (("--weights", "missing"), "missing/model.safetensors: file: is missing"),
        (("--submitter", "<b>me"), "submitter: "),
        (("--submitter", "\udcff"), "holds half a character"),
        (("--output", "/dev/null"), "/dev/null: cannot be written to"),
        (("--output", "/dev/null/x"), "cannot be written to (got '/dev/null')"),
        (("--no-such-option",), "No such option"),
    ],
)
def test_a_persons_mistake_is_one_line_before_anything_runs(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], message: str
) -> None:
    del data
    assert run(*arguments) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert len(err.splitlines()) == 1
    assert err.startswith("error: ")
    assert message in err
    assert files(tmp_path) == []


def test_a_broken_device_file_is_said_before_anything_runs(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    add_device(data, "---\nid: null-device\n---\n", "null-device")
    assert run() == 1
    assert "data/devices/null-device.md: " in said(capsys)


def test_a_mistyped_device_is_told_the_one_that_was_meant(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    add_device(data)
    assert run("--device", "tryed", "--dry-run") == 0
    assert "(or did you mean tried?)" in said(capsys)


def test_a_baseline_that_is_not_installed_is_said_before_anything_runs(
    data: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    del data
    monkeypatch.setattr(stacks, "available", lambda _: {"llama.cpp": "not installed; pip install it"})
    assert run("--baseline", "llama.cpp") == 1
    assert "--baseline: llama.cpp cannot run here (got: not installed; pip install it)" in said(capsys)
    assert run("--baseline", "all") == 1
    assert "--baseline: none is installed" in said(capsys)


def test_a_full_disk_leaves_no_file_and_keeps_the_journal(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    del data
    synced = os.fsync

    def full(handle: int) -> None:
        if Path(f"/proc/self/fd/{handle}").readlink().suffix == ".partial":
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        synced(handle)

    monkeypatch.setattr(os, "fsync", full)
    assert run() == 1
    (kept,) = files(tmp_path)
    assert kept.startswith("build/runs/")
    text = said(capsys)
    assert "cannot be written (got 'No space left on device')" in text
    assert "nothing was filed" in text
    assert f"kept: what has been measured (repetitions: 5); to delete them: rm {kept}" in text


def test_a_journal_that_cannot_be_written_is_said_once_and_the_run_goes_on(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    del data
    (tmp_path / "build").write_text("in the way")
    assert run() == 0
    assert filed(tmp_path).decode
    assert said(capsys).count("warning") == 1


def test_a_defect_of_ours_leaves_no_file_and_shows_its_traceback(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    del data

    def broken(self: TriedDevice, steps: int) -> Any:
        del self, steps
        raise ZeroDivisionError

    monkeypatch.setattr(TriedDevice, "trace", broken)
    with pytest.raises(ZeroDivisionError):
        run()
    assert files(tmp_path) == []


def test_a_device_that_gives_other_tokens_in_a_later_repetition_files_nothing(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    del data
    ran = TriedDevice.run

    def unstable(self: TriedDevice, steps: int) -> Any:
        found = ran(self, steps)
        if type(self).runs == 4:
            found.tokens[-1] += 1
        return found

    monkeypatch.setattr(TriedDevice, "run", unstable)
    assert run() == 1
    assert [path.split("/")[0] for path in files(tmp_path)] == ["build"]
    assert "gave other tokens than the first one" in said(capsys)


def test_a_device_that_vanishes_files_nothing_and_keeps_the_repetitions_that_finished(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    del data
    ran = TriedDevice.run

    def vanishing(self: TriedDevice, steps: int) -> Any:
        if steps > 1 and type(self).runs == 3:
            raise RunnerError("the step: failed (got 'device lost'); see whether it is still there")
        return ran(self, steps)

    monkeypatch.setattr(TriedDevice, "run", vanishing)
    assert run() == 1
    (kept,) = files(tmp_path)
    text = said(capsys)
    assert "nothing was filed" in text
    assert f"kept: what has been measured (repetitions: 2); to delete them: rm {kept}" in text
    assert text.endswith("error: the step: failed (got 'device lost'); see whether it is still there\n")


# --- what a stack lets the person choose ----------------------------------------------------------


def test_a_setting_of_the_stack_is_an_option_and_reaches_the_device(
    data: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    del data
    made: list[int] = []
    monkeypatch.setattr(TriedDevice, "reached", lambda self, _: made.append(self.threads))
    assert run("--threads", "3", "--quick") == 0
    assert set(made) == {3}
    assert run("--threads", "0") == 1
    assert "Invalid value for '--threads': 0 is not in the range 1<=x<=1024." in said(capsys)


def test_a_kernel_runs_as_the_person_asks_where_the_stack_knows_how(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    del data
    assert run("--execute", "rms_norm=host") == 1
    assert "No such option '--execute'" in said(capsys)
    monkeypatch.setattr(TriedDevice, "ways", ("emitted", "host"))
    for wrong in ("rms_norm", "rms_norm=there", "no_such=host"):
        assert run("--execute", wrong) == 1
        assert f"--execute: must be a kernel of the step, =, and a way it runs (got '{wrong}')" in said(
            capsys
        )
    assert run("--execute", "rms_norm=host") == 0
    kernels = filed(tmp_path).kernels
    assert kernels
    ways = {timing.kernels[0]: timing.execution for timing in kernels.timings}
    assert [name for name, way in ways.items() if way == "host"] == ["rms_norm"]


# --- what is interrupted --------------------------------------------------------------------------


def _interrupted(at: int, ran: Callable[..., Any]) -> Callable[..., Any]:
    def stopping(self: TriedDevice, steps: int) -> Any:
        if steps > 1 and type(self).runs == at:
            type(self).runs += 1
            raise KeyboardInterrupt
        return ran(self, steps)

    return stopping


def test_an_interrupt_before_a_repetition_has_finished_files_nothing(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    del data
    monkeypatch.setattr(TriedDevice, "run", _interrupted(1, TriedDevice.run))
    assert run() == 130
    assert files(tmp_path) == []
    text = said(capsys)
    assert "nothing was filed" in text
    assert text.endswith("interrupted\n")


def test_an_interrupt_after_some_repetitions_files_them_marked(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    del data
    monkeypatch.setattr(TriedDevice, "run", _interrupted(3, TriedDevice.run))
    assert run() == 130
    result = filed(tmp_path)
    assert result.quick
    assert "Stopped by hand" in result.notes
    assert result.decode
    assert result.decode.samples
    assert len(result.decode.samples.repetitions) == 2
    assert not list((tmp_path / "build").rglob("*.jsonl"))
    assert "interrupted" in said(capsys)


def started(root: Path, stage: str, *arguments: str, **options: Any) -> subprocess.Popen[str]:
    """The command in a process of its own that has come to ``stage``."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.runners.runs", str(root), stage, *TINY, *arguments],
        cwd=runs.REPOSITORY,
        stdout=options.get("stdout", subprocess.PIPE),
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr
    assert process.stderr.readline() == f"reached {stage}\n"
    return process


@pytest.mark.parametrize("stage", ["check", "warm-up"])
def test_ctrl_c_ends_a_run_with_one_line_and_130(tmp_path: Path, stage: str) -> None:
    process = started(tmp_path, stage)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=20)
    assert process.returncode == 130
    assert out.endswith("nothing was filed\n")
    assert err.strip() == "interrupted"
    assert files(tmp_path) == []


def test_sigterm_in_a_repetition_files_those_that_finished(tmp_path: Path) -> None:
    process = started(tmp_path, "repetition")
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=20)
    assert process.returncode == 130
    decode = filed(tmp_path).decode
    assert decode
    assert decode.samples
    assert len(decode.samples.repetitions) == 1


def test_kill_9_leaves_each_finished_repetition_and_the_next_start_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    process = started(tmp_path, "repetition")
    process.kill()
    process.communicate(timeout=20)
    (kept,) = files(tmp_path)
    entry = json.loads((tmp_path / kept).read_text("utf-8"))
    assert entry["contender"] == "null"
    assert len(entry["step_ns"]) == 4
    runs.prepare(tmp_path, monkeypatch.setattr)
    assert run("--dry-run") == 0
    text = said(capsys)
    assert "left over  of a run that did not end, or still runs (repetitions: 1)" in text
    assert f"rm {kept}" in text


# --- a terminal -----------------------------------------------------------------------------------


def on_terminal(root: Path, stage: str, *arguments: str, stop: bool = False) -> tuple[int, str]:
    """Exit status, and what a terminal of 80 columns got."""
    ours, theirs = pty.openpty()
    words = [sys.executable, "-m", "tests.runners.runs", str(root), stage, *TINY, *arguments]
    process = subprocess.Popen(
        words, cwd=runs.REPOSITORY, stdout=theirs, stderr=theirs, env={**os.environ, "COLUMNS": "80"}
    )
    os.close(theirs)
    text, until, stopped = b"", time.monotonic() + 30, False
    while time.monotonic() < until:
        if not select.select([ours], [], [], 1)[0]:
            continue
        try:
            text += os.read(ours, 4096)
        except OSError:  # the other end is closed
            break
        if stop and not stopped and b"reached" in text:
            process.send_signal(signal.SIGINT)
            stopped = True
    os.close(ours)
    return process.wait(timeout=10), text.decode().replace("\r\n", "\n")


def screen(text: str) -> list[str]:
    """What stands on the screen in the end: a line that was taken away does not."""
    lines = [line.rpartition("\r\x1b[2K")[2] for line in text.split("\n")]
    assert not CONTROL.search("".join(lines))
    return lines


def test_on_a_terminal_the_moving_line_is_gone_in_the_end(tmp_path: Path) -> None:
    status, text = on_terminal(tmp_path, "")
    assert status == 0
    assert "... checking rope_qk" in text
    assert "... null: repetition 5" in text
    lines = screen(text)
    assert not [line for line in lines if "..." in line]
    assert [line for line in lines if len(line) > 80 and "/" not in line] == []


def test_on_a_terminal_ctrl_c_leaves_no_moving_line_behind(tmp_path: Path) -> None:
    status, text = on_terminal(tmp_path, "check", stop=True)
    assert status == 130
    assert screen(text)[-4:] == ["nothing was filed", "", "interrupted", ""]


def test_on_a_terminal_an_error_stands_on_a_line_of_its_own(tmp_path: Path) -> None:
    status, text = on_terminal(tmp_path, "", "--weights", "missing")
    assert status == 1
    assert "... looking at the weights" in text
    assert [line[:7] for line in screen(text) if line] == ["error: "]


# --- help -----------------------------------------------------------------------------------------


def test_help_lists_every_option_with_its_meaning(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    del data
    assert run("--help") == 0
    text = said(capsys)
    options = command.command("null").params
    assert len(options) == 15
    for option in options:
        assert option.opts[0] in text
        assert getattr(option, "help", None)
    assert max(map(len, text.splitlines())) <= 100


def test_the_journal_is_gone_when_the_result_is_filed(data: Path) -> None:
    del data
    assert run() == 0
    assert journal.left_over() == []
