"""The pictures that a link to the site shows elsewhere."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from generator import share
from generator.beside import Helper, Work
from generator.build import build, prepare
from generator.layout import Layout
from generator.pages import Page
from generator.share import (
    FOLDER,
    MOST_DEVICES,
    Shared,
    begin_pictures,
    drawings,
    palette,
    picture,
    write_pictures,
)
from generator.tables import Board
from generator.verbatim import Site
from tests.generator.examples import REPOSITORY, Folder, samples, texts
from tests.generator.examples import picture as as_tree

URL = "https://board.example/decode-board/"
PAGES = {
    path: Page(path, f"---\ntitle: The {name}\ndescription: How fast it is.\n---\n")
    for path, name in share.PAGES.items()
}
SITE = Site("Decode Board", "What it is.", URL)
NAMES = {"board", "home", "decode", "kernels", "compare", "what-if"}


def svgs(board: Board, site: Site = SITE) -> dict[str, str]:
    """The SVG of each picture by its name."""
    found = drawings(Shared(board), PAGES, site, REPOSITORY / "site_src", None)
    return {Path(path).stem: svg for path, svg in found}


def drawn(folder: Folder) -> dict[str, str]:
    """The same for what is filed."""
    return svgs(folder.board())


def pictures(folder: Folder) -> dict[str, str]:
    """The SVG of each picture by where it will stand."""
    return dict(drawings(Shared(folder.board()), PAGES, SITE, REPOSITORY / "site_src", None))


def written(folder: Folder, where: Path, cache: Path) -> dict[str, bytes]:
    """Every picture of a site as it is written."""
    write_pictures(pictures(folder), cache, where)
    return {path.name: path.read_bytes() for path in (where / FOLDER).iterdir()}


def test_each_main_page_and_each_ranked_device_has_a_picture(basic: Folder) -> None:
    basic.reported("r", "gpu-a", 10).reported("ref", "gpu-b", 5, role="reference")
    assert drawn(basic).keys() == NAMES | {"device-gpu-a"}


def test_a_pages_picture_has_its_title_description_and_the_fastest_rows(basic: Folder) -> None:
    found = texts(drawn(basic.reported("r", "gpu-a", 10))["decode"])
    assert found[2:6] == ["The decode", "How fast it is.", "Device gpu-a", "10.0 tok/s"]


def test_an_empty_board_has_pictures_of_its_pages(folder: Folder) -> None:
    assert drawn(folder).keys() == NAMES


def test_only_the_best_devices_have_one_of_their_own(folder: Folder) -> None:
    folder.model()
    for index in range(MOST_DEVICES + 2):
        folder.device(f"gpu-{index:02}").reported(f"r{index:02}", f"gpu-{index:02}", 10 + index)
    shared = Shared(folder.board())
    assert len(shared.rows) == MOST_DEVICES
    assert shared.of_device("gpu-13") == "assets/og/device-gpu-13.png"
    assert shared.of_device("gpu-01") == picture("board")
    assert shared.of_page("devices/gpu-13.md") == "assets/og/device-gpu-13.png"
    assert shared.of_page("devices/index.md") == shared.of_page("ledger.md") == picture("board")
    assert shared.of_page("kernels/index.md") == picture("kernels")


def test_a_devices_picture_says_what_its_best_row_says(basic: Folder) -> None:
    basic.measured("slow", "gpu-a", samples([10**9]), submitter="Bo")
    basic.measured("fast", "gpu-a", samples([10**6, 2 * 10**6]), submitter="Ada")
    basic.reported("r", "gpu-b", 10)
    found = texts(drawn(basic)["device-gpu-a"])
    assert found[:3] == ["Decode Board", "board.example/decode-board", "Device gpu-a"]
    row = next(row for row in Shared(basic.board()).rows.values() if row.device == "gpu-a")
    assert f"{row.tok_per_s:.1f}" in found
    assert f"95 % interval {row.tok_per_s_low:.1f} – {row.tok_per_s_high:.1f}" in found
    assert "measured by Ada" in found
    assert "rank 1 of 3" in found
    published = texts(drawn(basic)["device-gpu-b"])
    assert "as published, without samples" in published
    assert any(text.startswith("reported by ") for text in published)


def test_a_reproduced_row_is_said_to_be_so(basic: Folder) -> None:
    for who in ("Ada", "Bo"):
        basic.measured(f"run-{who.lower()}", "gpu-a", samples([10_000]), submitter=who)
    assert "reproduced by 1 other submitter" in texts(drawn(basic)["device-gpu-a"])


def test_the_bar_is_the_share_of_what_the_memory_allows(basic: Folder) -> None:
    basic.measured("r", "gpu-a", samples([10**6]))
    row = Shared(basic.board()).rows["gpu-a"]
    bars = [
        float(one.attrib["width"])
        for one in as_tree(drawn(basic)["device-gpu-a"]).iter()
        if "height" in one.attrib
    ]
    assert bars[bars.index(1078) + 1] == pytest.approx(1078 * row.mbu_percent / 100, abs=0.1)


def test_hostile_text_is_text_and_fits(basic: Folder) -> None:
    poison = 'x"/></text><script>{{ 7 * 6 }} & ]]> ' + "W" * 200
    board = basic.measured("r", "gpu-a", samples([10**6])).board()
    board.decode["device_name"] = board.decode["submitter"] = poison
    found = svgs(board, Site(poison, poison, URL))
    for name, svg in found.items():
        tree = as_tree(svg)
        assert {element.tag.rpartition("}")[2] for element in tree.iter()} <= {
            "svg", "rect", "g", "path", "text", "tspan",
        }, name  # fmt: skip
    shown = [text for text in texts(found["device-gpu-a"]) if text.startswith(poison[:12])]
    assert len(shown) == 2, "the site's name stands in every picture, the device's in its own"
    assert shown[1].endswith("…")


def test_no_picture_asks_for_anything(basic: Folder) -> None:
    for svg in drawn(basic.reported("r", "gpu-a", 10)).values():
        assert not re.search(r"href|url\(|@import|<image|<style", svg)


def test_colours_are_those_of_the_light_theme() -> None:
    css = ":root { --board-ink: #123; --board-accent: #0f6e84; } [dark] { --board-ink: #fff; }"
    assert palette(css) == {"ink": "#123", "accent": "#0f6e84"}
    assert {"ink", "muted", "faint", "accent"} <= palette(
        (REPOSITORY / "site_src/assets/board.css").read_text()
    ).keys()


def test_two_builds_draw_the_same_bytes(basic: Folder, tmp_path: Path) -> None:
    basic.reported("r", "gpu-a", 10)
    first, second = (written(basic, tmp_path / name, tmp_path / f"cache-{name}") for name in ("a", "b"))
    assert first == second
    assert all(
        png.startswith(b"\x89PNG") and png[16:24] == b"\0\0\x04\xb0\0\0\x02\x76" for png in first.values()
    )


def test_a_warm_build_draws_only_what_is_new(
    basic: Folder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    count: list[str] = []
    draw = share._png

    def counted(svg: str) -> bytes:
        count.append(svg)
        return draw(svg)

    monkeypatch.setattr(share, "_png", counted)
    cache = tmp_path / "cache"
    before = written(basic.reported("r", "gpu-a", 10), tmp_path / "a", cache)
    assert len(count) == len(NAMES) + 1
    assert written(basic, tmp_path / "b", cache) == before
    assert len(count) == len(NAMES) + 1
    basic.reported("s", "gpu-b", 5)
    written(basic, tmp_path / "c", cache)
    new = count[len(NAMES) + 1 :]
    assert any("Device gpu-b" in svg for svg in new)
    assert len(list((cache / "share").iterdir())) == len(NAMES) + 2, (
        "what no page shows any more is forgotten"
    )
    assert {path.name: path.read_bytes() for path in (tmp_path / "a" / FOLDER).iterdir()} == before


def test_a_disk_without_links_gets_copies(
    basic: Folder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError("no links here")

    monkeypatch.setattr(os, "link", refuse)
    assert written(basic, tmp_path / "a", tmp_path / "cache").keys() == {f"{name}.png" for name in NAMES}


def test_what_is_drawn_beside_a_build_is_not_drawn_again(
    basic: Folder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[Work] = []
    helper = Helper()
    monkeypatch.setattr(helper, "tell", told.append)
    begin_pictures(pictures(basic), tmp_path, helper)
    assert len(told) == len(NAMES)
    for work in told:
        work()
    begin_pictures(pictures(basic), tmp_path, helper)
    assert len(told) == len(NAMES)
    monkeypatch.setattr(share, "_png", pytest.fail)
    assert written(basic, tmp_path / "site", tmp_path).keys() == {f"{name}.png" for name in NAMES}


META = re.compile(r'<meta (?:property|name)="(og:[a-z:]+|twitter:card)" content="([^"]*)">')


def head(site: Path, page: str) -> dict[str, str]:
    return dict(META.findall((site / page).read_text("utf-8")))


@pytest.fixture
def addressed(whole: Folder, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A site that knows its address."""
    monkeypatch.setenv("SITE_URL", URL)
    layout = Layout(REPOSITORY, whole.data, whole.layout.site, whole.layout.work)
    build(layout, prepare(layout))
    return layout.site


