"""What the tests of the schemas share."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture
def data_folder(tmp_path: Path) -> Path:
    """An empty ``data/`` in a folder of its own."""
    folder = tmp_path / "data"
    folder.mkdir()
    return folder
