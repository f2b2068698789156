"""Row cards beside MkDocs: its theme renders one empty card, and every row's card is that page filled in.

MkDocs needs about ten milliseconds a page and keeps all pages in memory; a card needs one. All cards are kept
in the cache for the data, the code, the templates and the frame that they were made from.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from functools import partial
from html import escape
from pathlib import Path
from typing import Any

import jinja2

from generator.charts.samples import samples_plot
from generator.dataset import code_digest
from generator.highlight import highlighted
from generator.layout import Layout
from generator.ledger import LedgerView
from generator.pages import Page, address, templates
from generator.row_card import Cards, RowCard
from generator.share import Shared
from generator.tables import Board

SHELL = "rows/shell.md"
CARD_PICTURE = "board-card-picture"
_FRAGMENT = "fragments/row-card.html"
_HOLES = re.compile(
    r"board-card-title|board-card-heading|board-card-description|board-card-picture|rows/shell|<div data-card></div>"
)


def write_cards(board: Board, shell: str, site_url: str, layout: Layout, site: Path) -> None:
    """Write ``rows/<run>/index.html`` of every run below ``site``; ``shell`` is the rendered page :data:`SHELL`."""
    kept = layout.cache / "cards" / _digest(board, shell, site_url, layout.site_src)
    if not kept.exists():
        shutil.rmtree(kept.parent, ignore_errors=True)
        part = kept.with_name("part")  # cards that were cut short must not pass for all of them
        part.mkdir(parents=True)
        for run, html in _cards(board, shell, site_url, layout):
            (part / f"{run}.html").write_text(html, "utf-8")
        part.rename(kept)
    for card in os.scandir(kept):
        folder = site / "rows" / card.name.removesuffix(".html")
        folder.mkdir(parents=True, exist_ok=True)
        _link(card.path, folder / "index.html")


def _link(source: str, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError:  # another disk, or a file system without links
        shutil.copyfile(source, target)


def _digest(board: Board, shell: str, site_url: str, site_src: Path) -> str:
    sources = [*sorted((site_src / "fragments").glob("*.html")), *sorted(Path(__file__).parent.rglob("*.py"))]
    told = [board.data.digest, code_digest(), shell, site_url, *(path.read_text("utf-8") for path in sources)]
    return hashlib.sha256("\0".join(told).encode()).hexdigest()


def _cards(board: Board, shell: str, site_url: str, layout: Layout) -> Iterator[tuple[str, str]]:
    pieces, holes = _HOLES.split(shell), _HOLES.findall(shell)
    template = templates(layout.site_src, layout.cache).get_template(_FRAGMENT)
    shared = {
        "ledger": LedgerView(board),
        "instructions": board.data.instructions,
        "highlight": lambda text, path: highlighted(text, path, layout.cache),
        "url": partial(address, Page("rows/card.md")),
    }
    shared_as = Shared(board)
    for card in Cards(board):
        fill = {
            CARD_PICTURE: shared_as.of_device(card.run.device),
            "board-card-title": escape(card.title),
            "board-card-heading": escape(card.device.name),
            "board-card-description": escape(_description(card)),
            "rows/shell": f"rows/{card.run.run}",
            "<div data-card></div>": _body(template, card, site_url, shared),
        }
        yield (
            card.run.run,
            "".join(map("".join, zip(pieces, [fill[hole] for hole in holes] + [""], strict=True))),
        )


def _description(card: RowCard) -> str:
    by = f"measured by {card.run.submitter}" if card.run.submitter else f"reported by {card.run.source_title}"
    return f"{card.title}; {by}. Interval, samples, machine, kernels with their emitted source, how to have it again."


def _body(template: jinja2.Template, card: RowCard, site_url: str, shared: Mapping[str, Any]) -> str:
    decoding, row = (card.entry.measured.decoding if card.entry.measured else None), card.decode
    plot = (
        samples_plot(decoding.trace, int(row.repetitions), row.tpot_ns, row.tpot_low_ns, row.tpot_high_ns)
        if decoding and row
        else None
    )
    return template.render(card=card, row=row, plot=plot, citation=card.citation(site_url), **shared)
