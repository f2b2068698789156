"""What stands beside the pages: the record for machines, badges, and the data that pages load when asked.

None of it passes through MkDocs, which needs milliseconds a file. All of it follows from the data and the code,
so it is kept in the cache under the digests of both, and a build of known data links it into the site.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

from generator.all_cores import FEWEST
from generator.api import api_files
from generator.badge import badge_files
from generator.beside import begin
from generator.columns import table_files
from generator.compare import compare_files
from generator.explore import explore_files
from generator.kept import Files, all_code_digest, keep, write_kept
from generator.tables import Board
from generator.what_if import what_if_files

MAKERS: tuple[Callable[[Board], Files], ...] = (
    badge_files,
    table_files,
    compare_files,
    explore_files,
    what_if_files,
)
"""What makes files of a board; their addresses are relative to the site's root, and no two are the same."""


def side_files(board: Board, data_folder: Path) -> Files:
    """Address and content of every file."""
    yield from api_files(board, data_folder)
    for make in MAKERS:
        yield from make(board)


def begin_side_files(board: Board, data_folder: Path, cache_folder: Path) -> Callable[[], None]:
    """Have every file in the cache soon, made on another core; what is returned waits until they are there."""
    if len(board.data.runs) < FEWEST:
        return lambda: None
    folder, digest = cache_folder / "files", _digest(board)
    return begin(lambda: keep(folder, digest, lambda: side_files(board, data_folder)))


def write_side_files(board: Board, data_folder: Path, site: Path, cache_folder: Path | None = None) -> None:
    """Write every file below ``site``; those of known data and code come from the cache."""
    if cache_folder is None:
        for address, content in side_files(board, data_folder):
            _put(site / address, content)
        return
    write_kept(cache_folder / "files", _digest(board), lambda: side_files(board, data_folder), site)


def _digest(board: Board) -> str:
    return hashlib.sha256(f"{board.data.digest}{all_code_digest()}".encode()).hexdigest()


def _put(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("xb") as file:  # two makers of one address would overwrite each other
        file.write(content)
