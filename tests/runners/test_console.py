"""Lines that stay are whole and fit; the moving line is never left behind."""

from __future__ import annotations

import sys

import pytest

from runners.console import Console


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Console:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "40")
    return Console()


def test_without_a_terminal_nothing_moves(capsys: pytest.CaptureFixture[str]) -> None:
    with Console() as console:
        console.watch("working")
        console.say("done")
    assert capsys.readouterr().out == "done\n"


def test_the_moving_line_is_taken_away_before_the_next(
    terminal: Console, capsys: pytest.CaptureFixture[str]
) -> None:
    terminal.watch("one")
    terminal.watch("two")
    terminal.say("done")
    assert capsys.readouterr().out == "... one\r... two\rdone\n"  # the escape is for a terminal only


def test_the_moving_line_never_wraps(terminal: Console, capsys: pytest.CaptureFixture[str]) -> None:
    terminal.watch("x" * 100)
    assert len(capsys.readouterr().out) == 39


def test_an_error_takes_the_moving_line_away(terminal: Console, capsys: pytest.CaptureFixture[str]) -> None:
    def fail() -> None:
        with terminal:
            terminal.watch("one")
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert capsys.readouterr().out.endswith("... one\r")


def test_a_long_line_goes_on_below_its_text_and_breaks_no_path(capsys: pytest.CaptureFixture[str]) -> None:
    path = "/a-long-path" * 10
    Console().say(f"filed      {'some words ' * 8}{path}")
    lines = capsys.readouterr().out.splitlines()
    assert path in lines[-1]
    assert all(line.startswith(" " * 11) for line in lines[1:])
    assert all(len(line) <= 80 for line in lines if path not in line)


def test_an_empty_line_stays_and_a_command_is_not_wrapped(capsys: pytest.CaptureFixture[str]) -> None:
    Console().say("")
    Console().verbatim(["git add " + "word " * 40])
    assert capsys.readouterr().out == "\n" + "git add " + "word " * 40 + "\n"
