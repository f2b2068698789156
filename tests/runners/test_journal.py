"""Every finished repetition is on disk at once, and stays there until its result is filed."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from runners.journal import Journal, left_over, repetitions
from schemas.records import Repetition

ONE = Repetition((1, 2), None, 20.0, None, 0.5)


def test_a_repetition_is_on_disk_when_it_is_added(tmp_path: Path) -> None:
    journal = Journal("a-run", tmp_path / "runs")
    assert left_over(tmp_path / "runs") == []
    journal.add("cpu", ONE)
    journal.add("llama.cpp", ONE)
    lines = [json.loads(line) for line in journal.path.read_text("utf-8").splitlines()]
    assert [line["contender"] for line in lines] == ["cpu", "llama.cpp"]
    assert lines[0]["step_ns"] == [1, 2]
    assert left_over(tmp_path / "runs") == [journal.path]
    assert repetitions(journal.path) == 2


def test_a_closed_journal_is_gone_and_one_without_lines_was_never_there(tmp_path: Path) -> None:
    journal = Journal("a-run", tmp_path)
    journal.close()
    journal.add("cpu", ONE)
    journal.close()
    assert left_over(tmp_path) == []


def test_numbers_of_numpy_are_kept(tmp_path: Path) -> None:
    journal = Journal("a-run", tmp_path)
    step_ns: Any = (np.int64(7),)
    journal.add("cpu", Repetition(step_ns, None, np.float64(1.5), None, None))
    assert json.loads(journal.path.read_text("utf-8"))["step_ns"] == [7]


def test_a_torn_last_line_is_no_repetition(tmp_path: Path) -> None:
    journal = Journal("a-run", tmp_path)
    journal.add("cpu", ONE)
    with journal.path.open("a") as file:
        file.write('{"contender": "cpu", "step_')
    assert repetitions(journal.path) == 1
    assert repetitions(tmp_path / "missing") == 0


def test_a_journal_that_cannot_be_written_says_so_and_goes_on(tmp_path: Path) -> None:
    (tmp_path / "runs").write_text("in the way")
    journal = Journal("a-run", tmp_path / "runs")
    journal.add("cpu", ONE)
    assert journal.problem
    assert "cannot be written" in journal.problem
    journal.close()


def test_a_full_disk_is_a_problem_and_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    journal = Journal("a-run", tmp_path)
    journal.add("cpu", ONE)
    assert "No space left on device" in (journal.problem or "")
