"""``validate``: everything that is wrong with the data."""

from __future__ import annotations

from pathlib import Path

import click

from generator import layout as place
from generator.build import validate
from generator.commands.console import bar, data_option, refuse, work_option
from generator.layout import Layout


@click.command("validate")
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
@data_option
@work_option
def validate_command(paths: tuple[Path, ...], data_dir: Path, work_dir: Path) -> None:
    """Check PATHS, or all of data/: schemas, and what no schema can say. Prints every problem; exit code 1.

    A file outside of data/ is judged as if it were about to be added.
    """
    layout = Layout(place.ROOT, data_dir.resolve(), place.ROOT / "site", work_dir.resolve())
    problems = validate(layout, paths, progress=bar)
    if problems:
        refuse(problems, "")
    click.echo("no problems", err=True)
