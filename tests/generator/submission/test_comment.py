"""A report as a comment: whatever it holds, GitHub shows that text, and makes nothing of it."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from html.parser import HTMLParser

import cmarkgfm
import pytest
from cmarkgfm.cmark import Options
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from generator.submission.comment import MOST_BYTES, inert, markdown, read_report
from generator.submission.facts import excerpt, facts
from generator.submission.rules import RULES
from schemas.load import schema
from tests.generator.submission.reports import HOSTILE, preview, reports, texts
from tests.submissions import Data

SITE = "https://board.example/methodology/"
SHOWN = {
    "h3",
    "p",
    "strong",
    "code",
    "ul",
    "li",
    "table",
    "thead",
    "tbody",
    "tr",
    "th",
    "td",
    "details",
    "summary",
    "a",
}
bounded = settings(
    derandomize=True,
    database=None,
    deadline=None,
    max_examples=25,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


@dataclass
class Page(HTMLParser):
    """What a reader sees of GitHub's rendering: the tags, the links, and the text of each line and table row."""

    tags: set[str] = field(default_factory=set)
    links: list[str] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    rows: list[list[str]] = field(default_factory=list)
    text: str = ""

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.links += [value or "" for name, value in attrs if name in {"href", "src"}]
        if tag == "tr":
            self.rows.append([])
        elif tag in {"td", "th"}:
            self.rows[-1].append("")
        elif tag == "li":
            self.lines.append("")

    def handle_data(self, data: str) -> None:
        self.text += data
        if self.rows and self.rows[-1]:
            self.rows[-1][-1] += data
        if self.lines:
            self.lines[-1] += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "li":
            self.lines.append("")
        elif tag == "tr":
            self.rows.append([])


def page(comment: str) -> Page:
    found = Page()
    found.feed(cmarkgfm.github_flavored_markdown_to_html(comment, options=Options.CMARK_OPT_UNSAFE))
    found.close()
    return found


def seen(text: str) -> str:
    """``text`` as a browser shows it: without the joiner that nobody sees, and with single spaces."""
    printed = "".join(letter if letter.isprintable() else " " for letter in text.replace("\u2060", ""))
    return " ".join(printed.split())


def line_of(problem: Data) -> str:
    return seen("{path}: {field} {problem}; {remedy}".format(**problem))


TITLES = {rule.id: rule.title for rule in RULES}


def judged(**broken: int) -> list[Data]:
    """What came of every rule: so many problems of each that is named."""
    return [
        {
            "id": rule.id,
            "title": rule.title,
            "verdict": "passed" if rule.id not in broken else "for a person" if rule.asks else "refused",
            "count": broken.get(rule.id, 0),
            "problems": [problem()] * min(1, broken.get(rule.id, 0)),
        }
        for rule in RULES
    ]


def report(**changes: object) -> Data:
    """A report of one broken rule."""
    empty = {"schema": "decode-board/report/1", "base": "0" * 40, "verdict": "refused", "changes": 1}
    return empty | {"rules": judged(valid=1), "previews": []} | changes


def problem(**changes: str) -> Data:
    return {
        "path": "data/a.json",
        "field": "id",
        "problem": "is wrong (got 1)",
        "remedy": "mend it",
    } | changes


# --- what text becomes ----------------------------------------------------------------------------


FORMS = {
    "- x {} y": "x {} y",
    "| a |\n|---|\n| x {} y |": "a x {} y",
    "**x {} y**": "x {} y",
    "<code>x {} y</code>": "x {} y",
    "a [x {} y](https://a.example) b": "a x {} y b",
}


@bounded
@given(texts())
@example("".join(HOSTILE))
def test_any_text_stays_that_text(text: str) -> None:
    for form, said in FORMS.items():
        shown = page(form.replace("{}", inert(text)))
        assert seen(shown.text) == seen(said.replace("{}", text))
        assert shown.tags <= SHOWN
        assert shown.links == (["https://a.example"] if "https" in form else [])


@pytest.mark.parametrize("text", HOSTILE)
def test_what_github_makes_a_link_or_a_mention_of_is_broken_apart(text: str) -> None:
    shown = page(inert(f"see {text} there")).text
    assert not re.search(
        r"@\w|#\d|://|\b(gh|ghsa|cve)-\w|\bwww\.\w|\w:\w+:|\b[0-9a-f]{7,40}\b", shown, re.IGNORECASE
    )


