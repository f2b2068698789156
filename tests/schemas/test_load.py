"""A file from a stranger becomes a record or all of its errors, whatever it holds."""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Callable
from dataclasses import is_dataclass
from pathlib import Path
from typing import Any

import msgspec
import pytest

from schemas.load import KINDS, kind_of, load, schema, shown_path
from schemas.records import Device, EmittedIndex, Kernel, Ledger, Model, Proofs, Reproduce, Result
from tests.schemas import examples
from tests.schemas.examples import (
    DEVICE,
    EXAMPLES,
    MEASURED,
    MODEL,
    REPORTED,
    Data,
    Step,
    lines,
    load_bytes,
    load_data,
    only_line,
    put,
)
from tests.schemas.test_records import pairs

ROWS: dict[str, Callable[[], Data]] = {MEASURED: examples.measured, REPORTED: examples.reported}
EVERY_EXAMPLE = pytest.mark.parametrize("place", EXAMPLES)


def changed(place: str, path: str, value: Any) -> Data:
    """A fresh example with another value at ``a.b.0.c``."""
    data: Data = json.loads(json.dumps(EXAMPLES[place]))
    put(data, tuple(int(part) if part.isdigit() else part for part in path.split(".")), value)
    return data


def fields_of(said: list[str]) -> list[str]:
    """The second part of each line."""
    return [line.split(": ")[1] for line in said]


def shown(path: tuple[Step, ...]) -> str:
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).lstrip(".")


# --- what is accepted -----------------------------------------------------------------------------

RECORDS = [Device, Model, Kernel, Result, Result, Ledger, EmittedIndex, Proofs, Reproduce]


@pytest.mark.parametrize(("place", "kind"), list(zip(EXAMPLES, RECORDS, strict=True)))
def test_a_valid_file_becomes_its_record(data_folder: Path, place: str, kind: type) -> None:
    record = load_data(EXAMPLES[place], data_folder, place)
    assert isinstance(record, kind)
    assert is_dataclass(record)


@EVERY_EXAMPLE
def test_a_record_holds_all_that_its_file_holds(data_folder: Path, place: str) -> None:
    assert msgspec.to_builtins(load_data(EXAMPLES[place], data_folder, place)) == msgspec.to_builtins(
        msgspec.convert(EXAMPLES[place], kind_of(Path("data", place), Path("data")).record)
    )


@EVERY_EXAMPLE
def test_a_file_outside_of_data_is_known_by_its_schema_field(data_folder: Path, place: str) -> None:
    outside = data_folder.parent / Path(place).name
    outside.write_bytes(examples.written(EXAMPLES[place], outside.suffix))
    assert load(outside, data_folder) == load_data(EXAMPLES[place], data_folder, place)


def test_a_byte_order_mark_is_allowed(data_folder: Path) -> None:
    raw = b"\xef\xbb\xbf" + json.dumps(examples.measured()).encode()
    assert isinstance(load_bytes(raw, data_folder, MEASURED), Result)


def test_line_ends_of_windows_are_allowed(data_folder: Path) -> None:
    raw = examples.written(examples.device(), ".md").replace(b"\n", b"\r\n")
    device = load_bytes(raw, data_folder, DEVICE)
    assert isinstance(device, Device)
    assert device.notes == examples.device()["notes"]


@pytest.mark.parametrize(
    "path", ["decode.batch_size", "environment.cpu_count", "kernels.timings.0.samples_ns.0"]
)
def test_a_whole_number_may_be_written_with_a_point(data_folder: Path, path: str) -> None:
    loaded = load_data(changed(MEASURED, path, 1.0), data_folder, MEASURED)
    assert isinstance(loaded, Result)
    assert loaded == load_data(changed(MEASURED, path, 1), data_folder, MEASURED)


