"""Where this repository's site is, so that a comment can link to what a rule means."""

from __future__ import annotations

import os
from urllib.parse import urlsplit

from generator import layout as place
from schemas.load import load
from schemas.records import Reproduce


def methodology() -> str | None:
    """The address of the Methodology page: of ``SITE_URL``, else of the repository's GitHub Pages; None elsewhere."""
    site = os.environ.get("SITE_URL") or _pages()
    return f"{site.rstrip('/')}/methodology/" if site else None


def _pages() -> str | None:
    data = place.ROOT / "data"
    index = load(data / "reproduce" / "index.json", data)
    address = urlsplit(index.repository) if isinstance(index, Reproduce) else None
    if address is None or address.hostname != "github.com" or address.path.count("/") != 2:
        return None
    owner, _, name = address.path.strip("/").removesuffix(".git").partition("/")
    return f"https://{owner}.github.io/{name}"
