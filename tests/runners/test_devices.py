"""A device is found by its id, its name or an alias; another one gets a draft that the board takes."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import pytest

from runners.device import RunnerError
from runners.devices import closest, draft, languages, path_of, resolve
from runners.null import NullDevice
from schemas.load import load
from schemas.records import Device
from tests.runners.runs import KNOWN_DEVICE, add_device, make_data


@pytest.fixture
def data(tmp_path: Path) -> Path:
    make_data(tmp_path / "data")
    add_device(tmp_path / "data")
    return tmp_path / "data"


@pytest.mark.parametrize("name", ["Tried device", "Null device", "null (R) Device", "TRIED"])
def test_a_device_is_found_by_its_name_and_by_what_is_made_of_it(data: Path, name: str) -> None:
    found, known = resolve(data, None, name)
    assert found == "tried"
    assert known


def test_the_id_that_the_person_names_wins(data: Path) -> None:
    assert resolve(data, "tried", "Something else")[1]
    assert resolve(data, "other", "Tried device") == ("other", None)


def test_an_unknown_device_gets_an_id_made_of_its_name(data: Path) -> None:
    assert resolve(data, None, "Some(R) Processor X1 (8 cores)") == ("some-x1-8-cores", None)


@pytest.mark.parametrize("wanted", ["No Such", "UPPER", "../etc", "", "a" * 200])
def test_what_is_no_id_is_refused_with_one_that_is(data: Path, wanted: str) -> None:
    with pytest.raises(RunnerError, match="--device: is not an id") as refused:
        resolve(data, wanted, "x")
    offered = str(refused.value).split("'")[-2]
    assert resolve(data, offered, "x") == (offered, None)


def test_a_broken_file_in_the_drafts_place_is_said(data: Path) -> None:
    add_device(data, KNOWN_DEVICE.replace("memory_gb: null", "memory_gb: many"), "other")
    with pytest.raises(RunnerError, match=r"other\.md: "):
        resolve(data, "other", "x")


def test_a_mistyped_id_is_told_the_closest(data: Path) -> None:
    assert closest("tryed", data) == "tried"
    assert closest("zzz", data) is None


@pytest.mark.parametrize(
    "name",
    [
        "AMD EPYC (2 cores)",
        'A "quoted" name',
        "back\\slash",
        "<script>",
        "tab\there",
        "{id}",
        "# : - [x]",
        "é" * 400,
    ],
)
@pytest.mark.parametrize("device_id", [None, "chosen"])
def test_a_draft_is_valid_as_it_stands_and_is_found_again(
    data: Path, name: str, device_id: str | None
) -> None:
    found, known = resolve(data, device_id, name)
    assert known is None
    path_of(data, found).write_text(draft(found, name, "CPU"), "utf-8")
    device = load(path_of(data, found), data)
    assert isinstance(device, Device), device
    assert device.peak_bandwidth is None
    assert "peak_bandwidth" in device.notes
    again, known = resolve(data, None, name)
    assert (again, bool(known)) == (found, True)


def test_a_device_takes_a_kernel_in_the_language_that_its_file_names_if_the_stack_knows_it(
    data: Path,
) -> None:
    class Stack(NullDevice):
        targets: ClassVar[tuple[str, ...]] = ("ascendc", "pto")

    uses = "[{target: pto, kernels: [gelu]}, {target: c, kernels: [silu]}, {target: ascendc, kernels: []}]"
    add_device(data, KNOWN_DEVICE.replace("languages: []", f"languages: {uses}"))
    _, known = resolve(data, "tried", "")
    assert languages(known, Stack()) == {"gelu": "pto"}
    assert languages(None, Stack()) == {}
