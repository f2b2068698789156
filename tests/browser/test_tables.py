"""The two large tables: what a script adds to them, and that it shows the very cells that stand in the page."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from generator.build import build, prepare
from generator.columns import table_files
from generator.leaderboard import MOST_LEADERS
from generator.views import MOST_DECODE_ROWS
from tests.browser.served import served
from tests.browser.test_pages import SCHEMES, Scheme, opened, violations
from tests.generator.conftest import fill
from tests.generator.examples import Folder, samples, timing, timings

pytestmark = pytest.mark.browser
WIDTHS = (360, 768, 1280)
DECODE_ROWS, KERNEL_ROWS, FASTEST = 12, 137, 133
SHIFTS = """window.shifted = 0;
new PerformanceObserver(list => { for (const one of list.getEntries()) window.shifted += one.value; })
  .observe({type: 'layout-shift', buffered: true});"""
# Words, links and titles of each row, as a reader meets them.
ROWS = """body => [...body.rows].map(row => [row.id, row.className, ...[...row.cells].map(cell => [
  cell.innerText.replace(/\\s+/g, ' ').trim(),
  ...[...cell.querySelectorAll('a, span, small')].filter(one => one.localName !== 'span' || one.className)
    .map(one => [one.localName, one.className, one.getAttribute('href'), one.title]),
])])"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A site with rows of every standing, and 130 fast kernels more than a page holds."""
    folder = fill(Folder(tmp_path_factory.mktemp("tables")))
    for run, who, ns, day in (
        ("ada-old", "Ada Example", 26_000, 1), ("ada", "Ada Example", 27_000, 5),
        ("bo", "Bo, of a Laboratory", 27_400, 2), ("cy", "Cy " + "Example" * 20, 27_200, 3),
        ("eve", "Eve Example", 40_000, 4), ("mal", "Mal Example", 9_000, 4), ("zoe", "Zoe Example", 1.2e9, 4),
    ):  # fmt: skip
        at = f"2026-01-0{day}T10:00:00Z"
        folder.measured(run, "gpu-a", samples([int(ns), int(ns) + 10]), submitter=who, measured_at=at)
    folder.measured("odd", "gpu-b", samples([50_000, 50_100]), decode_numerics_ok=False, submitter="=1+1")
    folder.retract("gone", "mal", reason="a wrong clock, as three runs show; " * 8, by="the maintainers")
    many = [timing("soft", us=5 + size / 7, shape={"rows": 8, "cols": size}) for size in range(1, 131)]
    folder.reported("many", "gpu-b", None, timings(*many, model=None))
    build(folder.layout, prepare(folder.layout))
    for name, content in table_files(folder.board()):
        path = folder.layout.site / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder.layout.site


@pytest.fixture(scope="module")
def example(site: Path) -> Iterator[str]:
    """The address of the site."""
    with served(site) as root:
        yield f"{root}/"


def count(page: Page) -> str:
    return page.locator("[data-part=count]").inner_text()


def head(text: str) -> str:
    return f"table.sorted thead th:has-text('{text}') button"


def first(page: Page, cell: int = 1) -> str:
    return page.locator(f"table.sorted tbody tr >> nth=0 >> :scope > * >> nth={cell}").inner_text()


def counted(page: Page, text: str) -> None:
    page.locator(f"[data-part=count]:has-text('{text}')").wait_for()


@contextmanager
def decode(browser: Browser, example: str, asked: str = "", width: str = "desktop") -> Iterator[Page]:
    with opened(browser, f"{example}decode/{asked}", width) as (page, complaints):
        yield page
        assert complaints == []


