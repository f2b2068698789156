"""The live server, as a contributor uses it: save a file, look at the page."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PATIENCE_S = 60.0


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return shutil.copytree(ROOT / "data", tmp_path / "data")


@pytest.fixture
def port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        number: int = free.getsockname()[1]
        return number


@pytest.fixture
def server(data: Path, port: int, tmp_path: Path) -> Iterator[Path]:
    """A running server; yields the file with everything it says."""
    said = tmp_path / "said.txt"
    command = [sys.executable, "-m", "generator", "serve", "--data-dir", str(data), "--port", str(port)]
    with said.open("w") as out:
        process = subprocess.Popen(
            [*command, "--work-dir", str(tmp_path / "work")], cwd=ROOT, stdout=out, stderr=out
        )
        yield said
        process.terminate()
        process.wait()


def _eventually(port: int, page: str, words: str) -> bool:
    """Whether ``page`` comes to say ``words``."""
    address, end = f"http://localhost:{port}/{page}", time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        with suppress(urllib.error.URLError, OSError), urllib.request.urlopen(address, timeout=5) as answer:
            if words in answer.read().decode():
                return True
        time.sleep(0.3)
    return False


def test_a_saved_file_shows_and_a_broken_one_is_named_while_the_page_stays(
    data: Path, port: int, server: Path
) -> None:
    device = next((data / "devices").glob("*.md"))
    page, good = f"devices/{device.stem}/", device.read_text()
    assert _eventually(port, page, "Decode Board")

    device.write_text(good + "\nA first remark.\n")
    assert _eventually(port, page, "A first remark.")

    device.write_text(good.replace("\ntype: ", "\ntype: X"))
    end = time.monotonic() + PATIENCE_S
    while f"data/devices/{device.name}: type: " not in server.read_text() and time.monotonic() < end:
        time.sleep(0.3)
    assert f"data/devices/{device.name}: type: is not allowed here" in server.read_text()
    assert "Traceback" not in server.read_text()
    assert _eventually(port, page, "A first remark.")

    device.write_text(good + "\nA second remark.\n")
    assert _eventually(port, page, "A second remark.")


def test_a_taken_port_is_said_in_one_line(data: Path, port: int, tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", port))
        taken.listen()
        command = [sys.executable, "-m", "generator", "serve", "--data-dir", str(data), "--port", str(port)]
        run = subprocess.run(
            [*command, "--work-dir", str(tmp_path / "work")],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
    assert run.returncode == 1
    assert f"port {port}: " in run.stderr.splitlines()[-1]
    assert "choose another with --port" in run.stderr
    assert "Traceback" not in run.stderr
