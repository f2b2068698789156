"""``build`` and ``serve``: the site, once, or again at each edit."""

from __future__ import annotations

import gc
import logging
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from generator import layout as place
from generator.commands.console import bar, data_option, refuse, short, work_option
from generator.layout import Layout, Misplaced
from generator.unchanged import is_current, remember

if TYPE_CHECKING:
    from generator.build import Prepared


@click.command("build")
@data_option
@click.option(
    "--site-dir", type=click.Path(file_okay=False, path_type=Path), default=place.ROOT / "site",
    help="Where the site goes; what stands there is replaced only by a whole new site. [default: site/]",
)  # fmt: skip
@click.option("--anew", is_flag=True, help="Build although nothing has changed since the last build.")
@work_option
def build_command(data_dir: Path, site_dir: Path, work_dir: Path, anew: bool) -> None:
    """Build the site: data/ to build/docs to site/. Any problem in the data stops it, and site/ stays."""
    gc.disable()  # a build ends before its few cycles matter, and looking for them takes a tenth of it
    logging.getLogger("mkdocs").setLevel(logging.WARNING)
    started = time.perf_counter()
    layout = Layout(place.ROOT, data_dir.resolve(), site_dir.resolve(), work_dir.resolve())
    if not anew and is_current(layout):
        took = f"{time.perf_counter() - started:.1f} s"
        click.echo(
            f"{short(layout.site)} is up to date: nothing it is made from has changed ({took})", err=True
        )
        return
    prepared = _prepare(layout, f"{short(layout.site)} is unchanged")
    from generator.build import build  # noqa: PLC0415 - see _prepare

    with _said("build the site"):
        build(layout, prepared)
    remember(layout)
    click.echo(f"{short(layout.site)} is built ({time.perf_counter() - started:.1f} s)", err=True)


@click.command("serve")
@data_option
@click.option(
    "--port", type=click.IntRange(1, 65535), default=8000, show_default=True, help="Port on localhost."
)
@work_option
def serve_command(data_dir: Path, port: int, work_dir: Path) -> None:
    """Build, serve on localhost, and rebuild when a file in data/ or site_src/ changes."""
    from mkdocs.commands.serve import serve  # noqa: PLC0415 - only serving needs it

    layout = Layout(place.ROOT, data_dir.resolve(), place.ROOT / "site", work_dir.resolve())
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
        serve(str(place.ROOT / "mkdocs.yml"), dev_addr=f"localhost:{port}", livereload=True)
    except OSError as error:
        raise click.ClickException(f"port {port}: {error.strerror}; choose another with --port") from None


def _prepare(layout: Layout, consequence: str) -> Prepared:
    from generator.vega import begin_bundle  # noqa: PLC0415 - a site up to date can spare it

    try:
        layout.check()
    except Misplaced as error:
        raise click.ClickException(str(error)) from None
    helper = begin_bundle(layout.cache)
    from generator.build import InvalidData, prepare  # noqa: PLC0415 - takes a second, in which the helper works

    try:
        with _said("read data and render pages"):
            return prepare(layout, bar, helper)
    except InvalidData as error:
        refuse(error.problems, consequence)


@contextmanager
def _said(what: str) -> Iterator[None]:
    started = time.perf_counter()
    yield
    click.echo(f"  {what}: {time.perf_counter() - started:.1f} s", err=True)
