"""The generator and the site's sources know no device: everything about one comes from data/."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest

from generator.dataset import read_dataset
from generator.rows import FUSED

ROOT = Path(__file__).resolve().parent.parent
PLACES = ("generator", "site_src/pages", "site_src/fragments", "site_src/theme")


@cache
def words() -> frozenset[str]:
    """Ids, names, vendors and aliases of all devices, and every language, as rows and emitted texts name them."""
    data, problems = read_dataset(ROOT / "data")
    assert not problems
    found: set[str] = set()
    for device in data.devices.values():
        short = re.sub(r"\s*\(.*\)", "", device.name)
        found |= {device.id, device.name, short, device.vendor or "", *device.aliases}
    for entry in data.runs.values():
        found |= {language for text in (entry.run.languages or "").split(FUSED) for language in [text]}
        found |= {row.language or "" for row in entry.kernels}
    index = data.emitted.index
    found |= {name for language in (index.targets if index else ()) for name in (language.id, language.name)}
    return frozenset(found - {""})


def named(text: str) -> list[str]:
    """The words that stand in ``text`` as whole words, in any case; a single letter only between quotes."""
    return sorted(word for word in words() if re.search(_pattern(word), text, flags=re.IGNORECASE))


def _pattern(word: str) -> str:
    return rf"[\"']{word}[\"']" if len(word) == 1 else rf"(?<!\w){re.escape(word)}(?!\w)"


def sources() -> list[Path]:
    return sorted(
        path
        for place in PLACES
        for path in (ROOT / place).rglob("*")
        if path.is_file() and path.suffix != ".pyc"
    )


@pytest.mark.parametrize("path", sources(), ids=lambda path: path.relative_to(ROOT).as_posix())
def test_no_source_names_a_device(path: Path) -> None:
    assert named(path.name) == []
    assert named(path.read_text("utf-8")) == []


def test_there_are_sources_and_words_to_look_for() -> None:
    assert len(sources()) > 40
    assert len(words()) > 30


def test_each_kind_of_word_is_found() -> None:
    data, _ = read_dataset(ROOT / "data")
    for device in data.devices.values():
        for word in (device.id, device.name, device.vendor, *device.aliases):
            if word:
                assert named(f'x = "{word.upper()}"'), word
    languages = {entry.run.languages for entry in data.runs.values() if entry.run.languages}
    assert languages
    index = data.emitted.index
    assert index
    languages |= {name for target in index.targets for name in (target.id, target.name)}
    for language in languages:
        assert named(f"if language == '{language}':"), language


def test_a_part_of_a_word_is_no_word() -> None:
    assert named("".join(f"x{word}x " for word in sorted(words()) if word.isalnum())) == []
