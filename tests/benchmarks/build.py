"""How long a build takes, how much memory, and what a page weighs, at 10,000 and 50,000 rows.

``python -m tests.benchmarks.build [--rows N …] [--rows-per-file N] [--repeat N]``. Cold: no cache. Warm: the
same again, median of several. Touched: one result file has changed. Every build is a process of its own, as
a person starts it; memory is that process's peak resident set.
"""

from __future__ import annotations

import gzip
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import click
from playwright.sync_api import Browser, Request, sync_playwright

from tests.benchmarks.synthetic import ROOT, make
from tests.browser.chromium import FLAGS, find

PAGES = ("", "decode/", "kernels/", "kernels/q_proj_matvec/", "devices/", "devices/device-000/")
Cost = tuple[float, float]


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--rows", type=int, multiple=True, default=(10_000, 50_000), show_default=True, help="Sizes to build."
)
@click.option(
    "--rows-per-file", type=int, default=10, show_default=True, help="Rows that one result file holds."
)
@click.option("--repeat", type=int, default=5, show_default=True, help="Warm builds; the median is printed.")
def main(rows: tuple[int, ...], rows_per_file: int, repeat: int) -> None:
    """Print build seconds, peak memory and page weight on synthetic data."""
    machine = f"{os.cpu_count()} cores, Python {sys.version.split()[0]}"
    print(f"{machine}; {rows_per_file} rows a file; warm: median of {repeat}")
    print(f"{'rows':>7} {'files':>6} {'cold s':>7} {'warm s':>7} {'touched s':>9} {'peak MB':>8}")
    for count in rows:
        with tempfile.TemporaryDirectory() as folder:
            base = Path(folder)
            data = make(base / "data", count, rows_per_file)
            cold, warm, touched = _costs(base, data, repeat)
            peak = max(cost[1] for cost in (cold, *warm, touched))
            seconds = f"{cold[0]:7.2f} {statistics.median(cost[0] for cost in warm):7.2f} {touched[0]:9.2f}"
            print(f"{count:7,} {count // rows_per_file:6,} {seconds} {peak:8.0f}", flush=True)
            _print_weights(base / "site", count)
    with tempfile.TemporaryDirectory() as folder:
        _build(Path(folder), ROOT / "data")
        _print_weights(Path(folder) / "site", None)


def _costs(base: Path, data: Path, repeat: int) -> tuple[Cost, list[Cost], Cost]:
    cold = _build(base, data)
    warm = [_build(base, data) for _ in range(repeat)]
    changed = next((data / "results").rglob("*.json"))
    changed.write_text(changed.read_text().replace('"notes": ""', '"notes": "touched"'))
    return cold, warm, _build(base, data)


def _build(base: Path, data: Path) -> Cost:
    """Seconds and peak megabytes of one build, as the command line does it."""
    command = [sys.executable, "-m", "generator", "build", "--data-dir", str(data)]
    started = time.perf_counter()
    process = subprocess.Popen(
        [*command, "--site-dir", str(base / "site"), "--work-dir", str(base / "work")],
        cwd=ROOT,
        stderr=subprocess.DEVNULL,
    )
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        sys.exit("the build failed; run it by hand to see why")
    return time.perf_counter() - started, usage.ru_maxrss / 1024


class _Gzipped(SimpleHTTPRequestHandler):
    """Files as a web host sends them: text compressed."""

    def do_GET(self) -> None:
        path = Path(self.translate_path(self.path))
        path = path / "index.html" if path.is_dir() else path
        if not path.exists():
            self.send_error(404)
            return
        body = path.read_bytes()
        packed = path.suffix not in {".png", ".woff2"}
        body = gzip.compress(body, 6) if packed else body
        self.send_response(200)
        self.send_header("Content-Type", self.guess_type(str(path)))
        if packed:
            self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """A benchmark prints its own story."""


def _print_weights(site: Path, rows: int | None) -> None:
    path = find()
    if path is None or shutil.which(path) is None:
        print("  no Chromium, so no page weight; run: make chromium")
        return
    said = f"{rows:,} rows" if rows else "the real data"
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Gzipped, directory=str(site))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        for page, kilobytes, requests in _weights(path, server.server_port):
            print(f"  /{page:<24} {kilobytes:6.1f} KB over the wire in {requests} requests ({said})")
        server.shutdown()


def _weights(chromium: str, port: int) -> Iterator[tuple[str, float, int]]:
    """Page, kilobytes with everything it loads (gzip), and requests, each with an empty cache."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=list(FLAGS))
        for name in PAGES:
            sizes = _sizes(browser, f"http://127.0.0.1:{port}/{name}")
            if sizes:
                yield name, sum(sizes) / 1000, len(sizes)
        browser.close()


def _sizes(browser: Browser, address: str) -> list[int]:
    """Bytes of each response body that ``address`` needs; none where there is no such page."""
    sizes: list[int] = []

    def note(request: Request) -> None:
        sizes.append(request.sizes()["responseBodySize"])

    page = browser.new_context().new_page()
    page.on("requestfinished", note)
    response = page.goto(address, wait_until="networkidle")
    page.context.close()
    return sizes if response and response.ok else []


if __name__ == "__main__":
    main()
