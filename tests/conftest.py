"""What several kinds of test share: the real data, built once a worker, and what tests prove of emitted texts."""

from __future__ import annotations

from pathlib import Path

import pytest

from generator.build import build, prepare
from generator.layout import Layout
from tests import proofs

ROOT = Path(__file__).resolve().parents[1]
SITE_FOLDER = "decode-board"


def pytest_addoption(parser: pytest.Parser) -> None:
    """``--write-proof``."""
    told = "rewrite data/emitted/proof.json with what the passed tests prove (see tests/proofs.py)"
    parser.addoption("--write-proof", action="store_true", help=told)


def pytest_configure(config: pytest.Config) -> None:
    """Only the process that sees all reports writes."""
    if config.getoption("--write-proof") and not hasattr(config, "workerinput"):
        config.pluginmanager.register(proofs.Writer(proofs.DATA))


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Records belong to the test that runs."""
    proofs.started(item)


@pytest.fixture(scope="session")
def web(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A web root that holds the site of the real data in :data:`SITE_FOLDER`, as a project page is published."""
    web = tmp_path_factory.mktemp("web")
    layout = Layout(ROOT, ROOT / "data", web / SITE_FOLDER, work=tmp_path_factory.mktemp("work"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SITE_URL", f"https://board.example/{SITE_FOLDER}/")
        build(layout, prepare(layout))
    return web
