"""Where a build reads and writes, and the folders it must not touch."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SITE_MARK = Path("api") / "v1" / "runs" / "index.json"
DOCS_MARK = Path("assets") / "board.css"


class Misplaced(Exception):
    """A folder to write into that holds something else."""


@dataclass(frozen=True, slots=True)
class Layout:
    """Where a build reads and writes; ``root`` holds mkdocs.yml, ``work`` what lies between data and site."""

    root: Path
    data: Path
    site: Path
    work: Path

    @property
    def site_src(self) -> Path:
        """Templates, assets and theme."""
        return self.root / "site_src"

    @property
    def docs(self) -> Path:
        """The Markdown tree that MkDocs reads."""
        return self.work / "docs"

    @property
    def cache(self) -> Path:
        """What spares the next build work; safe to delete."""
        return self.work / "cache"

    def check(self) -> None:
        """Refuse to replace what a build did not write; raises :class:`Misplaced`."""
        for folder, mark in ((self.site, SITE_MARK), (self.docs, DOCS_MARK)):
            for kept in (self.root, self.data, self.site_src):
                if kept == folder or kept.is_relative_to(folder):
                    raise Misplaced(
                        f"{folder}: holds {kept}, which a build must not replace; name another folder"
                    )
            if folder.exists() and not folder.is_dir():
                raise Misplaced(f"{folder}: is no folder; name another")
            if folder.exists() and any(folder.iterdir()) and not (folder / mark).exists():
                raise Misplaced(
                    f"{folder}: is neither empty nor a built site's folder; empty it or name another"
                )
