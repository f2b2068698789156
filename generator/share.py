"""The pictures that a link to the site shows elsewhere (Open Graph): one for each main page and best device.

A picture is a template of ``site_src/share`` drawn as PNG, in the colours of ``board.css``. The converter
brings its own font, so that a picture is the same on every machine. All are kept in the cache by what was drawn.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache, partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pandas as pd

from generator.beside import Helper
from generator.fitting import fitted, wrapped
from generator.formats import number, one_decimal, percent, plural, rank, whole
from generator.kept import kept_file, link
from generator.pages import Page, templates
from generator.png import compact
from generator.tables import Board, rows_of
from generator.verbatim import Site, listed, well_formed

FOLDER = "assets/og"
GENERAL = "board"
PAGES = {
    "index.md": "home",
    "decode.md": "decode",
    "kernels/index.md": "kernels",
    "compare.md": "compare",
    "what-if.md": "what-if",
}
MOST_DEVICES = 12
_MOST_BARS = {"home": 4, "decode": 4, "compare": 2, "what-if": 4}
_INNER_PX = 1080  # a picture is 1200 wide, with 60 on either side
_COLOUR = re.compile(r"--board-(\w+):\s*(#[0-9a-fA-F]{3,8})")


@dataclass(frozen=True, slots=True)
class Bar:
    """A row's tok/s and its roofline, as shares of the widest bar."""

    name: str
    value: str
    share: float
    roof: float


@dataclass(frozen=True)
class Shared:
    """Which picture belongs to what."""

    board: Board

    @cached_property
    def ranked(self) -> pd.DataFrame:
        """All ranked rows, the fastest of each model first."""
        return self.board.decode[self.board.decode["ranked"]]

    @cached_property
    def rows(self) -> Mapping[str, Any]:
        """The best ranked row of each device that has a picture of its own, by device, the best rank first."""
        best = self.ranked.sort_values("rank", kind="stable").drop_duplicates("device").head(MOST_DEVICES)
        return {row.device: row for row in rows_of(best)}

    def of_device(self, device: str) -> str:
        """The picture for a device and its rows, as a path from the site's root."""
        return picture(f"device-{device}" if device in self.rows else GENERAL)

    def of_page(self, path: str) -> str:
        """The picture for a page."""
        folder, _, name = path.removesuffix(".md").rpartition("/")
        return self.of_device(name) if folder == "devices" else picture(PAGES.get(path, GENERAL))


def picture(name: str) -> str:
    """Where the picture of that name is, from the site's root."""
    return f"{FOLDER}/{name}.png"


def begin_pictures(drawn: Mapping[str, str], cache: Path, helper: Helper) -> None:
    """Have each picture in the cache soon."""
    for svg in drawn.values():
        kept = _kept(svg, cache)
        if not kept.exists():
            helper.tell(partial(kept_file, kept, partial(_png, svg)))


def write_pictures(drawn: Mapping[str, str], cache: Path, folder: Path) -> None:
    """Put every picture below ``folder``, the site's root; only those that are new are drawn."""
    (folder / FOLDER).mkdir(parents=True, exist_ok=True)
    known: set[Path] = set()
    for path, svg in drawn.items():
        kept = _kept(svg, cache)
        known.add(kept)
        kept_file(kept, partial(_png, svg))
        (folder / path).unlink(missing_ok=True)
        link(kept, folder / path)
    for old in (cache / "share").iterdir():
        if old not in known:
            old.unlink()


def drawings(
    shared: Shared, pages: Mapping[str, Page], site: Site, site_src: Path, cache: Path | None
) -> Iterator[tuple[str, str]]:
    """Path and SVG of every picture."""
    environment = templates(site_src, cache)
    colours = palette((site_src / "assets/board.css").read_text("utf-8"))
    host = fitted(re.sub(r"^https?://|/$", "", site.url), 26, 560)
    common = {"colours": colours, "site": site, "host": host}
    page = environment.get_template("share/page.svg")
    for path, name in ((None, GENERAL), *PAGES.items()):
        yield (
            picture(name),
            well_formed(page.render(**_of_page(shared, name, pages.get(path or ""), site), **common)),
        )
    device = environment.get_template("share/device.svg")
    counts = shared.ranked["model"].value_counts()
    for name, row in shared.rows.items():
        drawn = device.render(**_of_device(shared, row, counts[row.model]), **common)
        yield picture(f"device-{name}"), well_formed(drawn)


