"""Vega for the one chart that readers explore: Altair's converter bundles it, so that no page asks another host.

Bundling takes two seconds during which nothing else of this process can run, so a process of its own does it,
beside a build that has no bundle yet; later builds find it in the cache.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from functools import cache
from importlib.metadata import files, version
from pathlib import Path
from typing import IO

ADDRESS = "assets/vega/vega.js"
_BUNDLER = """import signal, sys
signal.signal(signal.SIGINT, signal.SIG_DFL)  # who stops a build is told of it once, not here
import vl_convert
sys.stdout.buffer.write(vl_convert.javascript_bundle().encode())"""
_OWNERS = """Vega, Vega-Lite and Vega-Embed: (c) University of Washington Interactive Data Lab and others, BSD 3-Clause.
D3: (c) Mike Bostock, ISC. Bundled by VlConvert, whose terms are those of Vega:
"""


def start_bundle(cache_folder: Path | None) -> None:
    """Begin to bundle where the cache has nothing, so that :func:`vega_files` need not wait."""
    kept = _kept(cache_folder)
    if kept and not kept.exists():
        _bundling()


def vega_files(cache_folder: Path | None) -> Iterator[tuple[str, bytes]]:
    """The bundle as a classic script, by its address: a page that lies in a folder may not load modules."""
    kept = _kept(cache_folder)
    if kept and kept.exists():
        yield ADDRESS, kept.read_bytes()
        return
    content = _bundle()
    if kept:
        kept.parent.mkdir(parents=True, exist_ok=True)
        part = kept.with_suffix(".part")
        part.write_bytes(content)
        part.replace(kept)
    yield ADDRESS, content


def _kept(cache_folder: Path | None) -> Path | None:
    return cache_folder / "vega" / f"{version('vl-convert-python')}.js" if cache_folder else None


@cache
def _bundling() -> tuple[subprocess.Popen[bytes], IO[bytes]]:
    """Once a process, and into a file: a build that fails meanwhile leaves nobody waiting at a pipe."""
    file = tempfile.TemporaryFile()  # noqa: SIM115 - both processes hold it until they end
    return subprocess.Popen([sys.executable, "-c", _BUNDLER], stdout=file), file


@cache
def _bundle() -> bytes:
    process, file = _bundling()
    with file:
        if process.wait():
            raise RuntimeError("Vega could not be bundled; the message above says why")
        file.seek(0)
        modules = file.read()
    return f"/*!\n{_OWNERS}\n{_licence()}*/\n(() => {{\n".encode() + modules + b"\n})();\n"


def _licence() -> str:
    found = [path for path in files("vl-convert-python") or () if path.name == "LICENSE"]
    return found[0].read_text() if found else ""
