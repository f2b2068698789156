"""Our own rules for workflows: what keeps a stranger's pull request from taking anything."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import yaml

PINNED = re.compile(r"(?:- )?uses: [\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+")


def faults(text: str) -> list[str]:
    """What a workflow breaks of our own rules."""
    workflow = yaml.safe_load(text)
    events = workflow[True]  # YAML 1.1 reads "on" so
    return [
        *_of_all(text, workflow),
        *(f"{name}: {fault}" for name, job in workflow["jobs"].items() for fault in _of_job(job)),
        *(_of_pull_request(text) if "pull_request" in events else ()),
        *(_of_workflow_run(workflow) if "workflow_run" in events else ()),
    ]


def _of_all(text: str, workflow: dict[str, Any]) -> Iterator[str]:
    uses = [line.strip() for line in text.splitlines() if "uses:" in line]
    yield from (f"not pinned: {line}" for line in uses if not PINNED.fullmatch(line))
    if workflow.get("permissions") != {}:
        yield "a job that states no permissions has some"
    if "concurrency" not in workflow:
        yield "no concurrency"
    if "pull_request_target" in text:
        yield "pull_request_target hands a stranger's event to a token that writes"


def _of_job(job: dict[str, Any]) -> Iterator[str]:
    if "timeout-minutes" not in job:
        yield "no timeout-minutes"
    if not isinstance(job.get("permissions"), dict):
        yield "no permissions of its own"
    elif "write" in job["permissions"].values() and any(map(_is_code, job["steps"])):
        yield "may write, and runs what others wrote"
    for step in job["steps"]:
        given = step.get("with", {})
        if "${{" in step.get("run", "") + given.get("script", ""):
            yield "pastes an expression into a script"
        if _is_checkout(step) and given.get("persist-credentials") is not False:
            yield "a checkout keeps its credentials"
        if "actions/cache" in step.get("uses", "") or "cache" in given:
            yield "a cache carries from run to run"


def _is_checkout(step: dict[str, Any]) -> bool:
    return "actions/checkout@" in step.get("uses", "")


def _is_code(step: dict[str, Any]) -> bool:
    return _is_checkout(step) or bool(re.search(r"\b(pip|python|make|npm|npx)\b", step.get("run", "")))


def _of_pull_request(text: str) -> Iterator[str]:
    if re.search(r"\bsecrets\b", text):
        yield "a pull request's workflow knows of secrets"
    if re.search(r"^ *[\w-]+: write\b", text, re.MULTILINE):
        yield "a pull request's workflow may write"


def _of_workflow_run(workflow: dict[str, Any]) -> Iterator[str]:
    steps = [step for job in workflow["jobs"].values() for step in job["steps"] if _is_checkout(step)]
    if any({"ref", "repository", "allow-unsafe-pr-checkout"} & step.get("with", {}).keys() for step in steps):
        yield "checks out something else than the default branch"
