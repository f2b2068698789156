"""A built site as a web host sends it, text compressed, and what a page of it weighs with everything it loads."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache, partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from playwright.sync_api import Browser, Request, ViewportSize, sync_playwright

from tests.browser.chromium import FLAGS

PACKED_ALREADY = {".png", ".woff2", ".parquet", ".gz"}
PHONE = ViewportSize(width=412, height=823)
_SHIFTS = """
window.boardShift = 0;
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.boardShift += entry.value;
}).observe({ type: "layout-shift", buffered: true });
"""


class _Gzipped(SimpleHTTPRequestHandler):
    protocol_version = (
        "HTTP/1.1"  # a host keeps its connections; without that, each file would wait for a new one
    )

    def do_GET(self) -> None:
        path = Path(self.translate_path(self.path))
        path = path / "index.html" if path.is_dir() else path
        if not path.is_file():
            self.send_error(404)
            return
        packed = path.suffix not in PACKED_ALREADY
        body = _packed(path, path.stat().st_mtime_ns) if packed else path.read_bytes()
        self.send_response(200)
        self.send_header("Content-Type", self.guess_type(str(path)))
        if packed:
            self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """A benchmark prints its own story."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """A browser that leaves while a file is on its way is no error."""


@lru_cache(maxsize=256)
def _packed(path: Path, changed_ns: int) -> bytes:  # noqa: ARG001 - a file that changed is packed anew
    return gzip.compress(path.read_bytes(), 6)


@contextmanager
def gzipped(root: Path) -> Iterator[str]:
    """The address of ``root`` on localhost while the context lasts, without a slash at the end."""
    with _Server(("127.0.0.1", 0), partial(_Gzipped, directory=str(root))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@dataclass(frozen=True, slots=True)
class Weight:
    """What a page needs with an empty cache, on a phone; ``foreign`` are the addresses on other hosts."""

    kilobytes: float
    requests: int
    foreign: tuple[str, ...]
    layout_shift: float


def weights(chromium: str, addresses: list[str]) -> Iterator[Weight | None]:
    """The weight of each page; None where there is no such page."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=list(FLAGS))
        for address in addresses:
            yield _weight(browser, address)
        browser.close()


def _weight(browser: Browser, address: str) -> Weight | None:
    sizes: list[int] = []
    foreign: list[str] = []
    home = "/".join(address.split("/")[:3]) + "/"

    def note(request: Request) -> None:
        sizes.append(request.sizes()["responseBodySize"])
        if not request.url.startswith((home, "data:", "blob:")):
            foreign.append(request.url)

    page = browser.new_context(viewport=PHONE).new_page()
    page.add_init_script(_SHIFTS)
    page.on("requestfinished", note)
    page.on("requestfailed", lambda request: foreign.append(request.url))
    response = page.goto(address, wait_until="networkidle")
    shift = float(page.evaluate("window.boardShift"))
    page.context.close()
    if not (response and response.ok):
        return None
    return Weight(sum(sizes) / 1000, len(sizes), tuple(foreign), shift)