@pytest.mark.parametrize("value", [128.0, "depth", "q_size"])
def test_an_axis_is_a_number_or_a_dimension(data_folder: Path, value: float | str) -> None:
    place = "kernels/attention-example.md"
    assert isinstance(load_data(changed(place, "model_shape.dim", value), data_folder, place), Kernel)


# --- files that are no files ----------------------------------------------------------------------


def test_a_missing_file_is_one_line(data_folder: Path) -> None:
    line = only_line(load(data_folder / MODEL, data_folder))
    assert line.startswith(f"data/{MODEL}: file: cannot be read (got 'No such file or directory')")


@pytest.mark.parametrize("link_to", ["example", "nowhere", "/dev/zero"])
def test_a_symbolic_link_is_refused(data_folder: Path, link_to: str) -> None:
    load_data(examples.model(), data_folder, "models/example")
    (data_folder / MODEL).symlink_to(link_to)
    assert "is not a regular file" in only_line(load(data_folder / MODEL, data_folder))


@pytest.mark.parametrize("folder", ["models", "."])
def test_a_pipe_is_refused_without_a_wait(data_folder: Path, folder: str) -> None:
    path = data_folder / folder / ("pipe.yml" if folder == "models" else "../pipe.yml")
    (data_folder / "models").mkdir()
    os.mkfifo(path.resolve())
    assert "is not a regular file" in only_line(load(path.resolve(), data_folder))


def test_a_folder_is_refused(data_folder: Path) -> None:
    (data_folder / MODEL).mkdir(parents=True)
    assert "is not a regular file" in only_line(load(data_folder / MODEL, data_folder))
    assert "unknown folder" in only_line(load(data_folder, data_folder))
    assert "has the wrong ending" in only_line(load(data_folder / "models", data_folder))


@pytest.mark.parametrize("name", ["x" * 300, "a\0b", "a/b/c", "\x1b[31m", "\u202egnp", "a\nb", "\udcff"])
def test_a_name_that_cannot_be_opened_is_one_line(data_folder: Path, name: str) -> None:
    assert "cannot be read" in only_line(load(data_folder / "models" / f"{name}.yml", data_folder))


@pytest.mark.parametrize("folder", ["result", "\x1b[2J", "a\nb", "\udcff", "..", "x" * 5000])
def test_an_unknown_folder_is_one_line(data_folder: Path, folder: str) -> None:
    assert "lies in an unknown folder" in only_line(load(data_folder / folder / "a.json", data_folder))


def test_an_unknown_folder_gets_a_suggestion(data_folder: Path) -> None:
    assert "did you mean 'results'?" in only_line(load(data_folder / "result" / "a.json", data_folder))


@pytest.mark.parametrize("name", ["a", "a.yaml", "a.json", "a.json\n", "a.yml.bak", ".yml"])
def test_a_wrong_ending_is_refused(data_folder: Path, name: str) -> None:
    line = only_line(load(data_folder / "models" / name, data_folder))
    assert "has the wrong ending" in line
    assert "name it <id>.yml" in line


@pytest.mark.parametrize("name", ["a", "a.txt", "a.\x1b"])
def test_an_unknown_ending_is_refused(data_folder: Path, name: str) -> None:
    assert "has an unknown ending" in only_line(load(data_folder.parent / name, data_folder))


