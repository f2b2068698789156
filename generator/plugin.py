"""The board inside MkDocs: a thin layer over :mod:`generator.build`, so that ``mkdocs serve`` works too.

Everything that makes pages is a plain library; this plugin only calls it at the right moments: pages before
MkDocs collects files, fragments after Markdown has run, downloads when the site stands.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
from jinja2 import Environment
from mkdocs.config import config_options
from mkdocs.config.base import Config
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.plugins import BasePlugin

from generator.build import InvalidData, Prepared, prepare, write_docs
from generator.cards import CARD_PICTURE, SHELL, write_cards
from generator.layout import Layout
from generator.pages import bytecode_cache, inject
from generator.share import GENERAL, Shared, begin_pictures, drawings, picture, write_pictures
from generator.side_files import write_side_files
from generator.vega import vega_files
from generator.verbatim import Site, verbatim_files, write_files

MOST_IN_SIDEBAR = 40  # a longer list helps nobody; the overview has a table of them


class DecodeBoardConfig(Config):  # type: ignore[no-untyped-call]
    """``data_dir`` is relative to mkdocs.yml. (An option named ``data`` would collide with MkDocs' own.)"""

    data_dir = config_options.Type(str, default="data")


class DecodeBoardPlugin(BasePlugin[DecodeBoardConfig]):  # type: ignore[no-untyped-call]
    """Renders the board's pages into the docs folder before each build."""

    def __init__(self) -> None:
        self._handed_layout: Layout | None = None
        self._handed: Prepared | None = None
        self._prepared: Prepared | None = None
        self._shared: Shared | None = None
        self._pictures: dict[str, str] = {}
        self._serving = False
        self._shell = ""

    def on_startup(self, *, command: str, dirty: bool) -> None:  # noqa: ARG002
        """Called once a process; having this, MkDocs keeps the plugin between the rebuilds of a server."""
        self._handed_layout = self._handed = self._prepared = None
        self._serving = command == "serve"

    def hand_over(self, layout: Layout, prepared: Prepared) -> None:
        """Use what the caller prepared for the next build, instead of reading the data again."""
        self._handed_layout, self._handed = layout, prepared

    def layout(self, config: MkDocsConfig) -> Layout:
        """Where this build reads and writes: as handed over for its docs folder, else as configured."""
        if self._handed_layout and self._handed_layout.docs == Path(config.docs_dir):
            return self._handed_layout
        root = Path(config.config_file_path).parent
        return Layout(root, root / self.config.data_dir, Path(config.site_dir), Path(config.docs_dir).parent)

    def on_pre_build(self, *, config: MkDocsConfig) -> None:
        """Data to pages. Wrong data stops a build; a server says what is wrong and keeps what it had."""
        layout = self.layout(config)
        try:
            self._prepared = self._handed or prepare(layout)
        except InvalidData as error:
            if not self._serving or self._prepared is None:
                raise PluginError(f"the data cannot be built:\n{error}") from None
            click.echo(f"{error}\n  the pages stay as they were until this is mended", err=True)
        self._handed = None
        self._shared = Shared(self._prepared.board)
        pages, site = self._prepared.pages, _told(config)
        self._pictures = dict(drawings(self._shared, pages, site, layout.site_src, layout.cache))
        begin_pictures(self._pictures, layout.cache, self._prepared.helper)
        write_docs(self._prepared, layout)
        config.nav = _expand_nav(config.nav, sorted(pages))

    def on_env(self, env: Environment, *, config: MkDocsConfig, files: Any) -> Environment:  # noqa: ARG002
        """Keep the theme's compiled templates: compiling them takes longer than rendering them."""
        env.bytecode_cache = bytecode_cache(self.layout(config).cache)
        env.globals["share_image"] = picture(GENERAL)  # of what is no page of ours
        return env

    def on_page_context(self, context: Any, *, page: Any, config: MkDocsConfig, nav: Any) -> Any:  # noqa: ARG002
        """The picture that a link to the page shows; a card's is put in with the rest of it."""
        assert self._shared
        path = page.file.src_uri
        context["share_image"] = CARD_PICTURE if path == SHELL else self._shared.of_page(path)
        return context

    def on_post_page(self, output: str, *, page: Any, config: MkDocsConfig) -> str:  # noqa: ARG002
        """Tables and charts in place of their placeholders."""
        assert self._prepared
        known = self._prepared.pages.get(page.file.src_uri)
        whole = inject(output, known) if known else output
        if page.file.src_uri == SHELL:
            self._shell = whole
            return ""  # no page of its own
        return whole

    def on_post_build(self, *, config: MkDocsConfig) -> None:
        """What stands beside MkDocs' pages: the rows' cards and the downloads."""
        assert self._prepared
        layout = self.layout(config)
        self._prepared.side_files()
        self._prepared.helper.wait()
        write_cards(self._prepared.board, self._shell, config.site_url or "", layout, Path(config.site_dir))
        write_side_files(self._prepared.board, layout.data, Path(config.site_dir), layout.cache)
        told = _told(config)
        pages, context, site = self._prepared.pages, self._prepared.context, Path(config.site_dir)
        write_files(verbatim_files(layout.site_src, context, pages, told, layout.cache), site)
        write_files(vega_files(layout.cache), site)
        write_pictures(self._pictures, layout.cache, site)

    def on_serve(self, server: Any, *, config: MkDocsConfig, builder: Any) -> Any:  # noqa: ARG002
        """Watch what people edit instead of the folder that we write."""
        layout = self.layout(config)
        server.unwatch(config.docs_dir)
        for folder in (layout.data, layout.site_src):
            server.watch(str(folder))
        return server


def _told(config: MkDocsConfig) -> Site:
    return Site(config.site_name, config.site_description or "", config.site_url or "")


def _expand_nav(nav: Any, pages: list[str]) -> Any:
    """``Devices: devices/`` in mkdocs.yml stands for the folder's index and its pages."""
    return [_expand_entry(entry, pages) for entry in nav] if nav else nav


def _expand_entry(entry: Any, pages: list[str]) -> Any:
    if isinstance(entry, str):  # a page that an earlier build of the same configuration put there
        return entry
    ((title, target),) = entry.items()
    if isinstance(target, list):
        return {title: _expand_nav(target, pages)}
    if not isinstance(target, str) or not target.endswith("/"):
        return entry
    below = [page for page in pages if page.startswith(target) and page != f"{target}index.md"]
    if len(below) > MOST_IN_SIDEBAR:
        return {title: f"{target}index.md"}
    return {title: [{"Overview": f"{target}index.md"}, *below]}
