"""Each hostile submission is refused with a line that says where and what to do, and none changes the site."""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path
from typing import Any

import click
import pytest

from generator.build import InvalidData, build, prepare, validate
from generator.layout import Layout
from generator.rules import today
from generator.submission.comment import markdown
from generator.submission.report import Report, as_data, as_text, judge
from generator.submission.submission import read_submission
from tests.generator.examples import REPOSITORY
from tests.hostile.base import Case, Scratch
from tests.hostile.cases import CORPUS
from tests.hostile.conftest import Base, content

LINE = re.compile(r"[^:]+: .+?: .+; .+")
CASES = [
    pytest.param(case, id=f"{kind}: {case.name}".replace(" ", "-"))
    for kind, cases in CORPUS.items()
    for case in cases
]


def judged(scratch: Scratch) -> Report:
    """What check-submission finds, and does with it."""
    return judge(read_submission(scratch.root, "HEAD", today()))


def state(folder: Path) -> dict[str, Any]:
    """Every file below ``folder``, git's own too: its kind, mode, time and content. Git's cache of times is its own."""
    found = {}
    for path in {*folder.rglob("*")} - {folder / ".git", folder / ".git/index"}:
        info = path.lstat()
        held = (
            path.read_bytes()
            if stat.S_ISREG(info.st_mode)
            else path.readlink()
            if path.is_symlink()
            else None
        )
        found[str(path)] = (info.st_mode, info.st_mtime_ns, held)
    return found


@pytest.mark.parametrize("case", CASES)
def test_a_hostile_submission_is_refused_and_changes_nothing(
    case: Case, base: Base, scratch: Scratch
) -> None:
    case.spoil(scratch)
    _is_refused(case, scratch)
    _is_never_built(case, base.layout(scratch))
    assert content(base.site) == base.bytes_of_site


def _is_refused(case: Case, scratch: Scratch) -> None:
    before = state(scratch.root)
    report = judged(scratch)
    assert state(scratch.root) == before, "the check changed what it judges"
    data = as_data(report)
    assert data["verdict"] == "refused"
    found = {(rule["id"], problem["field"]) for rule in data["rules"] for problem in rule["problems"]}
    assert (case.rule, case.field) in found
    for problem in (problem for rule in data["rules"] for problem in rule["problems"]):
        line = "{path}: {field}: {problem}; {remedy}".format(**problem)
        assert line.isprintable(), repr(line)
        assert LINE.fullmatch(line), line
    assert all(click.unstyle(line).isprintable() for line in as_text(report))
    assert "Refused" in markdown(data, None)


def _is_never_built(case: Case, layout: Layout) -> None:
    """Where the record with it is valid, the rules on submissions alone keep it out: none of it is merged."""
    if case.builds:
        assert validate(layout) == []
        return
    with pytest.raises(InvalidData) as refused:
        build(layout, prepare(layout))
    if case.rule != "allowed-changes":  # which knows the file; a build has its own reason not to take it
        assert case.field in [problem.field for problem in refused.value.problems]
    for problem in refused.value.problems:
        assert str(problem).isprintable()
        assert LINE.fullmatch(str(problem)), problem


def test_the_submission_that_cases_spoil_passes_every_rule(scratch: Scratch) -> None:
    scratch.submit(scratch.valid())
    report = as_data(judged(scratch))
    assert report["verdict"] == "passed", report["rules"]


def test_a_site_built_after_the_check_has_the_same_bytes(base: Base, tmp_path: Path) -> None:
    judged(base.repository)
    layout = Layout(REPOSITORY, base.repository.data, tmp_path / "site", tmp_path / "work")
    build(layout, prepare(layout))
    assert content(layout.site) == base.bytes_of_site


def test_a_hostile_submission_fails_the_command_without_a_traceback(scratch: Scratch) -> None:
    for cases in CORPUS.values():
        cases[0].spoil(scratch)
    assert scratch.check()["verdict"] == "refused"


def test_a_pipe_in_the_record_stops_nobody(base: Base, scratch: Scratch) -> None:
    os.mkfifo(scratch.data / "results/gpu-a/pipe.json")
    scratch.submit(scratch.valid())
    assert (
        as_data(judged(scratch))["verdict"] == "passed"
    )  # git carries none, so it is no part of a submission
    assert [problem.field for problem in validate(base.layout(scratch))] == ["file"]


def test_a_case_stands_once() -> None:
    names = [case.name for cases in CORPUS.values() for case in cases]
    assert sorted(set(names)) == sorted(names)
    assert len(names) >= 90
