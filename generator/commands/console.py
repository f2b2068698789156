"""What commands share: their options, how they refuse, and how they show that they are at work."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NoReturn

import click

from generator import layout as place
from generator.formats import plural
from schemas.problems import Problem

FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)

data_option = click.option(
    "--data-dir", type=FOLDER, default=place.ROOT / "data", help="Folder with the records. [default: data/]"
)
work_option = click.option(
    "--work-dir",
    type=click.Path(file_okay=False, path_type=Path),
    default=place.ROOT / "build",
    help="Where the Markdown tree and the cache go. [default: build/]",
)


def refuse(problems: list[Problem], consequence: str) -> NoReturn:
    for problem in problems:
        click.echo(str(problem))
    files = len({problem.path for problem in problems})
    said = f"{plural(len(problems), 'problem')} in {plural(files, 'file')}"
    click.echo(f"{said}; {consequence}" if consequence else said, err=True)
    sys.exit(1)


def bar(files: Iterable[Path], count: int) -> Iterable[Path]:
    """A progress bar where a person watches and it takes long enough to ask."""
    watched = count >= 500 and sys.stderr.isatty()
    return _with_bar(files, count) if watched else files


def _with_bar(files: Iterable[Path], count: int) -> Iterator[Path]:
    with click.progressbar(files, length=count, label="  reading data", file=sys.stderr) as shown:
        yield from shown


def short(path: Path) -> str:
    return f"{path.relative_to(place.ROOT)}/" if path.is_relative_to(place.ROOT) else f"{path}/"
