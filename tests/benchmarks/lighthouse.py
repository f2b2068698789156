"""Lighthouse, from npm into ``build/lighthouse`` at first use: what it says of a page on a slow phone."""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.browser.chromium import FLAGS

VERSION = "12.8.2"  # the newest that runs on Node 20
FOLDER = Path(__file__).resolve().parents[2] / "build" / "lighthouse"
CATEGORIES = ("performance", "accessibility", "best-practices", "seo")
METRICS = ("first-contentful-paint", "largest-contentful-paint", "total-blocking-time", "speed-index")


@dataclass(frozen=True, slots=True)
class Scores:
    """Medians of all runs; ``causes`` are what cost points in the last one, and its times.

    ``machine`` is Lighthouse's own measure of this computer: below 1,000 or so, it is slower than the phone that
    Lighthouse means by a four times slower computer, and blocking time is overstated.
    """

    of: dict[str, int]
    layout_shift: float
    causes: dict[str, tuple[str, ...]]
    machine: int


def install() -> str | None:
    """Why there is no Lighthouse; None where there is one now."""
    program = shutil.which("npm")
    if shutil.which("node") is None or program is None:
        return "Lighthouse needs Node 18.16 or newer with npm, and there is none here"
    if _version() == VERSION:
        return None
    FOLDER.mkdir(parents=True, exist_ok=True)
    options = ["--prefix", str(FOLDER), "--save-exact", "--no-fund", "--no-audit", "--ignore-scripts"]
    made = subprocess.run(
        [program, "install", *options, f"lighthouse@{VERSION}"], capture_output=True, text=True, check=False
    )
    return None if made.returncode == 0 else f"npm could not install Lighthouse: {made.stderr.strip()[-300:]}"


def _version() -> str | None:
    package = FOLDER / "node_modules/lighthouse/package.json"
    return str(json.loads(package.read_text())["version"]) if package.exists() else None


def scores(address: str, chromium: str, runs: int) -> Scores:
    """What Lighthouse says of ``address`` on its default phone and line."""
    reports = [_report(address, chromium) for _ in range(runs)]
    of = {name: _median(report["categories"][name]["score"] for report in reports) for name in CATEGORIES}
    shifts = [report["audits"]["cumulative-layout-shift"]["numericValue"] for report in reports]
    causes = {name: _causes(reports[-1], name) for name in CATEGORIES}
    machine = round(statistics.median(report["environment"]["benchmarkIndex"] for report in reports))
    return Scores(of, statistics.median(shifts), causes, machine)


def _median(found: Any) -> int:
    return round(100 * statistics.median(score or 0 for score in found))


def _report(address: str, chromium: str) -> dict[str, Any]:
    flags = " ".join(("--headless=new", *FLAGS))
    made = subprocess.run(
        [str(FOLDER / "node_modules/.bin/lighthouse"), address, "--quiet", "--output=json", "--output-path=stdout",
         "--no-enable-error-reporting", f"--only-categories={','.join(CATEGORIES)}", f"--chrome-flags={flags}"],
        capture_output=True, text=True, check=False, env=os.environ | {"CHROME_PATH": chromium},
    )  # fmt: skip
    if made.returncode:
        raise RuntimeError(f"Lighthouse failed on {address}: {made.stderr.strip()[-500:]}")
    report: dict[str, Any] = json.loads(made.stdout)
    return report


def _causes(report: dict[str, Any], category: str) -> tuple[str, ...]:
    """The audits that cost a category points; of performance, its times."""
    audits = report["audits"]
    if category == "performance":
        parts = audits["mainthread-work-breakdown"]["details"]["items"][:2]
        work = [f"{part['groupLabel']} {part['duration']:.0f} ms" for part in parts]
        return (*(f"{audits[name]['title']} {audits[name]['displayValue']}" for name in METRICS), *work)
    weighed = [entry["id"] for entry in report["categories"][category]["auditRefs"] if entry["weight"]]
    return tuple(f"{audits[name]['title']} ({name})" for name in weighed if (audits[name]["score"] or 0) < 1
                 and audits[name]["scoreDisplayMode"] in {"binary", "numeric", "metricSavings"})  # fmt: skip
