"""Files that are no pages: the feed, the sitemap, and what programs look for at the site's root."""

from __future__ import annotations

import gzip
import re
import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from generator.api import SCHEMAS, downloads
from generator.changes import History
from generator.ledger import LedgerView
from generator.pages import Page
from generator.tables import Board
from generator.verbatim import (
    MOST_IN_SITEMAP,
    Site,
    address,
    addresses,
    main_pages,
    verbatim_files,
    well_formed,
    write_files,
)
from tests.conftest import SITE_FOLDER
from tests.generator.examples import REPOSITORY, Folder, samples
from tests.generator.test_history import at, taken

URL = "https://board.example/decode-board/"
FRONT_MATTER = "---\ntitle: A page &amp; more\ndescription: 'about \"it\"'\n---\n# A page\n"
ATOM = "{http://www.w3.org/2005/Atom}"
INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


def known(board: Board) -> dict[str, Any]:
    """What the templates see of a board, as far as they look: making all of it would take seconds."""
    history, ledger = History(board), LedgerView(board)
    return {
        "board": board,
        "history": history,
        "ledger": ledger,
        "downloads": downloads(board),
        "schemas": SCHEMAS,
    }


def files(board: Board, site: Site) -> dict[str, str]:
    """Every file by its path, as text."""
    pages = {
        path: Page(path, FRONT_MATTER)
        for path in ("index.md", "ledger.md", "rows/shell.md", "devices/gpu-a.md")
    }
    found = verbatim_files(REPOSITORY / "site_src", known(board), pages, site, None)
    return {name: content.decode() for name, content in found}


def rendered(folder: Folder, url: str = URL) -> dict[str, str]:
    """The same for what is filed."""
    return files(folder.board(), Site("Decode Board", "What it is.", url))


def tree(text: str) -> ET.Element:
    return ET.fromstring(text)  # noqa: S314 - we wrote it


def feed(folder: Folder, url: str = URL) -> ET.Element:
    return tree(rendered(folder, url)["feed.xml"])


def text(element: ET.Element, name: str) -> str:
    found = element.find(f"{ATOM}{name}")
    assert found is not None
    return "".join(found.itertext()).strip()


def links(element: ET.Element) -> dict[str, str]:
    return {link.attrib["rel"]: link.attrib["href"] for link in element.findall(f"{ATOM}link")}


@pytest.fixture
def filed(basic: Folder) -> Folder:
    """Two figures of one source, and a measured row that was withdrawn."""
    basic.reported("a", "gpu-a", 10, source=taken(1)).reported("b", "gpu-b", 20, source=taken(1))
    return basic.measured("ours", "gpu-a", samples([10**6]), measured_at=at(3)).retract("ours")


@pytest.mark.parametrize("url", [URL, ""])
def test_the_feed_has_what_atom_requires(filed: Folder, url: str) -> None:
    root = feed(filed, url)
    entries = root.findall(f"{ATOM}entry")
    assert root.tag == f"{ATOM}feed"
    assert len(entries) == 4  # withdrawn, measured, a lead, two figures told together
    assert text(root, "author") == "Decode Board"
    for element in (root, *entries):
        assert text(element, "title")
        assert INSTANT.fullmatch(text(element, "updated"))
        assert re.match(r"(https|urn):", text(element, "id"))
        assert links(element)["alternate"]
    ids = [text(entry, "id") for entry in entries]
    assert len(set(ids)) == len(ids)
    assert text(root, "updated") == max(text(entry, "updated") for entry in entries)


def test_the_feed_of_a_site_with_an_address_has_absolute_links_and_names_itself(filed: Folder) -> None:
    content = rendered(filed)["feed.xml"]
    assert links(tree(content))["self"] == text(tree(content), "id") == URL + "feed.xml"
    assert [target for target in re.findall(r'href="([^"]*)"', content) if not target.startswith(URL)] == []


def test_the_feed_of_a_site_without_an_address_has_relative_links_from_the_root(filed: Folder) -> None:
    content = rendered(filed, "")["feed.xml"]
    assert "self" not in links(tree(content))
    targets = re.findall(r'href="([^"]*)"', content)
    assert "rows/ours/" in targets
    assert [target for target in targets if target.startswith(("/", ".", "http"))] == []


def test_the_ids_of_entries_do_not_depend_on_the_address(filed: Folder) -> None:
    here, there = feed(filed), feed(filed, "https://elsewhere.example/")
    assert [text(entry, "id") for entry in here.iter(f"{ATOM}entry")] == [
        text(entry, "id") for entry in there.iter(f"{ATOM}entry")
    ]


def test_a_feed_without_a_change_is_valid_too(folder: Folder) -> None:
    root = feed(folder)
    assert INSTANT.fullmatch(text(root, "updated"))
    assert root.findall(f"{ATOM}entry") == []


def test_text_that_no_schema_would_let_through_leaves_the_feed_well_formed(basic: Folder) -> None:
    poison = """x"/></title><script>{{ 7 * 6 }} & ]]> ' {% raw %} &lt;"""
    basic.measured("ours", "gpu-a", samples([10**6])).retract("ours")
    board = basic.board()
    data = board.data
    data.devices["gpu-a"] = replace(data.devices["gpu-a"], name=poison)
    data.retractions["ours"] = replace(data.retractions["ours"], reason=f"{poison}\x00")
    root = tree(files(board, Site(poison, poison, ""))["feed.xml"])
    assert text(root, "author") == poison
    assert any(poison in text(entry, "title") for entry in root.iter(f"{ATOM}entry"))
    assert {element.tag.rpartition("}")[2] for element in root.iter()} <= {
        "feed", "id", "title", "subtitle", "updated", "author", "name", "link", "entry", "category", "content",
        "div", "p", "ul", "li", "a",
    }  # fmt: skip


