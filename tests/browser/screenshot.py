"""The picture in the README: the decode page of the built site. ``make screenshot`` renews it."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import sync_playwright

from tests.browser.chromium import FLAGS, find
from tests.browser.served import served

ROOT = Path(__file__).resolve().parents[2]
TARGET = ROOT / "docs" / "screenshot.png"


def main() -> None:
    """Write :data:`TARGET`."""
    TARGET.parent.mkdir(exist_ok=True)
    with served(ROOT / "site") as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find(), args=list(FLAGS))
        page = browser.new_page(viewport={"width": 1280, "height": 860}, color_scheme="light")
        page.goto(f"{address}/decode/", wait_until="networkidle")
        page.screenshot(path=str(TARGET))
        browser.close()
    print(TARGET.relative_to(ROOT))


if __name__ == "__main__":
    main()
