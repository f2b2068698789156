"""``new-result``: a published figure as a reported record, with what its source does not say left open."""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterator, Mapping
from dataclasses import fields, replace
from datetime import datetime
from functools import reduce
from pathlib import Path
from typing import Any

import click

from generator.commands.console import data_option
from generator.commands.drafting import (
    COMMAND_LINE,
    POSITIVE,
    checking,
    file_draft,
    is_id,
    no_id,
    on_file,
    refuse_draft,
)
from generator.dataset import Dataset
from generator.device_rules import unknown
from generator.importers.drafts import Draft, problems_of, written
from generator.rules import today
from schemas.names import slug
from schemas.problems import Problem, closest, got
from schemas.records import Contract

_LONGEST_ID = 96
_NEEDED = {
    "--device": ("device", "name the device of the figure, by its id in data/devices/"),
    "--model": ("decode.model", "name the model that was decoded, by its id in data/models/"),
    "--source-folder": ("", "name the publication's folder in data/reported/, one on file or a new one"),
    "--title": ("source.title", "give the title of the page or paper"),
    "--url": ("source.url", "give its https:// address"),
    "--locator": ("source.locator", "say where on it the figure stands: a table, a row, a section"),
}
"""The options without which there is no draft: the record's field, and what to give."""
_OPEN = {
    "stack.name": "the software that ran (--stack)",
    "decode.dtype": "the storage type of the weights (--dtype)",
    "decode.figure.tok_per_s": "the figure itself, in tokens a second (--tok-per-s)",
}
"""What a row needs and a draft does not: null until somebody fills it in, and ``validate`` refuses null."""
_MEASURED = """\
A measured result is written by a runner and by nothing else, as it holds raw
samples and the checks of its kernels. Find the one for your machine:
  python -m runners list
A figure that somebody has published is drafted by new-result --reported."""


_DAY = click.DateTime(["%Y-%m-%d"])


@click.command("new-result")
@click.option("--reported", is_flag=True, help="Yes, this is a published figure, not a measurement.")
@click.option("--device", metavar="ID", help="Needed: the id of a device on file.")
@click.option("--model", metavar="ID", help="Needed: the id of a model on file.")
@click.option("--source-folder", metavar="NAME", help="Needed: the publication's folder in data/reported/.")
@click.option("--title", help="Needed: the title of the page or paper.")
@click.option("--url", help="Needed: its https:// address.")
@click.option("--locator", help="Needed: where on it the figure stands.")
@click.option("--tok-per-s", type=POSITIVE, help="The published tokens a second.")
@click.option("--step-us", type=POSITIVE, help="The published time a step in microseconds.")
@click.option("--dtype", type=click.Choice(["f32", "f16", "bf16"]), help="The storage type of the weights.")
@click.option("--stack", help="The software that ran, as the source names it.")
@click.option("--depth-tokens", type=click.IntRange(0, 10_000_000), help="Tokens in the KV cache.")
@click.option(
    "--baseline-of", metavar="ID", help="The row that this one is a baseline of; else it is a contender."
)
@click.option("--device-as-stated", help="How the source calls the device.")
@click.option("--published", type=_DAY, metavar="YYYY-MM-DD", help="The day on which it was published.")
@click.option("--retrieved", type=_DAY, metavar="YYYY-MM-DD",
              help="The day on which you read it. [default: today, in UTC]")  # fmt: skip
@click.option("--id", metavar="ID", help="The record's id. [default: <source folder>-<device>]")
@data_option
def new_result_command(reported: bool, data_dir: Path, **said: Any) -> None:
    """Draft data/reported/<NAME>/<ID>.json from one published decode figure.

    What the source does not say is null or not_stated, and nothing is filled in by guess. A figure that a row needs
    and that you did not give stays null as well; validate refuses the file until it is there. Nothing is
    overwritten. Kernel latencies are copied from a file of the same source, or imported. Measured results are no
    affair of this command: a runner writes them.
    """
    if not reported:
        click.echo(_MEASURED, err=True)
        sys.exit(2)
    folder = data_dir.resolve()
    said["id"] = said["id"] or "-".join(part for part in (said["source_folder"], said["device"]) if part)
    record = _record(said)
    left_open = {field: what for field, what in _OPEN.items() if _value(record, field) is None}
    draft = Draft(f"reported/{said['source_folder']}/{said['id']}.json", written(record) + "\n")
    if problems := _problems(folder, said, draft, left_open):
        refuse_draft(problems)
    shown = file_draft(draft, folder)
    click.echo("\n".join([*_report(shown, left_open), "Then:", f"  {checking(draft, folder)}"]))


def _problems(
    folder: Path, said: Mapping[str, Any], draft: Draft, left_open: Collection[str]
) -> list[Problem]:
    """What is wrong with the options, and what with the record of them that is not said by that."""
    data = on_file(folder, with_results=True)
    refusals = [*_refusals(data, said), *_misplaced(folder, data, said)]
    said_of = {option: field for option, (field, _) in _NEEDED.items()} | {
        "--baseline-of": "decode.baseline_of"
    }
    answered = {said_of[one.field] for one in refusals if one.field in said_of} | {*left_open}
    if not {"--source-folder", "--id"}.isdisjoint(one.field for one in refusals):
        draft = replace(draft, place="reported/<NAME>/<ID>.json")  # so that no message shows a wrong path
        answered.add("id")
    return [*refusals, *(one for one in problems_of([draft], data) if one.field not in answered)]


