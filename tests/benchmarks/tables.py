"""How fast the two large tables are in Chromium, how long their data take to make, and what these weigh.

``python -m tests.benchmarks.tables [--rows N …] [--repeat N]``. A small synthetic site is built once; its data files
are then those of N made-up rows. All times end when the first rows of the answer lie where they are painted; the others
of a hundred follow a frame later. Ready: from the last byte of the data. Sort: from a click on a header, each column
for the first time. Filter: from a letter typed into the search field. Each is asked of a page that has come to rest,
as a reader would. Medians.
"""

from __future__ import annotations

import gzip
import os
import re
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import click
from playwright.sync_api import Browser, Page, sync_playwright

from generator.build import build, prepare
from generator.columns import table_files
from generator.dataset import read_dataset
from generator.layout import Layout
from generator.tables import make_board
from tests.benchmarks.synthetic import MODEL, ROOT, make
from tests.browser.chromium import FLAGS, find
from tests.browser.served import served

TABLES = {"decode": f"table/decode/{MODEL}/", "kernels": "table/kernels/"}
GOALS_MS = {"ready": 120, "sort": 80, "filter": 90}
# Until the rows have changed and lie where they will be painted.
_TIMED = """act => new Promise(still => requestIdleCallback(still)).then(() => new Promise(resolve => {
  const body = document.querySelector('table.sorted tbody');
  new MutationObserver((_, watch) => {
    watch.disconnect();
    document.body.offsetHeight;
    resolve(performance.now() - start);
  }).observe(body, {childList: true});
  const start = performance.now();
  act();
}))"""
_READY = """() => ({timed})(() => document.querySelector('table.sorted th[data-key=dtype] button').click()).then(() => {
  const files = performance.getEntriesByType('resource').filter(one => one.name.includes('/data/table/'));
  return performance.now() - Math.max(...files.map(one => one.responseEnd));
})"""
_SORT = "key => ({timed})(() => document.querySelector(`table.sorted th[data-key=${key}] button`).click())"
_FILTER = """text => ({timed})(() => {
  const search = document.querySelector('[data-part=search]');
  search.value = text;
  search.dispatchEvent(new Event('input'));
})"""


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--rows", type=int, multiple=True, default=(10_000, 50_000), show_default=True, help="Rows of a table."
)
@click.option("--repeat", default=9, show_default=True, help="Pages opened, and words searched for in each.")
def main(rows: tuple[int, ...], repeat: int) -> None:
    """Print milliseconds and kilobytes of the decode table and the leaderboard on synthetic data."""
    print(f"{os.cpu_count()} cores, Python {sys.version.split()[0]}; goals at 10,000 rows: {GOALS_MS} ms")
    print(
        f"{'table':<8} {'rows':>7} {'ready':>6} {'sort':>6} {'filter':>7}  ms; data: {'made in':>8} {'gzip':>8}"
    )
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        base = Path(folder)
        layout = Layout(ROOT, make(base / "small", 2_000), base / "site", base / "work")
        build(layout, prepare(layout))
        browser = playwright.chromium.launch(executable_path=find(), args=list(FLAGS))
        for count in rows:
            for table, per_file in (("decode", 1), ("kernels", 10)):
                data = make(base / f"{table}-{count}", count * per_file // max(1, per_file - 1), per_file)
                total, seconds, weight = _put(layout, data, table)
                with served(layout.site) as address:
                    taken = _taken(browser, f"{address}/{table}/", repeat)
                ready, sort, filtered = (statistics.median(times) for times in taken)
                print(f"{table:<8} {total:7,} {ready:6.0f} {sort:6.0f} {filtered:7.0f}  ms; "
                      f"{seconds:13.2f} s {weight / 1000:5.0f} KB", flush=True)  # fmt: skip
        browser.close()


def _put(layout: Layout, data: Path, table: str) -> tuple[int, float, int]:
    """Rows of the table of ``data``, now that of the site; seconds to make its files, and their bytes over the wire."""
    board = make_board(read_dataset(data, layout.work / "large")[0])
    started = time.perf_counter()
    files = [(name, content) for name, content in table_files(board) if TABLES[table] in name]
    seconds = time.perf_counter() - started
    for name, content in files:
        (layout.site / name).parent.mkdir(parents=True, exist_ok=True)
        (layout.site / name).write_bytes(content)
    total = len(board.decode if table == "decode" else board.kernels)
    page = layout.site / table / "index.html"
    page.write_text(re.sub(r'data-total="\\d+"', f'data-total="{total}"', page.read_text()))
    return total, seconds, sum(len(gzip.compress(content, 6)) for _, content in files)


def _taken(browser: Browser, address: str, repeat: int) -> tuple[list[float], list[float], list[float]]:
    ready: list[float] = []
    sort: list[float] = []
    filtered: list[float] = []
    for _ in range(repeat):
        page = browser.new_page()
        page.goto(address, wait_until="networkidle")
        ready.append(float(page.evaluate(_READY.replace("{timed}", _TIMED))))
        page.goto(f"{address}?rows=all&sort=dtype", wait_until="networkidle")
        sort += _sorts(page)
        filtered += _filters(page)
        page.close()
    return ready, sort, filtered


def _sorts(page: Page) -> Iterator[float]:
    for key in page.locator("table.sorted th[data-key]").evaluate_all(
        "heads => heads.map(one => one.dataset.key)"
    ):
        if key != "dtype":
            yield float(page.evaluate(_SORT.replace("{timed}", _TIMED), key))


def _filters(page: Page) -> Iterator[float]:
    for text in ("d", "device 1", "person", "device 12 c", "vendor 3 bf16", "2", ""):
        yield float(page.evaluate(_FILTER.replace("{timed}", _TIMED), text))


if __name__ == "__main__":
    main()