@pytest.mark.parametrize("name", ["decode/", "kernels/"])
def test_a_script_shows_the_very_rows_of_the_page(browser: Browser, example: str, name: str) -> None:
    with opened(browser, example + name, javascript=False) as (page, _):
        written = page.locator("table.sorted tbody").evaluate(ROWS)
    with opened(browser, f"{example}{name}?sort=rank") as (page, _):
        page.locator("th[aria-sort=ascending]").wait_for()
        page.locator("[data-part=order]").evaluate("one => { one.value = ''; one.onchange(); }")
        page.locator("th[aria-sort]").wait_for(state="detached")
        page.wait_for_function(f"document.querySelectorAll('table.sorted tbody tr').length >= {len(written)}")
        shown = page.locator("table.sorted tbody").evaluate(ROWS)
        assert len(written) == min(MOST_LEADERS if name == "kernels/" else MOST_DECODE_ROWS, len(shown)) > 8
        assert shown[: len(written)] == written


def test_a_column_sorts_up_and_down_and_back_to_rank(browser: Browser, example: str) -> None:
    with decode(browser, example) as page:
        before = page.locator("table.sorted tbody").evaluate(ROWS)
        button = page.locator(head("TPOT"))
        button.focus()
        said = []
        for order in ("ascending", "descending", None):
            page.keyboard.press("Enter")
            if order:
                page.locator(f"th[aria-sort={order}]").wait_for()
            else:
                page.locator("th[aria-sort]").wait_for(state="detached")
            said.append(page.locator("#board-say").inner_text())
            assert button.evaluate("one => one === document.activeElement")
        assert said[0].endswith("rows, sorted by TPOT, ms, ascending")
        assert "sorted" not in said[2]
        assert page.locator("table.sorted tbody").evaluate(ROWS) == before
        assert page.evaluate("location.search") == ""


def test_empty_cells_stand_last_in_both_orders(browser: Browser, example: str) -> None:
    for sign in ("", "-"):
        with decode(browser, example, f"?sort={sign}times_baseline") as page:
            page.locator("th[aria-sort]").wait_for()
            cells = page.locator("table.sorted tbody td:nth-child(8)").all_inner_texts()
            assert "–" in cells
            assert set(cells[cells.index("–") :]) == {"–"}


def test_the_address_holds_what_is_asked_by_name_and_back_undoes_it(browser: Browser, example: str) -> None:
    with decode(browser, example) as page:
        page.locator("button[data-filter=device]").click()
        page.locator(".board-choices label:has-text('Device gpu-a') input").check()
        counted(page, "Device: Device gpu-a")
        assert page.url.endswith("?device=gpu-a")
        page.locator(".board-choices label:has-text('Device gpu-b') input").check()
        counted(page, "Device: Device gpu-b")
        assert page.url.endswith("?device=gpu-a,gpu-b")
        page.keyboard.press("Escape")
        page.go_back()
        page.wait_for_url("**/?device=gpu-a")
        page.go_back()
        page.wait_for_url("**/decode/")
        counted(page, "of")
        assert "Device:" not in count(page)
        page.go_forward()
        counted(page, "Device: Device gpu-a")


def test_typing_replaces_the_address_and_finds_words_of_any_column(browser: Browser, example: str) -> None:
    with decode(browser, example) as page:
        length = page.evaluate("history.length")
        page.locator("input[type=search]").press_sequentially("GPU-A superseded")
        counted(page, "1 of ")
        assert page.evaluate("history.length") == length
        assert "find=GPU-A+superseded" in page.url
        assert page.locator("table.sorted tbody tr").get_attribute("id") == "row-ada-old"
        assert page.locator("input[type=search]").evaluate("one => one === document.activeElement")


def test_a_value_that_is_gone_stays_visible(browser: Browser, example: str) -> None:
    with decode(browser, example, "?dtype=f16,f99&vendor=None,,+Inc.&sort=no_such_column&find=%25") as page:
        counted(page, "dtype: f99 (no such value)")
        assert count(page).startswith("0 of ")
        assert "Vendor: None, Inc. (no such value)" in count(page)
        page.locator("button[data-filter=dtype]").click()
        assert page.locator(".board-choices label:has-text('f99') input").is_checked()
        page.keyboard.press("Escape")
        page.locator("[data-part=clear]").click()
        counted(page, f"{DECODE_ROWS} of {DECODE_ROWS} rows")
        assert page.url.endswith("/decode/")


