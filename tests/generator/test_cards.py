"""Cards on disk: one a run, made anew when anything they show changes, and only then."""

from __future__ import annotations

import re
from html import unescape
from pathlib import Path

import pytest

from generator.cards import write_cards
from tests.generator.examples import Folder, samples, timing, timings

SHELL = (
    "<title>board-card-title</title><meta content='board-card-description'>"
    "<link href='https://board.example/rows/shell/'><h1>board-card-heading</h1><div data-card></div>"
)


@pytest.fixture
def folder(basic: Folder) -> Folder:
    basic.measured("run-1", "gpu-a", samples([10**6] * 4), submitter='A "Person" & others')
    return basic.measured("kernels", "gpu-a", None, timings(timing("norm", ns=[9, 9])))


def write(folder: Folder, name: str = "site", shell: str = SHELL) -> Path:
    site = folder.root / name
    write_cards(folder.board(), shell, "https://board.example/", folder.layout, site)
    return site


def test_each_run_has_the_shell_filled_with_its_own(folder: Folder) -> None:
    site = write(folder)
    html = (site / "rows/run-1/index.html").read_text()
    assert "<title>Device gpu-a: 1000 tok/s" in html
    assert "<h1>Device gpu-a</h1>" in html
    assert "https://board.example/rows/run-1/" in html
    assert not re.search("board-card-|data-card|rows/shell", html)
    assert (site / "rows/kernels/index.html").exists()


def test_text_of_the_record_stays_text(folder: Folder) -> None:
    html = (write(folder) / "rows/run-1/index.html").read_text()
    assert 'A "Person"' not in html
    assert 'A "Person" & others' in unescape(html)


def test_a_second_build_takes_the_same_files(folder: Folder) -> None:
    first, second = write(folder, "one"), write(folder, "two")
    card = Path("rows/run-1/index.html")
    assert (first / card).samefile(second / card)


def test_a_change_of_the_shell_or_the_data_makes_them_anew(folder: Folder) -> None:
    first = (write(folder, "one") / "rows/run-1/index.html").read_text()
    assert (write(folder, "two", SHELL + "<!-- new -->") / "rows/run-1/index.html").read_text() != first
    folder.retract("run-1")
    assert "Withdrawn" in (write(folder, "three") / "rows/run-1/index.html").read_text()


def test_what_was_cut_short_is_not_taken_for_whole(folder: Folder) -> None:
    part = folder.layout.cache / "cards" / "part"
    part.mkdir(parents=True)
    (part / "stray.html").write_text("half")
    assert not (write(folder) / "rows/stray").exists()
