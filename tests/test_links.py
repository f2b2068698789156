"""Every link of the built site leads somewhere, down to its fragment; addresses on the web are not asked."""

from __future__ import annotations

import shutil
import subprocess
import sysconfig
from pathlib import Path

from tests.conftest import SITE_FOLDER


def _lychee() -> str:
    found = shutil.which("lychee", path=sysconfig.get_path("scripts")) or shutil.which("lychee")
    assert found, "lychee is part of the test extra"
    return found


def _broken(web: Path) -> str:
    pages = [
        str(page) for page in web.rglob("*.html") if page.name != "404.html"
    ]  # its links start at the root
    options = [
        "--offline",
        "--include-fragments",
        "--no-progress",
        "--index-files",
        "index.html",
        "--root-dir",
        str(web),
    ]
    run = subprocess.run([_lychee(), *options, *pages], capture_output=True, text=True, check=False)
    return "" if run.returncode == 0 else run.stdout + run.stderr


def test_no_link_of_the_site_is_broken(web: Path) -> None:
    assert _broken(web) == ""


def test_a_broken_link_would_be_found(web: Path) -> None:
    page = web / SITE_FOLDER / "planted.html"
    page.write_text(
        '<!doctype html><title>x</title><a href="decode/#no-such-place">x</a><a href="gone/">y</a>'
    )
    found = _broken(web)
    page.unlink()
    assert "no-such-place" in found
    assert "gone" in found
