"""The commands that help a contributor explain themselves, in a terminal of 80 columns."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from generator import __main__ as cli


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("new-device", ["--type", "--vendor", "valid as it stands", "Nothing is overwritten"]),
        ("new-result", ["--reported", "--locator", "nothing is filled in by guess", "a runner writes them"]),
        ("doctor", ["--strict", "--format", "Findings are advice"]),
    ],
)
def test_a_command_explains_itself(command: str, words: list[str]) -> None:
    result = CliRunner().invoke(cli.main, [command, "--help"], terminal_width=80)
    assert result.exit_code == 0
    assert max(map(len, result.stdout.splitlines())) <= 80
    for word in words:
        assert word in " ".join(result.stdout.split())