def palette(css: str) -> dict[str, str]:
    """The colours of the light theme: of each variable, the first that the style sheet gives."""
    found: dict[str, str] = {}
    for name, colour in _COLOUR.findall(css):
        found.setdefault(name, colour)
    return found


def _of_page(shared: Shared, name: str, page: Page | None, site: Site) -> dict[str, Any]:
    own = listed(page) if page and name != "home" else None
    facts = [
        (whole(len(shared.board.data.runs)), "result files"),
        (whole(len(shared.board.data.devices)), "devices"),
        (whole(len(shared.board.kernels)), "kernel latencies"),
    ]
    return {
        "title": [fitted(own.title, 76, _INNER_PX, bold=True)]
        if own
        else wrapped(site.description, 56, _INNER_PX, 3, bold=True),
        "text": wrapped(own.description, 34, _INNER_PX, 3) if own else [],
        "bars": _bars(shared.ranked, _MOST_BARS.get(name, 0)),
        "facts": [] if name in _MOST_BARS else facts,
    }


def _bars(ranked: pd.DataFrame, most: int) -> list[Bar]:
    first = ranked.head(most)  # of the first model, if it has so many
    rows = first[first["model"] == first["model"].iloc[0]] if len(first) else first
    widest = max((max(row.tok_per_s, row.roofline_tok_per_s) for row in rows_of(rows)), default=1.0)
    return [
        Bar(
            fitted(row.device_name, 26, 350),
            f"{one_decimal(row.tok_per_s)} tok/s",
            row.tok_per_s / widest,
            row.roofline_tok_per_s / widest,
        )
        for row in rows_of(rows)
    ]


def _of_device(shared: Shared, row: Any, of: int) -> dict[str, Any]:
    model = shared.board.data.models[row.model].name
    sampled = not pd.isna(row.samples)
    low, high = one_decimal(row.tok_per_s_low), one_decimal(row.tok_per_s_high)
    return {
        "name": fitted(row.device_name, 68, _INNER_PX, bold=True),
        "what": fitted(f"decoding {model} in {row.dtype}, batch 1", 30, _INNER_PX),
        "rate": one_decimal(row.tok_per_s),
        "interval": f"95 % interval {low} – {high}" if sampled else "as published, without samples",
        "share": min(row.mbu_percent / 100, 1.0),
        "used": f"{percent(row.mbu_percent)} of what its memory allows",
        "roof": f"roofline {number(row.roofline_tok_per_s, 3)} tok/s",
        "rank": f"rank {rank(row.rank_best, row.rank_worst)} of {of}",
        "standing": fitted(_standing(row), 26, 1040),
    }


def _standing(row: Any) -> str:
    if row.standing == "reproduced":
        return f"reproduced by {plural(int(row.reproduced_within), 'other submitter')}"
    if row.provenance == "measured":
        return f"measured by {row.submitter}"
    return f"reported by {row.source_title}"


def _kept(svg: str, cache: Path) -> Path:
    name = hashlib.sha256(f"{_drawn_by()}\0{svg}".encode()).hexdigest()
    return cache / "share" / f"{name}.png"


@lru_cache
def _drawn_by() -> str:
    """What makes a PNG of an SVG: where it changes, all are drawn anew."""
    code = (Path(__file__).parent / "png.py").read_text("utf-8")
    return f"{version('vl-convert-python')}\0{code}"


def _png(svg: str) -> bytes:
    import vl_convert  # noqa: PLC0415 - costs half a second, and only a new picture needs it

    return compact(vl_convert.svg_to_png(svg))
