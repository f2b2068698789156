"""The browser that the tests drive: the one of the machine, else Debian's, else Playwright's own.

``python -m tests.browser.chromium`` installs one where none is found, and says what it did.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# A browser of the tests talks to localhost alone, and never to its maker.
FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip


def find() -> str | None:
    """The path of a Chromium, or None."""
    named = next((path for name in NAMES if (path := shutil.which(name))), None)
    return os.environ.get("CHROMIUM") or named or _playwrights_own()


def _playwrights_own() -> str | None:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        path = playwright.chromium.executable_path
    return path if Path(path).exists() else None


def install() -> None:
    """Install a Chromium by apt where we may, else by Playwright; raises CalledProcessError."""
    root = os.geteuid() == 0
    if not (shutil.which("apt-get") and (root or shutil.which("sudo"))):
        subprocess.run([sys.executable, "-m", "playwright", "install", "chromium"], check=True)
        return
    apt = [*([] if root else ["sudo", "-n"]), "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-qq"]
    subprocess.run([*apt, "update"], check=True)
    subprocess.run([*apt, "install", "-y", "--no-install-recommends", "chromium"], check=True)


def main() -> None:
    """Find a browser, or install one, or say how."""
    if find():
        return
    print("no Chromium found; installing one for the browser tests", file=sys.stderr)
    try:
        install()
    except (subprocess.CalledProcessError, OSError) as error:
        print(
            f"could not install it ({error}); install Chromium, or set CHROMIUM=/path/to/it", file=sys.stderr
        )
    if not find():
        sys.exit(1)


if __name__ == "__main__":
    main()
