"""How the tests of commands call one, and what they look at afterwards."""

from __future__ import annotations

from pathlib import Path

from click.testing import CliRunner, Result

from generator import __main__ as cli
from tests.generator.examples import Folder

HOSTILE = [
    "../x",
    "..",
    "/etc/x",
    "a/b",
    "a\\b",
    "",
    ".x",
    "x\n",
    "x\x00y",
    "\x1b[31mred",
    "A",
    "日本",
    "~",
    "x" * 97,
]
"""What is no id, and must never become a path."""


def run(folder: Folder, *arguments: str | Path) -> Result:
    """The command with ``folder`` as its data."""
    command, *rest = map(str, arguments)
    result = CliRunner().invoke(cli.main, [command, "--data-dir", str(folder.data), *rest])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def files(folder: Folder) -> dict[str, bytes]:
    """Every file of the test's folder but the cache, with what it holds."""
    paths = [path for path in folder.root.rglob("*") if path.is_file() and "cache" not in path.parts]
    return {path.relative_to(folder.root).as_posix(): path.read_bytes() for path in paths}


def judged(folder: Folder, place: str) -> list[str]:
    """What ``validate`` says of one file."""
    return run(folder, "validate", folder.data / place).stdout.splitlines()


def is_plain(text: str) -> bool:
    """Whether text does nothing to a terminal."""
    return all(letter.isprintable() or letter == "\n" for letter in text)