def _refusals(data: Dataset, said: Mapping[str, Any]) -> Iterator[Problem]:
    """Options that are missing, or name what is not on file."""
    for option, (_, remedy) in _NEEDED.items():
        if said[option.removeprefix("--").replace("-", "_")] is None:
            yield Problem(COMMAND_LINE, option, "is missing (got none)", remedy)
    if said["device"] is not None:
        yield from _unknown_device(data, said["device"])
    if said["model"] is not None:
        yield from unknown(data, COMMAND_LINE, "--model", said["model"], data.models)
    yield from _baseline(data, said["baseline_of"], said["device"], said["model"])


def _misplaced(folder: Path, data: Dataset, said: Mapping[str, Any]) -> Iterator[Problem]:
    """A folder and an id that are no names of files, or a file's that is there."""
    source, result = said["source_folder"], said["id"]
    if source is not None and not is_id(source, _LONGEST_ID):
        yield no_id("--source-folder", source, _LONGEST_ID)
    elif result and not is_id(result, _LONGEST_ID):
        yield no_id("--id", result, _LONGEST_ID)
    elif file := _file_of(folder, data, f"reported/{source}/{result}.json", result):
        remedy = f"choose another, such as '{result[:60]}-{slug(said['stack'] or 'other')[:30]}'"
        yield Problem(COMMAND_LINE, "--id", f"is on file already (got '{result}', {file})", remedy)


def _file_of(folder: Path, data: Dataset, place: str, result: str) -> str | None:
    """The file that has the id already; one that cannot be read has it, too."""
    if (folder / place).exists():
        return f"{data.folder}/{place}"
    return data.paths.get(("run", result), f"{result}.json" if result in data.broken else None)


def _baseline(data: Dataset, name: str | None, device: str, model: str) -> Iterator[Problem]:
    runs = {run: (entry.run.device, entry.decode.model) for run, entry in data.runs.items() if entry.decode}
    if name is not None and runs.get(name) != (device, model):
        known = [run for run, what in runs.items() if what == (device, model)]
        said = f"is no decode row of this device and model {got(name)}"
        yield Problem(COMMAND_LINE, "--baseline-of", said, closest(name, known))


def _unknown_device(data: Dataset, name: str) -> Iterator[Problem]:
    owners = {alias: one for one, device in data.devices.items() for alias in device.aliases}
    if name in owners:
        said = f"is an alias {got(name)}"
        yield Problem(
            COMMAND_LINE, "--device", said, f"write '{owners[name]}', and {name} as --device-as-stated"
        )
    for one in unknown(data, COMMAND_LINE, "--device", name, [*data.devices, *owners]):
        yield replace(one, remedy=f"{one.remedy}; a new one is drafted by `python -m generator new-device`")


def _record(said: Mapping[str, Any]) -> dict[str, Any]:
    """The record of what was given; all else is null or not stated."""
    return {
        "schema": "decode-board/result/1",
        "id": said["id"],
        "provenance": "reported",
        "role": "contender" if said["baseline_of"] is None else "baseline",
        "quick": False,
        "device": said["device"],
        "device_as_stated": said["device_as_stated"],
        "submitter": None,
        "measured_at": None,
        "source": {
            "title": said["title"],
            "url": said["url"],
            "locator": said["locator"],
            "retrieved": _day(said["retrieved"]) or today().isoformat(),
            "published": _day(said["published"]),
        },
        "stack": {"name": said["stack"], "backend": None, "languages": [], "toolchain": None, "driver": None},
        "kernel_source": None,
        "environment": None,
        "decode": _decode(said),
        "kernels": None,
        "notes": "",
    }


def _decode(said: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "model": said["model"],
        "dtype": said["dtype"],
        "batch_size": 1,
        "depth_tokens": said["depth_tokens"],
        "weights": {"kind": "not_stated", "seed": None, "sha256": None},
        "contract": {part.name: "not_stated" for part in fields(Contract)},
        "baseline_of": said["baseline_of"],
        "numerics_ok": None,
        "logits_rel_l2": None,
        "first_divergence_step": None,
        "token_ids": None,
        "figure": {"tok_per_s": said["tok_per_s"], "step_us": said["step_us"], "claims": []},
        "samples": None,
    }


def _day(day: datetime | None) -> str | None:
    return day.strftime("%Y-%m-%d") if day else None


def _value(record: Any, field: str) -> Any:
    return reduce(lambda part, name: part[name], field.split("."), record)


def _report(shown: str, left_open: Mapping[str, str]) -> list[str]:
    """What was written, and what is still to be filled in."""
    lines = [f"{shown} is drafted{'' if left_open else ', and valid as it stands'}."]
    if left_open:
        lines += ["`validate` refuses it until you fill in, as the publication has it:"]
        lines += [f"  {field:<{max(map(len, left_open))}}  {what}" for field, what in left_open.items()]
    return [
        *lines,
        "Look through the rest: what the publication does say belongs in place of null",
        "or not_stated, above all in decode.contract; what it does not say stays so.",
    ]
