"""A submission's report as Markdown: the comment on its pull request.

The report comes from a run that a stranger's pull request started, so it is data like any file from outside:
judged by its schema, and no text of it can become markup, a link, or a mention that calls people. Nor is its word taken
for what came of a rule: titles and verdicts follow from what is counted and from the rules of this revision.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

from generator.formats import plural
from generator.submission.facts import Plain, excerpt, facts
from generator.submission.rules import RULES
from schemas.judge import compiled, explaining
from schemas.load import schema
from schemas.parse import Unreadable, parse_json
from schemas.problems import Problem, explain

MOST_BYTES = 1_000_000
MOST_CHARACTERS = 60_000  # GitHub takes 65,536
_MARKS = {"refused": "❌", "for a person": "👀", "passed": "✅"}
_JOINER = "\u2060"
_NO_MARKUP = " -,.;()/%'+="
_WWW = re.compile(r"(www)\.", re.IGNORECASE)
_COMMIT = re.compile(r"(?<![0-9a-z])(?![0-9]+(?![0-9a-z]))[0-9a-f]{7,40}(?![0-9a-z])", re.IGNORECASE)
_FOUR = re.compile(r"\w{4}(?=\w)")
_TICKET = re.compile(r"\b(gh|ghsa|cve)-", re.IGNORECASE)
_RULES = {rule.id: rule for rule in RULES}
_MOST_NAMED = 3
_HEADINGS = {
    "refused": "Refused: something is to be mended",
    "for a person": "No rule refuses this; a person decides",
    "passed": "All rules pass",
}


def read_report(raw: bytes, shown: str) -> dict[str, Any] | list[Problem]:
    """A report's plain data, or all that is wrong with it."""
    if len(raw) > MOST_BYTES:
        said = f"is too large (got {len(raw):,} bytes)"
        return [Problem(shown, "file", said, f"a report has at most {MOST_BYTES:,}")]
    try:
        data = parse_json(raw)
    except Unreadable as error:
        return [Problem(shown, error.field, error.problem, error.remedy)]
    judge, explainer = _judges()
    if judge.is_valid(data):
        return _other_rules(data, shown) or dict(data)
    problems = explain(shown, explainer.iter_errors(data))
    return problems or [Problem(shown, "file", "does not fit its schema (got another form)", "write it anew")]


def _other_rules(data: Plain, shown: str) -> list[Problem]:
    """Where it was held against other rules than these, nobody here knows what its verdict means."""
    told = [rule["id"] for rule in data["rules"]]
    if told == [*_RULES] or (data["verdict"] == "nothing submitted" and not told and not data["previews"]):
        return []
    missing = _named("without", [rule for rule in _RULES if rule not in told])
    unknown = _named("with the unknown", [rule for rule in told if rule not in _RULES])
    differ = "; ".join(filter(None, (missing, unknown))) or "in another order, or more than once"
    said = f"are not those of this revision (got {plural(len(told), 'rule')}; {differ})"
    return [Problem(shown, "rules", said, "check the submission again with this revision")]


def _named(what: str, rules: list[str]) -> str:
    names = ", ".join(f"'{rule}'" for rule in rules[:_MOST_NAMED])
    more = f" and {len(rules) - _MOST_NAMED} more" if len(rules) > _MOST_NAMED else ""
    return f"{what} {names}{more}" if rules else ""


@cache
def _judges() -> tuple[Any, Any]:
    return compiled(schema("report"), schema("common")), explaining(schema("report"), schema("common"))


def markdown(report: Plain, methodology: str | None) -> str:
    """The comment; ``methodology`` is the address of the page that explains each rule, where it is known."""
    if not report["rules"]:
        return "This changes nothing of the record: there is no row to judge.\n"
    broken = [
        rule
        for verdict in ("refused", "for a person")
        for rule in report["rules"]
        if _verdict(rule) == verdict
    ]
    worst = _verdict(broken[0]) if broken else "passed"
    lines = [f"### {_MARKS[worst]} {_HEADINGS[worst]}", ""]
    for rule in broken:
        lines += _broken(rule, methodology)
    for preview in report["previews"]:
        lines += _preview(preview)
    lines += _all_rules(report, methodology)
    return _shortened(lines)


