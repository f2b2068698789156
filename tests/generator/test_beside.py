"""Work on another core beside a build."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
import vl_convert

from generator.beside import Helper, begin


@pytest.fixture(autouse=True)
def _two_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("cores", "copies"):
        monkeypatch.setattr(f"generator.beside.{name}", lambda: 2)


copied = pytest.mark.skipif(sys.platform != "linux", reason="processes are copied on Linux alone")


def note(path: Path, text: str) -> None:
    """Add ``text`` and who writes it."""
    with path.open("a") as file:
        file.write(f"{text} {os.getpid()}\n")


def fail() -> None:
    raise ValueError("as told")


def noted(path: Path) -> tuple[list[str], set[int]]:
    """The texts, and the processes that wrote them."""
    lines = [line.split() for line in path.read_text().splitlines()]
    return [text for text, _ in lines], {int(process) for _, process in lines}


@copied
def test_what_is_begun_knows_all_that_was_known_and_is_done_elsewhere(tmp_path: Path) -> None:
    known = {"text": "known"}
    begin(lambda: note(tmp_path / "notes", known["text"]))()
    texts, processes = noted(tmp_path / "notes")
    assert texts == ["known"]
    assert os.getpid() not in processes


def test_a_helper_does_all_in_the_order_that_it_is_told(tmp_path: Path) -> None:
    helper = Helper()
    for text in "abc":
        assert helper.tell(partial(note, tmp_path / "notes", text))
    helper.wait()
    assert helper.tell(partial(note, tmp_path / "notes", "d"))
    helper.wait()
    texts, processes = noted(tmp_path / "notes")
    assert texts == ["a", "b", "c", "d"]
    assert len(processes) == 1
    assert os.getpid() not in processes


def test_what_fails_is_left_and_the_next_is_done(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    helper = Helper()
    helper.tell(fail)
    helper.tell(partial(note, tmp_path / "notes", "next"))
    helper.wait()
    assert noted(tmp_path / "notes")[0] == ["next"]
    assert capfd.readouterr() == ("", ""), "who does it again says what is wrong"


@copied
def test_a_copy_that_fails_says_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    begin(fail)()
    assert capfd.readouterr() == ("", "")


def test_what_a_work_prints_is_no_answer(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    helper = Helper()
    helper.tell(partial(print, "...", flush=True))
    helper.tell(partial(note, tmp_path / "notes", "next"))
    helper.wait()
    assert noted(tmp_path / "notes")[0] == ["next"]
    assert capfd.readouterr() == ("", "...\n")


def test_nobody_waits_for_a_helper_that_has_ended(tmp_path: Path) -> None:
    helper = Helper()
    helper.tell(partial(os._exit, 1))
    helper.wait()
    helper.tell(partial(note, tmp_path / "notes", "never"))
    helper.wait()
    assert not (tmp_path / "notes").exists()


@copied
def test_a_helper_ends_when_nobody_can_tell_it_more(tmp_path: Path) -> None:
    helper = Helper()
    helper.tell(partial(note, tmp_path / "notes", "one"))
    helper.wait()
    (process,) = noted(tmp_path / "notes")[1]
    del helper
    assert any(not runs(process) for _ in patiently())


def runs(process: int) -> bool:
    state = Path(f"/proc/{process}/stat")
    return state.exists() and state.read_text().rpartition(")")[2].split()[0] != "Z"


def patiently() -> Iterator[None]:
    for _ in range(200):
        yield
        time.sleep(0.05)


def test_on_one_core_nothing_is_begun(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("cores", "copies"):
        monkeypatch.setattr(f"generator.beside.{name}", lambda: 1)
    assert not Helper().tell(partial(note, tmp_path / "notes", "never"))
    begin(partial(note, tmp_path / "notes", "never"))()
    assert not (tmp_path / "notes").exists()


def test_the_converter_works_in_a_helper_of_a_process_that_has_used_it(tmp_path: Path) -> None:
    """It has threads, which a copy of the process would wait for without end."""
    spec = '{"data": {"values": [{"a": 1}]}, "mark": "bar", "encoding": {"x": {"field": "a"}}}'
    assert convert(spec, tmp_path / "here").exists()
    helper = Helper()
    helper.tell(partial(convert, spec, tmp_path / "there"))
    helper.wait()
    assert (tmp_path / "there").read_text().startswith("<svg")


def convert(spec: str, path: Path) -> Path:
    path.write_text(vl_convert.vegalite_to_svg(spec))
    return path
