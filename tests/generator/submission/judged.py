"""What a test asks of a report: that one rule broke and no other did."""

from __future__ import annotations

from tests.submissions import Data, Repository, questions, refusals


def judged(repository: Repository, row: Data) -> Data:
    """The report on one more row."""
    repository.submit(row)
    return repository.check()


def passed(report: Data) -> None:
    """Nothing refuses it, and nobody is asked."""
    assert (refusals(report), questions(report)) == ({}, {})
    assert report["verdict"] == "passed"


def refused(report: Data, rule: str) -> list[str]:
    """The lines of the only rule that refuses it."""
    found = refusals(report)
    assert set(found) - {"seen"} == {rule}, found  # a file that cannot be read is told so once more
    return found[rule]


def refused_once(report: Data, rule: str) -> str:
    """The only line of the only rule that refuses it."""
    (line,) = refused(report, rule)
    return line


def asked(report: Data, rule: str) -> list[str]:
    """The lines of the only rule that asks a person, where none refuses."""
    assert refusals(report) == {}
    found = questions(report)
    assert set(found) == {rule}, found
    return found[rule]


def asked_once(report: Data, rule: str) -> str:
    """The only line of the only rule that asks a person."""
    (line,) = asked(report, rule)
    return line


def judge_committed(repository: Repository, committed: bool) -> dict[str, list[str]]:
    """What refuses what lies here, be it in the working tree or in a commit on top of the base."""
    base = repository.git("rev-parse", "HEAD")
    if committed:
        repository.commit()
    return refusals(repository.check(base))
