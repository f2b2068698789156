"""``check-submission``: whether a pull request may be merged, and how its rows would appear."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import click

from generator import layout as place
from generator.commands.console import FOLDER
from generator.rules import today
from generator.submission.comment import markdown
from generator.submission.git import NoHistory
from generator.submission.report import WIDTH, Report, as_data, as_text, judge
from generator.submission.site import methodology
from generator.submission.submission import read_submission


@click.command("check-submission")
@click.option("--base", default="origin/main", show_default=True, metavar="REV",
              help="The revision that the submission is merged into.")  # fmt: skip
@click.option(
    "--root", type=FOLDER, default=place.ROOT, help="The checkout that is judged. [default: this one]"
)
@click.option("--format", "form", type=click.Choice(["text", "json", "markdown"]), default="text", show_default=True,
              help="For a person, for programs, or as the pull request's comment.")  # fmt: skip
@click.option(
    "--output", type=click.Path(dir_okay=False, path_type=Path), help="A file, in place of the terminal."
)
def check_submission_command(base: str, root: Path, form: str, output: Path | None) -> None:
    """Judge what the checkout adds to the record since REV, committed or not: what a pull request's check runs.

    Says of each rule what came of it, and of each new row how it would appear: its rank, which rows it stands between,
    who has measured the same, and how far it compares with its neighbours. Nothing is written but --output.

    Exit code 0 where no rule refuses it, even if a person has to decide; 1 where one does; 2 where there is nothing to
    compare with. What each rule means is on the Methodology page.
    """
    try:
        report = judge(read_submission(root.resolve(), base, today()))
    except NoHistory as error:
        raise click.UsageError(str(error)) from None
    text = _written(report, form)
    if output is None:
        click.echo(text)
    else:
        _write(output, text)
    sys.exit(1 if report.verdict == "refused" else 0)


def _written(report: Report, form: str) -> str:
    if form == "json":
        return json.dumps(as_data(report), ensure_ascii=False, indent=1)
    return (
        markdown(as_data(report), methodology()).rstrip()
        if form == "markdown"
        else "\n".join(as_text(report, min(WIDTH, shutil.get_terminal_size((WIDTH, 0)).columns)))
    )


def _write(output: Path, text: str) -> None:
    try:
        output.write_text(text + "\n", "utf-8")
    except OSError as error:
        raise click.UsageError(
            f"{output}: cannot be written (got '{error.strerror}'); choose another --output"
        ) from None
