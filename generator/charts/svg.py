"""A chart to inline SVG, and the cache that spares a build from drawing what it drew before.

A build has its charts drawn on another core while it renders pages, and puts them in when all are rendered.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from html import escape
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from generator.beside import Helper
from generator.kept import kept_file

if TYPE_CHECKING:
    import altair as alt

TIP = "tip: "
_AWAITED = re.compile(r"<!--chart (\d+)-->")
_TIP = re.compile(rf' aria-label="{TIP}([^"]*)"')
_INNER_ROLES = re.compile(r' (?:role|aria-roledescription|aria-label|aria-hidden)="[^"]*"')
_ID = re.compile(r'(id="|url\(#)((?:clip|gradient_)\d+)')


@dataclass(frozen=True, slots=True)
class Figure:
    """One chart: what it shows, in words, in numbers and (when drawn) as a picture.

    ``data`` holds plain numbers and text; ``draw`` makes the picture from it and imports Altair itself,
    because a build whose pictures are all in the cache needs no Altair.
    """

    id: str
    title: str
    caption: str
    columns: tuple[str, ...]
    table: tuple[tuple[str, ...], ...]
    data: dict[str, Any]
    draw: Callable[[dict[str, Any]], alt.LayerChart]


class Charts:
    """The charts of a build, drawn by ``helper`` where the cache has them not."""

    def __init__(self, cache_folder: Path | None, helper: Helper) -> None:
        self._cache, self._helper = cache_folder, helper
        self._awaited: list[Figure] = []

    def draw(self, figure: Figure) -> str:
        """The picture of ``figure``, or what stands for it until :meth:`put_in`."""
        stored = _stored(figure, self._cache)
        if not stored or stored.exists() or not self._helper.tell(partial(svg, figure, self._cache)):
            return svg(figure, self._cache)
        self._awaited.append(figure)
        return f"<!--chart {len(self._awaited) - 1}-->"

    def put_in(self, html: str) -> str:
        """``html`` with every picture that it awaits."""
        return _AWAITED.sub(lambda one: svg(self._awaited[int(one[1])], self._cache), html)


def svg(figure: Figure, cache_folder: Path | None) -> str:
    """The picture of ``figure`` as an SVG element that a screen reader announces by its title and caption."""
    stored = _stored(figure, cache_folder)
    return kept_file(stored, lambda: _drawn(figure).encode()).decode() if stored else _drawn(figure)


def _drawn(figure: Figure) -> str:
    drawn = _own_ids(_convert(figure.draw(figure.data)), figure.id)
    return _accessible(drawn, f"{figure.title}. {figure.caption}")


def _stored(figure: Figure, cache_folder: Path | None) -> Path | None:
    if cache_folder is None:
        return None
    content = json.dumps(
        [figure.id, figure.title, figure.caption, figure.data, _drawing_digest()], sort_keys=True
    )
    return cache_folder / "charts" / f"{hashlib.sha256(content.encode()).hexdigest()}.svg"


@cache
def _drawing_digest() -> str:
    here = Path(__file__).parent
    code = b"".join(path.read_bytes() for path in sorted(here.glob("*.py")))
    return hashlib.sha256(code + version("vl-convert-python").encode()).hexdigest()


def _convert(chart: alt.LayerChart) -> str:
    import vl_convert  # noqa: PLC0415 - costs half a second, and only a new picture needs it

    converted: str = vl_convert.vegalite_to_svg(chart.to_json(validate=False))  # its parts were, when made
    return converted


def _own_ids(drawn: str, prefix: str) -> str:
    """Ids that no other picture of a page has. The converter's count all pictures of the process."""
    own: dict[str, str] = {}
    return _ID.sub(lambda found: found[1] + own.setdefault(found[2], f"{prefix}-{len(own)}"), drawn)


def _accessible(drawn: str, label: str) -> str:
    """One image with one label: the roles inside would be announced as dozens of unnamed images.

    What a chart says of a mark (:func:`generator.charts.style.tip`) stays with it, for ``assets/charts.js`` to tell.
    """
    plain = _INNER_ROLES.sub("", _TIP.sub(r' data-tip="\1"', drawn))
    labelled = f'<svg role="img" aria-label="{escape(label)}" '
    return plain.replace("<svg ", labelled, 1)
