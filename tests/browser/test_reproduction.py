"""A device's section on reproduction in a browser: what to type is text to select, and files come as they are."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser

from schemas.load import load
from schemas.records import Reproduce
from tests.browser.test_pages import SCHEMES, WIDTHS, Scheme, opened, violations
from tests.conftest import ROOT

pytestmark = pytest.mark.browser
LENT = "nvidia-t4"  # by Colab and by clouds


def index() -> Reproduce:
    found = load(ROOT / "data/reproduce/index.json", ROOT / "data")
    assert isinstance(found, Reproduce)
    return found


def commands(device: str, browser: Browser, address: str) -> list[str]:
    """The blocks of the steps, as a reader without JavaScript selects them."""
    with opened(browser, f"{address}devices/{device}/", javascript=False) as (page, complaints):
        blocks = page.locator("section.reproduce .steps pre").all()
        assert all(block.is_visible() for block in blocks)
        assert complaints == []
        return [block.inner_text().strip() for block in blocks]


@pytest.mark.parametrize("scheme", SCHEMES)
def test_the_section_reads_well_with_all_of_it_open(browser: Browser, address: str, scheme: Scheme) -> None:
    with opened(browser, f"{address}devices/{LENT}/", scheme=scheme) as (page, complaints):
        page.locator("section.reproduce summary").click()
        for width, pixels in WIDTHS.items():
            page.set_viewport_size({"width": pixels, "height": 900})
            assert page.evaluate("document.documentElement.scrollWidth") <= pixels, width
            assert violations(page, "light") == [], width
        assert complaints == []


def test_every_command_is_a_block_that_is_copied_without_a_script(browser: Browser, address: str) -> None:
    (runner,) = [one for one in index().runners if one.id == "cuda"]
    assert commands(LENT, browser, address) == [
        "\n".join(index().setup),
        "\n".join(runner.install),
        runner.quick,
        "\n".join(dict.fromkeys(one.install for one in runner.apart)),
        f"{runner.run} --submitter YOUR-NAME",
    ]


def test_a_baseline_that_is_installed_anyway_needs_no_step(browser: Browser, address: str) -> None:
    (runner,) = [one for one in index().runners if one.id == "tpu"]
    assert commands("google-tpu-v2-8", browser, address)[2:] == [
        runner.quick, f"{runner.run} --submitter YOUR-NAME",
    ]  # fmt: skip


def test_the_reference_leads_to_ones_own_processor(browser: Browser, address: str) -> None:
    blocks = commands("cpu-reference", browser, address)
    assert "python -m runners.cpu --quick" in blocks
    assert not any("--device" in block for block in blocks)
    with opened(browser, f"{address}devices/cpu-reference/") as (page, _):
        said = page.locator("section.reproduce").inner_text()
        assert "Nobody else can have this machine" in said
        assert "What to expect" not in said


def test_what_is_expected_is_the_published_figure_within_the_tolerance(
    browser: Browser, address: str
) -> None:
    with opened(browser, f"{address}devices/{LENT}/") as (page, _):
        row = page.locator("section.reproduce table tbody tr").first.inner_text().split()
        assert [word for word in ("53.7", "51.1", "56.4", "f16", "reported") if word not in row] == []
        assert page.locator("section.reproduce td code").first.inner_text() == "--dtype f16"


def test_the_badge_is_ours_and_leads_to_the_committed_notebook(browser: Browser, address: str) -> None:
    with opened(browser, f"{address}devices/{LENT}/", until="networkidle") as (page, complaints):
        badge = page.locator("section.reproduce .ways a img")
        assert badge.get_attribute("alt") == "Open the notebook in Colab"
        assert (badge.get_attribute("src") or "").startswith("../../assets/")
        assert badge.evaluate("image => image.complete && image.naturalWidth > 0")
        leads = page.locator("section.reproduce .ways a").first.get_attribute("href")
        assert leads == f"{index().notebooks_open_at}/{LENT}.ipynb"
        assert leads.endswith(f"/blob/main/data/reproduce/{LENT}.ipynb")
        assert complaints == []


@pytest.mark.parametrize("name", [f"{LENT}.ipynb", f"{LENT}.sky.yaml"])
def test_a_file_is_downloaded_as_it_is(browser: Browser, address: str, name: str) -> None:
    with opened(browser, f"{address}devices/{LENT}/") as (page, _):
        page.locator("section.reproduce summary").click()
        with page.expect_download() as started:
            page.locator(f"section.reproduce a[download][href$='{name}']").click()
        assert started.value.path().read_bytes() == (ROOT / "data/reproduce" / name).read_bytes()


def test_the_task_that_is_shown_is_the_file(browser: Browser, address: str) -> None:
    with opened(browser, f"{address}devices/{LENT}/") as (page, _):
        shown = page.locator("section.reproduce details pre").text_content()
        assert shown == (ROOT / f"data/reproduce/{LENT}.sky.yaml").read_text("utf-8")


@pytest.mark.parametrize("name", ["apple-m4", "huawei-ascend-910b2"])
def test_a_device_that_nobody_lends_offers_no_machine(browser: Browser, address: str, name: str) -> None:
    with opened(browser, f"{address}devices/{name}/") as (page, _):
        assert page.locator("section.reproduce .steps").count() == 1
        assert page.locator("section.reproduce :is(.ways, details)").count() == 0
