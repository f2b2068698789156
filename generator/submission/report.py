"""The verdict on a submission, for a person's terminal and for machines."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any, Literal

import click

from generator.formats import plural
from generator.submission.changes import touches_record
from generator.submission.facts import facts
from generator.submission.preview import Preview, previews
from generator.submission.rules import RULES, Rule
from generator.submission.submission import Submission
from schemas.problems import Problem, escaped

SCHEMA = "decode-board/report/1"
MOST_PROBLEMS = 20
WIDTH = 108
_LONGEST = 400
_MOST = 1e12
_COLOURS = {"refused": "red", "for a person": "yellow", "passed": "green"}
Verdict = Literal["refused", "for a person", "passed"]


@dataclass(frozen=True, slots=True)
class Judged:
    """A rule, and what breaks it."""

    rule: Rule
    problems: tuple[Problem, ...]

    @property
    def verdict(self) -> Verdict:
        """What came of it."""
        return "passed" if not self.problems else "for a person" if self.rule.asks else "refused"


@dataclass(frozen=True, slots=True)
class Report:
    """What came of each rule, and how the new rows would appear; empty where nothing was submitted."""

    base: str
    changes: int
    judged: tuple[Judged, ...]
    previews: tuple[Preview, ...]

    @property
    def verdict(self) -> Verdict | Literal["nothing submitted"]:
        """The worst of its rules."""
        if not self.judged:
            return "nothing submitted"
        order: tuple[Verdict, ...] = ("refused", "for a person")
        return next((verdict for verdict in order if self.named(verdict)), "passed")

    def named(self, verdict: Verdict) -> list[Judged]:
        """The rules that came to ``verdict``."""
        return [one for one in self.judged if one.verdict == verdict]


def judge(submission: Submission) -> Report:
    """Hold ``submission`` against every rule; rows that cannot be read have no preview."""
    if not touches_record(submission):
        return Report(submission.git.base, len(submission.changes), (), ())
    judged = tuple(Judged(rule, tuple(sorted(set(rule.problems(submission))))) for rule in RULES)
    return Report(submission.git.base, len(submission.changes), judged, tuple(previews(submission)))


def as_data(report: Report) -> dict[str, Any]:
    """The report as plain data: what ``schemas/report.schema.json`` describes, with no more than a page can show."""
    return {
        "schema": SCHEMA,
        "base": report.base,
        "verdict": report.verdict,
        "changes": report.changes,
        "rules": [
            {
                "id": one.rule.id,
                "title": one.rule.title,
                "verdict": one.verdict,
                "count": len(one.problems),
                "problems": [_plain(problem) for problem in one.problems[:MOST_PROBLEMS]],
            }
            for one in report.judged
        ],
        "previews": [_shortened(asdict(preview)) for preview in report.previews],
    }


def _plain(problem: Problem) -> dict[str, str]:
    return {name: _shortened(value) for name, value in asdict(problem).items() if name != "rule"}


def _shortened(value: Any) -> Any:
    """``value`` with each text printable and of bounded length, and each figure finite and of bounded size."""
    if isinstance(value, dict):
        return {name: _shortened(entry) for name, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_shortened(entry) for entry in value]
    if isinstance(value, float):
        return max(-_MOST, min(_MOST, value))
    if not isinstance(value, str):
        return value
    text = escaped(value, _LONGEST)  # an escape is longer than what it stands for
    return text if len(text) <= _LONGEST + 1 else text[:_LONGEST] + "…"


def as_text(report: Report, width: int = WIDTH) -> Iterator[str]:
    """Lines for a terminal: what refuses, what a person decides, how rows would appear, and the verdict last."""
    for one in (*report.named("refused"), *report.named("for a person")):
        yield _label(one.verdict) + one.rule.title
        yield from _problems(one, width)
        yield ""
    for preview in report.previews:
        shown = _shortened(asdict(preview))
        yield f"  {shown['run']}"
        for about, said in facts(shown):
            yield from _wrapped(said, f"    {about:12} ", " " * 17, width)
        yield ""
    if passed := report.named("passed"):
        yield f"{_label('passed')}{len(passed)} of {plural(len(report.judged), 'rule')}"
        yield ""
    yield from _wrapped(_last(report), "", "  ", width)


def _problems(one: Judged, width: int) -> Iterator[str]:
    for problem in one.problems[:MOST_PROBLEMS]:
        yield from _wrapped(str(problem), "    ", "      ", width)
    if (more := len(one.problems) - MOST_PROBLEMS) > 0:
        yield f"    and {more:,} more"


def _label(verdict: Verdict) -> str:
    return f"  {click.style(f'{verdict:12}', fg=_COLOURS[verdict])}  "


def _wrapped(text: str, first: str, rest: str, width: int) -> list[str]:
    return textwrap.wrap(
        text,
        width,
        initial_indent=first,
        subsequent_indent=rest,
        break_on_hyphens=False,
        break_long_words=False,
    )


def _last(report: Report) -> str:
    if report.verdict == "nothing submitted":
        return f"nothing submitted: no row, ledger entry or new device among {plural(report.changes, 'changed file')}"
    refused, asks = report.named("refused"), report.named("for a person")
    said = (
        [f"refused by {plural(len(refused), 'rule')}"]
        if refused
        else [f"none of {len(report.judged)} rules refuses it"]
    )
    said += [f"{plural(len(asks), 'rule')} for a person to decide"] if asks else []
    return "; ".join(said)
