"""What the steps of validate.yml and comment.yml do, run here with stand-ins for ``python`` and ``gh``.

GitHub's own part (which events come, what a token may do) cannot be seen here.
"""

from __future__ import annotations

import shutil
import zipfile
from pathlib import Path

import pytest

from tests.workflow_runner import ARTIFACT, GH, PULL, PYTHON, REPOSITORY, Runner


def _archive(tmp_path: Path, *contents: str) -> bytes:
    path = tmp_path / "made.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for place, content in enumerate(contents):
            archive.writestr("report.json" if place == 0 else f"../{place}.json", content)
    return path.read_bytes()


@pytest.fixture
def render(tmp_path: Path) -> Runner:
    runner = Runner(tmp_path, "comment.yml", "render")
    runner.stands_in("gh", GH)
    return runner


@pytest.fixture
def post(tmp_path: Path) -> Runner:
    runner = Runner(tmp_path, "comment.yml", "post")
    runner.stands_in("gh", GH)
    (tmp_path / "comment.md").write_text("said")
    return runner


DOWNLOAD = "Download the report, of a megabyte at most"
needs_unzip = pytest.mark.skipif(shutil.which("unzip") is None, reason="unzip is not on this machine")


@needs_unzip
def test_the_newest_report_is_taken(render: Runner, tmp_path: Path) -> None:
    older = {**ARTIFACT, "id": 2, "created_at": "2026-12-31T00:00:00Z"}
    render.answers("actions/runs/7/artifacts", {"artifacts": [ARTIFACT, older]})
    render.answers("actions/artifacts/3/zip", _archive(tmp_path, '{"a": 1}'))
    assert render.run(DOWNLOAD) == 0
    assert (tmp_path / "report.json").read_text() == '{"a": 1}'


@pytest.mark.parametrize("artifacts", [[], [{**ARTIFACT, "size_in_bytes": 1_000_001}]])
def test_no_report_or_a_large_one_is_not_downloaded(render: Runner, artifacts: list[object]) -> None:
    render.answers("actions/runs/7/artifacts", {"artifacts": artifacts})
    assert render.run(DOWNLOAD) != 0
    assert len(render.told()) == 1


@needs_unzip
def test_a_report_that_unpacks_to_more_than_a_megabyte_stops_there(render: Runner, tmp_path: Path) -> None:
    render.answers("actions/runs/7/artifacts", {"artifacts": [ARTIFACT]})
    render.answers("actions/artifacts/3/zip", _archive(tmp_path, " " * 50_000_000))
    assert render.run(DOWNLOAD) != 0
    assert (tmp_path / "report.json").stat().st_size == 1_000_000


@needs_unzip
def test_other_files_of_an_archive_leave_no_file(render: Runner, tmp_path: Path) -> None:
    render.answers("actions/runs/7/artifacts", {"artifacts": [ARTIFACT]})
    render.answers("actions/artifacts/3/zip", _archive(tmp_path, "{}", "{}"))
    before = {*tmp_path.parent.iterdir(), *tmp_path.iterdir()}
    render.run(DOWNLOAD)
    after = {*tmp_path.parent.iterdir(), *tmp_path.iterdir()}
    assert {path.name for path in after - before} == {"artifact", "archive.zip", "report.json", "told.jsonl"}


def _posted(
    post: Runner, *pulls: object, files: int = 2, touched: str = "data/results/d/r.json"
) -> list[list[str]]:
    post.answers("pulls", list(pulls))
    post.answers(
        "pulls/12/files",
        [{"filename": f"data/{place}"} for place in range(files - 1)] + [{"filename": touched}],
    )
    for name in post.steps:
        assert post.run(name) == 0
    return [told for told in post.told() if told[0] == "pr"]


def test_a_forks_pull_request_gets_one_comment(post: Runner) -> None:
    said = ["--repo", REPOSITORY, "--body-file", "comment.md", "--edit-last", "--create-if-none"]
    assert _posted(post, PULL) == [["pr", "comment", "12", *said]]


def test_it_is_looked_for_by_base_and_head_whatever_the_branch_is_called(post: Runner) -> None:
    _posted(post, PULL)
    assert "base=main" in post.told()[0]
    assert "head=stranger:a'b $(c) `d` \"e" in post.told()[0]
    assert "state=open" in post.told()[0]


@pytest.mark.parametrize(
    "head",
    [
        {"sha": "6" * 40, "repo": {"full_name": "stranger/fork"}},
        {"sha": "5" * 40, "repo": {"full_name": "another/fork"}},
        {"sha": "5" * 40, "repo": None},
    ],
)
def test_a_pull_request_of_another_head_gets_none(post: Runner, head: object) -> None:
    assert _posted(post, {**PULL, "head": head}) == []


def test_a_closed_pull_request_gets_none(post: Runner) -> None:
    assert _posted(post) == []


def test_where_nothing_is_to_be_said_nothing_is_said(post: Runner, tmp_path: Path) -> None:
    (tmp_path / "comment.md").write_text("")
    assert _posted(post, PULL) == []


@pytest.mark.parametrize(
    ("files", "touched", "told"),
    [
        (99, ".githubber", True),
        (1, ".github/workflows/validate.yml", False),
        (100, "data/devices/d.md", False),
    ],
)
def test_a_report_is_told_only_where_the_checks_are_ours(
    post: Runner, tmp_path: Path, files: int, touched: str, told: bool
) -> None:
    assert len(_posted(post, PULL, files=files, touched=touched)) == 1
    assert ((tmp_path / "comment.md").read_text() == "said") == told


def test_nothing_is_told_where_github_does_not_say_what_changed(post: Runner) -> None:
    post.answers("pulls", [PULL])
    assert post.run("Find the pull request") == 0
    assert post.run("Drop the report of a changed workflow") != 0


@pytest.fixture
def validate(tmp_path: Path) -> Runner:
    runner = Runner(tmp_path, "validate.yml", "submission")
    runner.stands_in("python", PYTHON)
    runner.environment |= {"REPORT": "../a b/report.json", "SUBMISSION": "../a b/submission"}
    return runner


@pytest.mark.parametrize(("code", "report", "verdict"), [(0, 0, 0), (1, 0, 1), (2, 1, 2)])
def test_a_refusal_is_reported_before_the_job_fails(
    validate: Runner, code: int, report: int, verdict: int
) -> None:
    assert validate.run("Report", EXIT_CODE=str(code)) == report
    assert validate.run("Verdict", EXIT_CODE=str(code)) == verdict
    assert list(validate.steps)[-1] == "Verdict"


def test_the_summary_is_the_comment(validate: Runner, tmp_path: Path) -> None:
    summary = tmp_path / "summary.md"
    summary.write_text("before\n")
    assert validate.run("Summarise", GITHUB_STEP_SUMMARY=str(summary)) == 0
    assert summary.read_text() == "before\n**comment**\n"
    assert (tmp_path / "told").read_text() == "-m generator submission-comment ../a b/report.json\n"