def test_filters_join_and_any_part_of_a_fusion_counts(browser: Browser, example: str) -> None:
    with opened(browser, f"{example}kernels/?kernel=attend&rows=all") as (page, complaints):
        counted(page, f"1 of {KERNEL_ROWS} rows")
        assert first(page).startswith("proj + attend")
        assert "sum over a token" in first(page, 5)
        assert complaints == []


def test_the_leaderboard_has_all_rows_a_hundred_at_a_time(browser: Browser, example: str) -> None:
    with opened(browser, f"{example}kernels/") as (page, complaints):
        rows = page.locator("table.sorted tbody tr")
        assert rows.count() == MOST_LEADERS
        counted(page, f"{FASTEST} of {KERNEL_ROWS} rows")
        best = page.locator("table.sorted tbody").evaluate(ROWS)
        more = page.locator(".board-more")
        more.focus()
        page.keyboard.press("Enter")
        rows.nth(MOST_LEADERS).wait_for()
        counted(page, f"{FASTEST} of {KERNEL_ROWS} rows")
        assert rows.count() == FASTEST
        assert page.locator("table.sorted tbody").evaluate(ROWS)[:MOST_LEADERS] == best
        assert not more.is_visible()
        page.locator("[data-part=leaders]").uncheck()
        counted(page, f"{KERNEL_ROWS} of {KERNEL_ROWS} rows")
        page.wait_for_function("document.querySelectorAll('table.sorted tbody tr').length === 100")
        assert more.is_visible()
        assert page.url.endswith("?rows=all")
        page.locator("input[type=search]").fill("fails")
        counted(page, f"1 of {KERNEL_ROWS} rows")
        assert "failed" in (rows.get_attribute("class") or "")
        assert complaints == []


def test_withdrawn_rows_stay_struck_through(browser: Browser, example: str) -> None:
    with decode(browser, example, "?find=withdrawn") as page:
        counted(page, "2 of ")
        struck = page.locator("#row-mal td.big").evaluate("one => getComputedStyle(one).textDecorationLine")
        assert struck == "line-through"
        assert "a wrong clock" in page.locator("#row-mal .standing").inner_text()


@pytest.mark.parametrize("asked", ["", "?device=gpu-b"])
def test_an_address_leads_to_a_row_wherever_it_is(browser: Browser, example: str, asked: str) -> None:
    with decode(browser, example, f"{asked}#row-ada") as page:
        row = page.locator("#row-ada.linked")
        row.wait_for()
        assert row.evaluate("one => one.getBoundingClientRect().top < innerHeight")
        assert row.locator("a[href='#row-ada']").inner_text() == "link"
        assert row.locator("a[href$='rows/ada/']").count() == 2
    with opened(browser, f"{example}kernels/#row-many-129") as (page, _):
        page.locator("#row-many-129.linked").wait_for()
        page.evaluate("location.hash = '#row-no-such-row-%'")
        page.locator(".linked").wait_for(state="detached")


def test_rows_are_marked_and_compared(browser: Browser, example: str) -> None:
    with decode(browser, example) as page:
        page.locator("#row-ada input").focus()
        page.keyboard.press("Space")
        page.locator(head("tok/s")).click()
        page.locator("th[aria-sort=ascending]").wait_for()
        assert page.locator("#row-ada input").is_checked()
        page.locator("#row-second input").check()
        link = page.locator("[data-part=link]")
        assert link.inner_text() == "Compare 2 rows"
        assert link.evaluate("one => one.href") == f"{example}compare/?rows=ada,second"


def copied(page: Page, kind: str) -> str:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.locator(f"[data-part={kind}]").click()
    page.locator("button:text-is('Copied')").wait_for()
    return str(page.evaluate("navigator.clipboard.readText()"))


