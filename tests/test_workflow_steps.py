"""What the steps of validate.yml and comment.yml do, run here with stand-ins for ``python`` and ``gh``.

GitHub's own part (which events come, what a token may do) cannot be seen here.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
import yaml

WORKFLOWS = Path(__file__).resolve().parents[1] / ".github" / "workflows"
REPOSITORY = "decode-board/decode-board"
EVENT = {
    "repository": {"default_branch": "main"},
    "workflow_run": {
        "id": 7,
        "head_branch": "a'b $(c) `d` \"e",
        "head_sha": "5" * 40,
        "head_repository": {"full_name": "stranger/fork", "owner": {"login": "stranger"}},
    },
}
PULL = {"number": 12, "head": {"sha": "5" * 40, "repo": {"full_name": "stranger/fork"}}}
ARTIFACT = {"id": 3, "size_in_bytes": 500, "created_at": "2027-01-01T00:00:00Z"}

# Answers from the file that stands for the address, through jq as gh does; writes down what it was told.
GH = f"""#!{sys.executable}
import json, pathlib, sys
import jq
told = sys.argv[1:]
with open("told.jsonl", "a") as file:
    print(json.dumps(told), file=file)
if told[0] == "api":
    address = next(one for one in told if one.startswith("repos/"))
    answer = pathlib.Path("answers", address.partition("?")[0].replace("/", "+"))
    if not answer.exists():
        sys.exit("gh: Not Found (HTTP 404)")
    if "--jq" in told:
        for line in jq.compile(told[told.index("--jq") + 1]).input_text(answer.read_text()).all():
            print(line)
    else:
        sys.stdout.buffer.write(answer.read_bytes())
"""
# Refuses or fails as EXIT_CODE says, after it has written its report.
PYTHON = """#!/bin/sh
echo "$@" >> told
case "$*" in
*submission-comment*) echo '**comment**' ;;
*check-submission*) exit "$EXIT_CODE" ;;
esac
"""


class Runner:
    """A folder with stand-ins on its path, and the steps of a job."""

    def __init__(self, folder: Path, workflow: str, job: str) -> None:
        self.folder = folder
        steps = yaml.safe_load((WORKFLOWS / workflow).read_text("utf-8"))["jobs"][job]["steps"]
        self.steps = {step["name"]: step for step in steps if "run" in step}
        self.environment = {"GITHUB_REPOSITORY": REPOSITORY, "PATH": f"{folder / 'bin'}:{os.environ['PATH']}"}
        (folder / "bin").mkdir()
        (folder / "answers").mkdir()

    def stands_in(self, program: str, text: str) -> None:
        """Put ``program`` before all others."""
        path = self.folder / "bin" / program
        path.write_text(text)
        path.chmod(0o755)

    def answers(self, address: str, answer: object) -> None:
        """What ``gh api`` gets from an address of the repository."""
        data = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        (self.folder / "answers" / f"repos/{REPOSITORY}/{address}".replace("/", "+")).write_bytes(data)

    def run(self, name: str, **environment: str) -> int:
        """A step's exit code, by the shell that ``shell: bash`` stands for."""
        step = self.steps[name]
        given = {key: _filled(value) for key, value in step.get("env", {}).items()}
        command = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]]
        done = subprocess.run(
            command,
            cwd=self.folder,
            env={**self.environment, **given, **environment},
            check=False,
            timeout=30,
        )
        return done.returncode

    def told(self) -> list[list[str]]:
        """What ``gh`` was told, call by call."""
        path = self.folder / "told.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def _filled(text: str) -> str:
    """A value of ``env:`` with its expressions evaluated."""

    def value(match: re.Match[str]) -> str:
        found: Any = {"github": {"event": EVENT, "token": "secret"}}
        for name in match[1].split("."):
            found = found[name]
        return str(found)

    return re.sub(r"\$\{\{ ([\w.]+) \}\}", value, text)


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


def _posted(post: Runner, *pulls: object) -> list[list[str]]:
    post.answers("pulls", list(pulls))
    assert post.run("Find the pull request") == 0
    assert post.run("Comment, or rewrite the comment") == 0
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
