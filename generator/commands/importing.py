"""``import``: figures of another board become reported records."""

from __future__ import annotations

import json
import sys
from datetime import date
from pathlib import Path

import click

from generator.commands.console import FOLDER, data_option, refuse
from generator.dataset import data_files, read_dataset
from generator.importers import IMPORTERS, Unimportable, importer
from generator.importers.filing import NotFiled, file_all
from generator.importers.report import as_data, as_text
from generator.rules import cross_file_problems, today


@click.command("import")
@click.argument("board", type=click.Choice(sorted(IMPORTERS)))
@click.argument("files", nargs=-1, required=True, metavar="FILE...", type=click.Path(path_type=Path))
@data_option
@click.option(
    "--output", type=FOLDER, default=None,
    help="Folder that the new records go to, in place of the data folder; what it holds counts as on file.",
)  # fmt: skip
@click.option("--dry-run", is_flag=True, help="Say what would be imported, and write nothing.")
@click.option(
    "--retrieved", type=click.DateTime(["%Y-%m-%d"]), default=None,
    help="The day on which the files were fetched. [default: today, in UTC]",
)  # fmt: skip
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True,
              help="A report for people, or for programs.")  # fmt: skip
def import_command(
    board: str, files: tuple[Path, ...], data_dir: Path, output: Path | None, dry_run: bool, retrieved: date | None,
    form: str,
) -> None:  # fmt: skip
    """Read FILES of another board's figures and write what is new as reported records, all of it or nothing.

    purs reads the CSVs, BENCH logs and leaderboard.json of pu-rs.org's kernel leaderboard. The report says of every
    row what became of it: imported, merged into another figure, on file already, dropped or refused with the reason.
    Exit code 1 and nothing written where a file cannot be read at all, or the data folder has problems of its own.
    """
    folder = data_dir.resolve()
    target = (output or data_dir).resolve()
    extra = sorted(set(data_files(target)) - set(data_files(folder)))
    data, problems = read_dataset(folder, extra=extra)
    if problems := sorted([*problems, *cross_file_problems(data, today())]):
        refuse(problems, "nothing is imported into a record with problems")
    try:
        day = (retrieved or today()).strftime("%Y-%m-%d")
        found = importer(board)(files, data, folder, day)
        if not dry_run:
            file_all(found.drafts, target)
    except Unimportable as error:
        refuse(error.problems, "nothing was imported")
    except NotFiled as error:
        click.echo(str(error), err=True)
        sys.exit(1)
    shown = output.as_posix() if output else data_dir.name
    if form == "json":
        click.echo(json.dumps(as_data(found, shown, not dry_run), ensure_ascii=False, indent=1))
    else:
        click.echo(as_text(found, shown, not dry_run))