@pytest.mark.parametrize("word", ["a" * 7, "0123abc", "1" * 39 + "f", "ABCDEF0"])
def test_a_word_that_may_be_a_commit_is_broken_where_nobody_sees_it(word: str) -> None:
    shown = page(inert(f"see ({word}), x_{word}")).text
    assert not re.search("[0-9a-fA-F]{5}", shown)
    assert seen(shown) == f"see ({word}), x_{word}"


@pytest.mark.parametrize(
    "text",
    [
        "1234567",
        "1,234,567 ns",
        "20260201120000",
        "facade",
        "gpu-a-f16-20260201t120000z",
        "a" * 41,
        "1.0000001",
    ],
)
def test_numbers_and_words_that_are_no_commit_are_left_alone(text: str) -> None:
    assert page(inert(text)).text.strip() == f"{text}"


def test_text_takes_one_line() -> None:
    assert inert("a\nb\r\u2028c\x1b[0m").splitlines() == ["a b  c &#91;0m"]


# --- the comment ----------------------------------------------------------------------------------


@bounded
@given(reports())
def test_any_report_becomes_a_comment_that_says_what_it_says(drawn: Data) -> None:
    comment = markdown(drawn, SITE)
    assert len(comment) <= 65_536
    shown = page(comment)
    assert shown.tags <= SHOWN
    assert all(re.fullmatch(re.escape(SITE) + r"#rule-[a-z0-9-]+", link) for link in shown.links), shown.links
    assert not re.search(r"@\w|#\d|://|\bwww\.\w", shown.text, re.IGNORECASE)
    if not drawn["rules"]:
        assert "nothing of the record" in comment
        return
    rows = [[seen(cell) for cell in row] for row in shown.rows if row]
    lines = [seen(line) for line in shown.lines]
    for rule, told in zip(RULES, drawn["rules"], strict=True):
        broken = "👀 for a person" if rule.asks else "❌ refused"
        assert [rule.title, broken if told["count"] or told["problems"] else "✅ passed"] in rows
        for one in told["problems"]:
            assert line_of(one) in lines
    for shown_row in drawn["previews"]:
        for about, said in facts(shown_row):
            assert [about, seen(said)] in rows
        for *cells, _ in excerpt(shown_row):
            assert [seen(cell) for cell in cells] in rows
    facts_and_cells = sum(len(list(facts(one))) + len(list(excerpt(one))) + 2 for one in drawn["previews"])
    assert len(rows) == facts_and_cells + len(drawn["rules"]) + 1


def test_a_comment_tells_the_rule_the_place_and_the_remedy() -> None:
    shown = page(markdown(report(), SITE))
    assert "Refused: something is to be mended" in shown.text
    assert shown.lines[0] == "data/a.json: id is wrong (got 1); mend it"
    assert shown.links == [
        f"{SITE}#rule-valid",
        *(f"{SITE}#rule-{rule.id}" for rule in RULES),
    ]


@pytest.mark.parametrize("verdict", ["passed", "for a person", "nothing submitted"])
def test_a_report_is_not_believed_what_it_calls_a_broken_rule(verdict: str) -> None:
    told = [rule | {"title": "Only a formality", "verdict": "passed"} for rule in judged(valid=1, outlier=1)]
    comment = markdown(report(verdict=verdict, rules=told), SITE)
    shown = page(comment)
    assert comment.startswith("### ❌ Refused")
    assert "formality" not in shown.text
    rows = [[seen(cell) for cell in row] for row in shown.rows]
    assert [TITLES["valid"], "❌ refused"] in rows
    assert [TITLES["outlier"], "👀 for a person"] in rows


def test_what_asks_is_for_a_person_and_comes_after_what_refuses() -> None:
    assert markdown(report(verdict="refused", rules=judged(outlier=2)), SITE).startswith(
        "### 👀 No rule refuses"
    )
    comment = markdown(report(rules=judged(withdrawal=1, varied=1)), SITE)
    assert comment.index(TITLES["varied"]) < comment.index(TITLES["withdrawal"])


def test_a_rule_with_problems_that_it_does_not_count_is_broken() -> None:
    told = [rule | {"count": 0} for rule in judged(valid=1)]
    assert markdown(report(rules=told), SITE).startswith("### ❌ Refused")


def test_every_table_has_a_header() -> None:
    assert "| | |" not in markdown(report(previews=[preview()]), SITE)
    assert "\n| of the row | |\n|---|---|\n" in markdown(report(previews=[preview()]), SITE)


def test_what_is_left_out_is_counted() -> None:
    assert "- and 1,233 more\n" in markdown(report(rules=judged(valid=1_234)), SITE)


def test_where_the_site_is_not_known_nothing_is_linked() -> None:
    shown = page(markdown(report(), None))
    assert shown.links == []
    assert TITLES["valid"] in shown.text