def test_what_is_shown_is_copied_in_its_order(browser: Browser, example: str) -> None:
    with decode(browser, example, "?device=gpu-a&sort=-tok_per_s") as page:
        counted(page, "Device gpu-a")
        lines = copied(page, "csv").splitlines()
        assert lines[0].startswith("rank,device_name,tok_per_s,tpot_ms,")
        assert len(lines) == 1 + int(count(page).split()[0])
        assert lines[1].endswith(',"withdrawn","mal"')
        page.locator("button:text-is('Copy as CSV')").wait_for()
        rows = copied(page, "markdown").splitlines()
        assert rows[0].startswith("| Rank | Device | tok/s | TPOT, ms |")
        assert rows[1].startswith("| --- | --- |")
        assert len(rows) == len(lines) + 1


def test_a_copy_runs_no_formula(browser: Browser, example: str) -> None:
    with opened(browser, f"{example}kernels/?rows=all") as (page, _):
        counted(page, f"{KERNEL_ROWS} of {KERNEL_ROWS}")
        for line in copied(page, "csv").splitlines():
            assert not any(cell.startswith(tuple("=+-@")) for cell in line.replace('"', "").split(","))


@pytest.mark.parametrize("touched", ["input[type=search]", "thead button >> nth=0"])
def test_all_rows_are_loaded_only_when_they_are_asked_for(
    browser: Browser, example: str, touched: str
) -> None:
    loaded = "document.querySelectorAll('script[src*=\"/table/decode/\"]').length"
    with opened(browser, f"{example}decode/", until="networkidle") as (page, _):
        assert page.evaluate(loaded) == 0
        page.locator(touched).focus()
        page.wait_for_function(f"{loaded} === 1")


def test_a_file_that_cannot_be_read_leaves_the_page_as_it_was(browser: Browser, example: str) -> None:
    with opened(browser, f"{example}decode/") as (page, _):
        page.route("**/data/table/**", lambda route: route.abort())
        page.locator(head("TPOT")).click()
        page.locator("#board-say:has-text('cannot be read')").wait_for()
        assert page.locator("table.sorted tbody tr").count() == DECODE_ROWS


@pytest.mark.parametrize("name", ["decode/", "kernels/"])
def test_controls_appear_without_moving_anything(browser: Browser, example: str, name: str) -> None:
    for width in WIDTHS:
        page = browser.new_page(viewport={"width": width, "height": 900})
        page.add_init_script(SHIFTS)
        page.goto(example + name, wait_until="networkidle")
        assert page.locator("[data-part=count]").is_visible()
        assert page.evaluate("shifted") <= 0.02, width
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        page.close()


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("name", ["decode/", "kernels/"])
def test_controls_are_accessible_open_and_closed(
    browser: Browser, example: str, name: str, scheme: Scheme
) -> None:
    with opened(browser, f"{example}{name}?dtype=f16", "phone", scheme) as (page, complaints):
        counted(page, "dtype: f16")
        assert violations(page, scheme) == []
        page.locator(".board-opener").click()
        page.locator("button[data-filter=dtype]").click()
        box = page.locator(".board-choices:popover-open").bounding_box()
        assert box is not None
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 390
        assert violations(page, scheme) == []
        assert complaints == []


def test_tables_work_in_a_page_from_a_folder(browser: Browser, site: Path) -> None:
    for name, cell in (("decode", "TPOT"), ("kernels", "Latency")):
        page = browser.new_page()
        page.set_default_timeout(15_000)
        page.goto(f"{(site / name / 'index.html').as_uri()}?dtype=f16")
        counted(page, "dtype: f16")
        page.locator("input[type=search]").fill("gpu-a")
        page.locator(head(cell)).click()
        page.locator("th[aria-sort=ascending]").wait_for()
        counted(page, "of")
        assert page.locator("table.sorted tbody tr").count() == int(count(page).split()[0])
        page.close()


def test_without_a_script_there_are_rows_and_no_controls(browser: Browser, example: str) -> None:
    with opened(browser, f"{example}decode/", javascript=False) as (page, _):
        assert page.locator(".board-controls").count() == 1
        assert not page.locator(".board-controls").is_visible()
        assert page.locator("table.sorted tbody tr").count() == DECODE_ROWS
