"""``check-submission``: exit codes, forms, and what a wrong call is told."""

from __future__ import annotations

import json
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from generator import __main__ as cli
from generator.submission.comment import read_report
from generator.submission.rules import RULES
from tests import submissions
from tests.generator.commands.calls import is_plain
from tests.submissions import RUN, Repository


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    """A record to submit to."""
    return submissions.repository(tmp_path / "board")


def check(repository: Repository, *options: str, base: str = "HEAD") -> Result:
    arguments = ["check-submission", "--root", str(repository.root), "--base", base, *options]
    result = CliRunner().invoke(cli.main, arguments, env={"COLUMNS": "80"})
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def test_a_row_that_passes_exits_with_0_and_is_shown(repository: Repository) -> None:
    repository.submit(repository.row())
    result = check(repository)
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[0] == f"  {RUN}"
    assert f"  passed        {len(RULES)} of {len(RULES)} rules" in lines
    assert "    rank         2 of 3; its device's best row is 2 of 2 today" in lines
    assert lines[-1].startswith("none of ")


def test_a_row_that_is_refused_exits_with_1_and_says_why(repository: Repository) -> None:
    repository.submit(repository.row(quick=True))
    result = check(repository)
    assert result.exit_code == 1
    assert result.stdout.splitlines()[0] == "  refused       No quick run"
    assert result.stdout.splitlines()[-1] == "refused by 1 rule"


def test_what_a_person_decides_exits_with_0(repository: Repository) -> None:
    repository.reported("page-c", "gpu-a", 6.0)
    result = check(repository)
    assert result.exit_code == 0
    assert result.stdout.splitlines()[-1].endswith("; 1 rule for a person to decide")


def test_nothing_submitted_exits_with_0(repository: Repository) -> None:
    result = check(repository)
    assert (result.exit_code, result.stdout) == (
        0,
        "nothing submitted: no row, ledger entry or new device among 0 changed files\n",
    )


@pytest.mark.parametrize("columns", [60, 80, 110, 300])
def test_lines_fit_the_terminal(repository: Repository, columns: int) -> None:
    repository.submit(repository.row(quick=True))
    arguments = ["check-submission", "--root", str(repository.root), "--base", "HEAD"]
    result = CliRunner().invoke(cli.main, arguments, env={"COLUMNS": str(columns)})
    assert max(map(len, result.stdout.splitlines())) <= min(columns, 108)


@pytest.mark.parametrize("base", ["origin/main", "--all", "-x", "$(touch x)", "HEAD\nx", "\x1b[31m"])
def test_a_base_that_nobody_knows_exits_with_2(repository: Repository, base: str) -> None:
    result = check(repository, base=base)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "--base: names no revision here (got '" in result.stderr
    assert is_plain(result.stderr)


def test_a_base_of_another_history_exits_with_2(repository: Repository) -> None:
    repository.git("checkout", "--quiet", "--orphan", "other")
    repository.commit()
    result = check(repository, base="main")
    assert result.exit_code == 2
    assert "fetch all of it, or name the branch that yours started from" in result.stderr


def test_a_shallow_clone_exits_with_2(repository: Repository, tmp_path: Path) -> None:
    (repository.root / "more").write_text("x")
    repository.commit()
    clone = tmp_path / "shallow"
    repository.git("clone", "--quiet", "--depth=1", f"file://{repository.root}", str(clone))
    result = check(Repository(clone))
    assert result.exit_code == 2
    assert "git fetch --unshallow" in result.stderr


@pytest.mark.parametrize("place", ["", "board/data"])
def test_a_folder_that_is_no_checkout_exits_with_2(
    repository: Repository, tmp_path: Path, place: str
) -> None:
    assert repository.root == tmp_path / "board"
    result = check(Repository(tmp_path / place))
    assert result.exit_code == 2
    assert "--root: is not the top of a git checkout" in result.stderr


def test_a_folder_that_does_not_exist_exits_with_2(tmp_path: Path) -> None:
    result = check(Repository(tmp_path / "nowhere"))
    assert result.exit_code == 2
    assert "does not exist" in result.stderr


def test_json_is_a_report_even_of_a_file_that_nobody_can_name(repository: Repository) -> None:
    for name in (b"\xff\x1b[31m.json", b"a\nb\xe2\x80\xae.json", b"x" * 250):
        path = repository.data / "results/gpu-a" / name.decode(errors="surrogateescape")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("{}")
    result = check(repository, "--format", "json")
    assert result.exit_code == 1
    report = read_report(result.stdout_bytes, "report.json")
    assert isinstance(report, dict), report
    assert report["changes"] == 3
    assert is_plain(check(repository).stdout)
    assert is_plain(check(repository, "--format", "markdown").stdout)


def test_markdown_is_the_comment(repository: Repository) -> None:
    repository.submit(repository.row())
    result = check(repository, "--format", "markdown")
    assert result.exit_code == 0
    assert result.stdout.startswith("### ✅ All rules pass\n")


@pytest.mark.parametrize("form", ["text", "json", "markdown"])
def test_a_file_gets_what_the_terminal_would(repository: Repository, tmp_path: Path, form: str) -> None:
    repository.submit(repository.row())
    output = tmp_path / "report"
    result = check(repository, "--format", form, "--output", str(output))
    assert (result.exit_code, result.stdout) == (0, "")
    assert click.unstyle(output.read_text("utf-8")) == check(repository, "--format", form).stdout


def test_a_file_that_cannot_be_written_exits_with_2(repository: Repository, tmp_path: Path) -> None:
    result = check(repository, "--output", str(tmp_path / "nowhere/report"))
    assert result.exit_code == 2
    assert "cannot be written (got 'No such file or directory'); choose another --output" in result.stderr


def test_nothing_is_written_into_the_checkout(repository: Repository) -> None:
    repository.submit(repository.row())
    before = repository.git("status", "--porcelain", "--ignored")
    stamp = (repository.root / ".git/index").stat().st_mtime_ns
    check(repository)
    assert (repository.root / ".git/index").stat().st_mtime_ns == stamp
    assert repository.git("status", "--porcelain", "--ignored") == before


def test_json_is_the_same_again(repository: Repository) -> None:
    repository.submit(repository.row())
    first, second = (check(repository, "--format", "json").stdout for _ in range(2))
    assert json.loads(first) == json.loads(second)
