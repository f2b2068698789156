"""What stands beside the pages: the record for machines, badges, and the data that pages load when asked.

None of it passes through MkDocs, which needs milliseconds a file. All of it follows from the data and the code,
so it is kept in the cache under the digests of both, and a build of known data links it into the site.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable, Iterator
from functools import cache
from importlib.metadata import version
from pathlib import Path

from generator.api import api_files
from generator.badge import badge_files
from generator.columns import table_files
from generator.compare import compare_files
from generator.explore import explore_files
from generator.tables import Board
from generator.what_if import what_if_files

Files = Iterator[tuple[str, bytes]]
ADDRESSES = "addresses"
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


def write_side_files(board: Board, data_folder: Path, site: Path, cache_folder: Path | None = None) -> None:
    """Write every file below ``site``; those of known data and code come from the cache."""
    if cache_folder is None:
        for address, content in side_files(board, data_folder):
            _put(site / address, content)
        return
    kept = cache_folder / "files" / hashlib.sha256(f"{board.data.digest}{_code()}".encode()).hexdigest()
    if not kept.exists():
        shutil.rmtree(kept.parent, ignore_errors=True)
        part = kept.with_name("part")  # files that were cut short must not pass for all of them
        _keep(side_files(board, data_folder), part)
        part.rename(kept)
    _link_all(kept, site)


@cache
def _code() -> str:
    """A digest of all code and schemas: wider than that of rows, which a change of a chart leaves as they are."""
    here = Path(__file__).parent
    schemas = here.parent / "schemas"
    sources = [*here.rglob("*.py"), *schemas.rglob("*.py"), *schemas.rglob("*.json")]
    told = b"".join(source.read_bytes() for source in sorted(sources))
    return hashlib.sha256(told + version("pyarrow").encode()).hexdigest()


def _put(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("xb") as file:  # two makers of one address would overwrite each other
        file.write(content)


def _keep(files: Files, folder: Path) -> None:
    """The files by number in one folder, and their addresses: thousands of folders take seconds to make and to read."""
    folder.mkdir(parents=True)
    addresses = list[str]()
    for address, content in files:
        (folder / str(len(addresses))).write_bytes(content)
        addresses.append(address)
    if twice := len(addresses) - len(set(addresses)):
        raise ValueError(f"{twice} addresses have two files")
    (folder / ADDRESSES).write_text("\n".join(addresses), "utf-8")


def _link_all(kept: Path, site: Path) -> None:
    """Each kept file under its address below ``site``; most folders are there, made by who wrote the pages."""
    for number, address in enumerate((kept / ADDRESSES).read_text("utf-8").splitlines()):
        source, target = f"{kept}/{number}", f"{site}/{address}"
        try:
            _link(source, target)
        except FileNotFoundError:
            Path(target).parent.mkdir(parents=True, exist_ok=True)
            _link(source, target)


def _link(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except (FileExistsError, FileNotFoundError):
        raise
    except OSError:  # another disk, or a file system without links
        shutil.copyfile(source, target)
