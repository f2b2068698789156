"""A device is drafted valid, once, and never under a name that is another's."""

from __future__ import annotations

from pathlib import Path

import pytest

from generator import layout
from schemas.load import load
from schemas.records import Device
from tests.generator.commands.calls import HOSTILE, files, is_plain, judged, run
from tests.generator.examples import Folder


@pytest.fixture
def known(folder: Folder) -> Folder:
    """A data folder that knows one device by three names."""
    return folder.device("maker-x10", name="Fast X10", aliases=["x10-16gb"]).model().kernel("norm")


def device(folder: Folder, name: str) -> Device:
    found = load(folder.data / "devices" / f"{name}.md", folder.data)
    assert isinstance(found, Device), found
    return found


def refused(folder: Folder, *arguments: str) -> list[str]:
    """The problems of a call that writes nothing."""
    before = files(folder)
    result = run(folder, "new-device", *arguments)
    assert result.exit_code == 1, result.output
    assert result.stderr.endswith("; nothing was written\n")
    assert is_plain(result.output)
    assert files(folder) == before
    return result.stdout.splitlines()


def test_a_draft_is_valid_as_it_stands_and_invents_nothing(known: Folder) -> None:
    result = run(known, "new-device", "other-y1", "--type", "gpu")
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith("data/devices/other-y1.md is drafted, and valid as it stands.")
    assert judged(known, "devices/other-y1.md") == []
    found = device(known, "other-y1")
    assert (found.name, found.type) == ("other-y1", "GPU")
    assert (found.vendor, found.memory_gb, found.tdp_w, found.peak_bandwidth, found.sources) == (
        None,
    ) * 4 + ((),)


def test_what_the_person_knows_stands_in_the_draft(known: Folder) -> None:
    known.emitted({("norm", "lang-a"): "x\n"})
    said = ["--name", "Y1 (2 dies)", "--vendor", "Other", "--memory-gb", "32", "--tdp-w", "72.5"]
    said += ["--alias", "y1-32gb", "--alias", "y1", "--language", "lang-a"]
    assert run(known, "new-device", "other-y1", "--type", "NPU", *said).exit_code == 0
    found = device(known, "other-y1")
    assert (found.name, found.vendor, found.memory_gb, found.tdp_w) == ("Y1 (2 dies)", "Other", 32, 72.5)
    assert (found.aliases, [use.target for use in found.languages]) == (("y1-32gb", "y1"), ["lang-a"])
    assert judged(known, "devices/other-y1.md") == []


def test_the_draft_says_what_to_fill_in_and_where_it_counts(known: Folder) -> None:
    run(known, "new-device", "other-y1", "--type", "gpu")
    text = (known.data / "devices/other-y1.md").read_text()
    assert "While it is null, rows are shown but not ranked" in text
    assert all(f"\n{field}: " in text for field in ("vendor", "memory_gb", "tdp_w", "sources", "languages"))


