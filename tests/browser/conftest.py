"""The built site behind a local server, and a browser."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.browser.chromium import FLAGS, find
from tests.browser.served import served
from tests.conftest import SITE_FOLDER


@pytest.fixture(scope="session")
def address(web: Path) -> Iterator[str]:
    """Where the site is served, with a slash at the end."""
    with served(web) as root:
        yield f"{root}/{SITE_FOLDER}/"


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """A headless Chromium."""
    path = find()
    if path is None:
        pytest.fail("no Chromium; run: make chromium")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        yield chromium
        chromium.close()
