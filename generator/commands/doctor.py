"""``doctor``: what on file is valid, and stale."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from generator import layout as place
from generator.commands.console import bar, data_option, refuse, work_option
from generator.dataset import read_dataset
from generator.doctor import CHECKS, Check, Examined, examine
from generator.formats import plural
from generator.layout import Layout
from generator.rules import cross_file_problems, today
from generator.tables import make_board
from schemas.problems import Problem

Findings = Sequence[tuple[Check, list[Problem]]]


@click.command("doctor")
@data_option
@work_option
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True,
              help="A report for people, or for programs.")  # fmt: skip
@click.option("--strict", is_flag=True, help="Exit code 1 where there is a finding.")
def doctor_command(data_dir: Path, work_dir: Path, form: str, strict: bool) -> None:
    """Say what in data/ is stale: valid, and yet somebody should look at it.

    Rows of kernels or a kernel source that have changed since, rows that nobody has reproduced, facts without a
    source, devices and models without a row, figures and publications of more than a year ago. A finding is a line
    of path, field, what was found and what to do. Findings are advice, so the exit code is 0; data that validate
    refuses is not looked at.
    """
    layout = Layout(place.ROOT, data_dir.resolve(), place.ROOT / "site", work_dir.resolve())
    data, problems = read_dataset(layout.data, layout.cache, bar)
    if problems := sorted([*problems, *cross_file_problems(data, today())]):
        refuse(problems, "mend them first, as only valid data can be stale")
    found = examine(Examined(make_board(data), place.ROOT, today()))
    click.echo(
        json.dumps(_as_data(found), ensure_ascii=False, indent=1) if form == "json" else _as_text(found)
    )
    if strict and any(findings for _, findings in found):
        sys.exit(1)


def _as_text(found: Findings) -> str:
    """Each check that found something with its number of findings, and a line each."""
    lines: list[str] = []
    for check, findings in found:
        if findings:
            lines += [f"{check.title}: {len(findings)}", *(f"  {finding}" for finding in findings), ""]
    number = sum(len(findings) for _, findings in found)
    met = sum(bool(findings) for _, findings in found)
    return "\n".join([*lines, f"{plural(number, 'finding')} by {met} of {plural(len(CHECKS), 'check')}"])


def _as_data(found: Findings) -> dict[str, Any]:
    """The same for programs, with the checks that found nothing."""
    checks = [
        {"id": check.id, "title": check.title, "findings": [_fields(finding) for finding in findings]}
        for check, findings in found
    ]
    return {"findings": sum(len(findings) for _, findings in found), "checks": checks}


def _fields(finding: Problem) -> dict[str, str]:
    return {name: value for name, value in asdict(finding).items() if name != "rule"}
