"""What a result says of the machine is fit for its schema and names nobody."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from runners import environment as module
from runners.device import Identity
from runners.environment import command, cpu_model, environment, git_state, line
from schemas.load import schema
from schemas.records import Package

IDENTITY = Identity("A <device>\x07", 1, "driver\n1", (Package("cc", "cc \u2028 12 <x>"),))


def test_every_character_that_a_schema_refuses_is_taken_out_of_a_line() -> None:
    pattern = schema("common")["$defs"]["line"]["pattern"]
    every = "".join(map(chr, range(0x11000)))
    kept = set("".join(line(f"x{letter}x") for letter in every))
    assert all(re.fullmatch(pattern, f"x{letter}x") for letter in kept)
    assert {"é", "–", "鲲", "'"} <= kept
    line(every).encode()


@pytest.mark.parametrize(("text", "shown"), [("", "unknown"), (" \n", "unknown"), ("a\n b", "a b")])
def test_a_line_is_one_line_and_never_empty(text: str, shown: str) -> None:
    assert line(text) == shown
    assert len(line("x" * 1000)) == 300


def test_the_persons_own_folder_is_not_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/alice")
    assert line("error in /home/alice/bin/cc") == "error in ~/bin/cc"
    monkeypatch.setenv("HOME", "/")
    assert line("a/b") == "a/b"


def test_a_command_is_quoted_and_on_one_line() -> None:
    assert command("cpu", ["--submitter", "a b\n"]) == "python -m runners.cpu --submitter 'a b '"
    assert len(command("cpu", ["x" * 5000])) == 2000


def test_the_environment_is_fit_to_file_whatever_a_driver_says() -> None:
    found = environment(IDENTITY, "cpu", ["--quick"])
    assert (found.device_name, found.driver) == ("A device", "driver 1")
    assert found.toolchain[0] == Package("cc", "cc 12 x")
    assert [package.name for package in found.toolchain[1:]] == ["python", "numpy"]
    assert found.command == "python -m runners.cpu --quick"
    assert found.cpu_count > 0
    assert found.memory_bytes > 1e8
    assert found.runner_version != "unknown"


def test_the_revision_is_that_of_the_checkout() -> None:
    told = ["git", "-C", str(module.ROOT), "rev-parse", "HEAD"]
    head = subprocess.run(told, capture_output=True, text=True, check=True).stdout.strip()
    assert git_state()[0] == head


def test_outside_of_git_nothing_is_said_of_a_revision(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "ROOT", tmp_path)
    assert git_state() == (None, None)


def test_without_git_nothing_is_said_of_a_revision(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert git_state() == (None, None)


def test_a_change_of_the_runners_makes_a_checkout_dirty_and_a_new_result_does_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def git(*words: str) -> None:
        settings = ["-c", "user.name=x", "-c", "user.email=x@example.com"]
        subprocess.run(["git", "-C", str(tmp_path), *settings, *words], check=True, capture_output=True)  # noqa: S607

    (tmp_path / "runners").mkdir()
    (tmp_path / "runners" / "a.py").write_text("1")
    git("init")
    git("add", ".")
    git("commit", "-m", "first")
    monkeypatch.setattr(module, "ROOT", tmp_path)
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "new.json").write_text("{}")
    assert git_state()[1] is False
    (tmp_path / "runners" / "a.py").write_text("2")
    assert git_state()[1] is True


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc/cpuinfo")
def test_the_processor_has_a_name() -> None:
    assert cpu_model()
    assert "\n" not in cpu_model()
