"""What several kinds of test share: the real data, built once a worker."""

from __future__ import annotations

from pathlib import Path

import pytest

from generator.build import build, prepare
from generator.layout import Layout

ROOT = Path(__file__).resolve().parents[1]
SITE_FOLDER = "decode-board"


@pytest.fixture(scope="session")
def web(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A web root that holds the site of the real data in :data:`SITE_FOLDER`, as a project page is published."""
    web = tmp_path_factory.mktemp("web")
    layout = Layout(ROOT, ROOT / "data", web / SITE_FOLDER, work=tmp_path_factory.mktemp("work"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SITE_URL", f"https://board.example/{SITE_FOLDER}/")
        build(layout, prepare(layout))
    return web
