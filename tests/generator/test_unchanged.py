"""Whether a site is still what was built."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from generator.layout import Layout
from generator.unchanged import is_current, remember


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    for name in ("data/devices/a.md", "site/deep/index.html", "site_src/pages/index.md", "mkdocs.yml"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    return Layout(tmp_path, tmp_path / "data", tmp_path / "site", tmp_path / "build")


def test_what_was_never_built_is_not_current(layout: Layout) -> None:
    assert not is_current(layout)


def test_what_was_built_and_left_alone_is_current(layout: Layout) -> None:
    remember(layout)
    assert is_current(layout)


CHANGES: dict[str, Callable[[Layout, pytest.MonkeyPatch], object]] = {
    "a record": lambda layout, _: (layout.data / "devices/a.md").write_text("other"),
    "a new record": lambda layout, _: (layout.data / "devices/b.md").write_text(""),
    "a record's name": lambda layout, _: (layout.data / "devices/a.md").rename(layout.data / "devices/c.md"),
    "a template": lambda layout, _: (layout.site_src / "pages/index.md").write_text("other"),
    "a setting of MkDocs": lambda layout, _: (layout.root / "mkdocs.yml").write_text("other"),
    "a page by hand": lambda layout, _: (layout.site / "deep/index.html").write_text("by hand"),
    "a page deleted": lambda layout, _: (layout.site / "deep/index.html").unlink(),
    "a file put into the site": lambda layout, _: (layout.site / "stray").write_text(""),
    "the site's address": lambda _, patch: patch.setenv("SITE_URL", "https://elsewhere.example/"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_each_change_of_what_it_is_made_from_or_of_itself_ends_that(
    layout: Layout, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    remember(layout)
    CHANGES[change](layout, monkeypatch)
    assert not is_current(layout)


def test_another_site_of_the_same_inputs_is_not_taken_for_it(layout: Layout) -> None:
    remember(layout)
    other = Layout(layout.root, layout.data, layout.root / "other", layout.work)
    (layout.root / "other").mkdir()
    assert not is_current(other)
