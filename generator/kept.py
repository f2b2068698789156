"""Files that a build writes beside MkDocs and keeps in the cache, to be linked into the next site made from the same.

They are kept by number in one folder, with their addresses: thousands of folders take seconds to make and to read.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable, Iterator
from functools import cache
from importlib.metadata import version
from pathlib import Path

Files = Iterator[tuple[str, bytes]]
"""Address from the site's root, and content."""
ADDRESSES = "addresses"


def write_kept(folder: Path, digest: str, files: Callable[[], Files], site: Path) -> None:
    """Write ``files`` below ``site``; they are made only where ``folder`` has none kept under ``digest``."""
    keep(folder, digest, files)
    _link_all(folder / digest, site)


def keep(folder: Path, digest: str, files: Callable[[], Files]) -> None:
    """Have ``files`` in ``folder`` under ``digest``, and none of another digest."""
    kept = folder / digest
    if not kept.exists():
        shutil.rmtree(folder, ignore_errors=True)
        part = kept.with_name("part")  # files that were cut short must not pass for all of them
        _keep(files(), part)
        part.rename(kept)


def kept_file(path: Path, make: Callable[[], bytes]) -> bytes:
    """What ``path`` holds; made first where nothing is there, and never half there."""
    if path.exists():
        return path.read_bytes()
    content = make()
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    part.write_bytes(content)
    part.replace(path)
    return content


@cache
def all_code_digest() -> str:
    """A digest of all code and schemas: wider than that of rows, which a change of a chart leaves as they are."""
    here = Path(__file__).parent
    schemas = here.parent / "schemas"
    sources = [*here.rglob("*.py"), *schemas.rglob("*.py"), *schemas.rglob("*.json")]
    told = b"".join(source.read_bytes() for source in sorted(sources))
    return hashlib.sha256(told + version("pyarrow").encode()).hexdigest()


def link(source: str | Path, target: str | Path) -> None:
    """The same file under a second name, or a copy where there can be none; raises where ``target`` is taken."""
    try:
        os.link(source, target)
    except (FileExistsError, FileNotFoundError):
        raise
    except OSError:  # another disk, or a file system without links
        shutil.copyfile(source, target)


def _keep(files: Files, folder: Path) -> None:
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
            link(source, target)
        except FileNotFoundError:
            Path(target).parent.mkdir(parents=True, exist_ok=True)
            link(source, target)
