"""A published figure is drafted in the form of the record, and what was not given is asked for, never guessed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from generator.importers.drafts import written
from generator.rules import today
from tests.generator.commands.calls import HOSTILE, files, is_plain, judged, run
from tests.generator.examples import REPOSITORY, Folder, samples

PLACE = "reported/a-blog/a-blog-gpu-a.json"
NEEDED = {
    "--device": "gpu-a",
    "--model": "tiny",
    "--source-folder": "a-blog",
    "--title": "A blog",
    "--url": "https://example.org/figures",
    "--locator": "the second table",
}
FIGURE = {"--tok-per-s": "100.5", "--dtype": "f16", "--stack": "A stack 1.2"}


def options(**changes: str | None) -> list[str]:
    """What a draft needs, with ``changes``: None leaves an option out."""
    named = {f"--{name.replace('_', '-')}": text for name, text in changes.items()}
    return [part for name, text in (NEEDED | named).items() if text is not None for part in (name, text)]


def drafted(folder: Folder, **changes: str | None) -> Any:
    result = run(folder, "new-result", "--reported", *options(**changes))
    assert result.exit_code == 0, result.output
    return json.loads((folder.data / result.stdout.split()[0].removeprefix("data/")).read_text())


def whole(**changes: str | None) -> dict[str, str | None]:
    return {"tok_per_s": "100.5", "dtype": "f16", "stack": "A stack 1.2"} | changes


def refused(folder: Folder, *arguments: str) -> list[str]:
    """The problems of a call that writes nothing."""
    before = files(folder)
    result = run(folder, "new-result", "--reported", *arguments)
    assert result.exit_code == 1, result.output
    assert result.stderr.endswith("; nothing was written\n")
    assert is_plain(result.output)
    assert files(folder) == before
    return result.stdout.splitlines()


def test_a_whole_figure_is_valid_as_it_stands(basic: Folder) -> None:
    record = drafted(basic, **whole(step_us="9950.2", published="2026-01-31", retrieved="2026-02-01"))
    assert judged(basic, PLACE) == []
    assert record["decode"]["figure"] == {"tok_per_s": 100.5, "step_us": 9950.2, "claims": []}
    assert (record["provenance"], record["role"], record["decode"]["dtype"]) == (
        "reported",
        "contender",
        "f16",
    )
    assert record["source"] == {
        "title": "A blog",
        "url": "https://example.org/figures",
        "locator": "the second table",
        "retrieved": "2026-02-01",
        "published": "2026-01-31",
    }


def test_what_nobody_said_is_null_or_not_stated(basic: Folder) -> None:
    record = drafted(basic, **whole())
    open_fields = ("device_as_stated", "submitter", "measured_at", "kernel_source", "environment", "kernels")
    assert [record[field] for field in open_fields] == [None] * 6
    assert set(record["decode"]["contract"].values()) == {"not_stated"}
    assert record["decode"]["weights"] == {"kind": "not_stated", "seed": None, "sha256": None}
    assert record["decode"]["depth_tokens"] is None
    assert record["source"]["retrieved"] == today().isoformat()


def test_a_draft_has_the_form_of_the_files_on_record(basic: Folder) -> None:
    drafted(basic, **whole())
    text = (basic.data / PLACE).read_text()
    assert text == written(json.loads(text)) + "\n"
    known = json.loads(next((REPOSITORY / "data/reported/pu-rs-decode").glob("*.json")).read_text())
    mine = json.loads(text)
    assert (list(mine), list(mine["decode"])) == (list(known), list(known["decode"]))


def test_a_figure_that_was_not_given_is_asked_for_by_the_command_and_by_validate(basic: Folder) -> None:
    result = run(basic, "new-result", "--reported", *options())
    assert result.exit_code == 0
    wanted = ["decode.dtype", "decode.figure.tok_per_s", "stack.name"]
    assert "`validate` refuses it until you fill in" in result.stdout
    assert sorted(line.split()[0] for line in result.stdout.splitlines() if "(--" in line) == wanted
    lines = judged(basic, PLACE)
    assert [line.split(": ")[1] for line in lines] == wanted
    assert all("(got null); " in line for line in lines)


@pytest.mark.parametrize("missing", ["tok_per_s", "dtype", "stack"])
def test_only_what_is_missing_is_asked_for(basic: Folder, missing: str) -> None:
    result = run(basic, "new-result", "--reported", *options(**whole(**{missing: None})))
    assert [
        f"(--{missing.replace('_', '-')})" in line for line in result.stdout.splitlines() if "(--" in line
    ] == [True]


def test_a_baseline_names_its_row(basic: Folder) -> None:
    basic.reported("top", "gpu-a")
    record = drafted(basic, **whole(baseline_of="top"))
    assert (record["role"], record["decode"]["baseline_of"]) == ("baseline", "top")
    assert judged(basic, PLACE) == []


def test_a_row_that_is_no_decode_row_of_the_device_has_no_baselines(basic: Folder) -> None:
    basic.reported("top", "gpu-a").reported("tops", "gpu-b")
    for name in ("tops", "none"):
        (line,) = refused(basic, *options(**whole(baseline_of=name)))
        assert line.startswith(
            f"command line: --baseline-of: is no decode row of this device and model (got '{name}')"
        )
        assert line.endswith("known: top")


def test_a_draft_asks_for_nothing_that_a_submission_may_not_hold(basic: Folder) -> None:
    assert "README" not in run(basic, "new-result", "--reported", *options()).stdout


def test_what_is_missing_is_told_at_once(basic: Folder) -> None:
    lines = refused(basic)
    assert [line.split(": ")[1] for line in lines] == list(NEEDED)
    assert all("is missing (got none); " in line for line in lines)


def test_every_problem_is_told_at_once(basic: Folder) -> None:
    changes = {
        "device": "gpu-c",
        "model": None,
        "source_folder": "../x",
        "url": "http://x",
        "locator": "a\x1bb",
    }
    lines = refused(basic, *options(**changes))
    assert [line.split(" (got")[0] for line in lines] == [
        "command line: --model: is missing",
        "command line: --device: is unknown",
        "command line: --source-folder: is not an id",
        "data/reported/<NAME>/<ID>.json: source.locator: is not written as it must be",
        "data/reported/<NAME>/<ID>.json: source.url: is not written as it must be",
    ]


def test_an_unknown_device_or_model_is_refused_with_the_closest(basic: Folder) -> None:
    device, model = refused(basic, *options(device="gpu-aa", model="tinny"))
    assert "did you mean 'gpu-a'?" in device
    assert "python -m generator new-device" in device
    assert "did you mean 'tiny'?" in model


def test_an_alias_is_refused_with_its_device(basic: Folder) -> None:
    basic.device("gpu-a", aliases=["gpu-a-16gb"])
    (line,) = refused(basic, *options(device="gpu-a-16gb"))
    assert line.startswith("command line: --device: is an alias (got 'gpu-a-16gb'); write 'gpu-a', ")


def test_a_record_is_never_overwritten(basic: Folder) -> None:
    drafted(basic)
    (line,) = refused(basic, *options(stack="A stack"))
    assert line == (
        "command line: --id: is on file already (got 'a-blog-gpu-a', data/reported/a-blog/a-blog-gpu-a.json); "
        "choose another, such as 'a-blog-gpu-a-a-stack'"
    )
    drafted(basic, id="a-blog-gpu-a-a-stack")


def test_an_id_that_a_row_elsewhere_has_is_refused(basic: Folder) -> None:
    basic.measured("taken", "gpu-a", samples([9_000_000]))
    (line,) = refused(basic, *options(id="taken"))
    assert "(got 'taken', data/results/gpu-a/taken.json)" in line


def test_a_figure_faster_than_the_memory_is_refused(basic: Folder) -> None:
    (line,) = refused(basic, *options(**whole(tok_per_s="1e12")))
    assert line.startswith(f"data/{PLACE}: decode.figure.tok_per_s: is impossible (got 1e+12 tok/s")


def test_a_time_that_contradicts_the_rate_is_refused(basic: Folder) -> None:
    (line,) = refused(basic, *options(**whole(step_us="5")))
    assert ": decode.figure.step_us: disagrees with tok_per_s" in line


def test_a_day_that_has_not_come_is_refused(basic: Folder) -> None:
    (line,) = refused(basic, *options(**whole(retrieved="2099-12-31")))
    assert ": source.retrieved: lies in the future (got '2099-12-31')" in line


@pytest.mark.parametrize("option", ["--source-folder", "--id"])
@pytest.mark.parametrize("name", [name for name in HOSTILE if name])
def test_what_is_no_id_never_becomes_a_path(basic: Folder, option: str, name: str) -> None:
    (line,) = refused(basic, *options(**{option.removeprefix("--").replace("-", "_"): name}))
    assert line.startswith(f"command line: {option}: is not an id (got '")
    assert list(basic.root.iterdir()) == [basic.data]


@pytest.mark.parametrize("text", ["<b>", "a\x1b[31m", "a\nb", "x" * 100_000, "\ud800", "\u202e"])
@pytest.mark.parametrize("option", ["title", "locator", "stack", "device_as_stated"])
def test_text_that_no_page_may_hold_is_refused(basic: Folder, option: str, text: str) -> None:
    (line,) = refused(basic, *options(**{option: text}))
    assert len(line) < 600


@pytest.mark.parametrize("arguments", [[], ["--device", "gpu-a", "--tok-per-s", "100"]])
def test_a_measured_result_is_left_to_a_runner(basic: Folder, arguments: list[str]) -> None:
    before = files(basic)
    result = run(basic, "new-result", *arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "python -m runners list" in result.stderr
    assert "new-result --reported" in result.stderr
    assert files(basic) == before


@pytest.mark.parametrize(
    ("option", "text"),
    [("--tok-per-s", "nan"), ("--tok-per-s", "0"), ("--step-us", "inf"), ("--dtype", "int4"),
     ("--depth-tokens", "-1"), ("--retrieved", "yesterday")],
)  # fmt: skip
def test_a_wrong_value_is_refused_before_anything_is_read(basic: Folder, option: str, text: str) -> None:
    before = files(basic)
    result = run(basic, "new-result", "--reported", *options(), option, text)
    assert (result.exit_code, result.stdout) == (2, "")
    assert option in result.stderr
    assert files(basic) == before


def test_what_is_wrong_elsewhere_is_not_the_drafts_fault(basic: Folder) -> None:
    basic.reported("bad", "no-such-device")
    (basic.data / "devices/broken.md").write_text("broken")
    drafted(basic)


def test_a_folder_that_cannot_be_written_is_said(basic: Folder) -> None:
    (basic.data / "reported").write_text("a file")
    result = run(basic, "new-result", "--reported", *options())
    assert result.exit_code == 1
    assert "nothing was written" in result.stderr


def test_the_real_record_takes_a_draft(tmp_path: Path) -> None:
    """On the devices, models and kernels that are on file."""
    folder = Folder(tmp_path)
    folder.data.mkdir()
    for part in ("devices", "models", "kernels"):
        (folder.data / part).symlink_to(REPOSITORY / "data" / part)
    device = sorted((REPOSITORY / "data/devices").glob("*.md"))[0].stem
    model = next((REPOSITORY / "data/models").glob("*.yml")).stem
    drafted(folder, **whole(device=device, model=model, tok_per_s="1"))
