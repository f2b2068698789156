"""Files of the site that are no pages: the feed, the sitemap, and what programs look for at its root.

Each file below ``site_src/files`` is a template of the file at the same place of the site, rendered with what
pages see and with the site's own address. One that renders to nothing is left out, also where MkDocs has
written its own. The sitemap needs absolute addresses, so it is empty where the site has none; it is there all the
same, as the theme's script asks for it.
"""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from html import unescape
from pathlib import Path
from typing import Any

from mkdocs.utils.meta import get_data

from generator.pages import Page, templates

ROWS = "rows/"
MOST_IN_SITEMAP = 50_000
_NOT_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True, slots=True)
class Site:
    """What the site says of itself; ``url`` ends with a slash, or is empty where nobody set one."""

    name: str
    description: str
    url: str

    def at(self, path: str) -> str:
        """The address of ``path``: absolute where it can be, else relative to the site's root."""
        return self.url + path


@dataclass(frozen=True, slots=True)
class Listed:
    """A page as other files name it."""

    path: str
    title: str
    description: str

    @property
    def address(self) -> str:
        """Where it is, from the site's root."""
        return address(self.path)


def address(path: str) -> str:
    """Where MkDocs puts the page of ``path``, from the site's root."""
    folder, _, name = path.removesuffix(".md").rpartition("/")
    return "".join(f"{part}/" for part in (folder, name if name != "index" else "") if part)


def verbatim_files(
    site_src: Path, context: Mapping[str, Any], pages: Mapping[str, Page], site: Site, cache: Path | None
) -> Iterator[tuple[str, bytes]]:
    """Path and content of each file; of one that is to be left out, no content."""
    environment = templates(site_src, cache)
    known = {
        "site": site,
        "main_pages": main_pages(pages),
        "addresses": addresses(pages, context["board"].data.runs),
    }
    for template in sorted((site_src / "files").rglob("*")):
        if template.is_file():
            name = template.relative_to(site_src / "files").as_posix()
            text = environment.get_template(f"files/{name}").render({**context, **known})
            text = well_formed(text) if name.endswith(".xml") else text
            yield name, text.encode() if text.strip() else b""


def well_formed(xml: str) -> str:
    """``xml`` without the letters that no XML may hold."""
    return _NOT_IN_XML.sub("", xml)


def write_files(files: Iterable[tuple[str, bytes]], site: Path) -> None:
    """Put the files in place, and beside each the compressed twin where MkDocs left one."""
    for name, content in files:
        path = site / name
        twin = path.with_name(f"{path.name}.gz")
        if not content:
            path.unlink(missing_ok=True)
            twin.unlink(missing_ok=True)
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        if twin.exists():
            twin.write_bytes(gzip.compress(content, mtime=0))


def addresses(pages: Iterable[str], runs: Iterable[str]) -> list[str]:
    """Where all pages are, and then the card of each row; at most as many as a sitemap may hold."""
    own = sorted(address(path) for path in pages if not path.startswith(ROWS))
    return [*own, *(f"{ROWS}{run}/" for run in runs)][:MOST_IN_SITEMAP]


def main_pages(pages: Mapping[str, Page]) -> list[Listed]:
    """The pages that are there once, the first one first."""
    paths = [path for path in pages if "/" not in path or path.endswith("/index.md")]
    return [listed(pages[path]) for path in sorted(paths, key=lambda path: (path != "index.md", path))]


def listed(page: Page) -> Listed:
    """A page's title and description, from its front matter."""
    _, meta = get_data(page.markdown)
    title, description = (unescape(str(meta.get(name) or "")) for name in ("title", "description"))
    return Listed(page.path, title, description)