@pytest.mark.parametrize("letter", ["\x00", "\x0b", "\x1b", "\ufffe", "\uffff", "\ud800"])
def test_letters_that_no_xml_may_hold_are_left_out(letter: str) -> None:
    assert well_formed(f"<a>x{letter}y</a>") == "<a>xy</a>"


def test_all_other_letters_stay() -> None:
    assert well_formed("<a>\t\n\r é 中 \U0001f600</a>") == "<a>\t\n\r é 中 \U0001f600</a>"


def test_the_sitemap_has_every_page_and_the_card_of_every_row(filed: Folder) -> None:
    root = tree(rendered(filed)["sitemap.xml"])
    found = [element.text or "" for element in root.iter() if element.tag.endswith("loc")]
    pages = [URL, f"{URL}devices/gpu-a/", f"{URL}ledger/"]
    assert found == [*pages, *(f"{URL}rows/{run}/" for run in ("a", "b", "ours"))]


def test_a_sitemap_holds_no_more_than_it_may() -> None:
    found = addresses(["index.md", "rows/shell.md"], map(str, range(60_000)))
    assert found[:2] == ["", "rows/0/"]
    assert len(found) == MOST_IN_SITEMAP


def test_without_an_address_the_sitemap_names_nothing(filed: Folder) -> None:
    files = rendered(filed, "")
    assert list(tree(files["sitemap.xml"])) == []
    assert "Sitemap" not in files["robots.txt"]


def test_robots_are_allowed_everything_and_led_to_the_sitemap(filed: Folder) -> None:
    lines = rendered(filed)["robots.txt"].split("\n")
    assert lines == ["User-agent: *", "Allow: /", "", f"Sitemap: {URL}sitemap.xml", ""]


def test_programs_that_read_text_are_told_what_there_is(filed: Folder) -> None:
    lines = rendered(filed)["llms.txt"].splitlines()
    assert lines[0] == "# Decode Board"
    assert lines[2] == "> What it is."
    assert [line for line in lines if line.startswith("## ")] == [
        "## Pages", "## Data", "## Schemas", "## How to cite",
    ]  # fmt: skip
    assert f'- [A page & more]({URL}ledger/): about "it"' in "\n".join(lines)


def test_every_address_that_is_told_leads_somewhere(built: Folder) -> None:
    site = built.layout.site
    found = re.findall(r"\]\(([^)]*)\)", (site / "llms.txt").read_text("utf-8"))
    found += re.findall(r'href="([^"#]*)', (site / "feed.xml").read_text("utf-8"))
    assert len(found) > 30
    for target in found:
        place = site / target
        assert (place / "index.html" if place.is_dir() else place).exists(), target


def test_a_site_without_an_address_has_no_sitemap_of_mkdocs(built: Folder) -> None:
    assert "<loc>" not in (built.layout.site / "sitemap.xml").read_text()
    assert (built.layout.site / "robots.txt").exists()


def test_every_page_names_the_feed(built: Folder) -> None:
    pages = sorted(built.layout.site.rglob("index.html"))
    assert len(pages) > 20
    for page in pages:
        (target,) = re.findall(
            r'<link rel="alternate feed" type="application/atom\+xml" [^>]*href="([^"]*)"',
            page.read_text("utf-8"),
        )
        assert (page.parent / target).resolve() == (built.layout.site / "feed.xml").resolve()


def test_the_compressed_twin_of_a_file_follows_it(tmp_path: Path) -> None:
    twin = tmp_path / "sitemap.xml.gz"
    twin.write_bytes(b"of MkDocs")
    write_files([("sitemap.xml", b"ours"), ("deep/file.txt", b"x")], tmp_path)
    assert gzip.decompress(twin.read_bytes()) == (tmp_path / "sitemap.xml").read_bytes() == b"ours"
    assert twin.read_bytes()[4:8] == b"\0\0\0\0", "the time would differ from build to build"
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["file.txt"]


def test_what_renders_to_nothing_is_left_out_with_its_twin(tmp_path: Path) -> None:
    for name in ("sitemap.xml", "sitemap.xml.gz"):
        (tmp_path / name).write_bytes(b"of MkDocs")
    write_files([("sitemap.xml", b""), ("never.txt", b"")], tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("path", "where"),
    [
        ("index.md", ""),
        ("decode.md", "decode/"),
        ("kernels/index.md", "kernels/"),
        ("a/my-index.md", "a/my-index/"),
    ],
)
def test_a_page_is_where_mkdocs_puts_it(path: str, where: str) -> None:
    assert address(path) == where


def test_the_main_pages_begin_with_the_first_and_leave_out_those_of_single_things() -> None:
    paths = ("data.md", "kernels/norm.md", "index.md", "kernels/index.md", "rows/shell.md")
    found = main_pages({path: Page(path, FRONT_MATTER) for path in paths})
    assert [page.path for page in found] == ["index.md", "data.md", "kernels/index.md"]


def test_the_sitemap_of_a_built_site_names_what_is_there_and_all_of_it(web: Path) -> None:
    site = web / SITE_FOLDER
    found = re.findall(
        r"<loc>https://board.example/decode-board/(.*)</loc>", (site / "sitemap.xml").read_text()
    )
    there = {path.parent.relative_to(site).as_posix() + "/" for path in site.rglob("index.html")}
    assert {target or "./" for target in found} == there
    assert gzip.decompress((site / "sitemap.xml.gz").read_bytes()) == (site / "sitemap.xml").read_bytes()
