"""Many like pieces of work on all cores."""

from __future__ import annotations

import os
import sys
import threading

import pytest

from generator import all_cores
from generator.all_cores import FEWEST, on_all_cores


@pytest.fixture(autouse=True)
def _two_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    if hasattr(os, "sched_getaffinity"):
        monkeypatch.setattr("os.sched_getaffinity", lambda _: {0, 1})


def _where(_: int) -> int:
    return os.getpid()


@pytest.mark.skipif(sys.platform != "linux", reason="processes are copied on Linux alone")
def test_many_pieces_are_done_by_copies_of_the_process_in_their_order() -> None:
    known = {"offset": 7}
    assert list(on_all_cores(lambda piece: piece + known["offset"], range(FEWEST))) == [*range(7, FEWEST + 7)]
    processes = set(on_all_cores(_where, range(FEWEST)))
    assert 1 <= len(processes) <= 2
    assert os.getpid() not in processes


def test_few_pieces_are_done_here() -> None:
    assert set(on_all_cores(_where, range(FEWEST - 1))) == {os.getpid()}
    assert list(on_all_cores(_where, [])) == []


def test_while_another_thread_runs_no_process_is_copied() -> None:
    done = threading.Event()
    thread = threading.Thread(target=done.wait)
    thread.start()
    try:
        assert set(on_all_cores(_where, range(FEWEST))) == {os.getpid()}
    finally:
        done.set()
        thread.join()


def test_an_error_in_a_copy_is_raised_here_and_nothing_is_left() -> None:
    with pytest.raises(ZeroDivisionError):
        list(on_all_cores(lambda piece: 1 // (piece - 150), range(FEWEST)))
    assert all_cores._work == []
    assert list(on_all_cores(abs, range(-FEWEST, 0))) == [*range(FEWEST, 0, -1)]
