"""What the tests of importers share: a data folder with the real kernels and devices, and no row yet."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.generator.examples import REPOSITORY, Folder
from tests.generator.importers.boards import Board


@pytest.fixture
def board(tmp_path: Path) -> Board:
    """A folder of a board's files beside a data folder that knows the kernels, devices and models, and no row."""
    data = tmp_path / "data"
    for part in ("kernels", "devices", "models", "importers"):
        shutil.copytree(REPOSITORY / "data" / part, data / part)
    (tmp_path / "files").mkdir()
    return Board(Folder(tmp_path))
