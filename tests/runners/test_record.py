"""A file is written whole or not at all, never over another one, and never against its schema."""

from __future__ import annotations

import errno
import json
import os
import re
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest

from runners import record
from runners.device import RunnerError
from runners.record import file_all, kernel_source, now, refuse_unwritable, text_of, write
from schemas.load import RESULT, parse
from schemas.problems import Problem
from schemas.records import Result
from tests.schemas import examples


@pytest.fixture
def result() -> Result:
    given = examples.measured()
    found = parse(json.dumps(given).encode(), RESULT, "x", given["id"])
    assert isinstance(found, Result)
    return found


@contextmanager
def files_no_longer_than(length: int) -> Iterator[None]:
    """A disk that is full after so many bytes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (length, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def failing(number: int) -> Any:
    def fail(*_: Any) -> None:
        raise OSError(number, os.strerror(number))

    return fail


def test_a_result_read_back_is_the_one_that_was_written(result: Result) -> None:
    read = parse(text_of(result).encode(), RESULT, "x", result.id)
    assert isinstance(read, Result)
    assert replace(read, integrity=None) == result


def test_a_written_result_is_sealed(result: Result) -> None:
    """Notes may be edited; a sample may not, however the number is written."""
    text = text_of(replace(result, notes="steady"))
    seal = json.loads(text)["integrity"]
    assert re.fullmatch("[0-9a-f]{64}", seal)
    assert text_of(replace(result, notes="noisy", integrity="0" * 64)) == text.replace("steady", "noisy")
    forged = re.sub(r'"step_ns": \[\d+', '"step_ns": [7', text, count=1)
    (problem,) = cast("list[Problem]", parse(forged.encode(), RESULT, "x", result.id))
    assert (problem.field, problem.rule) == ("integrity", "integrity")


def test_samples_stand_on_one_line_and_texts_stay_as_they_are(result: Result) -> None:
    text = text_of(replace(result, notes="[ 1 ] and [ 2, 3 ]"))
    assert '"notes": "[ 1 ] and [ 2, 3 ]"' in text
    assert any(line.strip().startswith('"step_ns": [') and line.count(",") > 1 for line in text.splitlines())


def test_numbers_of_numpy_are_written_as_numbers(result: Result) -> None:
    assert result.environment
    counted: Any = np.int64(8)
    odd = replace(result.environment, cpu_count=counted)
    assert '"cpu_count": 8' in text_of(replace(result, environment=odd))


@pytest.mark.parametrize(
    "changed", [{"submitter": "<b>"}, {"device": "No id"}, {"notes": "a\nb"}, {"measured_at": "today"}]
)
def test_a_result_that_fails_its_schema_is_refused_with_the_field(
    result: Result, changed: dict[str, Any]
) -> None:
    with pytest.raises(RunnerError, match=f"{result.id}.json: {next(iter(changed))}: "):
        text_of(replace(result, **changed))


def test_not_a_number_is_refused(result: Result) -> None:
    assert result.environment
    with pytest.raises(ValueError, match="not JSON compliant"):
        text_of(replace(result, environment=replace(result.environment, memory_bytes=float("nan"))))


def test_a_file_is_written_into_folders_that_are_made_and_all_may_read_it(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "c.json"
    write(path, "text ü\n")
    assert path.read_text("utf-8") == "text ü\n"
    assert path.stat().st_mode & 0o777 == 0o644
    assert [one.name for one in path.parent.iterdir()] == ["c.json"]


def test_an_existing_file_is_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "c.json"
    path.write_text("first")
    with pytest.raises(RunnerError, match=r"c\.json: exists already .*never overwritten"):
        write(path, "second")
    assert path.read_text() == "first"
    assert [one.name for one in tmp_path.iterdir()] == ["c.json"]


def test_a_full_disk_leaves_nothing(tmp_path: Path) -> None:
    with (
        files_no_longer_than(1000),
        pytest.raises(RunnerError, match=r"c\.json: cannot be written \(got 'File too"),
    ):
        write(tmp_path / "c.json", "x" * 100_000)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EIO])
def test_a_disk_that_fails_at_the_last_moment_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    monkeypatch.setattr(os, "fsync", failing(number))
    with pytest.raises(RunnerError, match="make room or choose another --output"):
        write(tmp_path / "c.json", "text")
    assert list(tmp_path.iterdir()) == []


def test_an_interrupt_while_writing_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(_: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write(tmp_path / "c.json", "text")
    assert list(tmp_path.iterdir()) == []


def test_a_file_system_without_links_still_keeps_an_existing_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "link", failing(errno.EPERM))
    write(tmp_path / "c.json", "first")
    with pytest.raises(RunnerError, match="exists already"):
        write(tmp_path / "c.json", "second")
    assert [one.read_text() for one in tmp_path.iterdir()] == ["first"]


def test_a_folder_that_is_a_file_is_said(tmp_path: Path) -> None:
    (tmp_path / "folder").write_text("in the way")
    with pytest.raises(RunnerError, match="cannot be written"):
        write(tmp_path / "folder" / "c.json", "text")
    with pytest.raises(RunnerError, match="cannot be written to"):
        refuse_unwritable(tmp_path / "folder" / "deep")


def test_a_read_only_folder_is_said_before_a_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    refuse_unwritable(tmp_path / "not" / "made" / "yet")
    assert list(tmp_path.iterdir()) == []
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(RunnerError, match="choose another --output"):
        refuse_unwritable(tmp_path)


def test_all_files_are_written_or_none(tmp_path: Path) -> None:
    (tmp_path / "b").write_text("first")
    with pytest.raises(RunnerError):
        file_all({tmp_path / name: "text" for name in "abc"})
    assert [one.name for one in tmp_path.iterdir()] == ["b"]
    assert file_all({tmp_path / name: "text" for name in "cd"}) == [tmp_path / "c", tmp_path / "d"]


def test_an_interrupt_between_two_files_leaves_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[Path] = []

    def second_interrupted(path: Path, text: str) -> None:
        if written:
            raise KeyboardInterrupt
        written.append(path)
        path.write_text(text)

    monkeypatch.setattr(record, "write", second_interrupted)
    with pytest.raises(KeyboardInterrupt):
        file_all({tmp_path / name: "text" for name in "ab"})
    assert list(tmp_path.iterdir()) == []


def test_the_kernel_source_is_named_by_the_hash_of_its_text() -> None:
    import hashlib

    found = kernel_source("0123456")
    text = (Path(__file__).parents[2] / str(found.path)).read_bytes()
    assert found.sha256 == hashlib.sha256(text).hexdigest()
    assert found.revision == "0123456"


def test_now_is_an_instant_in_utc() -> None:
    assert len(now()) == len("2026-01-01T00:00:00Z")
    assert now().endswith("Z")