def test_the_head_of_every_page_says_how_a_link_to_it_looks(addressed: Path) -> None:
    pages = [path.relative_to(addressed).as_posix() for path in addressed.rglob("*.html")]
    assert "rows/top/index.html" in pages
    for page in pages:
        said = head(addressed, page)
        assert said["og:type"] == "website"
        assert said["og:title"]
        assert said["og:description"]
        assert said["twitter:card"] == "summary_large_image"
        assert (addressed / said["og:image"].removeprefix(URL)).exists()
        if page != "404.html":
            assert said["og:url"] == URL + page.removesuffix("index.html")
    assert head(addressed, "decode/index.html")["og:image"] == f"{URL}assets/og/decode.png"
    assert head(addressed, "rows/top/index.html")["og:image"] == f"{URL}assets/og/device-gpu-a.png"
    assert head(addressed, "devices/no-rows/index.html")["og:image"] == f"{URL}assets/og/board.png"
    assert head(addressed, "404.html")["og:image"] == f"{URL}assets/og/board.png"


def test_without_an_address_no_picture_is_named(built: Folder) -> None:
    for page in ("index.html", "decode/index.html", "rows/top/index.html", "404.html"):
        said = head(built.layout.site, page)
        assert said["og:title"]
        assert said["twitter:card"] == "summary"
        assert "og:image" not in said
        assert "og:url" not in said
