"""Vega for the one chart that readers explore: Altair's converter bundles it, so that no page asks another host.

Bundling takes two seconds; later builds find it in the cache.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from importlib.metadata import files, version
from pathlib import Path

from generator.beside import Helper
from generator.kept import kept_file

ADDRESS = "assets/vega/vega.js"
_OWNERS = """Vega, Vega-Lite and Vega-Embed: (c) University of Washington Interactive Data Lab and others, BSD 3-Clause.
D3: (c) Mike Bostock, ISC. Bundled by VlConvert, whose terms are those of Vega:
"""


def begin_bundle(cache_folder: Path) -> Helper:
    """A helper, who bundles at once where the cache has no bundle."""
    helper = Helper()
    if not _kept(cache_folder).exists():
        helper.tell(partial(kept_file, _kept(cache_folder), _bundle))
    return helper


def vega_files(cache_folder: Path) -> Iterator[tuple[str, bytes]]:
    """The bundle as a classic script, by its address: a page that lies in a folder may not load modules."""
    yield ADDRESS, kept_file(_kept(cache_folder), _bundle)


def _kept(cache_folder: Path) -> Path:
    return cache_folder / "vega" / f"{version('vl-convert-python')}.js"


def _bundle() -> bytes:
    import vl_convert  # noqa: PLC0415 - costs half a second, and only a new cache needs it

    modules: str = vl_convert.javascript_bundle()  # type: ignore[call-arg]  # the stub lacks the default
    return f"/*!\n{_OWNERS}\n{_licence()}*/\n(() => {{\n{modules}\n}})();\n".encode()


def _licence() -> str:
    found = [path for path in files("vl-convert-python") or () if path.name == "LICENSE"]
    return found[0].read_text() if found else ""
