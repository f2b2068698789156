"""``new-device``: the file of a device before its first row."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

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
from generator.importers.drafts import Draft, problems_of
from schemas.device_draft import device_draft
from schemas.names import LONGEST_SLUG, mixed_scripts, skeleton
from schemas.problems import Problem, got

_TYPES = ("CPU", "GPU", "NPU", "TPU")
_NOTES = """\
Drafted by `new-device`: what is null above waits for somebody who looks it up in the vendor's own pages. Replace this
text by what a reader of its rows must know of the device.
"""
_NEXT = """\
{shown} is drafted, and valid as it stands. Next:
  1. Fill in what is null, from the vendor's own pages, and name them in
     `sources`. Until `peak_bandwidth` is known, its rows are shown but not
     ranked.
  2. Replace the text below the second --- by what a reader must know.
  3. {checking}
Its rows come from a publication or from a runner:
  python -m generator new-result --help
  python -m runners list"""


@click.command("new-device")
@click.argument("device_id", metavar="ID")
@click.option("--type", "kind", required=True, type=click.Choice(_TYPES, case_sensitive=False),
              help="What it is; the one fact that no file can leave out.")  # fmt: skip
@click.option("--name", help="As people say it, without the vendor. [default: the id]")
@click.option("--vendor", help="Who makes it.")
@click.option("--memory-gb", type=POSITIVE, help="Its own memory.")
@click.option("--tdp-w", type=POSITIVE, help="Its power by the data sheet.")
@click.option(
    "--alias",
    "aliases",
    multiple=True,
    metavar="ID",
    help="What another board, or the machine itself, calls it; may be repeated.",
)
@click.option("--language", metavar="ID", help="The language that it takes emitted kernels in.")
@data_option
def new_device_command(
    device_id: str, kind: str, name: str | None, vendor: str | None, memory_gb: float | None, tdp_w: float | None,
    aliases: tuple[str, ...], language: str | None, data_dir: Path,
) -> None:  # fmt: skip
    """Draft data/devices/<ID>.md: valid as it stands, each field annotated with what to fill in.

    What is not given stays null. ID is made of lower-case letters and digits, joined by single - . or _, and
    begins with the vendor by custom. Nothing is overwritten; a device that is on file under another name is
    refused, so that its rows stay together.
    """
    folder = data_dir.resolve()
    data = on_file(folder, with_results=False)
    known = {"vendor": vendor, "memory_gb": memory_gb, "tdp_w": tdp_w, "aliases": list(aliases),
             "languages": [{"target": language, "kernels": []}] if language else []}  # fmt: skip
    place = f"devices/{device_id}.md" if is_id(device_id, LONGEST_SLUG) else "devices/<ID>.md"
    draft = Draft(place, device_draft(device_id, name or device_id, kind, _NOTES, known))
    names = {"--name": [name] if name else [], "--alias": list(aliases)}
    if problems := [*_refusals(folder, data, device_id, names), *_judged(draft, data, device_id, names)]:
        refuse_draft(problems)
    click.echo(_NEXT.format(shown=file_draft(draft, folder), checking=checking(draft, folder)))


def _judged(
    draft: Draft, data: Dataset, device_id: str, names: Mapping[str, Sequence[str]]
) -> Iterator[Problem]:
    """What is wrong with the draft that the options alone do not show."""
    told = {
        f"aliases[{at}]" for at, alias in enumerate(names["--alias"]) if any(_taken(data, "--alias", alias))
    }
    if not is_id(device_id, LONGEST_SLUG):
        told |= {"id", "name"} if not names["--name"] else {"id"}
    yield from (one for one in problems_of([draft], data) if one.field not in told)


def _refusals(
    folder: Path, data: Dataset, device_id: str, names: Mapping[str, Sequence[str]]
) -> Iterator[Problem]:
    """Why there must not be a file of this id, of a device with these ``names`` by option."""
    if not is_id(device_id, LONGEST_SLUG):
        yield no_id("ID", device_id, LONGEST_SLUG)
    elif device_id not in data.devices and (folder / "devices" / f"{device_id}.md").exists():
        remedy = f"mend {data.folder}/devices/{device_id}.md, which `validate` refuses"
        yield Problem(COMMAND_LINE, "ID", f"is on file already {got(device_id)}", remedy)
    for field, said in (("ID", [device_id]), *names.items()):
        for text in said:
            yield from _taken(data, field, text)


def _taken(data: Dataset, field: str, text: str) -> Iterator[Problem]:
    """A name that is another device's, or that a reader takes for it; the one that is the same comes first."""
    if mixed_scripts(text):
        said = f"mixes letters of several scripts in a word {got(ascii(text)[1:-1])}"
        yield Problem(COMMAND_LINE, field, said, "write each word in one script")
    names = (
        (name, device)
        for device in data.devices.values()
        for name in (device.id, *device.aliases, device.name)
    )
    alike = [(name, device) for name, device in names if skeleton(name) == skeleton(text)]
    for name, device in sorted(alike, key=lambda one: one[0] != text)[:1]:
        file = data.paths["device", device.id]
        if text == device.id:
            yield Problem(
                COMMAND_LINE, field, f"is on file already {got(text)}", f"edit {file}, or choose another"
            )
        elif text == name:
            said = f"is a name of {device.id} {got(text)}"
            yield Problem(COMMAND_LINE, field, said, f"edit {file} if it is that device, or choose another")
        else:
            said = f"can be taken for '{name}', a name of {device.id} {got(text)}"
            remedy = f"add it to the aliases in {file} if it is that device, or choose another"
            yield Problem(COMMAND_LINE, field, said, remedy)
