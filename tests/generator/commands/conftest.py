"""What the tests of commands share."""

from __future__ import annotations

from pathlib import Path

import pytest

from generator import layout


@pytest.fixture(autouse=True)
def _elsewhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The cache of a reading goes to a folder of the test's own, which is no checkout."""
    monkeypatch.setattr(layout, "ROOT", tmp_path)
