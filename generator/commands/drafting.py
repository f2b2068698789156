"""What the commands that draft a record share: they refuse all at once, and write the whole file or none."""

from __future__ import annotations

import math
import re
import shlex
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NoReturn

import click

from generator import layout as place
from generator.dataset import Dataset, data_files, read_dataset
from generator.formats import plural
from generator.importers.drafts import Draft
from generator.importers.filing import NotFiled, file_all
from schemas.names import slug
from schemas.problems import Problem, got

COMMAND_LINE = "command line"
_ID = re.compile(r"[a-z0-9]+([._-][a-z0-9]+)*")
_RESULTS = {"results", "reported"}


class Positive(click.ParamType[float]):
    """A number that a record can hold: above 0 and finite."""

    name = "number"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """``value`` as a number, or what is wrong with it."""
        try:
            number = float(value)
        except ValueError:
            number = math.nan
        if not (number > 0 and math.isfinite(number)):
            self.fail(f"{str(value)[:60]!r} is not a number above 0", param, ctx)
        return number


POSITIVE = Positive()


def is_id(text: str, most: int) -> bool:
    """Whether ``text`` is an id of at most ``most`` characters, and so a file's name and no path."""
    return len(text) <= most and bool(_ID.fullmatch(text))


def no_id(field: str, text: str, most: int) -> Problem:
    """What to say where it is none; an id made of ``text`` is offered."""
    remedy = (
        f"use at most {most} lower-case letters and digits, joined by single - . or _, such as '{slug(text)}'"
    )
    return Problem(COMMAND_LINE, field, f"is not an id {got(text)}", remedy)


def on_file(folder: Path, with_results: bool) -> Dataset:
    """What is on file; a file that cannot be read is left to ``validate``, as it is not the draft's fault."""
    files = data_files(folder)
    wanted = (one for one in files if with_results or one.relative_to(folder).parts[0] not in _RESULTS)
    cache = (
        place.ROOT / "build" / "cache" if with_results else None
    )  # which keeps the results of its last reading
    return read_dataset(folder, cache, files=list(wanted))[0]


def refuse_draft(problems: Iterable[Problem]) -> NoReturn:
    """Every problem on stdout, their number on stderr, exit code 1."""
    found = list(problems)
    for problem in found:
        click.echo(str(problem))
    click.echo(f"{plural(len(found), 'problem')}; nothing was written", err=True)
    sys.exit(1)


def file_draft(draft: Draft, folder: Path) -> str:
    """Write ``draft``, and how messages name its file; what stands there is never replaced."""
    try:
        file_all([draft], folder)
    except NotFiled as error:
        click.echo(str(error), err=True)
        sys.exit(1)
    return f"{folder.name}/{draft.place}"


def checking(draft: Draft, folder: Path) -> str:
    """The command that judges what was filed."""
    if folder == place.ROOT / "data":
        return f"python -m generator validate {folder.name}/{draft.place}"
    path, data = shlex.quote(str(folder / draft.place)), shlex.quote(str(folder))
    return f"python -m generator validate {path} --data-dir {data}"