def test_the_next_steps_work_where_the_data_lie(
    known: Folder, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    said = run(known, "new-device", "other-y1", "--type", "gpu").stdout
    assert "python -m generator validate data/devices/other-y1.md\n" in said
    assert "python -m runners list" in said
    monkeypatch.setattr(layout, "ROOT", tmp_path / "elsewhere")
    said = run(known, "new-device", "other-z1", "--type", "gpu").stdout
    assert f"validate {known.data}/devices/other-z1.md --data-dir {known.data}\n" in said


@pytest.mark.parametrize("device_id", HOSTILE)
def test_what_is_no_id_is_refused_with_one_that_is(known: Folder, device_id: str) -> None:
    (line,) = refused(known, "--type", "cpu", "--", device_id)
    assert line.startswith("command line: ID: is not an id (got '")
    offered = line.split("'")[-2]
    assert run(known, "new-device", offered, "--type", "cpu").exit_code == 0


def test_an_id_that_leaves_no_room_for_those_of_its_results_is_refused(known: Folder) -> None:
    assert "is not an id" in refused(known, "x" * 55, "--type", "cpu")[0]


def test_a_device_on_file_is_never_overwritten(known: Folder) -> None:
    assert refused(known, "maker-x10", "--type", "gpu") == [
        "command line: ID: is on file already (got 'maker-x10'); edit data/devices/maker-x10.md, or choose another"
    ]


def test_a_file_that_cannot_be_read_is_never_overwritten(known: Folder) -> None:
    (known.data / "devices/other-y1.md").write_text("broken")
    (line,) = refused(known, "other-y1", "--type", "gpu")
    assert line.startswith(
        "command line: ID: is on file already (got 'other-y1'); mend data/devices/other-y1.md"
    )


def test_a_file_that_comes_meanwhile_is_never_overwritten(
    known: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the look and the writing, as two people may work in one folder."""
    path = known.data / "devices/other-y1.md"
    monkeypatch.setattr(
        "generator.commands.new_device._refusals", lambda *_: path.write_text("theirs") and []
    )
    result = run(known, "new-device", "other-y1", "--type", "gpu")
    assert (result.exit_code, path.read_text()) == (1, "theirs")
    assert result.stderr.endswith("other-y1.md: is there already; nothing was written\n")


def test_another_devices_alias_is_refused_as_id_and_as_alias(known: Folder) -> None:
    (line,) = refused(known, "x10-16gb", "--type", "gpu")
    assert line.startswith(
        "command line: ID: is a name of maker-x10 (got 'x10-16gb'); edit data/devices/maker-x10.md"
    )
    for alias in ("x10-16gb", "maker-x10"):
        (line,) = refused(known, "a-device", "--type", "gpu", "--alias", alias)
        assert line.startswith("command line: --alias: is ")


@pytest.mark.parametrize(
    ("option", "text", "other"),
    [("ID", "maker-xl0", "maker-x10"), ("ID", "fast.x10", "Fast X10"), ("--name", "FAST X1O", "Fast X10"),
     ("--name", "Fаst X10", "Fast X10"), ("--alias", "x10_16gb", "x10-16gb")],
)  # fmt: skip
def test_a_name_that_reads_as_anothers_is_refused(known: Folder, option: str, text: str, other: str) -> None:
    arguments = [text] if option == "ID" else ["other-y1", option, text]
    lines = refused(known, *arguments, "--type", "gpu")
    assert (
        f"command line: {option}: can be taken for '{other}', a name of maker-x10 (got '{text}')" in lines[-1]
    )


def test_a_word_of_two_scripts_is_refused(known: Folder) -> None:
    (line,) = refused(known, "other-y1", "--type", "gpu", "--name", "Yаrd")
    assert line.startswith(
        r"command line: --name: mixes letters of several scripts in a word (got 'Y\u0430rd')"
    )


def test_every_problem_is_told_at_once(known: Folder) -> None:
    lines = refused(known, "index", "--type", "gpu", "--name", "fast x10", "--alias", "No Id")
    assert [line.split("; ")[0] for line in lines] == [
        "command line: --name: can be taken for 'Fast X10', a name of maker-x10 (got 'fast x10')",
        "data/devices/index.md: aliases[0]: is not written as it must be (got 'No Id')",
    ]
    lines = refused(known, "../x", "--type", "gpu", "--name", "<b>")
    assert [line.split(" (got")[0] for line in lines] == [
        "command line: ID: is not an id",
        "data/devices/<ID>.md: name: is not written as it must be",
    ]
    (line,) = refused(known, "index", "--type", "gpu")
    assert line.startswith("data/devices/index.md: id: is how a file of the site is named")


def test_an_unknown_language_is_refused_with_the_closest(known: Folder) -> None:
    known.emitted({("norm", "lang-a"): "x\n"})
    (line,) = refused(known, "other-y1", "--type", "gpu", "--language", "lang-b")
    assert line.endswith(
        "languages[0].target: is unknown (got 'lang-b'); did you mean 'lang-a'? known: lang-a"
    )


@pytest.mark.parametrize("text", ["<b>", "a\x1b[31m", "a\nb", "x" * 100_000, "\ud800", "\u202e"])
@pytest.mark.parametrize("option", ["--name", "--vendor"])
def test_text_that_no_page_may_hold_is_refused(known: Folder, option: str, text: str) -> None:
    lines = refused(known, "other-y1", "--type", "gpu", option, text)
    assert len(lines) == 1
    assert all(len(line) < 600 for line in lines)


@pytest.mark.parametrize(
    "arguments", [["x"], ["x", "--type", "toaster"], ["--type", "gpu"], ["x", "--type", "gpu", "--tdp-w", "nan"],
                  ["x", "--type", "gpu", "--memory-gb", "-1"], ["x", "--type", "gpu", "--memory-gb", "inf"],
                  ["x", "--type", "gpu", "--memory-gb", "many"]],
)  # fmt: skip
def test_a_wrong_call_is_refused_before_anything_is_read(known: Folder, arguments: list[str]) -> None:
    before = files(known)
    result = run(known, "new-device", *arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert files(known) == before


def test_what_is_wrong_elsewhere_is_not_the_drafts_fault(known: Folder) -> None:
    known.reported("bad", "no-such-device")
    (known.data / "devices/broken.md").write_text("broken")
    assert run(known, "new-device", "other-y1", "--type", "gpu").exit_code == 0
