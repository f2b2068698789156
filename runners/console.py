"""Lines that stay, and on a terminal one line that says what is being done at the moment."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterable
from typing import Self

import click


class Console:
    """Writes to standard output; the moving line is left out where that is not a terminal.

    Leaving the context takes the moving line away, so that an error does not stand behind it.
    """

    def __init__(self) -> None:
        self.moving = sys.stdout.isatty()
        self.shown = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._clear()

    def say(self, line: str) -> None:
        """A line that stays."""
        self._clear()
        click.echo(line)

    def lines(self, lines: Iterable[str]) -> None:
        """Lines that stay."""
        for line in lines:
            self.say(line)

    def watch(self, doing: str) -> None:
        """What is being done now; the next line takes its place."""
        if not self.moving:
            return
        self._clear()
        width = shutil.get_terminal_size().columns - 5  # a full line would wrap
        click.echo(f"... {doing[:width]}", nl=False)
        self.shown = True

    def _clear(self) -> None:
        if self.shown:
            self.shown = False
            click.echo("\r\x1b[2K", nl=False)
