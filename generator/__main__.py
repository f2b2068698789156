"""``python -m generator``: build the site, serve it while you edit, or say what is wrong with the data."""

from __future__ import annotations

import gc
import logging
import os
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

import click

from generator.build import InvalidData, Prepared, build, prepare, validate
from generator.formats import plural
from generator.layout import Layout, Misplaced
from schemas.problems import Problem

ROOT = Path(__file__).resolve().parent.parent
_FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
def main() -> None:
    """Decode Board's site generator: result files in data/ become the site in site/.

    \b
    python -m generator validate    says everything that is wrong with the data
    python -m generator build       writes site/
    python -m generator serve       builds, serves on localhost, follows your edits
    """


_data_option = click.option(
    "--data-dir", type=_FOLDER, default=ROOT / "data", help="Folder with the records. [default: data/]"
)


_work_option = click.option(
    "--work-dir",
    type=click.Path(file_okay=False, path_type=Path),
    default=ROOT / "build",
    help="Where the Markdown tree and the cache go. [default: build/]",
)


@main.command("build")
@_data_option
@click.option(
    "--site-dir", type=click.Path(file_okay=False, path_type=Path), default=ROOT / "site",
    help="Where the site goes; what stands there is replaced only by a whole new site. [default: site/]",
)  # fmt: skip
@_work_option
def build_command(data_dir: Path, site_dir: Path, work_dir: Path) -> None:
    """Build the site: data/ to build/docs to site/. Any problem in the data stops it, and site/ stays."""
    gc.disable()  # a build ends before its few cycles matter, and looking for them takes a tenth of it
    logging.getLogger("mkdocs").setLevel(logging.WARNING)
    started = time.perf_counter()
    layout = Layout(ROOT, data_dir.resolve(), site_dir.resolve(), work_dir.resolve())
    prepared = _prepare(layout, f"{_short(layout.site)} is unchanged")
    with _said("build the site"):
        build(layout, prepared)
    click.echo(f"{_short(layout.site)} is built ({time.perf_counter() - started:.1f} s)", err=True)


@main.command("serve")
@_data_option
@click.option(
    "--port", type=click.IntRange(1, 65535), default=8000, show_default=True, help="Port on localhost."
)
@_work_option
def serve_command(data_dir: Path, port: int, work_dir: Path) -> None:
    """Build, serve on localhost, and rebuild when a file in data/ or site_src/ changes."""
    from mkdocs.commands.serve import serve  # noqa: PLC0415 - only serving needs it

    layout = Layout(ROOT, data_dir.resolve(), ROOT / "site", work_dir.resolve())
    _prepare(layout, "nothing is served")
    layout.docs.mkdir(parents=True, exist_ok=True)
    logging.basicConfig(format="  %(message)s")
    logging.getLogger("mkdocs").setLevel(logging.INFO)
    told = {
        "NO_MKDOCS_2_WARNING": "1",
        "DECODE_BOARD_DATA": str(layout.data),
        "DECODE_BOARD_DOCS": str(layout.docs),
    }
    os.environ |= told  # mkdocs.yml reads them, at each rebuild again
    try:
        click.echo(f"http://localhost:{port}/ follows your edits (stop with Ctrl-C)", err=True)
        serve(str(ROOT / "mkdocs.yml"), dev_addr=f"localhost:{port}", livereload=True)
    except OSError as error:
        raise click.ClickException(f"port {port}: {error.strerror}; choose another with --port") from None


@main.command("validate")
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
@_data_option
@_work_option
def validate_command(paths: tuple[Path, ...], data_dir: Path, work_dir: Path) -> None:
    """Check PATHS, or all of data/: schemas, and what no schema can say. Prints every problem; exit code 1.

    A file outside of data/ is judged as if it were about to be added.
    """
    layout = Layout(ROOT, data_dir.resolve(), ROOT / "site", work_dir.resolve())
    problems = validate(layout, paths, progress=_bar)
    if problems:
        _refuse(problems, "")
    click.echo("no problems", err=True)


def _prepare(layout: Layout, consequence: str) -> Prepared:
    try:
        layout.check()
        with _said("read data and render pages"):
            return prepare(layout, progress=_bar)
    except InvalidData as error:
        _refuse(error.problems, consequence)
    except Misplaced as error:
        raise click.ClickException(str(error)) from None


def _refuse(problems: list[Problem], consequence: str) -> NoReturn:
    for problem in problems:
        click.echo(str(problem))
    files = len({problem.path for problem in problems})
    said = f"{plural(len(problems), 'problem')} in {plural(files, 'file')}"
    click.echo(f"{said}; {consequence}" if consequence else said, err=True)
    sys.exit(1)


@contextmanager
def _said(what: str) -> Iterator[None]:
    started = time.perf_counter()
    yield
    click.echo(f"  {what}: {time.perf_counter() - started:.1f} s", err=True)


def _bar(files: Iterable[Path], count: int) -> Iterable[Path]:
    """A progress bar where a person watches and it takes long enough to ask."""
    watched = count >= 500 and sys.stderr.isatty()
    return _with_bar(files, count) if watched else files


def _with_bar(files: Iterable[Path], count: int) -> Iterator[Path]:
    with click.progressbar(files, length=count, label="  reading data", file=sys.stderr) as shown:
        yield from shown


def _short(path: Path) -> str:
    return f"{path.relative_to(ROOT)}/" if path.is_relative_to(ROOT) else f"{path}/"


if __name__ == "__main__":
    main(prog_name="python -m generator")
