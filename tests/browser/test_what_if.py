"""Estimates: the script in the page computes what the generator computes, and says what is wrong with an input."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from generator.dataset import read_dataset
from generator.tables import make_board
from generator.what_if import FLAGS, SIZES, WhatIfView
from tests.browser.test_compare import SHIFTS
from tests.browser.test_pages import ROOT, SCHEMES, WIDTHS, Scheme, opened, violations
from tests.conftest import SITE_FOLDER

pytestmark = pytest.mark.browser

CONFIG = {
    "model_type": "llama", "hidden_size": 2048, "num_hidden_layers": 16, "num_attention_heads": 32,
    "num_key_value_heads": 8, "intermediate_size": 8192, "vocab_size": 128256, "tie_word_embeddings": True,
}  # fmt: skip


@pytest.fixture(scope="module")
def view() -> WhatIfView:
    """Estimates of the real data."""
    return WhatIfView(make_board(read_dataset(ROOT / "data")[0]))


@pytest.fixture
def page(browser: Browser, address: str) -> Iterator[Page]:
    """The page with its first estimate, and nothing to complain of until it is closed."""
    with opened(browser, address + "what-if/") as (page, complaints):
        ready(page)
        yield page
        assert complaints == []


def ready(page: Page) -> None:
    page.wait_for_function("document.getElementById('what-if-roofline').textContent")


def asked(page: Page, **fields: Any) -> dict[str, Any]:
    return dict(page.evaluate("(asked) => board.whatIf(asked)", fields))


def test_the_script_estimates_as_the_generator_does(page: Page, view: WhatIfView) -> None:
    data = view.board.data
    cases = 0
    for model, dtype, depth, device in product(
        data.models.values(), view.dtypes, (0, 128, 32768), view.devices
    ):
        expected = view.estimate(model, dtype, depth, device)  # type: ignore[arg-type]
        assert expected
        sizes = {name: getattr(model, name) for name in (*SIZES, *FLAGS)}
        found = asked(page, model=sizes, dtype=dtype, depth=depth, device=device.id)
        assert found["roofline"] == pytest.approx(expected.roofline_tok_per_s)
        assert (found["weights"], found["cache"]) == (expected.weights_bytes, expected.cache_bytes)
        assert found.get("memory") == device.memory_gb
        assert found["basis"]["words"] == expected.basis.words
        assert [(one["provenance"], one["rows"], one["low"]["run"], one["high"]["run"]) for one in
                found["basis"]["ranges"]] == [(one.provenance, one.rows, one.low.run, one.high.run)
                                              for one in expected.basis.ranges]  # fmt: skip
        cases += 1
    assert cases > 50


def test_a_width_and_a_bandwidth_of_ones_own_count(page: Page, view: WhatIfView) -> None:
    model = next(iter(view.board.data.models.values()))
    sizes = {name: getattr(model, name) for name in (*SIZES, *FLAGS)}
    found = asked(page, model=sizes, dtype="typed", bits="4", depth=100, device="typed", bandwidth="500")
    weights = (model.weights_read_per_token + model.hidden_size) / 2
    assert found["bytes"] == pytest.approx(weights + 2 * 100 * model.kv_elements_per_token)
    assert found["roofline"] == pytest.approx(500e9 / found["bytes"])
    assert found["basis"]["words"] == view.all.words


def test_whether_a_model_fits_in_a_device_of_ones_own_is_told_once_its_memory_is(page: Page) -> None:
    fits, memory = page.locator("#what-if-fits"), page.locator("#what-if-memory")
    assert memory.is_disabled()
    page.locator("#what-if-device").select_option("typed")
    assert "whether they fit is not known" in fits.inner_text()
    memory.fill("2")
    assert "they do not fit in 2 GB" in fits.inner_text()
    memory.fill("64")
    assert "they fit in 64 GB" in fits.inner_text()
    assert "memory=64" in page.url
    page.reload()
    ready(page)
    assert "they fit in 64 GB" in fits.inner_text()


def test_the_page_says_on_which_rows_it_rests_and_the_address_keeps_the_choice(
    page: Page, view: WhatIfView
) -> None:
    device = next(one for one in view.devices if view.basis(one.id, "f32") is view.all)
    page.locator("#what-if-device").select_option(device.id)
    page.locator("#what-if-dtype").select_option("f32")
    page.locator("#what-if-depth").fill("4096")
    assert page.locator("#what-if-basis").inner_text() == view.all.words
    links = [link.get_attribute("href") or "" for link in page.locator("#what-if-likely a").all()]
    ends = [end.run for one in view.all.ranges for end in (one.low, one.high)]
    assert {link.rstrip("/").rsplit("/", 1)[-1] for link in links} == set(ends)
    assert len(page.locator("#what-if-likely li").all()) == len(view.all.ranges)
    assert f"device={device.id}" in page.url
    assert "hidden_size" not in page.url
    shown = page.locator("#what-if-result").inner_text()
    page.reload()
    ready(page)
    assert page.locator("#what-if-result").inner_text() == shown


def test_a_config_json_gives_the_sizes_of_a_model(page: Page, tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    path.write_text(json.dumps(CONFIG))
    page.locator("details.twin summary", has_text="config.json").click()
    page.locator("#what-if-file").set_input_files(path)
    page.wait_for_function("document.getElementById('what-if-model').value === 'typed'")
    assert page.locator("#what-if-head_dim").input_value() == "64"
    assert page.locator("input[name=tie_word_embeddings]").is_checked()
    assert not page.locator("input[name=attention_bias]").is_checked()
    read = (16 * (2048 * (2 * 2048 + 2 * 512 + 3 * 8192) + 2 * 2048) + 2048 + 128256 * 2048) * 2 / 1e9
    assert f"{read:.3g} GB of weights" in page.locator("#what-if-fits").inner_text()
    assert "hidden_size=2048" in page.url
    page.reload()
    ready(page)
    assert page.locator("#what-if-hidden_size").input_value() == "2048"


@pytest.mark.parametrize(
    ("pasted", "said"),
    [
        ("{", "This is not JSON."),
        ("null", "hidden_size is missing, or no number above 0."),
        ("[1]", "hidden_size is missing, or no number above 0."),
        (json.dumps({k: v for k, v in CONFIG.items() if k != "vocab_size"}), "vocab_size is missing"),
        (json.dumps(CONFIG | {"num_hidden_layers": -1}), "num_hidden_layers is missing, or no number above 0."),
        (json.dumps(CONFIG | {"num_hidden_layers": "<b>"}), "num_hidden_layers is missing, or no number above 0."),
        (json.dumps(CONFIG | {"num_local_experts": 8}), "num_local_experts: a step of this model does not read all"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_config_json_is_said_beside_it(page: Page, pasted: str, said: str) -> None:
    page.locator("details.twin summary", has_text="config.json").click()
    before = page.locator("#what-if-roofline").inner_text()
    page.locator("#what-if-config").fill(pasted)
    assert page.locator("#what-if-config-wrong").inner_text().startswith(said)
    assert page.locator("#what-if-roofline").inner_text() == before
    page.locator("#what-if-config").fill(json.dumps(CONFIG))
    assert page.locator("#what-if-config-wrong").inner_text() == ""


@pytest.mark.parametrize("value", ["-1", "", "1.5"])
def test_a_wrong_number_gets_a_sentence_and_no_estimate(page: Page, value: str) -> None:
    page.locator("#what-if-depth").fill(value)
    assert page.locator("#what-if-depth-wrong").is_visible()
    assert page.locator("#what-if-wrong").is_visible()
    assert not page.locator("#what-if-result").is_visible()
    page.locator("#what-if-depth").fill("1")
    assert not page.locator("#what-if-depth-wrong").is_visible()
    assert page.locator("#what-if-result").is_visible()


def test_an_address_with_nonsense_gets_a_sentence(browser: Browser, address: str) -> None:
    with opened(browser, address + "what-if/?device=nobody&depth=-3&x=1") as (page, complaints):
        page.locator("#what-if-wrong").wait_for()
        assert page.locator("#what-if-device-wrong").is_visible()
        assert page.locator("#what-if-depth-wrong").is_visible()
        assert complaints == []


def test_a_model_that_does_not_fit_is_said_not_to(page: Page) -> None:
    page.locator("details.twin summary", has_text="config.json").click()
    page.locator("#what-if-num_hidden_layers").fill("4000")
    assert page.locator("#what-if-model").input_value() == "typed"
    assert "do not fit" in page.locator("#what-if-fits").inner_text()


def test_without_a_script_each_device_has_its_estimate(
    browser: Browser, address: str, view: WhatIfView
) -> None:
    with opened(browser, address + "what-if/", javascript=False) as (page, _):
        assert not page.locator(".what-if").is_visible()
        assert page.locator("tbody tr").count() == len(view.devices) * len(view.board.data.models)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_the_opened_form_is_accessible_fits_the_window_and_does_not_shift(
    browser: Browser, address: str, scheme: Scheme
) -> None:
    with opened(browser, address + "what-if/", scheme=scheme) as (page, complaints):
        ready(page)
        assert page.evaluate(SHIFTS) <= 0.02
        page.locator("details.twin summary", has_text="config.json").click()
        page.locator("#what-if-config").fill("{")
        page.locator("#what-if-dtype").select_option("typed")
        page.locator("#what-if-bits").fill("-1")
        for pixels in WIDTHS.values():
            page.set_viewport_size({"width": pixels, "height": 900})
            assert page.evaluate("document.documentElement.scrollWidth") <= pixels
            assert violations(page, scheme) == []
        assert complaints == []


def test_the_page_estimates_in_a_folder_without_a_server(browser: Browser, web: Path) -> None:
    page = browser.new_page()
    page.goto((web / SITE_FOLDER / "what-if/index.html").as_uri())
    ready(page)
    before = page.locator("#what-if-roofline").inner_text()
    page.locator("#what-if-depth").fill("100000")
    assert page.locator("#what-if-roofline").inner_text() != before
    page.close()
