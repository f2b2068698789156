"""``submission-comment``: a stranger's report becomes a comment, or a line that says why not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from generator import __main__ as cli
from generator.submission.comment import MOST_BYTES
from tests import submissions
from tests.generator.commands.calls import is_plain


def comment(path: Path) -> Result:
    result = CliRunner().invoke(cli.main, ["submission-comment", str(path)])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def test_the_report_of_a_check_becomes_the_comment_of_that_check(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SITE_URL", "https://board.example")
    repository = submissions.repository(tmp_path / "board")
    repository.submit(repository.row(quick=True))
    call = ["check-submission", "--root", str(repository.root), "--base", "HEAD", "--format"]
    (tmp_path / "report.json").write_text(CliRunner().invoke(cli.main, [*call, "json"]).stdout)
    result = comment(tmp_path / "report.json")
    assert result.exit_code == 0
    assert result.stdout == CliRunner().invoke(cli.main, [*call, "markdown"]).stdout
    assert "(https://board.example/methodology/#rule-not-quick)" in result.stdout


@pytest.mark.parametrize(
    "raw", [b"", b"{}", b"null", b"\xff", b"[" * 9_999, b'{"schema": "decode-board/report/1"}']
)
def test_what_is_no_report_exits_with_1(tmp_path: Path, raw: bytes) -> None:
    (tmp_path / "report.json").write_bytes(raw)
    result = comment(tmp_path / "report.json")
    assert result.exit_code == 1
    assert result.stdout.startswith("report.json: ")
    assert result.stderr.endswith("; no comment is written\n")


def test_a_report_of_another_revision_exits_with_1_and_says_why(tmp_path: Path) -> None:
    rule = {"id": "of-tomorrow", "title": "New", "verdict": "passed", "count": 0, "problems": []}
    report = {"schema": "decode-board/report/1", "base": "0" * 40, "verdict": "passed", "changes": 1}
    (tmp_path / "report.json").write_text(json.dumps(report | {"rules": [rule], "previews": []}))
    result = comment(tmp_path / "report.json")
    assert result.exit_code == 1
    assert result.stdout.startswith(
        "report.json: rules: are not those of this revision (got 1 rule; without "
    )
    assert "with the unknown 'of-tomorrow'" in result.stdout


def test_a_report_that_is_too_large_is_not_read_to_its_end(tmp_path: Path) -> None:
    with (tmp_path / "report.json").open("wb") as file:
        file.truncate(20_000_000_000)
    result = comment(tmp_path / "report.json")
    assert result.exit_code == 1
    assert f"is too large (got {MOST_BYTES + 1:,} bytes)" in result.stdout


def test_a_text_for_the_terminal_does_not_reach_it(tmp_path: Path) -> None:
    report = {"schema": "\x1b[31m", "verdict": "\x07", "base": "x", "changes": 0, "rules": [], "previews": []}
    (tmp_path / "report.json").write_text(json.dumps(report))
    assert is_plain(comment(tmp_path / "report.json").stdout)


def test_no_file_exits_with_2(tmp_path: Path) -> None:
    assert comment(tmp_path / "nowhere.json").exit_code == 2
