"""A build replaces what a build wrote, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from generator.layout import DOCS_MARK, SITE_MARK, Layout, Misplaced


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    (tmp_path / "root" / "data").mkdir(parents=True)
    return Layout(tmp_path / "root", tmp_path / "root" / "data", tmp_path / "site", tmp_path / "work")


def test_folders_that_do_not_exist_yet_may_be_written(layout: Layout) -> None:
    layout.check()


def test_empty_folders_may_be_written(layout: Layout) -> None:
    layout.site.mkdir()
    layout.docs.mkdir(parents=True)
    layout.check()


def test_what_a_build_wrote_may_be_replaced(layout: Layout) -> None:
    for mark in (layout.site / SITE_MARK, layout.docs / DOCS_MARK):
        mark.parent.mkdir(parents=True)
        mark.write_text("")
    layout.check()


def test_a_site_that_holds_the_data_is_refused(layout: Layout) -> None:
    for folder in (layout.root, layout.data, layout.root.parent):
        with pytest.raises(Misplaced, match="must not replace"):
            Layout(layout.root, layout.data, folder, layout.work).check()


def test_a_folder_of_other_things_is_refused(layout: Layout) -> None:
    layout.docs.mkdir(parents=True)
    (layout.docs / "thesis.txt").write_text("years of work")
    with pytest.raises(Misplaced, match="neither empty nor"):
        layout.check()


def test_a_file_in_the_place_of_the_site_is_refused(layout: Layout) -> None:
    layout.site.write_text("a file")
    with pytest.raises(Misplaced, match="is no folder"):
        layout.check()
