"""What pages cost a reader on a phone: Lighthouse's scores, layout shift, bytes over the wire, and our scripts.

``python -m tests.benchmarks.pages [--rows N] [--pages NAME …] [--runs N]``. The pages are those of the real data;
the two tables that grow are measured on made-up rows too. A benchmark, not a test: it names the goals that were
missed and why, and ends well all the same.
"""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from tests.benchmarks.gzipped import Weight, gzipped, weights
from tests.benchmarks.lighthouse import CATEGORIES, Scores, install, scores
from tests.benchmarks.synthetic import ROOT, make
from tests.browser.chromium import find

NAMES = ("home", "decode", "device", "row", "compare", "what-if", "decode, many rows", "leaderboard")
GOALS = {"performance": 95, "accessibility": 100, "best-practices": 100, "seo": 100}
MOST_SHIFT = 0.02
MOST_KILOBYTES = {"decode": 120, "decode, many rows": 120, "leaderboard": 200}
MOST_SCRIPT_BYTES = 12_000


@dataclass(frozen=True, slots=True)
class Page:
    """A page by its name here and its address below the web's root."""

    name: str
    address: str


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--rows", type=int, default=10_000, show_default=True, help="Made-up rows of the tables that grow."
)
@click.option(
    "--pages", type=click.Choice(NAMES), multiple=True, default=NAMES, help="Which pages; else all."
)
@click.option(
    "--runs", type=int, default=3, show_default=True, help="Runs of Lighthouse a page; medians are printed."
)
def main(rows: int, pages: tuple[str, ...], runs: int) -> None:
    """Print what each page scores and weighs, and every goal that it misses."""
    chromium = find()
    if chromium is None:
        sys.exit("no Chromium, so no pages; run: make chromium")
    lacks = install()
    print(lacks or f"Lighthouse, mobile, its default throttling; medians of {runs}; {rows:,} made-up rows")
    with tempfile.TemporaryDirectory() as folder, gzipped(Path(folder)) as web:
        wanted = [page for page in _built(Path(folder), web, rows, pages) if page.name in pages]
        misses = _measure(web, wanted, chromium, 0 if lacks else runs)
        misses += _scripts(Path(folder) / wanted[0].address.partition("/")[0])
    print(
        "\n".join(["", "Goals missed:", *misses])
        if misses
        else f"\nNo goal is missed{' of those measured' if lacks else ''}."
    )


def _built(folder: Path, web: str, rows: int, wanted: tuple[str, ...]) -> list[Page]:
    """The pages of the sites that are wanted, built under their base paths."""
    pages = [
        Page(name, f"many/{path}/")
        for name, path in (("decode, many rows", "decode"), ("leaderboard", "kernels"))
    ]
    if {page.name for page in pages} & set(wanted):
        _build(folder, "many", make(folder / "data", rows), web)
    if set(wanted) - {page.name for page in pages}:
        site = _build(folder, "decode-board", ROOT / "data", web)
        pages += _real_pages(json.loads((site / "api/v1/decode.json").read_text()))
    return sorted(pages, key=lambda page: NAMES.index(page.name))


def _build(folder: Path, name: str, data: Path, web: str) -> Path:
    command = [sys.executable, "-m", "generator", "build", "--data-dir", str(data)]
    places = ["--site-dir", str(folder / name), "--work-dir", str(folder / f"work-{name}")]
    environment = os.environ | {"SITE_URL": f"{web}/{name}/"}
    if subprocess.run(
        [*command, *places], cwd=ROOT, env=environment, stderr=subprocess.DEVNULL, check=False
    ).returncode:
        sys.exit("the build failed; run it by hand to see why")
    return folder / name


def _real_pages(rows: list[dict[str, Any]]) -> list[Page]:
    """Pages of the real data: those of the fastest measured row, which has the most to show, and the best two."""
    ranked = [row for row in rows if row["ranked"]]
    measured = next((row for row in ranked if row["samples"]), ranked[0])
    two = ",".join(row["run"] for row in ranked[:2])
    paths = {"home": "", "decode": "decode/", "device": f"devices/{measured['device']}/", "row": measured["card"],
             "compare": f"compare/?rows={two}", "what-if": "what-if/"}  # fmt: skip
    return [Page(name, f"decode-board/{path}") for name, path in paths.items()]


def _measure(web: str, pages: list[Page], chromium: str, runs: int) -> list[str]:
    """Print a line a page; what misses its goal comes back."""
    print(f"\n{'page':<18} perf a11y best  seo    CLS      KB requests foreign machine")
    misses: list[str] = []
    found = weights(chromium, [f"{web}/{page.address}" for page in pages])
    for page, weight in zip(pages, list(found), strict=True):
        if weight is None:
            print(f"{page.name:<18} there is no such page yet")
            continue
        judged = scores(f"{web}/{page.address}", chromium, runs) if runs else None
        _print(page, weight, judged)
        misses += _misses(page, weight, judged)
    return misses


def _print(page: Page, weight: Weight, judged: Scores | None) -> None:
    marks = " ".join(f"{judged.of[name] if judged else '–':>4}" for name in CATEGORIES)
    shift = judged.layout_shift if judged else weight.layout_shift
    said = f"{weight.kilobytes:7.1f} {weight.requests:8} {len(weight.foreign):7}"
    machine = f"{judged.machine:7,}" if judged else "      –"
    print(f"{page.name:<18} {marks} {shift:6.3f} {said} {machine}", flush=True)


def _misses(page: Page, weight: Weight, judged: Scores | None) -> list[str]:
    shift = max(weight.layout_shift, judged.layout_shift if judged else 0)
    found = [f"  {page.name}: layout shift {shift:.3f}, at most {MOST_SHIFT}"] if shift > MOST_SHIFT else []
    most = MOST_KILOBYTES.get(page.name)
    if most and weight.kilobytes > most:
        found.append(f"  {page.name}: {weight.kilobytes:.1f} KB, at most {most}")
    found += [f"  {page.name}: asks another host or gets no answer: {address}" for address in weight.foreign]
    for name, least in GOALS.items() if judged else ():
        if judged and judged.of[name] < least:
            found.append(
                f"  {page.name}: {name} {judged.of[name]}, at least {least}: {'; '.join(judged.causes[name])}"
            )
    return found


def _scripts(site: Path) -> list[str]:
    """Print the size of each script of ours as published; the sum comes back where it is too large."""
    names = sorted(path.name for path in (ROOT / "site_src/assets").glob("*.js"))
    sizes = {name: len(gzip.compress((site / "assets" / name).read_bytes(), 6)) for name in names}
    total = sum(sizes.values())
    print("\nscripts, gzip: " + ", ".join(f"{name} {size:,}" for name, size in sizes.items()))
    print(f"{total:,} bytes of {MOST_SCRIPT_BYTES:,}")
    return [f"  scripts: {total:,} bytes, at most {MOST_SCRIPT_BYTES:,}"] if total > MOST_SCRIPT_BYTES else []


if __name__ == "__main__":
    main()
