"""Boards and their downloads."""

from __future__ import annotations

from pathlib import Path

import pytest

from generator.api import api_files
from generator.tables import Board, make_board
from tests.generator.examples import REPOSITORY, Folder, samples


@pytest.fixture(scope="session")
def site(built: Folder) -> Path:
    """The site of one of everything."""
    return built.layout.site


@pytest.fixture(scope="session")
def api(site: Path) -> Path:
    """Its downloads."""
    return site / "api/v1"


@pytest.fixture(scope="session")
def real(tmp_path_factory: pytest.TempPathFactory) -> tuple[Board, Path]:
    """The board of the real data, and its downloads."""
    folder = Folder(REPOSITORY)
    board = make_board(folder.dataset())
    return board, written(board, folder.data, tmp_path_factory.mktemp("real"))


def written(board: Board, data_folder: Path, site: Path) -> Path:
    """Where the downloads of ``board`` were written, below ``site``."""
    for address, content in api_files(board, data_folder):
        path = site / address
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return site / "api/v1"


@pytest.fixture
def told(basic: Folder) -> Path:
    """Downloads of a board with reproduced, superseded and withdrawn rows, by names that a spreadsheet runs."""
    for run, who, ns, day in (
        ("a", "=A1", 1000, 1),
        ("b", "+B", 1010, 1),
        ("old", "@C", 990, 1),
        ("c", "@C", 1020, 2),
    ):
        at = f"2026-01-0{day}T00:00:00Z"
        basic.measured(run, "gpu-a", samples([ns]), submitter=who, measured_at=at)
    basic.measured("gone", "gpu-a", samples([900]), submitter="D").retract("gone", reason="=1+1", by="-us")
    return written(basic.board(), basic.data, basic.root / "site")
