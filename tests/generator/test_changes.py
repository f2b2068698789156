"""The history in words: what is told together, and how it reads."""

from __future__ import annotations

import re
from html import unescape

import pytest

from generator import changes as changes_module
from generator.changes import Change, History
from generator.history import LEAD, MEASURED, PUBLISHED, REPRODUCED, SUPERSEDED, WITHDRAWN
from generator.ledger import LedgerView
from generator.pages import Page, inject, render_pages
from tests.generator.examples import REPOSITORY, Folder, samples, timing, timings
from tests.generator.test_history import at, taken


def of_kind(folder: Folder, kind: str) -> list[Change]:
    return [change for change in History(folder.board()).shown if change.kind == kind]


def made(folder: Folder) -> Page:
    """The page alone: rendering all others would take seconds."""
    site_src = folder.root / "site_src"
    if not site_src.exists():
        (site_src / "pages").mkdir(parents=True)
        for part in (REPOSITORY / "site_src").iterdir():
            if part.name != "pages":
                (site_src / part.name).symlink_to(part)
        (site_src / "pages/changes.md").symlink_to(REPOSITORY / "site_src/pages/changes.md")
    board = folder.board()
    context = {"board": board, "history": History(board), "ledger": LedgerView(board)}
    (page,) = render_pages(site_src, context, {})
    return page


def page(folder: Folder) -> str:
    """The page as HTML and Markdown, with its entities in plain."""
    whole = made(folder)
    return unescape(inject(whole.markdown, whole))


def test_many_figures_of_one_source_and_day_are_one_change(basic: Folder) -> None:
    for index in range(11):
        basic.reported(f"r{index}", "gpu-a", 10 + index, source=taken(1))
    basic.reported("norms", "gpu-b", None, timings(timing("norm", us=3)), source=taken(1))
    basic.reported("later", "gpu-a", 10, source=taken(2)).reported(
        "else", "gpu-a", 10, source=taken(1, "a book")
    )
    found = [change.sentence for change in of_kind(basic, PUBLISHED)]
    assert found == [
        "Device gpu-a: 10.0 tok/s, published in a paper",
        "Device gpu-a: 10.0 tok/s, published in a book",
        "11 decode rows and 1 kernel latency taken from a paper",
    ]


def test_one_event_is_told_with_its_device(basic: Folder) -> None:
    step = timings(timing("norm", ns=[9]), timing("proj", ns=[9]))
    basic.measured("ours", "gpu-a", samples([10**8]), step, submitter="Ada", measured_at=at(1))
    assert [change.sentence for change in of_kind(basic, MEASURED)] == [
        "Device gpu-a: 10.0 tok/s and 2 kernel latencies, measured by Ada"
    ]


def test_roles_and_quick_runs_are_named(basic: Folder) -> None:
    basic.measured("ours", "gpu-a", samples([10**8]), measured_at=at(1), quick=True)
    basic.reported("ref", "gpu-b", 1, role="reference", source=taken(1))
    assert "10.0 tok/s in a quick run, measured by" in of_kind(basic, MEASURED)[0].words
    assert "1.0 tok/s as the reference, published in" in of_kind(basic, PUBLISHED)[0].words


def test_what_changed_a_standing_names_both_sides(basic: Folder) -> None:
    basic.measured("ada", "gpu-a", samples([10**8]), submitter="Ada", measured_at=at(1))
    basic.measured("bo", "gpu-a", samples([98 * 10**6]), submitter="Bo", measured_at=at(2))
    basic.measured("again", "gpu-a", samples([5 * 10**8]), submitter="Ada", measured_at=at(3)).retract(
        "again"
    )
    basic.measured("more", "gpu-a", samples([2 * 10**8]), submitter="Ada", measured_at=at(4))
    assert [change.words for change in of_kind(basic, SUPERSEDED)] == [
        "10.0 tok/s, measured on 2026-01-01, superseded by Ada’s later run (5.0 tok/s)"
    ]
    assert [change.words for change in of_kind(basic, REPRODUCED)] == [
        "Bo’s run (10.2 tok/s) reproduces Ada’s, 2.0 % apart"
    ]
    assert [change.words for change in of_kind(basic, WITHDRAWN)] == [
        "2.0 tok/s, withdrawn by us: a wrong clock"
    ]
    assert [change.words for change in of_kind(basic, LEAD)] == [
        "the fastest ranked row in decoding Tiny 1K: 10.2 tok/s"
    ]


