"""Findings come grouped and counted, for people and for programs, and refuse nothing unless asked to."""

from __future__ import annotations

import json
import re

from generator.doctor import CHECKS
from tests.generator.commands.calls import files, is_plain, run
from tests.generator.examples import Folder

_LINE = re.compile(r"  [^:]+: .+?: .+ \(got .+\); .+")


def test_findings_are_grouped_and_counted(whole: Folder) -> None:
    result = run(whole, "doctor")
    assert result.exit_code == 0, result.output
    *groups, last = result.stdout.strip().split("\n\n")
    counts = [int(group.splitlines()[0].rpartition(": ")[2]) for group in groups]
    assert counts == [len(group.splitlines()) - 1 for group in groups]
    assert last == f"{sum(counts)} findings by {len(groups)} of {len(CHECKS)} checks"
    assert all(_LINE.fullmatch(line) for group in groups for line in group.splitlines()[1:])
    assert is_plain(result.stdout)


def test_strictness_is_an_exit_code(whole: Folder) -> None:
    assert run(whole, "doctor", "--strict").exit_code == 1
    assert run(whole, "doctor", "--strict").stdout == run(whole, "doctor").stdout


def test_a_record_without_a_finding_says_so(folder: Folder) -> None:
    result = run(folder, "doctor", "--strict")
    assert (result.exit_code, result.stdout) == (0, f"0 findings by 0 of {len(CHECKS)} checks\n")


def test_programs_get_every_check_with_its_findings(whole: Folder) -> None:
    told = json.loads(run(whole, "doctor", "--format", "json").stdout)
    assert [check["id"] for check in told["checks"]] == [check.id for check in CHECKS]
    found = [finding for check in told["checks"] for finding in check["findings"]]
    assert told["findings"] == len(found) > 0
    assert {tuple(finding) for finding in found} == {("path", "field", "problem", "remedy")}


def test_what_validate_refuses_is_not_looked_at(whole: Folder) -> None:
    whole.reported("bad", "no-such-device")
    result = run(whole, "doctor")
    assert result.exit_code == 1
    assert result.stdout == run(whole, "validate").stdout
    assert result.stderr == "1 problem in 1 file; mend them first, as only valid data can be stale\n"


def test_nothing_is_changed(whole: Folder) -> None:
    before = files(whole)
    run(whole, "doctor", "--work-dir", whole.root / "cache")
    assert files(whole) == before
