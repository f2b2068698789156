"""How long a build takes, how much memory, and what a page weighs, at 10,000 and 50,000 rows.

``python -m tests.benchmarks.build [--rows N …] [--rows-per-file N] [--repeat N]``. Cold: no cache. Warm: the
same again, median of several. Touched: one result file has changed. Every build is a process of its own, as
a person starts it; memory is that process's peak resident set.

A file system without a journal slows down for minutes after thousands of files were deleted (ext4 passes over their
inodes one by one): leave it alone before, and compare two revisions in turn, not one after the other.
"""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import click

from tests.benchmarks.gzipped import gzipped, weights
from tests.benchmarks.synthetic import ROOT, make
from tests.browser.chromium import find

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
    print(
        f"{'rows':>7} {'files':>6} {'cold s':>7} {'warm s':>7} {'unchanged s':>11} {'touched s':>9} {'peak MB':>8}"
    )
    for count in rows:
        with tempfile.TemporaryDirectory() as folder:
            base = Path(folder)
            data = make(base / "data", count, rows_per_file)
            cold, warm, unchanged, touched = _costs(base, data, repeat)
            peak = max(cost[1] for cost in (cold, *warm, touched))
            middle = statistics.median(cost[0] for cost in warm)
            seconds = f"{cold[0]:7.2f} {middle:7.2f} {unchanged[0]:11.2f} {touched[0]:9.2f}"
            print(f"{count:7,} {count // rows_per_file:6,} {seconds} {peak:8.0f}", flush=True)
            _print_weights(base / "site", count)
    with tempfile.TemporaryDirectory() as folder:
        _build(Path(folder), ROOT / "data")
        _print_weights(Path(folder) / "site", None)


def _costs(base: Path, data: Path, repeat: int) -> tuple[Cost, list[Cost], Cost, Cost]:
    cold = _build(base, data)
    warm = [_build(base, data, "--anew") for _ in range(repeat)]
    unchanged = _build(base, data)
    changed = next((data / "results").rglob("*.json"))
    changed.write_text(changed.read_text().replace('"notes": ""', '"notes": "touched"'))
    return cold, warm, unchanged, _build(base, data)


def _build(base: Path, data: Path, *options: str) -> Cost:
    """Seconds and peak megabytes of one build, as the command line does it."""
    command = [sys.executable, "-m", "generator", "build", "--data-dir", str(data), *options]
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


def _print_weights(site: Path, rows: int | None) -> None:
    path = find()
    if path is None or shutil.which(path) is None:
        print("  no Chromium, so no page weight; run: make chromium")
        return
    said = f"{rows:,} rows" if rows else "the real data"
    with gzipped(site) as web:
        found = weights(path, [f"{web}/{page}" for page in PAGES])
        for page, weight in zip(PAGES, found, strict=True):
            if weight:
                told = f"{weight.kilobytes:6.1f} KB over the wire in {weight.requests} requests"
                print(f"  /{page:<24} {told} ({said})")


if __name__ == "__main__":
    main()
