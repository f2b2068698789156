"""Whatever stands in a file, the loader answers with a record or with printable lines."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.load import kind_of, load, parse
from schemas.problems import Problem
from schemas.records import Record
from tests.schemas import examples
from tests.schemas.examples import EXAMPLES, lines, load_bytes, put, written

bounded = settings(derandomize=True, database=None, deadline=None, max_examples=200)
PLACES = st.sampled_from(list(EXAMPLES))
EVERYTHING = (str, int, float, list, dict, type(None))

HOSTILE_TEXT = st.sampled_from(
    [
        "",
        "\n",
        "a\n",
        "<script>alert(1)</script>",
        "\x1b[31m",
        "\u202e",
        "\ud800",
        "../../etc/passwd",
        "javascript:alert(1)",
        "2024-02-30",
        "NaN",
        "1e999",
        "'; drop table rows; --",
        "{{ 7 * 7 }}",
        "%s%n",
        "__proto__",
        "x" * 5000,
    ]
)
NUMBERS = st.one_of(
    st.integers(),
    st.floats(),
    st.sampled_from([2**53 + 1, 2**63, -(2**63), 2**64, 10**400, 1e308, 5e-324, -0.0, 1.0, 86400.0]),
)
LEAVES = st.one_of(st.none(), st.booleans(), NUMBERS, HOSTILE_TEXT, st.text(max_size=20))
TREES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(st.one_of(HOSTILE_TEXT, st.text(max_size=9)), inner, max_size=4),
    ),
    max_leaves=12,
)


@pytest.fixture(scope="session")
def shared_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A ``data/`` that the generated files of all examples take turns in."""
    folder = tmp_path_factory.mktemp("property") / "data"
    folder.mkdir()
    return folder


def check(outcome: Record | list[Problem], place: str) -> None:
    """A refusal is lines; a record written out again is a valid file of the same record."""
    if isinstance(outcome, list):
        assert lines(outcome)
        return
    path = Path(place)
    again = written(msgspec.to_builtins(outcome), path.suffix)
    assert parse(again, kind_of(Path("data", place), Path("data")), place, path.stem) == outcome


@bounded
@given(place=PLACES, raw=st.binary(max_size=400))
def test_any_bytes_are_a_record_or_lines(shared_folder: Path, place: str, raw: bytes) -> None:
    assert lines(load_bytes(raw, shared_folder, place))


@bounded
@given(name=st.sampled_from(["a.json", "a.yml", "a.md"]), raw=st.binary(max_size=200))
def test_any_bytes_outside_of_data_are_lines(shared_folder: Path, name: str, raw: bytes) -> None:
    path = shared_folder.parent / name
    path.write_bytes(raw)
    assert lines(load(path, shared_folder))


@bounded
@given(place=PLACES, tree=TREES)
def test_any_data_are_lines(shared_folder: Path, place: str, tree: Any) -> None:
    raw = json.dumps(tree).encode()
    framed = b"---\n" + raw + b"\n---\nprose" if place.endswith(".md") else raw
    assert lines(load_bytes(framed, shared_folder, place))


@bounded
@given(place=PLACES, text=st.text(alphabet="-:{}[]\"'&*!|>%@#?~,. \n\tabn01\\euU<\x85\u2028é", max_size=80))
def test_any_text_that_looks_like_yaml_is_lines(shared_folder: Path, place: str, text: str) -> None:
    framed = f"---\n{text}\n---\n{text}" if place.endswith(".md") else text
    assert lines(load_bytes(framed.encode(), shared_folder, place))


@bounded
@given(place=PLACES, data=st.data())
def test_a_valid_file_with_other_bytes_is_a_record_or_lines(
    shared_folder: Path, place: str, data: st.DataObject
) -> None:
    raw = bytearray(written(EXAMPLES[place], Path(place).suffix))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(raw) - 1))
        what = data.draw(st.sampled_from(["flip", "insert", "delete", "repeat"]))
        if what == "flip":
            raw[at] = data.draw(st.integers(0, 255))
        elif what == "insert":
            raw[at:at] = data.draw(st.binary(min_size=1, max_size=6))
        elif what == "delete":
            del raw[at : at + data.draw(st.integers(1, 40))]
        else:
            raw[at:at] = raw[at : at + data.draw(st.integers(1, 40))]
        raw = raw or bytearray(b" ")
    check(load_bytes(bytes(raw), shared_folder, place), place)


@bounded
@given(place=PLACES, data=st.data())
def test_a_valid_file_with_other_values_is_a_record_or_lines(
    shared_folder: Path, place: str, data: st.DataObject
) -> None:
    tree = json.loads(json.dumps(EXAMPLES[place]))
    for _ in range(data.draw(st.integers(1, 3))):
        path = data.draw(st.sampled_from([path for path in examples.places(tree, EVERYTHING) if path]))
        what = data.draw(st.sampled_from(["put", "put text", "put number", "delete", "add"]))
        holder = examples.value_at(tree, path[:-1])
        if what == "put":
            put(tree, path, data.draw(TREES))
        elif what == "put text":
            put(tree, path, data.draw(HOSTILE_TEXT))
        elif what == "put number":
            put(tree, path, data.draw(NUMBERS))
        elif what == "delete" and len(tree) > 1:
            del holder[path[-1]]
        elif isinstance(holder, dict):
            holder[data.draw(st.one_of(HOSTILE_TEXT, st.text(max_size=9)))] = data.draw(TREES)
    tree.setdefault("notes", "")
    if place.endswith(".md") and not isinstance(tree["notes"], str):
        tree["notes"] = "words"
    elif not place.endswith((".md", ".json")):
        del tree["notes"]
    check(load_bytes(written(tree, Path(place).suffix), shared_folder, place), place)


@bounded
@given(notes=st.text(max_size=200))
def test_any_prose_is_a_record_or_lines(shared_folder: Path, notes: str) -> None:
    place = examples.DEVICE
    data = {**examples.device(), "notes": notes}
    check(load_bytes(written(data, ".md"), shared_folder, place), place)