def _verdict(rule: Plain) -> str:
    """What came of a rule, by what broke it; whatever the report calls that."""
    if not _count(rule):
        return "passed"
    return "for a person" if _RULES[rule["id"]].asks else "refused"


def _count(rule: Plain) -> int:
    return max(int(rule["count"]), len(rule["problems"]))


def _broken(rule: Plain, methodology: str | None) -> Iterator[str]:
    yield f"**{_MARKS[_verdict(rule)]} {_link(rule, methodology)}**"
    yield ""
    for problem in rule["problems"]:
        where = f"<code>{inert(problem['path'])}</code>: <code>{inert(problem['field'])}</code>"
        yield f"- {where} {inert(problem['problem'])}; {inert(problem['remedy'])}"
    if (more := _count(rule) - len(rule["problems"])) > 0:
        yield f"- and {more:,} more"
    yield ""


def _preview(preview: Plain) -> Iterator[str]:
    yield f"**How <code>{inert(preview['run'])}</code> would appear**"
    yield ""
    yield "| rank | device | tok/s |"
    yield "|---|---|---|"
    for rank, device, tok_per_s, is_new in excerpt(preview):
        cells = (inert(rank), inert(device), inert(tok_per_s))
        yield f"| {' | '.join(f'<strong>{cell}</strong>' if is_new else cell for cell in cells)} |"
    yield ""
    yield "| of the row | |"
    yield "|---|---|"
    for about, said in facts(preview):
        yield f"| {about} | {inert(said)} |"
    yield ""


def _all_rules(report: Plain, methodology: str | None) -> Iterator[str]:
    yield f"<details><summary>{plural(len(report['rules']), 'rule')}</summary>"
    yield ""
    yield "| rule | verdict |"
    yield "|---|---|"
    for rule in report["rules"]:
        yield f"| {_link(rule, methodology)} | {_MARKS[_verdict(rule)]} {_verdict(rule)} |"
    yield ""
    yield "</details>"
    yield ""
    yield f"Base <code>{report['base'][:12]}</code>; the same here: <code>python -m generator check-submission</code>"


def _link(rule: Plain, methodology: str | None) -> str:
    title = inert(_RULES[rule["id"]].title)
    return f"[{title}]({methodology}#rule-{rule['id']})" if methodology else title


def inert(text: str) -> str:
    """``text`` that is text and nothing else to GitHub, on one line.

    A sign that Markdown or HTML could act on is written as an entity, which both read as the sign itself; a joiner
    that nobody sees keeps ``@name``, ``#1``, ``GH-1``, ``https://``, ``www.`` and what may be a commit's hash from
    becoming mentions and links.
    """
    text = _TICKET.sub(rf"\1-{_JOINER}", "".join(map(_inert, text)))
    text = _WWW.sub(rf"\1&#46;{_JOINER}", text)
    return _COMMIT.sub(lambda word: _FOUR.sub(rf"\g<0>{_JOINER}", word[0]), text)


def _inert(letter: str) -> str:
    if letter.isalnum() or letter in _NO_MARKUP or (letter.isprintable() and not letter.isascii()):
        return letter
    entity = f"&#{ord(letter)};" if letter.isprintable() else " "
    return entity + (_JOINER if letter in "@#:" else "")


def _shortened(lines: list[str]) -> str:
    """Whole lines up to what a comment may hold."""
    kept: list[str] = []
    length = 0
    for line in lines:
        length += len(line) + 1
        if length > MOST_CHARACTERS:
            folded = any(line.startswith("<details>") for line in kept)
            kept += [
                "",
                *(["</details>", ""] if folded else []),
                "This is cut short; the log of the check has all of it.",
            ]
            break
        kept.append(line)
    return "\n".join(kept) + "\n"
