"""The plugin alone, as ``mkdocs build`` and ``mkdocs serve`` use it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from mkdocs.commands.build import build as mkdocs_build
from mkdocs.config import load_config
from mkdocs.exceptions import PluginError

from generator.build import prepare
from generator.layout import Layout
from generator.plugin import DecodeBoardPlugin, _expand_nav
from tests.generator.examples import REPOSITORY, Folder


def config(folder: Folder) -> Any:
    """MkDocs' own configuration, but for the folders."""
    folder.layout.docs.mkdir(parents=True, exist_ok=True)
    places: dict[str, Any] = {
        "site_dir": str(folder.layout.site),
        "docs_dir": str(folder.layout.docs),
        "plugins": [{"search": {}}, {"decode-board": {"data_dir": str(folder.data)}}],
    }
    return load_config(str(REPOSITORY / "mkdocs.yml"), **places)


def run(folder: Folder) -> None:
    loaded = config(folder)
    loaded.plugins.on_startup(command="build", dirty=False)
    mkdocs_build(loaded)


@pytest.fixture(autouse=True)
def _quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_MKDOCS_2_WARNING", "1")


def test_mkdocs_alone_builds_the_same_pages(built: Folder, tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    (tmp_path / "data").symlink_to(built.data)
    run(folder)
    ours, theirs = built.layout.site / "decode/index.html", folder.layout.site / "decode/index.html"
    assert ours.read_bytes() == theirs.read_bytes()
    assert (folder.layout.site / "api/v1/decode.json").read_bytes() == (
        built.layout.site / "api/v1/decode.json"
    ).read_bytes()


def test_wrong_data_is_an_error_of_the_plugin_with_every_problem(basic: Folder) -> None:
    basic.reported("a", "gpu-x").reported("b", "gpu-y")
    loaded = config(basic)
    with pytest.raises(PluginError) as raised:
        loaded.plugins.on_pre_build(config=loaded)
    assert str(raised.value).splitlines()[1:] == basic.problems()
    assert raised.value.__suppress_context__


def test_mkdocs_ends_on_wrong_data_without_a_traceback(
    basic: Folder, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(SystemExit):
        run(basic.reported("a", "gpu-x"))
    assert basic.problems()[0] in caplog.text
    assert "Traceback" not in caplog.text


def test_folders_follow_the_configuration(basic: Folder) -> None:
    loaded = config(basic)
    layout = loaded.plugins["decode-board"].layout(loaded)
    assert layout == Layout(REPOSITORY, basic.data, basic.layout.site, basic.layout.work)


def test_data_is_read_again_for_each_build(basic: Folder) -> None:
    """As ``serve`` does: one plugin, many builds."""
    loaded = config(basic.reported("a", "gpu-a"))
    loaded.plugins.on_startup(command="serve", dirty=False)
    mkdocs_build(loaded)
    basic.reported("b", "gpu-b")
    mkdocs_build(loaded)
    assert '"b"' in (basic.layout.site / "api/v1/decode.json").read_text()


def test_what_was_handed_over_serves_one_build(basic: Folder) -> None:
    loaded = config(basic.reported("a", "gpu-a"))
    plugin = loaded.plugins["decode-board"]
    plugin.hand_over(basic.layout, prepare(basic.layout))
    basic.reported("b", "gpu-b")
    for expected in (False, True):
        plugin.on_pre_build(config=loaded)
        fragments = plugin._prepared.pages["decode.md"].fragments
        assert ("rows/b/" in "".join(fragments)) is expected


class Server:
    """What the plugin asks of a live server."""

    def __init__(self) -> None:
        self.watched: list[str] = []
        self.unwatched: list[str] = []

    def watch(self, path: str) -> None:
        self.watched.append(path)

    def unwatch(self, path: str) -> None:
        self.unwatched.append(path)


def test_serving_watches_what_people_edit(basic: Folder) -> None:
    loaded, server = config(basic), Server()
    plugin = loaded.plugins["decode-board"]
    assert isinstance(plugin, DecodeBoardPlugin)
    assert plugin.on_serve(server, config=loaded, builder=None) is server
    assert server.watched == [str(basic.data), str(REPOSITORY / "site_src")]
    assert server.unwatched == [str(basic.layout.docs)]


def test_a_folder_in_the_navigation_is_its_pages() -> None:
    nav = [{"Home": "index.md"}, {"Things": "things/"}, {"Nested": [{"More": "x.md"}]}]
    pages = ["index.md", "things/a.md", "things/b.md", "things/index.md", "things2/c.md"]
    home, things, nested = _expand_nav(nav, pages)
    assert (home, nested) == (nav[0], nav[2])
    assert things["Things"][1:] == ["things/a.md", "things/b.md"]
    assert "things/index.md" in str(things["Things"][0])


def test_no_navigation_stays_none() -> None:
    assert _expand_nav(None, ["index.md"]) is None


def test_pages_that_are_not_ours_stay_as_they_are(basic: Folder) -> None:
    basic.reported("a", "gpu-a")
    run(basic)
    assert "Decode Board" in (basic.layout.site / "404.html").read_text()