@pytest.mark.parametrize(
    "place", [MEASURED, DEVICE, MODEL, "retracted.yml", "../big.json", "../big.yml", "../big.md"]
)
def test_a_file_that_is_too_large_is_refused_before_it_is_read(
    data_folder: Path, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unread(_: Path) -> bytes:
        raise AssertionError

    path = data_folder / place if not place.startswith("..") else data_folder.parent / place[3:]
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        file.truncate(100 * 1024 * 1024)
    monkeypatch.setattr(Path, "read_bytes", unread)
    assert "is too large (got 104,857,600 bytes)" in only_line(load(path, data_folder))


@pytest.mark.parametrize(
    "said",
    [
        None,
        1,
        "",
        "resutl",
        "decode-board/reslut/1",
        ["result"],
        {"a": 1},
        "\x1b[31m",
        "x" * 100_000,
        "\u202e",
    ],
)
def test_an_unknown_schema_outside_of_data_is_refused(data_folder: Path, said: Any) -> None:
    path = data_folder.parent / "a.json"
    path.write_text(json.dumps({"schema": said}))
    line = only_line(load(path, data_folder))
    assert "schema: does not say what the file holds" in line
    assert "decode-board/result/1" in line


@pytest.mark.parametrize("raw", [b"[]", b"null", b"1", b'"a"', b"{}", b""])
def test_a_file_outside_of_data_without_a_schema_is_refused(data_folder: Path, raw: bytes) -> None:
    path = data_folder.parent / "a.json"
    path.write_bytes(raw)
    assert only_line(load(path, data_folder))


def test_another_version_of_a_schema_is_refused(data_folder: Path) -> None:
    path = data_folder.parent / "example-measured.json"
    path.write_text(json.dumps(changed(MEASURED, "schema", "decode-board/result/99")))
    assert "use one of: decode-board/result/1" in only_line(load(path, data_folder))


def test_a_path_is_shown_from_the_folder_that_holds_data(tmp_path: Path) -> None:
    assert shown_path(tmp_path / "data" / "a.yml", tmp_path / "data") == "data/a.yml"
    assert shown_path(Path("/elsewhere/a.yml"), tmp_path / "data") == "/elsewhere/a.yml"


# --- names ----------------------------------------------------------------------------------------

BAD_IDS = [
    "../../etc/passwd",
    "a/b",
    "a\\b",
    "a..b",
    "/etc/passwd",
    ".",
    "..",
    ".a",
    "a.",
    "-a",
    "A",
    "a b",
    "a\n",
    "é",
    "",
    "a" * 97,
    "a\0",
    "CON:",
    "con",
    "nul.x",
    "lpt1",
    "a" * 5000 + "!",
]


@pytest.mark.parametrize("name", BAD_IDS)
@pytest.mark.parametrize("place", [place for place, data in EXAMPLES.items() if "id" in data])
def test_an_id_that_is_no_plain_name_is_refused(data_folder: Path, place: str, name: str) -> None:
    said = lines(load_data(changed(place, "id", name), data_folder, place))
    assert set(fields_of(said)) == {"id"}
    assert any("lower-case letters and digits" in line for line in said)


@pytest.mark.parametrize("name", BAD_IDS)
@pytest.mark.parametrize(
    "path", ["device", "decode.model", "decode.baseline_of", "kernels.timings.0.kernels.0"]
)
def test_a_reference_that_is_no_plain_name_is_refused(data_folder: Path, path: str, name: str) -> None:
    assert "lower-case" in lines(load_data(changed(MEASURED, path, name), data_folder, MEASURED))[-1]


def test_an_id_that_differs_from_the_name_of_its_file_is_refused(data_folder: Path) -> None:
    line = only_line(load_data(changed(MODEL, "id", "other-model"), data_folder, MODEL))
    assert ": id: differs from the file's name (got 'other-model')" in line


# --- hostile text ---------------------------------------------------------------------------------

HOSTILE = {
    "script": "<script>alert(1)</script>",
    "closing tag": "a</td>",
    "escape codes": "\x1b[31mred\x9b0m\x7f",
    "null": "a\0b",
    "line end": "a\n",
    "line separator": "a\u2028b",
    "bidi codes": "a\u202eb\u2066",
    "byte order mark": "a\ufeffb",
    "zero width": "a\u200b\u200d\u2060b",
    "soft hyphen": "a\u00adb",
    "fillers": "a\u3164\u115fb",
    "other spaces": "a\u2003b",
    "private use": "a\ue000b",
    "selector": "a\ufe0fb",
    "huge": "a" * 5_000,
}
# Every text once: what both rows of results have is tried in the measured one.
TEXTS = [
    pytest.param(place, path, id=f"{Path(place).stem}-{shown(path)}")
    for place, data in EXAMPLES.items()
    for path in examples.places(data, str)
    if not (place.endswith(".md") and path == ("notes",))
    and not (place == REPORTED and path in list(examples.places(examples.measured(), str)))
]


@pytest.mark.parametrize(("place", "path"), TEXTS)
def test_no_text_of_any_file_takes_html_or_control_characters(
    data_folder: Path, place: str, path: tuple[Step, ...]
) -> None:
    for name, text in HOSTILE.items():
        data = json.loads(json.dumps(EXAMPLES[place]))
        put(data, path, text)
        said = lines(load_data(data, data_folder, place))
        assert shown(path) in fields_of(said), (name, said)


def test_the_examples_fill_every_text_that_the_schemas_know() -> None:
    filled = {
        f"{kind_of(Path('data', place), Path('data')).name}.{re.sub('[0-9]+]', ']', shown(path))}"
        for place, data in EXAMPLES.items()
        for path in examples.places(data, str)
    }
    known = {
        f"{at}.{key}" + ("[]" if value.get("type") == "array" else "")
        for kind in KINDS.values()
        for at, node, _, _ in pairs(schema(kind.name), kind.record, kind.name, kind.name)
        for key, value in node["properties"].items()
        if re.search('defs/(line|text|url|id|date|instant|sha256|revision)"', json.dumps(value))
        and value.get("type") != "object"  # whose keys are data, and stand below it
    }
    assert known - filled == {"result.integrity"}  # a seal would break with each text that these tests vary
    assert len(known) > 60


@pytest.mark.parametrize(
    "name",
    [name for name in HOSTILE if name not in {"line end", "line separator", "huge"}],
)
def test_prose_takes_no_html_or_control_characters_either(data_folder: Path, name: str) -> None:
    text = f"Some prose {HOSTILE[name]} and more."
    assert set(fields_of(lines(load_data(changed(DEVICE, "notes", text), data_folder, DEVICE)))) <= {
        "notes",
        "file",
    }


@pytest.mark.parametrize(
    "text", ["[a](javascript:alert(1))", "[a](http://example.org)", "[a]: data:text/html,x"]
)
def test_prose_takes_no_link_but_to_the_web(data_folder: Path, text: str) -> None:
    assert "link to https:// addresses only" in only_line(
        load_data(changed(DEVICE, "notes", text), data_folder, DEVICE)
    )


@pytest.mark.parametrize(
    "url",
    [
        "http://example.org/",
        "javascript:alert(1)",
        "data:text/html,x",
        "//example.org/",
        "https://",
        "https:///a",
        "https://user@example.org/",
        "https://example.org/a b",
        "https://example.org/\"onmouseover='a'",
        "https://example.org\n",
        " https://example.org",
        "HTTPS://example.org",
        "https://example.org/" + "a" * 500,
    ],
)
def test_an_address_that_is_not_plainly_https_is_refused(data_folder: Path, url: str) -> None:
    line = lines(load_data(changed(REPORTED, "source.url", url), data_folder, REPORTED))[0]
    assert ": source.url: " in line
    assert "https:// address" in line


@pytest.mark.parametrize(
    "date",
    ["2024-02-30", "2023-02-29", "2024-04-31", "2024-13-01", "2024-00-01", "0000-01-01", "24-01-01", "today"],
)
def test_a_date_that_does_not_exist_is_refused(data_folder: Path, date: str) -> None:
    for place, path, value in [
        (REPORTED, "source.retrieved", date),
        (REPORTED, "source.published", date),
        (MEASURED, "measured_at", f"{date}T00:00:00Z"),
        ("retracted.yml", "retractions.0.date", date),
    ]:
        said = lines(load_data(changed(place, path, value), data_folder, place))
        assert {line.split("; ")[1][:8] for line in said} == {"write a "}


@pytest.mark.parametrize(
    "time_of_day", ["24:00:00Z", "23:60:00Z", "00:00:00", "00:00:00+02:00", "00:00Z", "00:00:00Z\n"]
)
def test_a_time_that_is_not_in_utc_to_the_second_is_refused(data_folder: Path, time_of_day: str) -> None:
    assert "write a time in UTC" in only_line(
        load_data(changed(MEASURED, "measured_at", f"2024-02-29T{time_of_day}"), data_folder, MEASURED)
    )


# --- types and spelling ---------------------------------------------------------------------------

WRONG: list[Any] = ["", 10**4000, {"": [None]}]


@EVERY_EXAMPLE
def test_a_value_of_any_other_type_never_escapes_the_loader(data_folder: Path, place: str) -> None:
    for path in examples.places(EXAMPLES[place], (str, int, float, list, dict, type(None))):
        if place == REPORTED and not {"source", "figure"} & set(path):
            continue  # tried in the measured row
        for value in WRONG:
            data = json.loads(json.dumps(EXAMPLES[place]))
            if path:
                put(data, path, value)
            if place.endswith(".md") and (not path or path == ("notes",)):
                continue
            outcome = load_data(data if path else value, data_folder, place)
            if isinstance(outcome, list):
                assert lines(outcome)
            else:
                assert is_dataclass(outcome)


@EVERY_EXAMPLE
def test_every_field_is_required(data_folder: Path, place: str) -> None:
    for path in examples.places(EXAMPLES[place], dict):
        for key in examples.value_at(EXAMPLES[place], path):
            if {"shape", "model_shape", "lengths", "hashes"} & set(path) or (
                place.endswith(".md") and (*path, key) in {("notes",), ("access",), ("price",)}
            ):
                continue
            if path[-1:] == ("skypilot",) or (key in {"install", "options"} and place.endswith(".md")):
                continue  # what is not stated is left to SkyPilot, or to the runner
            data = json.loads(json.dumps(EXAMPLES[place]))
            del examples.value_at(data, path)[key]
            said = lines(load_data(data, data_folder, place))
            assert shown((*path, key)) in fields_of(said), said


@EVERY_EXAMPLE
def test_a_misspelt_field_is_refused_with_the_right_spelling(data_folder: Path, place: str) -> None:
    data = json.loads(json.dumps(EXAMPLES[place]))
    data["schemaa"] = data["schema"]
    line = only_line(load_data(data, data_folder, place))
    assert ": schemaa: is not a known field; " in line
    assert "did you mean 'schema'?" in line


@pytest.mark.parametrize(
    "key", ["", " ", "a: b; c", "\x1b[31m", "a\nb", "\u202e", "x" * 9999, "__class__", "file"]
)
def test_a_hostile_field_name_is_one_line(data_folder: Path, key: str) -> None:
    assert "is not a known field" in only_line(
        load_data({**examples.measured(), key: 1}, data_folder, MEASURED)
    )
    nested = examples.measured()
    nested["decode"]["weights"][key] = 1
    assert "is not a known field" in only_line(load_data(nested, data_folder, MEASURED))


@pytest.mark.parametrize("key", ["", "Rows", "a1", "rows\n", "\x1b", "x" * 33, "../a"])
def test_an_axis_is_a_lower_case_word(data_folder: Path, key: str) -> None:
    shape = {key: 1}
    line = only_line(load_data(changed(MEASURED, "kernels.timings.0.shape", shape), data_folder, MEASURED))
    assert "an axis is a lower-case name" in line


@pytest.mark.parametrize("raw", [b"[]", b"null", b"1", b'"text"', b"true"])
@pytest.mark.parametrize("place", [MEASURED, MODEL, "retracted.yml"])
def test_a_file_that_holds_no_mapping_is_refused(data_folder: Path, place: str, raw: bytes) -> None:
    assert "file: must be a mapping" in only_line(load_bytes(raw, data_folder, place))


@EVERY_EXAMPLE
def test_an_empty_file_is_one_line(data_folder: Path, place: str) -> None:
    assert ": file: " in only_line(load_bytes(b"", data_folder, place))


def test_all_faults_of_a_file_are_said_at_once_and_in_order(data_folder: Path) -> None:
    data = examples.measured()
    del data["role"]
    data["id"] = "another-name"
    data["quick"] = "no"
    data["vendro"] = 1
    data["decode"]["samples"]["repetitions"][0]["step_ns"][1] = 0
    said = lines(load_data(data, data_folder, MEASURED))
    assert fields_of(said) == ["decode.samples.repetitions[0].step_ns[1]", "id", "quick", "role", "vendro"]
    assert said == sorted(said)


def test_a_fault_below_a_nullable_field_is_said_once_and_where_it_is(data_folder: Path) -> None:
    line = only_line(load_data(changed(MEASURED, "environment.cpu_count", 0), data_folder, MEASURED))
    assert ": environment.cpu_count: must be at least 1 (got 0); write a whole number of 1 to 100,000" in line


def test_a_list_names_an_entry_once(data_folder: Path) -> None:
    line = only_line(load_data(changed(DEVICE, "aliases", ["a", "a"]), data_folder, DEVICE))
    assert ": aliases: lists an entry twice (got a list of 2); remove the second" in line


# --- provenance -----------------------------------------------------------------------------------

NO_TIMING_FIGURE = {"latency_us": 1, "min_us": None, "max_us": None, "values_in_source": 1}


@pytest.mark.parametrize(
    "path",
    ["source", "decode.figure", "kernels.timings.0.figure", "stack", "decode.weights", "decode.contract"],
)
def test_a_reported_row_without_its_source_or_a_figure_is_refused(data_folder: Path, path: str) -> None:
    field = path.replace(".0", "[0]")
    assert f": {field}: must be a mapping (got null)" in only_line(
        load_data(changed(REPORTED, path, None), data_folder, REPORTED)
    )


@pytest.mark.parametrize(
    ("path", "value"), [("decode.samples", examples.samples()), ("kernels.timings.0.samples_ns", [1, 2])]
)
def test_a_reported_row_with_samples_is_refused(data_folder: Path, path: str, value: Any) -> None:
    assert "a reported row has a figure, not samples" in only_line(
        load_data(changed(REPORTED, path, value), data_folder, REPORTED)
    )


def test_a_reported_row_has_no_environment_and_is_not_quick(data_folder: Path) -> None:
    environment = examples.measured()["environment"]
    said = lines(load_data(changed(REPORTED, "environment", environment), data_folder, REPORTED))
    said += lines(load_data(changed(REPORTED, "quick", True), data_folder, REPORTED))
    assert fields_of(said) == ["environment", "quick"]


@pytest.mark.parametrize(
    "path",
    [
        "submitter",
        "measured_at",
        "environment",
        "decode.samples",
        "decode.depth_tokens",
        "decode.numerics_ok",
        "kernels.timings.0.samples_ns",
        "kernels.timings.0.numerics_ok",
    ],
)
def test_a_measured_row_without_what_was_measured_is_refused(data_folder: Path, path: str) -> None:
    said = lines(load_data(changed(MEASURED, path, None), data_folder, MEASURED))
    assert path.replace(".0", "[0]") in fields_of(said)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("source", examples.reported()["source"]),
        ("decode.figure", {"tok_per_s": 1, "step_us": None, "claims": []}),
        ("kernels.timings.0.figure", NO_TIMING_FIGURE),
        ("decode.weights.kind", "not_stated"),
        ("kernels.timings.0.execution", "not_stated"),
    ],
)
def test_a_measured_row_with_what_only_a_publication_has_is_refused(
    data_folder: Path, path: str, value: Any
) -> None:
    said = lines(load_data(changed(MEASURED, path, value), data_folder, MEASURED))
    assert fields_of(said) == [path.replace(".0", "[0]")]


