"""Whether a site is still what a build of the same inputs made: then there is nothing to build.

Inputs are the data, the templates and assets, the code and its schemas, the settings, and which versions of which
packages are installed. Of the site, the place, size and time of each file are kept, so that a file that was changed
or deleted by hand is made again.
"""

from __future__ import annotations

import hashlib
import os
import sysconfig
from collections.abc import Iterator
from pathlib import Path

from generator.layout import Layout

SETTINGS = ("SITE_URL",)
_MEMORY = "built"


def is_current(layout: Layout) -> bool:
    """Whether ``layout.site`` is what the last build left there, and nothing that it was made from has changed."""
    memory = layout.cache / _MEMORY
    if not memory.exists() or not layout.site.is_dir():
        return False
    return memory.read_text("utf-8") == _told(layout)


def remember(layout: Layout) -> None:
    """Keep what was built from what; to be called when a build is whole."""
    layout.cache.mkdir(parents=True, exist_ok=True)
    (layout.cache / _MEMORY).write_text(_told(layout), "utf-8")


def _told(layout: Layout) -> str:
    return f"{layout.site}\n{_inputs(layout)}\n{_outputs(layout.site)}\n"


def _inputs(layout: Layout) -> str:
    found = hashlib.sha256()
    for path in _sources(layout):
        found.update(f"{path}\0".encode(errors="surrogateescape"))
        found.update(hashlib.sha256(path.read_bytes()).digest())
    packages = sorted(path.name for path in Path(sysconfig.get_path("purelib")).glob("*-info"))
    settings = [os.environ.get(name, "") for name in SETTINGS]
    found.update("\0".join([*packages, *settings]).encode())
    return found.hexdigest()


def _sources(layout: Layout) -> Iterator[Path]:
    code = Path(__file__).parent
    for folder, pattern in (
        (layout.data, "*"),
        (layout.site_src, "*"),
        (code, "*.py"),
        (code.parent / "schemas", "*.[pj]*"),
    ):
        yield from (
            path for path in sorted(folder.rglob(pattern)) if path.is_file() and path.suffix != ".pyc"
        )
    yield layout.root / "mkdocs.yml"


def _outputs(site: Path) -> str:
    found = hashlib.sha256()
    for path, size, time_ns in sorted(_files(str(site))):
        found.update(f"{path}\0{size}\0{time_ns}\0".encode(errors="surrogateescape"))
    return found.hexdigest()


def _files(folder: str) -> Iterator[tuple[str, int, int]]:
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                yield from _files(entry.path)
            else:
                facts = entry.stat(follow_symlinks=False)
                yield entry.path, facts.st_size, facts.st_mtime_ns
