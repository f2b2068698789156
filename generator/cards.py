"""Row cards beside MkDocs: its theme renders one empty card, and every row's card is that page filled in.

MkDocs needs about ten milliseconds a page and keeps all pages in memory; a card needs one. All cards are kept
in the cache for the data, the code, the templates and the frame that they were made from, and else on all cores.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from functools import partial
from html import escape
from pathlib import Path
from typing import Any

import jinja2

from generator.all_cores import on_all_cores
from generator.charts.samples import samples_plot
from generator.highlight import highlighted
from generator.kept import Files, all_code_digest, write_kept
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
    digest = _digest(board, shell, site_url, layout.site_src)
    write_kept(layout.cache / "cards", digest, lambda: _cards(board, shell, site_url, layout), site)


def _digest(board: Board, shell: str, site_url: str, site_src: Path) -> str:
    fragments = [path.read_text("utf-8") for path in sorted((site_src / "fragments").glob("*.html"))]
    told = [board.data.digest, all_code_digest(), shell, site_url, *fragments]
    return hashlib.sha256("\0".join(told).encode()).hexdigest()


def _cards(board: Board, shell: str, site_url: str, layout: Layout) -> Files:
    pieces, holes = _HOLES.split(shell), _HOLES.findall(shell)
    template = templates(layout.site_src, layout.cache).get_template(_FRAGMENT)
    shared = {
        "ledger": LedgerView(board),
        "highlight": lambda text, path: highlighted(text, path, layout.cache),
        "url": partial(address, Page("rows/card.md")),
    }
    shared_as, cards = Shared(board), Cards(board)

    def filled(run: str) -> tuple[str, bytes]:
        card = cards.of(run)
        fill = {
            CARD_PICTURE: shared_as.of_device(card.run.device),
            "board-card-title": escape(card.title),
            "board-card-heading": escape(card.device.name),
            "board-card-description": escape(_description(card)),
            "rows/shell": f"rows/{run}",
            "<div data-card></div>": _body(template, card, site_url, shared),
        }
        parts = zip(pieces, [fill[hole] for hole in holes] + [""], strict=True)
        return f"rows/{run}/index.html", "".join(map("".join, parts)).encode()

    yield from on_all_cores(filled, list(board.data.runs))


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