@pytest.mark.parametrize("clause", examples.protocol())
def test_a_measured_row_keeps_the_whole_contract(data_folder: Path, clause: str) -> None:
    kept = examples.protocol()[clause]
    node = schema("result")["$defs"]["contract"]["properties"][clause]
    for other in set(node["enum"]) - {kept}:
        line = only_line(
            load_data(changed(MEASURED, f"decode.contract.{clause}", other), data_folder, MEASURED)
        )
        assert f"decode.contract.{clause}: is not allowed here (got '{other}'); use one of: {kept}" in line


@pytest.mark.parametrize("place", ROWS)
def test_a_row_without_a_decode_block_and_a_kernel_block_is_refused(data_folder: Path, place: str) -> None:
    data = {**ROWS[place](), "decode": None, "kernels": None}
    assert "needs a decode block, a kernel block, or both" in only_line(load_data(data, data_folder, place))


@pytest.mark.parametrize("place", ROWS)
@pytest.mark.parametrize("block", ["decode", "kernels"])
def test_a_row_with_one_block_is_enough(data_folder: Path, place: str, block: str) -> None:
    assert isinstance(load_data({**ROWS[place](), block: None}, data_folder, place), Result)


@pytest.mark.parametrize("size", [0, 2, 8, True, "1", None])
@pytest.mark.parametrize("place", ROWS)
def test_a_batch_of_other_than_one_is_refused(data_folder: Path, place: str, size: Any) -> None:
    assert ": decode.batch_size: " in only_line(
        load_data(changed(place, "decode.batch_size", size), data_folder, place)
    )


