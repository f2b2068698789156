"""What the tests of the generator share."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.generator.examples import Folder


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    """An empty data folder."""
    (tmp_path / "data").mkdir()
    return Folder(tmp_path)


@pytest.fixture
def basic(folder: Folder) -> Folder:
    """Two devices, a model, and every kernel of the examples, but no row yet."""
    folder.device("gpu-a").device("gpu-b").model()
    for name in ("norm", "proj", "attend", "soft", "gemm"):
        folder.kernel(name)
    return folder
