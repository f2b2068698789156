"""Where a comment's links lead: to the site's own page, or nowhere."""

from __future__ import annotations

from pathlib import Path

import pytest

from generator import layout
from generator.submission.site import methodology
from tests.generator.examples import Folder


@pytest.fixture
def here(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> Folder:
    """A checkout of the test's own."""
    monkeypatch.setattr(layout, "ROOT", folder.root)
    monkeypatch.delenv("SITE_URL", raising=False)
    return folder


@pytest.mark.parametrize("address", ["https://board.example", "https://board.example/"])
def test_the_environment_names_the_site(here: Folder, monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    here.instructions()
    monkeypatch.setenv("SITE_URL", address)
    assert methodology() == "https://board.example/methodology/"


@pytest.mark.parametrize(
    "repository", ["https://github.com/example/board", "https://github.com/example/board.git"]
)
def test_else_it_is_the_pages_of_the_repository(here: Folder, repository: str) -> None:
    here.instructions(repository=repository)
    assert methodology() == "https://example.github.io/board/methodology/"


@pytest.mark.parametrize(
    "repository", ["https://git.example.org/example/board", "https://github.com/example/board/more"]
)
def test_a_repository_elsewhere_has_no_site_that_is_known(here: Folder, repository: str) -> None:
    here.instructions(repository=repository)
    assert methodology() is None


@pytest.mark.usefixtures("here")
def test_a_checkout_without_instructions_has_none() -> None:
    assert methodology() is None


def test_this_repository_has_one() -> None:
    assert (Path(layout.ROOT) / "data/reproduce/index.json").exists()
    assert (methodology() or "").endswith("/methodology/")
