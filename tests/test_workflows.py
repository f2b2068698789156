"""What stands in .github/ is well formed, and gives a stranger's pull request nothing to take.

Tools of others judge the files, none of which asks the network; what matters most stands once more in
:mod:`tests.workflow_rules`. Each tool and each rule is shown a workflow that it must refuse.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sysconfig
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.workflow_rules import faults

ROOT = Path(__file__).resolve().parents[1]
GITHUB = ROOT / ".github"
WORKFLOWS = sorted((GITHUB / "workflows").iterdir())
SCHEMAS = {
    **dict.fromkeys(WORKFLOWS, "github-workflows"),
    GITHUB / "dependabot.yml": "dependabot",
    **dict.fromkeys(sorted((GITHUB / "ISSUE_TEMPLATE").iterdir()), "github-issue-forms"),
    GITHUB / "ISSUE_TEMPLATE" / "config.yml": "github-issue-config",
}
SOUND = """\
name: Sound
on:
  pull_request:
    branches: [main]
permissions: {}
concurrency:
  group: sound-${{ github.ref }}
  cancel-in-progress: true
jobs:
  look:
    name: Look
    runs-on: ubuntu-24.04
    timeout-minutes: 5
    permissions:
      contents: read
    steps:
      - uses: actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1 # v7.0.1
        with:
          persist-credentials: false
      - name: Read
        run: cat "$GITHUB_EVENT_PATH"
"""


def _found(name: str) -> str | None:
    return shutil.which(name, path=sysconfig.get_path("scripts")) or shutil.which(name)


def _tool(name: str) -> str:
    found = _found(name)
    assert found, f"{name} is part of the test extra"
    return found


def _said(*command: str) -> str:
    """All that a tool says of what it refuses; nothing where it refuses nothing."""
    run = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    return "" if run.returncode == 0 else run.stdout + run.stderr or f"exit code {run.returncode}"


def actionlint(path: Path) -> str:
    """Syntax, types of expressions, events, and by shellcheck what is run."""
    return _said(_tool("actionlint"), "-no-color", "-shellcheck", _found("shellcheck") or "", str(path))


def zizmor(path: Path) -> str:
    """What is dangerous, down to what is merely careless."""
    return _said(
        _tool("zizmor"),
        "--offline",
        "--quiet",
        "--color=never",
        "--persona=pedantic",
        "--strict-collection",
        str(path),
    )


def schema(path: Path, name: str) -> str:
    """What the schema of GitHub's own format refuses."""
    return _said(_tool("check-jsonschema"), "--builtin-schema", f"vendor.{name}", str(path))


def _named(path: Path) -> str:
    return path.name


@pytest.mark.parametrize("path", WORKFLOWS, ids=_named)
class TestEachWorkflow:
    def test_actionlint_and_shellcheck_find_nothing(self, path: Path) -> None:
        assert actionlint(path) == ""

    def test_zizmor_finds_nothing_however_pedantic(self, path: Path) -> None:
        assert zizmor(path) == ""

    def test_it_breaks_no_rule_of_ours(self, path: Path) -> None:
        assert faults(path.read_text("utf-8")) == []


@pytest.mark.parametrize("path", SCHEMAS, ids=_named)
def test_github_takes_its_form(path: Path) -> None:
    assert schema(path, SCHEMAS[path]) == ""


def test_zizmor_finds_nothing_in_dependabot() -> None:
    assert zizmor(GITHUB / "dependabot.yml") == ""


def test_an_action_has_one_pin_everywhere() -> None:
    lines = {line for path in WORKFLOWS for line in re.findall(r"uses: (.+)", path.read_text("utf-8"))}
    assert lines
    assert len({line.split("@")[0] for line in lines}) == len(lines)


def test_what_names_the_repository_names_that_of_the_project() -> None:
    with (ROOT / "pyproject.toml").open("rb") as file:
        address = tomllib.load(file)["project"]["urls"]["Repository"]
    owners = re.findall(r"@([\w-]+)", (GITHUB / "CODEOWNERS").read_text("utf-8"))
    links = yaml.safe_load((GITHUB / "ISSUE_TEMPLATE" / "config.yml").read_text("utf-8"))["contact_links"]
    assert set(owners) == {address.split("/")[-2]}
    for link in links:
        page, _, anchor = link["url"].removeprefix(f"{address}/blob/main/").partition("#")
        headings = re.findall(r"^#+ (.+)$", (ROOT / page).read_text("utf-8"), re.MULTILINE)
        assert anchor in {heading.lower().replace(" ", "-") for heading in headings}


