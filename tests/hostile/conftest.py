"""The prepared repository and the site of its record, once a worker."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from generator.build import build, prepare
from generator.layout import Layout
from tests.generator.examples import REPOSITORY
from tests.hostile.base import Scratch, prepared


@dataclass(frozen=True)
class Base:
    """The repository before any submission, and its site, which no hostile file may change."""

    repository: Scratch
    site: Path
    work: Path
    bytes_of_site: dict[str, bytes]

    def layout(self, scratch: Scratch) -> Layout:
        """A build of the record in ``scratch`` into the one site."""
        return Layout(REPOSITORY, scratch.data, self.site, self.work)


def content(folder: Path) -> dict[str, bytes]:
    """The bytes of every file below ``folder``."""
    return {str(one.relative_to(folder)): one.read_bytes() for one in folder.rglob("*") if one.is_file()}


@pytest.fixture(scope="session")
def base(tmp_path_factory: pytest.TempPathFactory) -> Base:
    """The record that all cases start from, built."""
    top = tmp_path_factory.mktemp("hostile")
    made = prepared(top / "repository")
    layout = Layout(REPOSITORY, made.data, top / "site", top / "work")
    build(layout, prepare(layout))
    return Base(made, layout.site, top / "work", content(layout.site))


@pytest.fixture
def scratch(base: Base, tmp_path: Path) -> Scratch:
    """A copy of the repository, to spoil."""
    shutil.copytree(base.repository.root, tmp_path / "copy", symlinks=True)
    return Scratch(tmp_path / "copy")
