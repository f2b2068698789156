"""``submission-comment``: a report of ``check-submission`` that came from elsewhere, as a comment."""

from __future__ import annotations

from pathlib import Path

import click

from generator.commands.console import refuse
from generator.submission.comment import MOST_BYTES, markdown, read_report
from generator.submission.site import methodology


@click.command("submission-comment")
@click.argument("report", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def submission_comment_command(report: Path) -> None:
    """Write REPORT, the JSON of check-submission, as Markdown for a pull request's comment.

    The report may be anybody's: it is judged by its schema, and its texts stay text. Exit code 1 where it is no report.
    """
    with report.open("rb") as file:
        raw = file.read(MOST_BYTES + 1)
    read = read_report(raw, report.name)
    if isinstance(read, list):
        refuse(read, "no comment is written")
    click.echo(markdown(read, methodology()), nl=False)
