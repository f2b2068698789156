"""A verdict for people and for machines: whatever a submission holds, it is text that fits."""

from __future__ import annotations

import json
from dataclasses import fields
from typing import Any, get_type_hints

import click
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from generator.submission.comment import read_report
from generator.submission.preview import Baseline, Drift, Neighbour, Preview
from generator.submission.report import MOST_PROBLEMS, Judged, Report, as_data, as_text
from generator.submission.rules import RULES
from generator.submission.standing import Place
from schemas.problems import Problem
from tests.generator.submission.reports import preview
from tests.submissions import Repository

bounded = settings(
    derandomize=True,
    database=None,
    deadline=None,
    max_examples=40,
    suppress_health_check=[HealthCheck.too_slow],
)
TEXTS = st.text(max_size=60) | st.sampled_from(
    [
        "\udcff" * 450,
        "\x1b[31m" * 90,
        "\u202e" * 401,
        "\U000e0001" * 401,
        "a" * 400,
        "a" * 401,
        "x\ny",
        "\x00",
    ]
)
FIGURES = st.floats(0, 1e300, exclude_min=True)
COUNTS = st.integers(0, 10_000)
PLACES = st.builds(Place, COUNTS, COUNTS, COUNTS, COUNTS)
NEIGHBOURS = st.none() | st.builds(Neighbour, TEXTS, TEXTS, FIGURES, PLACES, TEXTS)
DRIFTS = st.lists(st.builds(Drift, TEXTS, TEXTS, st.booleans(), FIGURES, st.booleans()), max_size=5).map(
    tuple
)
_DRAWN: dict[Any, st.SearchStrategy[Any]] = {
    "depth_tokens": st.none() | COUNTS,
    "submitter": st.none() | TEXTS,
    "provenance": st.sampled_from(["reported", "measured"]),
    "mbu_percent": st.none() | FIGURES,
    "unranked": st.none() | TEXTS,
    "before": st.none() | PLACES,
    "after": st.none() | PLACES,
    "above": NEIGHBOURS,
    "below": NEIGHBOURS,
    "baseline_of": st.none() | st.builds(Baseline, TEXTS, st.none() | FIGURES, st.none() | FIGURES),
    "supersedes": st.lists(TEXTS, max_size=2).map(tuple),
    "drifts": DRIFTS,
    "others": COUNTS,
}
_KINDS = get_type_hints(Preview)
PREVIEWS = st.fixed_dictionaries(
    {
        one.name: _DRAWN.get(one.name, FIGURES if _KINDS[one.name] is float else TEXTS)
        for one in fields(Preview)
    }
).map(lambda drawn: Preview(**drawn))
PROBLEMS = st.lists(st.builds(Problem, TEXTS, TEXTS, TEXTS, TEXTS), max_size=3) | st.just(
    [Problem("a", "b", f"{number}", "c") for number in range(30)]
)
REPORTS = st.builds(
    Report,
    st.just("0123456789" * 4),
    COUNTS,
    st.lists(PROBLEMS, min_size=4, max_size=4).map(
        lambda drawn: tuple(Judged(rule, tuple(drawn[place % 4])) for place, rule in enumerate(RULES))
    ),
    st.lists(PREVIEWS, max_size=2).map(tuple),
)


def problems(count: int) -> tuple[Problem, ...]:
    return tuple(
        Problem("data/a.json", f"f{number}", "is wrong (got 1)", "mend it") for number in range(count)
    )


def report(*judged: Judged) -> Report:
    return Report("0" * 40, 1, judged, ())


PREVIEW = Preview(**{**preview(), "before": None, "after": None})
REFUSES, ASKS = (next(rule for rule in RULES if rule.asks == asks) for asks in (False, True))


@bounded
@given(REPORTS)
def test_any_report_can_be_written_and_passes_its_schema(drawn: Report) -> None:
    raw = json.dumps(as_data(drawn), ensure_ascii=False).encode()
    found = read_report(raw, "report.json")
    assert isinstance(found, dict), [str(one) for one in found]


@bounded
@given(REPORTS)
def test_any_report_is_printable_lines(drawn: Report) -> None:
    for line in as_text(drawn, 80):
        assert click.unstyle(line).isprintable() or not line
        assert len(click.unstyle(line)) <= 80 or len(click.unstyle(line).split()[-1]) > 40


def test_a_rule_without_problems_is_passed() -> None:
    assert report(Judged(REFUSES, ())).verdict == "passed"


def test_the_worst_verdict_is_the_reports() -> None:
    broken, asked, passed = Judged(REFUSES, problems(1)), Judged(ASKS, problems(1)), Judged(ASKS, ())
    assert [one.verdict for one in (broken, asked, passed)] == ["refused", "for a person", "passed"]
    assert report(passed, asked).verdict == "for a person"
    assert report(asked, broken, passed).verdict == "refused"
    assert report().verdict == "nothing submitted"


def test_of_many_problems_some_are_told_and_all_counted() -> None:
    (rule,) = as_data(report(Judged(REFUSES, problems(50))))["rules"]
    assert (rule["count"], len(rule["problems"])) == (50, MOST_PROBLEMS)
    lines = list(as_text(report(Judged(REFUSES, problems(50)))))
    assert "    and 30 more" in lines


def test_the_last_line_is_the_verdict() -> None:
    def last(*judged: Judged) -> str:
        return list(as_text(report(*judged)))[-1]

    assert last(Judged(REFUSES, problems(3)), Judged(ASKS, problems(1))) == (
        "refused by 1 rule; 1 rule for a person to decide"
    )
    assert last(Judged(REFUSES, ()), Judged(ASKS, ())) == "none of 2 rules refuses it"
    assert last() == "nothing submitted: no row, ledger entry or new device among 1 changed file"


def test_what_refuses_stands_first_then_what_a_person_decides_then_the_rows_and_the_verdict_last() -> None:
    judged = (Judged(ASKS, problems(1)), Judged(REFUSES, problems(1)), Judged(ASKS, ()), Judged(REFUSES, ()))
    shown = Report("0" * 40, 1, judged, (PREVIEW,))
    lines = [click.unstyle(line) for line in as_text(shown)]
    told = [line.strip() for line in lines if line.startswith("  ") and not line.startswith("    ")]
    assert told == [
        f"refused       {REFUSES.title}",
        f"for a person  {ASKS.title}",
        "run-1",
        "passed        2 of 4 rules",
    ]
    assert lines[-2:] == ["", "refused by 1 rule; 1 rule for a person to decide"]


def test_what_passed_takes_one_line() -> None:
    lines = [click.unstyle(line) for line in as_text(report(*(Judged(rule, ()) for rule in RULES)))]
    every = len(RULES)
    assert lines == [f"  passed        {every} of {every} rules", "", f"none of {every} rules refuses it"]


def test_a_new_row_is_shown_in_full(repository: Repository) -> None:
    repository.submit(repository.row())
    (shown,) = repository.check()["previews"]
    assert set(shown) == {one.name for one in fields(Preview)}