def test_a_kernel_that_failed_its_check_is_not_timed(data_folder: Path) -> None:
    data = changed(MEASURED, "kernels.timings.0.numerics_ok", False)
    assert "never timed" in only_line(load_data(data, data_folder, MEASURED))
    put(data, ("kernels", "timings", 0, "samples_ns"), None)
    assert isinstance(load_data(data, data_folder, MEASURED), Result)


def test_a_kernel_that_passed_its_check_is_timed(data_folder: Path) -> None:
    data = changed(MEASURED, "kernels.timings.0.samples_ns", None)
    assert fields_of(lines(load_data(data, data_folder, MEASURED))) == ["kernels.timings[0].samples_ns"]


@pytest.mark.parametrize("provenance", [None, "guessed", "Measured", 1])
def test_a_row_of_unknown_provenance_is_refused(data_folder: Path, provenance: Any) -> None:
    said = lines(load_data(changed(MEASURED, "provenance", provenance), data_folder, MEASURED))
    assert "provenance" in fields_of(said)


# --- time -----------------------------------------------------------------------------------------


def many(entry: Any, count: int) -> Any:
    return [entry] * count


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("kernels.timings.0.samples_ns", many(0, 400_000)),
        ("kernels.timings.0.samples_ns", many(1, 400_000)),
        ("kernels.timings.0.kernels", [*many("a", 200_000), *many(1, 200_000), None]),
        ("kernels.timings", many({}, 300_000)),
        ("decode.samples.repetitions", many({}, 300_000)),
        ("decode.samples.repetitions", many(examples.samples()["repetitions"][0], 9_000)),
        ("decode.samples.repetitions.0.step_ns", many("1", 400_000)),
        ("decode.token_ids", many(None, 400_000)),
        ("stack.languages", many("<", 400_000)),
        ("submitter", "a" * 5_000_000),
        ("id", "a-" * 2_000_000),
        ("source", {"x" * 100_000 + str(number): 1 for number in range(20)}),
    ],
)
def test_a_large_file_of_faults_is_explained_in_seconds(data_folder: Path, path: str, value: Any) -> None:
    data = changed(MEASURED, path, value)
    data["quick"] = None
    began = time.process_time()
    said = lines(load_data(data, data_folder, MEASURED))
    assert time.process_time() - began < 8
    assert len(said) <= 52
