"""``python -m runners``: which device is measured by what, the instructions for each, and a fleet of rented ones."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import click

from runners import guide, registry, standing
from runners.console import FAILED, ended
from runners.devices import known_devices
from runners.options import DEFAULT_MODEL
from runners.reproduction import catalogue, fleet
from runners.reproduction import instructions as reproduction
from schemas.records import serving


def main(arguments: list[str] | None = None) -> int:
    """Run the command; the exit status."""
    return ended(lambda: program, arguments, "python -m runners")


@click.group("runners", context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
def program() -> None:
    """Measure a decode step on a device. Which runner measures which device: python -m runners list."""


@program.command("list")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True,
              help="For people or for programs.")  # fmt: skip
def list_command(form: str) -> int:
    """Every runner: its language, its devices with their best rows, what this machine lacks, its command."""
    runners, broken = reproduction.all_runners()
    devices = list(known_devices(guide.DATA).values())
    lacking = {one.id: registry.device_class(one.id).lacking() for one in runners}
    whole = catalogue.Catalogue(
        entries=catalogue.entries(runners, devices, lacking),
        broken=broken,
        unserved=[device for device in devices if not serving(device, runners)],
        model=DEFAULT_MODEL,
        best=standing.best(guide.DATA, DEFAULT_MODEL),
    )
    if form == "json":
        click.echo(json.dumps(catalogue.plain(whole), ensure_ascii=False, indent=1))
    else:
        width = min(shutil.get_terminal_size((80, 24)).columns, 120)
        click.echo(catalogue.text(whole, width), nl=False)
    return 0


@program.command("reproduce")
def reproduce_command() -> int:
    """Write data/reproduce/: what the site tells of each device, its notebook and its SkyPilot task."""
    for path in reproduction.write(guide.DATA):
        click.echo(f"{'wrote' if path.exists() else 'removed'} {guide.shown(path)}")
    click.echo("data/reproduce/ is up to date", err=True)
    return 0


@program.command("fleet")
@click.option(
    "--devices", required=True, metavar="ID,ID...", help="Devices of data/devices that a cloud lends."
)
@click.option("--dry-run", is_flag=True, help="Write the tasks, say what would be launched, and stop.")
@click.option(
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Folder for all results. [default: data/results/<device>]",
)
@click.option(
    "--submitter",
    default="anonymous",
    show_default=True,
    metavar="NAME",
    help="Who is credited on the board.",
)
@click.option(
    "--down/--keep", default=True, help="Take each cluster down at its end, or keep it.  [default: down]"
)
@click.option("--yes", "-y", is_flag=True, help="Do not ask before money is spent.")  # fmt: skip
def fleet_command(
    devices: str, dry_run: bool, output: Path | None, submitter: str, down: bool, yes: bool
) -> int:
    """Rent DEVICES by SkyPilot, measure them all at once, and file their results. It costs money."""
    known, tasks = known_devices(guide.DATA), reproduction.tasks(guide.DATA)
    wanted = [name.strip() for name in devices.split(",") if name.strip()]
    asked = fleet.chosen(wanted, known, tasks)
    folder = guide.ROOT / "build" / "fleet"
    paths = fleet.write_tasks(asked, tasks, folder)
    for device, path in zip(asked, paths, strict=True):
        click.echo(f"{device.id}: {fleet.rented(device)}; task: {guide.shown(path)}")
    if dry_run:
        return 0
    fleet.refuse_unready()
    if not yes:
        machines = "1 machine" if len(asked) == 1 else f"{len(asked)} machines"
        click.confirm(f"This rents {machines}, at a cost until taken down. Go on?", abort=True)
    order = fleet.Order(submitter, output.resolve() if output else None, keep=not down)
    crew = fleet.Fleet(folder, order, click.echo)
    try:
        return FAILED if fleet.launch(asked, crew) else 0
    finally:
        for line in fleet.still_up(crew):
            click.echo(line, err=True)


if __name__ == "__main__":
    sys.exit(main())
