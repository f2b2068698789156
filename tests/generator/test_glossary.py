"""Terms of the glossary, said in place."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from generator.glossary import read_glossary
from generator.pages import Page, render_pages

ROOT = Path(__file__).resolve().parents[2]


def source(
    tmp_path: Path, text: str, glossary: str = "mbu: {name: MBU, says: 'a <share>', long: utilisation}\n"
) -> Path:
    site_src = tmp_path / "site_src"
    (site_src / "pages").mkdir(parents=True)
    (site_src / "fragments").mkdir()
    (site_src / "glossary.yml").write_text(glossary)
    (site_src / "fragments/terms.html").write_text((ROOT / "site_src/fragments/terms.html").read_text())
    (site_src / "pages/index.md").write_text(text)
    return site_src


def rendered(site_src: Path) -> Page:
    (page,) = render_pages(site_src, {}, {})
    return page


def test_a_term_is_a_button_that_opens_its_meaning(tmp_path: Path) -> None:
    page = rendered(source(tmp_path, 'The {{ term("mbu") }} and the {{ term("mbu", "same again") }}.'))
    assert page.markdown.count('popovertarget="term-mbu"') == 2
    assert ">same again</button>" in page.markdown
    (meanings,) = page.fragments
    assert meanings.count('id="term-mbu"') == 1
    assert "a &lt;share&gt;" in meanings


def test_a_page_without_terms_ends_as_it_was_written(tmp_path: Path) -> None:
    page = rendered(source(tmp_path, "No term here."))
    assert page.markdown == "No term here."
    assert page.fragments == []


def test_an_unknown_term_stops_the_build(tmp_path: Path) -> None:
    with pytest.raises(KeyError, match="speed"):
        rendered(source(tmp_path, '{{ term("speed") }}'))


def test_the_terms_that_newcomers_lack_are_explained() -> None:
    terms = read_glossary(ROOT / "site_src")
    assert {"mbu", "tpot", "gqa", "roofline", "depth"} <= terms.keys()
    for key, term in terms.items():
        assert re.fullmatch(r"[a-z0-9-]+", key)
        assert len(term.says) > 40
        assert term.says.endswith(".")
