"""How a command speaks: lines that stay, one that says what is being done at the moment, and how it ends."""

from __future__ import annotations

import shutil
import signal
import sys
import textwrap
from collections.abc import Callable, Iterable
from typing import Self

import click

from runners.device import RunnerError

_WRAPPER = textwrap.TextWrapper(
    80, subsequent_indent=" " * 11, break_long_words=False, break_on_hyphens=False
)


FAILED, INTERRUPTED = 1, 130


def ended(program: Callable[[], click.Command], arguments: list[str] | None, name: str) -> int:
    """Make a command and run it; the exit status. No traceback for what a person can mend."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        return program().main(arguments, prog_name=name, standalone_mode=False) or 0
    except click.ClickException as error:
        said = error.format_message()
        click.echo(f"error: {said}{'' if said.endswith(('.', '?')) else '.'} See --help.", err=True)
    except RunnerError as error:
        for line in str(error).splitlines():
            click.echo(f"error: {line}", err=True)
    except (KeyboardInterrupt, click.Abort):
        click.echo("interrupted", err=True)
        return INTERRUPTED
    return FAILED


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
        """A line that stays, goes on below its text where it is long, and breaks no path or id."""
        self.verbatim(_WRAPPER.wrap(line) or [""])

    def verbatim(self, lines: Iterable[str]) -> None:
        """Lines that stay as they are: commands to copy."""
        for line in lines:
            self._clear()
            click.echo(line)

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
