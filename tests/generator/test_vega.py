"""Vega is bundled once, kept by its version, and runs as a classic script."""

from __future__ import annotations

from pathlib import Path

import pytest

from generator import vega
from generator.beside import Helper, Work
from generator.vega import ADDRESS, begin_bundle, vega_files


@pytest.fixture
def bundled(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Each time that something was bundled; bundling itself takes seconds."""
    times: list[str] = []

    def bundle() -> bytes:
        times.append("bundled")
        return b"(() => {})();"

    monkeypatch.setattr(vega, "_bundle", bundle)
    return times


def test_it_is_bundled_once_and_kept(bundled: list[str], tmp_path: Path) -> None:
    first, second = dict(vega_files(tmp_path)), dict(vega_files(tmp_path))
    assert first == second == {ADDRESS: b"(() => {})();"}
    assert bundled == ["bundled"]
    assert [path.suffix for path in (tmp_path / "vega").iterdir()] == [".js"]


def test_another_version_is_bundled_anew(
    bundled: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    list(vega_files(tmp_path))
    monkeypatch.setattr(vega, "version", lambda _: "0.0")
    list(vega_files(tmp_path))
    assert bundled == ["bundled", "bundled"]


def test_what_was_bundled_beside_a_build_is_there(
    bundled: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[Work] = []
    monkeypatch.setattr(Helper, "tell", lambda _, work: told.append(work))
    begin_bundle(tmp_path)
    (work,) = told
    work()
    begin_bundle(tmp_path)
    list(vega_files(tmp_path))
    assert (len(told), bundled) == (1, ["bundled"])


def test_the_script_says_whose_it_is_and_holds_no_module(built_vega: str) -> None:
    assert built_vega.startswith("/*!\nVega, Vega-Lite and Vega-Embed: (c) University of Washington")
    assert "Redistribution and use in source and binary forms" in built_vega[:4000]
    assert "window.vegaEmbed=" in built_vega
    assert built_vega.rstrip().endswith("})();")


@pytest.fixture(scope="module")
def built_vega(tmp_path_factory: pytest.TempPathFactory) -> str:
    ((_, content),) = vega_files(tmp_path_factory.mktemp("cache"))
    return content.decode()
