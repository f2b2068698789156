"""The ledger: in its order, whole, and what of it a page shows."""

from __future__ import annotations

import re
from html import unescape

import pytest

from generator import ledger as ledger_module
from generator.beside import Helper
from generator.build import prepare
from generator.cards import write_cards
from generator.charts.svg import Charts
from generator.context import site_context
from generator.ledger import LedgerView
from generator.pages import inject
from generator.submission.rules import RULES
from tests.generator.examples import Folder, about, samples, timing, timings


@pytest.fixture
def told(basic: Folder) -> Folder:
    """Two rows withdrawn on two days, one of kernels alone, and a row that was measured three times."""
    for day in (1, 2, 3):
        at = f"2026-01-0{day}T00:00:00Z"
        basic.measured(f"run-{day}", "gpu-a", samples([10**6 * day]), measured_at=at)
    basic.reported("figure", "gpu-b", 50).measured("norms", "gpu-b", None, timings(timing("norm", ns=[9])))
    entries = [
        {"result": "figure", "date": "2026-01-01", "reason": "misread", "by": "us"},
        {"result": "norms", "date": "2026-01-05", "reason": "a wrong clock", "by": "them"},
    ]
    return basic.put("retracted.yml", {"schema": "decode-board/retracted/1", "retractions": entries})


def page(folder: Folder, name: str) -> str:
    """The Markdown of a page with its fragments in it."""
    made = prepare(folder.layout).pages[name]
    return inject(made.markdown, made)


def test_the_latest_withdrawal_comes_first(told: Folder) -> None:
    first, second = LedgerView(told.board()).withdrawn
    assert (first.entry.result, first.entry.by, first.tok_per_s) == ("norms", "them", None)
    assert (second.run.run, second.device_name, second.tok_per_s) == ("figure", "Device gpu-b", about(50))


def test_each_superseded_row_stands_beside_the_one_that_counts(told: Folder) -> None:
    found = [(one.row.run, one.by.run) for one in LedgerView(told.board()).shown]
    assert found == [("run-2", "run-3"), ("run-1", "run-3")]


def test_machines_get_the_withdrawals_in_the_order_of_the_record(told: Folder) -> None:
    known = LedgerView(told.board()).as_json()
    assert [one["run"] for one in known["withdrawn"]] == ["figure", "norms"]
    assert [one["superseded_by"] for one in known["superseded"]] == ["run-3", "run-3"]


def test_the_page_has_every_entry_with_its_reason_and_its_file(told: Folder) -> None:
    text = page(told, "ledger.md")
    for said in (
        "misread",
        "a wrong clock",
        "2026-01-05",
        "them",
        "rows/figure/",
        "rows/norms/",
    ):
        assert said in text
    assert [
        f'id="{name}"' in text for name in ("withdrawn-norms", "superseded-run-1", "superseded-run-2")
    ] == [True] * 3
    assert "None so far" not in text


def test_an_empty_ledger_says_so(basic: Folder) -> None:
    text = page(basic.reported("r", "gpu-a"), "ledger.md")
    assert text.count("None so far.") == 2
    assert "Open an issue" in text


def test_a_reader_is_led_to_the_form_of_the_repository(told: Folder) -> None:
    text = page(told.instructions(), "ledger.md")
    assert re.search(r"\]\(https://[^)]+/issues/new\?template=dispute-row\.yml\)", text)


def test_a_page_shows_the_latest_superseded_rows_and_says_where_all_are(
    told: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledger_module, "MOST_SUPERSEDED_ROWS", 1)
    text = page(told, "ledger.md")
    assert 'id="superseded-run-2"' in text
    assert 'id="superseded-run-1"' not in text
    assert "1 of 2; all are in" in text


@pytest.mark.parametrize("name", ["decode.md", "devices/gpu-b.md"])
def test_a_withdrawn_row_is_struck_through_with_its_reason(told: Folder, name: str) -> None:
    text = page(told, name)
    (row,) = re.findall(r'<tr id="row-figure" class="withdrawn">.*?</tr>', text, re.DOTALL)
    assert "2026-01-01, us: misread" in row
    assert 'ledger/#withdrawn-figure">withdrawn</a>' in row
    assert '<td class="num rank">–</td>' in row


@pytest.mark.parametrize("name", ["decode.md", "devices/gpu-a.md"])
def test_a_superseded_row_leads_to_the_one_that_took_its_place(told: Folder, name: str) -> None:
    (row,) = re.findall(r'<tr id="row-run-1">.*?</tr>', page(told, name), re.DOTALL)
    assert '<span class="state state-role">superseded</span>' in row
    assert 'href="#row-run-3"' in row
    assert 'id="row-run-3"' in page(told, name)


def test_where_nothing_else_may_be_shown_the_reference_is(
    told: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("generator.views.MOST_DECODE_ROWS", 0)
    told.reported("ref", "gpu-b", role="reference")
    view = site_context(told.board(), None, Charts(None, Helper()))[0]["models"][0]
    assert [row.run for row in view.headline] == ["ref"]


def test_a_superseded_rows_card_leads_to_the_card_that_took_its_place(told: Folder) -> None:
    write_cards(told.board(), "<div data-card></div>", "", told.layout, told.layout.site)
    assert 'href="../../rows/run-3/"' in (told.layout.site / "rows/run-1/index.html").read_text()


@pytest.mark.parametrize("name", ["decode.md", "devices/gpu-a.md", "index.md"])
def test_a_reproduced_row_says_by_whom_and_with_which_drift(basic: Folder, name: str) -> None:
    for who, ns in (("Ada", 10_000), ("Bo", 10_200), ("Cy", 30_000)):
        basic.measured(f"run-{who.lower()}", "gpu-a", samples([ns]), submitter=who)
    text = page(basic, name).replace("\u00a0", " ")
    assert text.count(">reproduced</a>") >= 2
    assert "1 of 2 within 5 %, drift −2.0 %: by Bo" in text
    assert "2 other runs, none within 5 %, drift +194.1 to +200.0 %" in text
    assert "and reproduced by 1 other submitter; raw samples there" in text


def test_many_submitters_are_counted_not_all_named(basic: Folder) -> None:
    for number in range(6):
        basic.measured(
            f"run-{number}", "gpu-a", samples([10_000 + number]), submitter=f"Person {number} " + "x" * 80
        )
    text = page(basic, "decode.md").replace("\u00a0", " ")
    assert "5 of 5 within 5 %" in text
    assert " and 2 more" in text
    assert "x" * 40 not in re.sub(r'title="[^"]*"', "", text)


def test_every_rule_of_a_submission_stands_on_the_methodology_page(basic: Folder) -> None:
    text = page(basic.reported("r", "gpu-a"), "methodology.md")
    for rule in RULES:
        (row,) = re.findall(rf'<tr id="rule-{rule.id}">.*?</tr>', text, re.DOTALL)
        assert rule.title in unescape(row)
        assert ("a person looks" if rule.asks else "refused") in row
    assert text.count('<tr id="rule-') == len(RULES)