def test_a_comment_is_cut_at_a_line_and_says_so() -> None:
    problems = [problem(problem="&" * 401, remedy=f"{number}") for number in range(20)]
    comment = markdown(report(rules=[rule | {"count": 20, "problems": problems} for rule in judged()]), SITE)
    assert 50_000 < len(comment) <= 65_536
    assert comment.endswith("\nThis is cut short; the log of the check has all of it.\n")
    assert page(comment).tags <= SHOWN


def test_a_comment_that_is_cut_within_what_is_folded_unfolds_its_end() -> None:
    comment = markdown(report(verdict="passed", rules=judged()), "https://board.example/" + "a" * 3_000)
    assert comment.index("</details>") < comment.index("This is cut short")


# --- who wrote it ---------------------------------------------------------------------------------


def read(raw: bytes) -> Data | list[str]:
    found = read_report(raw, "report.json")
    return found if isinstance(found, dict) else [str(problem) for problem in found]


@bounded
@given(reports())
def test_a_report_that_fits_its_schema_is_read(drawn: Data) -> None:
    assert read(json.dumps(drawn, ensure_ascii=False).encode()) == json.loads(json.dumps(drawn))


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"", "is not JSON"),
        (b"\xff", "is not UTF-8"),
        (b"[" * 100_000, "report.json: file: "),
        (b"[]", "must be a mapping"),
        (b'{"a": 1, "a": 2}', "stands twice"),
        (b" " * (MOST_BYTES + 1), f"is too large (got {MOST_BYTES + 1:,} bytes); a report has at most"),
    ],
)
def test_what_is_no_report_is_refused(raw: bytes, said: str) -> None:
    lines = read(raw)
    assert isinstance(lines, list)
    assert said in lines[0]


@pytest.mark.parametrize(
    "changes",
    [
        {"schema": "decode-board/report/2"},
        {"verdict": "merged"},
        {"base": "main"},
        {"changes": -1},
        {"html": "<b>"},
        {"rules": judged()[:1] * 101},
        {"rules": [rule | {"id": "a)(https://evil.example"} for rule in judged()]},
        {"rules": [rule | {"verdict": "fine"} for rule in judged()]},
        {"rules": [rule | {"problems": [problem()] * 21} for rule in judged()]},
        {"rules": [rule | {"problems": [problem(path="a\nb")]} for rule in judged()]},
        {"rules": [rule | {"problems": [problem(path="a\u202eb")]} for rule in judged()]},
        {"rules": [rule | {"problems": [problem(path="a" * 402)]} for rule in judged()]},
        {"previews": [{}]},
    ],
)
def test_a_report_beyond_its_schema_is_refused(changes: Data) -> None:
    lines = read(json.dumps(report(**changes)).encode())
    assert isinstance(lines, list)
    assert "are not those of this revision" not in lines[0]


_ALL = judged()
_UNKNOWN = _ALL[0] | {"id": "of-tomorrow"}


@pytest.mark.parametrize(
    ("rules", "differ"),
    [
        (_ALL[1:], f"{len(RULES) - 1} rules; without '{RULES[0].id}'"),
        ([*_ALL, _UNKNOWN], f"{len(RULES) + 1} rules; with the unknown 'of-tomorrow'"),
        (
            [*_ALL[1:], _UNKNOWN],
            f"{len(RULES)} rules; without '{RULES[0].id}'; with the unknown 'of-tomorrow'",
        ),
        (_ALL[::-1], f"{len(RULES)} rules; in another order, or more than once"),
        ([*_ALL, _ALL[0]], f"{len(RULES) + 1} rules; in another order, or more than once"),
        ([], f"0 rules; without {', '.join(repr(rule.id) for rule in RULES[:3])} and {len(RULES) - 3} more"),
    ],
)
def test_a_report_of_other_rules_is_refused(rules: list[Data], differ: str) -> None:
    assert read(json.dumps(report(rules=rules)).encode()) == [
        f"report.json: rules: are not those of this revision (got {differ}); check the submission again with this "
        "revision"
    ]


def test_where_nothing_was_submitted_there_is_no_rule_and_no_preview() -> None:
    nothing = report(verdict="nothing submitted", rules=[])
    assert read(json.dumps(nothing).encode()) == nothing
    assert isinstance(read(json.dumps(nothing | {"previews": [preview()]}).encode()), list)


def test_the_schema_bounds_every_text() -> None:
    described = json.dumps(schema("report"))
    assert described.count('"type": "string"') == 3  # the base, the id of a rule, and text


@bounded
@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(raw: bytes) -> None:
    assert isinstance(read(raw), list)
