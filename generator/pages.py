"""Templates and a board to a tree of Markdown pages and the HTML that goes into them.

A page is a file below ``site_src/pages``; its name says how often it is rendered: ``decode.md`` once,
``kernels/[kernel].md`` once a kernel. Adding a page is adding a file.

Tables and charts do not pass through Markdown. A template calls ``fragment(name, ...)``, which renders
``site_src/fragments/<name>.html`` with autoescaping and leaves a placeholder of one line; :func:`inject`
puts the HTML in after Markdown has run. That keeps the untrusted text of a record away from Markdown's own
syntax, and it is most of why ten thousand rows build in a second (see site_src/README.md).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup, escape

from generator import formats
from generator.glossary import Term, read_glossary
from schemas.prose import render as render_prose

_PLACEHOLDER = re.compile(r'<div data-fragment="(\d+)"></div>')
_COLLECTION = re.compile(r"\[(\w+)\]")
_MARKDOWN_SPECIAL = re.compile(r"([\\`*_{}\[\]()#+\-.!])")
_ENTITIES = {ord(letter): f"&#{ord(letter)};" for letter in "&<>|~"}  # a backslash before these would show


@dataclass(slots=True)
class Page:
    """One page: its path below the docs folder, its Markdown, the fragments its placeholders stand for, and the terms
    of the glossary that it explains in place.
    """

    path: str
    markdown: str = ""
    fragments: list[str] = field(default_factory=list)
    terms: dict[str, Term] = field(default_factory=dict)

    @property
    def root(self) -> str:
        """The relative address of the site's root, as seen from this page's own address."""
        parts = self.path.removesuffix(".md").split("/")
        return "../" * (len(parts) - (parts[-1] == "index")) or "./"


def render_pages(
    site_src: Path,
    context: Mapping[str, Any],
    collections: Mapping[str, Mapping[str, Any]],
    cache: Path | None = None,
) -> Iterator[Page]:
    """Every page of the site; ``collections`` holds what a ``[name]`` in a file's name runs over."""
    environment, glossary = templates(site_src, cache), read_glossary(site_src)
    for template in sorted((site_src / "pages").rglob("*.md")):
        name = template.relative_to(site_src / "pages").as_posix()
        for path, extra in _instances(name, collections):
            page = Page(path)
            own = {"url": partial(address, page), "term": partial(_term, page, glossary)}
            fragment = partial(_fragment, environment, page, own)
            helpers = {"fragment": fragment, "glossary": glossary, "page": page, **own}
            source = environment.get_template(f"pages/{name}")
            page.markdown = source.render({**context, **extra, **helpers})
            if page.terms:
                page.markdown += str(fragment("terms", terms=page.terms))
            yield page


def inject(html: str, page: Page) -> str:
    """The HTML of a page with its fragments in place of their placeholders."""
    return _PLACEHOLDER.sub(lambda match: page.fragments[int(match[1])], html)


def _instances(
    name: str, collections: Mapping[str, Mapping[str, Any]]
) -> Iterable[tuple[str, dict[str, Any]]]:
    match = _COLLECTION.search(name)
    if not match:
        return [(name, {})]
    kind = match[1]
    return [(name.replace(match[0], key), {kind: entry}) for key, entry in sorted(collections[kind].items())]


def _fragment(
    environment: jinja2.Environment, page: Page, own: Mapping[str, Any], name: str, /, **values: Any
) -> Markup:
    html = environment.get_template(f"fragments/{name}.html").render(**values, **own)
    page.fragments.append(html)
    return Markup(f'\n<div data-fragment="{len(page.fragments) - 1}"></div>\n')  # noqa: S704 - holds a number only


def _term(page: Page, glossary: Mapping[str, Term], key: str, text: str | None = None) -> Markup:
    """A button that opens what a term means; the meaning itself stands once, at the end of the page."""
    page.terms[key] = glossary[key]
    shown = escape(text or glossary[key].name)
    opened = Markup('<button type="button" class="term" popovertarget="term-{}">{}</button>')
    return opened.format(key, shown)


def address(page: Page, target: str) -> str:
    """The relative address of ``target`` (``kernels/softmax/``, from the site's root) as seen from ``page``."""
    return page.root + target


def templates(site_src: Path, cache: Path | None) -> jinja2.Environment:
    """Strict about names; HTML is escaped in fragments, Markdown in pages (by the filter ``md``)."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(site_src),
        autoescape=jinja2.select_autoescape(enabled_extensions=("html", "xml", "svg"), default=False),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        auto_reload=False,
        bytecode_cache=bytecode_cache(cache),
    )
    shown: dict[str, Callable[..., Any]] = {
        name: getattr(formats, name)
        for name in (
            "number",
            "one_decimal",
            "latency",
            "error",
            "percent",
            "times",
            "whole",
            "rank",
            "plural",
            "signed",
            "short",
            "listed",
        )
    }
    environment.filters |= shown | {"md": _escape_markdown, "prose": _prose}
    environment.tests["missing"] = lambda value: value is None or value != value  # noqa: PLR0124 - NaN
    return environment


def bytecode_cache(cache: Path | None) -> jinja2.BytecodeCache | None:
    """Where compiled templates are kept between builds."""
    if cache is None:
        return None
    folder = cache / "templates"
    folder.mkdir(parents=True, exist_ok=True)
    return jinja2.FileSystemBytecodeCache(str(folder))


def _escape_markdown(text: object) -> str:
    return _MARKDOWN_SPECIAL.sub(r"\\\1", str(text)).translate(_ENTITIES)


def _prose(text: str) -> Markup:
    return Markup(render_prose(text))  # noqa: S704 - cleaned by nh3
