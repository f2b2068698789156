"""data/ to build/docs to site/: the whole build, in the order in which things happen.

The new site grows in a folder of its own and takes the old one's place at the end, so a build that fails
leaves what was there.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from rjsmin import jsmin

from generator.beside import Helper
from generator.charts.svg import Charts
from generator.context import site_context
from generator.dataset import Progress, data_files, read_dataset
from generator.layout import Layout
from generator.pages import Page, render_pages
from generator.rules import cross_file_problems, today
from generator.side_files import begin_side_files
from generator.tables import Board, make_board
from generator.vega import begin_bundle
from schemas.load import shown_path
from schemas.parse import PARSERS
from schemas.problems import Problem

if TYPE_CHECKING:
    from generator.plugin import DecodeBoardPlugin


class InvalidData(Exception):
    """Data that cannot be built: every problem, in the order of paths."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = sorted(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


@dataclass(frozen=True, slots=True)
class Prepared:
    """A board, its rendered pages by path, before MkDocs, and what their templates saw.

    ``helper`` works on another core, and ``side_files`` returns when those that were begun there are in the cache.
    """

    board: Board
    pages: Mapping[str, Page]
    context: Mapping[str, Any]
    helper: Helper
    side_files: Callable[[], None]


def validate(layout: Layout, paths: Sequence[Path] = (), progress: Progress | None = None) -> list[Problem]:
    """Every problem of the data folder, or of ``paths`` alone, judged in the company of the whole folder."""
    known = set(data_files(layout.data))
    asked = [Path(os.path.abspath(path)) for path in paths]  # noqa: PTH100 - without "..", links not followed
    files = {file for path in asked for file in _files(path, known)}
    data, problems = read_dataset(layout.data, layout.cache, progress, extra=sorted(files - known))
    problems = sorted([*problems, *cross_file_problems(data, today())])
    wanted = {shown_path(file, layout.data) for file in files}
    return [problem for problem in problems if not paths or problem.path in wanted]


def _files(path: Path, known: set[Path]) -> set[Path]:
    """The files that ``path`` stands for: of a folder, those in the record, or outside of it all that could be."""
    if not path.is_dir():
        return {path}
    recorded = {file for file in known if file.is_relative_to(path)}
    return recorded or {file for file in path.rglob("*") if file.suffix in PARSERS and not file.is_dir()}


def prepare(layout: Layout, progress: Progress | None = None, helper: Helper | None = None) -> Prepared:
    """The board of ``layout.data`` and every page of it; raises :class:`InvalidData`.

    ``helper`` is one that was begun while this module was being loaded.
    """
    helper = helper or begin_bundle(layout.cache)
    data, problems = read_dataset(layout.data, layout.cache, progress)
    if problems := [*problems, *cross_file_problems(data, today())]:
        raise InvalidData(problems)
    board = make_board(data)
    begun = begin_side_files(board, layout.data, layout.cache)
    charts = Charts(layout.cache, helper)
    context, collections = site_context(board, layout.cache, charts)
    pages = list(render_pages(layout.site_src, context, collections, layout.cache))
    helper.wait()
    for page in pages:
        page.fragments = [charts.put_in(fragment) for fragment in page.fragments]
    return Prepared(board, {page.path: page for page in pages}, context, helper, begun)


def write_docs(prepared: Prepared, layout: Layout) -> None:
    """The Markdown tree on disk: only what changed is written, what is no page any more is removed."""
    wanted = {layout.docs / path: page.markdown.encode() for path, page in prepared.pages.items()}
    for asset in (layout.site_src / "assets").rglob("*"):
        if asset.is_file():
            wanted[layout.docs / "assets" / asset.relative_to(layout.site_src / "assets")] = _sent(asset)
    for path in [path for path in layout.docs.rglob("*") if path.is_file() and path not in wanted]:
        path.unlink()
    for path, content in wanted.items():
        if not path.exists() or path.read_bytes() != content:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)


def _sent(asset: Path) -> bytes:
    """An asset as it is sent: scripts without comments and indentation, a fifth of what they weigh compressed."""
    raw = asset.read_bytes()
    return str(jsmin(raw.decode())).encode() if asset.suffix == ".js" else raw


def build(layout: Layout, prepared: Prepared) -> None:
    """MkDocs' site of the prepared pages, in place of ``layout.site`` once it is whole."""
    os.environ.setdefault("NO_MKDOCS_2_WARNING", "1")
    from mkdocs.commands.build import build as mkdocs_build  # noqa: PLC0415 - half a second that validate can spare
    from mkdocs.config import load_config  # noqa: PLC0415

    layout.check()
    layout.docs.mkdir(parents=True, exist_ok=True)
    layout.site.parent.mkdir(parents=True, exist_ok=True)
    fresh = Path(tempfile.mkdtemp(prefix=".site-", dir=layout.site.parent))
    try:
        overrides: dict[str, Any] = {"site_dir": str(fresh), "docs_dir": str(layout.docs), "strict": True}
        config = load_config(str(layout.root / "mkdocs.yml"), **overrides)
        board_plugin = cast("DecodeBoardPlugin", config.plugins["decode-board"])
        config.plugins.on_startup(command="build", dirty=False)
        board_plugin.hand_over(layout, prepared)
        mkdocs_build(config)
        fresh.chmod(0o755)
        _swap(fresh, layout.site)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def _swap(fresh: Path, site: Path) -> None:
    """``fresh`` takes the place of ``site``; the old one goes last, and comes back if the new one cannot."""
    old = fresh.with_name(fresh.name + "-old")
    if site.exists():
        site.rename(old)
    try:
        fresh.rename(site)
    except OSError:
        if old.exists():
            old.rename(site)
        raise
    shutil.rmtree(old, ignore_errors=True)