def test_the_sound_workflow_is_sound(tmp_path: Path) -> None:
    path = _written(tmp_path, SOUND)
    assert [faults(SOUND), actionlint(path), zizmor(path), schema(path, "github-workflows")] == [
        [],
        "",
        "",
        "",
    ]


@pytest.mark.parametrize(
    ("sound", "unsound", "fault"),
    [
        ("3d3c42e5aac5ba805825da76410c181273ba90b1 # v7.0.1", "v7 # v7.0.1", "not pinned"),
        (" # v7.0.1", "", "not pinned"),
        ("# v7.0.1", "# main", "not pinned"),
        ("permissions: {}", "permissions: read-all", "states no permissions"),
        ("permissions: {}\n", "", "states no permissions"),
        ("concurrency:", "env:", "no concurrency"),
        ("  pull_request:", "  pull_request_target:", "pull_request_target"),
        ("    timeout-minutes: 5\n", "", "no timeout-minutes"),
        ("    permissions:\n      contents: read\n", "", "no permissions of its own"),
        (
            "    permissions:\n      contents: read\n",
            "    permissions: write-all\n",
            "no permissions of its own",
        ),
        ("contents: read", "pull-requests: write", "may write, and runs"),
        ("contents: read", "pull-requests: write # for it", "a pull request's workflow may write"),
        ('"$GITHUB_EVENT_PATH"', "'${{ github.event.pull_request.title }}'", "pastes"),
        ("persist-credentials: false", "fetch-depth: 0", "keeps its credentials"),
        ("persist-credentials: false", "persist-credentials: true", "keeps its credentials"),
        ("persist-credentials: false", "persist-credentials: false\n          cache: pip", "a cache"),
        ("run: cat", "env: {KEY: '${{ secrets.KEY }}'}\n        run: cat", "knows of secrets"),
    ],
)
def test_each_rule_can_be_broken(sound: str, unsound: str, fault: str) -> None:
    assert sound in SOUND
    assert any(fault in one for one in faults(SOUND.replace(sound, unsound)))


@pytest.mark.parametrize("given", ["ref: ${{ github.event.workflow_run.head_sha }}", "repository: a/b"])
def test_a_run_for_another_may_not_check_out_its_code(given: str) -> None:
    text = SOUND.replace("  pull_request:\n    branches: [main]", "  workflow_run:\n    workflows: [X]")
    text = text.replace("persist-credentials", f"{given}\n          persist-credentials")
    assert faults(text) == ["checks out something else than the default branch"]


@pytest.mark.parametrize(
    ("sound", "unsound", "tool", "said"),
    [
        ("github.ref", "github.rev", actionlint, "rev"),
        ("ubuntu-24.04", "ubuntu-24.40", actionlint, "ubuntu-24.40"),
        ("  pull_request:", "  pull_requests:", actionlint, "pull_requests"),
        ("cat \"$GITHUB_EVENT_PATH\"", "echo '${{ github.event.pull_request.title }}'", zizmor, "template-injection"),
        ("  pull_request:", "  pull_request_target:", zizmor, "dangerous-triggers"),
        ("persist-credentials: false", "fetch-depth: 0", zizmor, "artipacked"),
        ("3d3c42e5aac5ba805825da76410c181273ba90b1 # v7.0.1", "v7", zizmor, "unpinned-uses"),
        ("contents: read", "contents: write", zizmor, "undocumented-permissions"),
    ],
)  # fmt: skip
def test_each_tool_finds_what_it_is_for(
    tmp_path: Path, sound: str, unsound: str, tool: Any, said: str
) -> None:
    assert sound in SOUND
    assert said in tool(_written(tmp_path, SOUND.replace(sound, unsound)))


@pytest.mark.skipif(_found("shellcheck") is None, reason="shellcheck has no wheel for this machine")
def test_shellcheck_reads_what_is_run(tmp_path: Path) -> None:
    assert "SC2086" in actionlint(
        _written(tmp_path, SOUND.replace('"$GITHUB_EVENT_PATH"', "$GITHUB_EVENT_PATH"))
    )


@pytest.mark.parametrize("name", sorted(set(SCHEMAS.values())))
def test_each_schema_refuses_what_is_none_of_it(tmp_path: Path, name: str) -> None:
    assert "additional" in schema(_written(tmp_path, "name: X\nsurprise: 1\n"), name).lower()


def _written(folder: Path, text: str) -> Path:
    path = folder / ".github" / "workflows" / "planted.yml"
    path.parent.mkdir(parents=True)
    path.write_text(text)
    return path
