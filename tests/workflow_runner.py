"""A folder in which the steps of a workflow's job run with stand-ins for ``gh`` and ``python``."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

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
            print(line if isinstance(line, str) else json.dumps(line))
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