def test_a_new_lead_names_the_one_before(basic: Folder) -> None:
    basic.reported("first", "gpu-a", 50, source=taken(1)).reported("next", "gpu-b", 60, source=taken(2))
    basic.reported("own", "gpu-b", 70, source=taken(3))
    assert [change.words.partition(": ")[2] for change in of_kind(basic, LEAD)] == [
        "70.0 tok/s, before an earlier row of its own (60.0 tok/s)",
        "60.0 tok/s, before Device gpu-a (50.0 tok/s)",
        "50.0 tok/s",
    ]


def test_an_id_stays_when_another_row_of_that_day_and_source_is_filed(basic: Folder) -> None:
    basic.reported("a", "gpu-a", 10, source=taken(1)).reported("b", "gpu-a", 11, source=taken(1))
    (before,) = of_kind(basic, PUBLISHED)
    basic.reported("c", "gpu-b", 9, source=taken(1)).reported("d", "gpu-b", 9, source=taken(2))
    after = of_kind(basic, PUBLISHED)[-1]
    assert (before.id, before.words) != (after.id, after.words)
    assert before.id == after.id
    assert len({change.id for change in History(basic.board()).shown}) == 3


def test_a_change_happened_when_the_last_of_it_did(basic: Folder) -> None:
    for name, hour in (("b", "08"), ("a", "10")):
        basic.measured(
            name, "gpu-a", None, timings(timing("norm", ns=[9])), measured_at=f"2026-01-01T{hour}:00:00Z"
        )
    basic.reported("r", "gpu-a", 10, source=taken(1))
    assert of_kind(basic, MEASURED)[0].at == "2026-01-01T10:00:00Z"
    assert of_kind(basic, PUBLISHED)[0].at == "2026-01-01T00:00:00Z"


def test_the_page_goes_month_by_month_the_latest_first(basic: Folder) -> None:
    for month in (1, 5, 3):
        basic.measured(
            f"run-{month}", "gpu-a", None, timings(timing("norm", ns=[9])), measured_at=at(1, month)
        )
    assert re.findall(r"^## (.*)$", page(basic), re.MULTILINE) == [
        "May 2026", "March 2026", "January 2026", "How to read this page",
    ]  # fmt: skip


def test_the_page_leads_to_rows_devices_the_ledger_and_the_feed(basic: Folder) -> None:
    basic.measured("ours", "gpu-a", samples([10**6]), measured_at=at(3)).retract("ours")
    text = page(basic)
    for target in ("rows/ours/", "devices/gpu-a/", "ledger/#withdrawn-ours", "feed.xml"):
        assert f'href="../{target}"' in text


def test_an_empty_page_says_so(basic: Folder) -> None:
    assert "Nothing has been filed yet." in page(basic)


def test_the_page_shows_the_latest_changes_and_few_runs_of_each(
    basic: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(changes_module, "MOST_CHANGES", 2)
    monkeypatch.setattr(changes_module, "MOST_RUNS_NAMED", 3)
    for index in range(5):
        basic.reported(f"r{index}", "gpu-a", 10 + index, source=taken(2))
    basic.reported("old", "gpu-a", 1, source=taken(1))
    text = page(basic)
    assert text.count('<li id="change-') == 2
    assert "1.0 tok/s, published in" not in text
    assert "the latest 2 of 4 changes" in text
    assert "and 2 more" in text


def test_text_of_the_record_is_text_on_the_page(basic: Folder) -> None:
    poison = 'x" onload="y {{ 7 * 6 }} & `z` [c](javascript:1)'
    basic.device("gpu-c", name=poison).reported("r", "gpu-c", 10, source=taken(1, poison))
    whole = made(basic)
    assert poison not in inject(whole.markdown, whole)
    assert "x&#34; onload=&#34;y {{ 7 * 6 }} &amp; `z` [c](javascript:1)" in whole.fragments[0]
