"""``python -m runners``: which device is measured by what, the instructions for each, and a fleet of rented ones."""

from __future__ import annotations

import json
import shlex
import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import click

from runners import guide, registry, standing
from runners.command import command
from runners.console import FAILED, ended
from runners.device import RunnerError
from runners.devices import known_devices
from runners.options import DEFAULT_MODEL
from runners.reproduction import catalogue, fleet
from runners.reproduction import instructions as reproduction
from schemas.records import Device, serving


def main(arguments: list[str] | None = None) -> int:
    """Run the command; the exit status."""
    return ended(lambda: program, arguments, "python -m runners")


class _Commands(click.Group):
    """The commands below. A runner is a program of its own, and is told so to whoever takes it for one of them."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args[0] in registry.RUNNERS:
            raise RunnerError(
                f"{args[0]}: is a runner, not a command; run: python -m runners.{shlex.join(args)}"
            )
        return super().resolve_command(ctx, args)


@click.group(
    "runners",
    cls=_Commands,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.pass_context
def program(context: click.Context) -> None:
    """Measure a decode step on a device. Which runner measures which device: python -m runners list."""
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


@program.command("list", short_help="Which runner measures which device, and what it has reached.")
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
        columns = shutil.get_terminal_size((80, 24)).columns
        width = min(max(columns, catalogue.LEAST_COLUMNS), catalogue.MOST_COLUMNS)
        click.echo(catalogue.text(whole, width), nl=False)
    return 0


@program.command("reproduce", short_help="Write data/reproduce/ again, after a device or a runner changed.")
def reproduce_command() -> int:
    """Write data/reproduce/: what the site tells of each device, its notebook and its SkyPilot task."""
    with _writing():
        changed = reproduction.write(guide.DATA)
    for path in changed:
        click.echo(f"{'wrote' if path.exists() else 'removed'} {guide.shown(path)}")
    click.echo("data/reproduce/ is up to date", err=True)
    return 0


@program.command("fleet", short_help="Rent devices, measure them all at once, file their results.")
@click.option(
    "--devices",
    required=True,
    multiple=True,
    metavar="ID,ID...",
    help="Devices of data/devices that have a SkyPilot task.",
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
    "--options",
    default="",
    metavar="TEXT",
    help="Given to each runner, such as '--dtype f16'. [default: none]",
)
@click.option(
    "--down/--keep", default=True, help="Take each cluster down at its end, or keep it.  [default: down]"
)
@click.option("--yes", "-y", is_flag=True, help="Do not ask before money is spent.")  # fmt: skip
def fleet_command(
    devices: tuple[str, ...],
    dry_run: bool,
    output: Path | None,
    submitter: str,
    options: str,
    down: bool,
    yes: bool,
) -> int:
    """Rent DEVICES by SkyPilot, measure them all at once, and file their results. It costs money."""
    known, tasks = known_devices(guide.DATA), reproduction.tasks(guide.DATA)
    wanted = [name.strip() for one in devices for name in one.split(",") if name.strip()]
    asked = fleet.chosen(wanted, known, tasks)
    order = fleet.Order(submitter, output.resolve() if output else None, options, keep=not down)
    fleet.refuse_unfiled(order)
    _refuse_unknown(options, asked)
    folder = guide.ROOT / "build" / "fleet"
    with _writing():
        paths = fleet.write_tasks(asked, tasks, folder)
    for device, path in zip(asked, paths, strict=True):
        click.echo(f"{device.id}: {fleet.rented(device)}; task: {guide.shown(path)}")
    if dry_run:
        return 0
    fleet.refuse_unready()
    if not yes:
        machines = "1 machine" if len(asked) == 1 else f"{len(asked)} machines"
        click.confirm(f"This rents {machines}, at a cost until taken down. Go on?", abort=True)
    crew = fleet.Fleet(folder, order, click.echo)
    try:
        return FAILED if fleet.launch(asked, crew) else 0
    finally:
        for line in fleet.still_up(crew):
            click.echo(line, err=True)


def _refuse_unknown(options: str, devices: Sequence[Device]) -> None:
    """click's error now for options that a runner of these devices would refuse on the rented machine."""
    runners, _ = reproduction.all_runners()
    for name in dict.fromkeys(serving(device, runners)[0].id for device in devices):
        command(name).make_context(f"python -m runners.{name}", options.split())


@contextmanager
def _writing() -> Iterator[None]:
    """What cannot be written here is told in one line."""
    try:
        yield
    except OSError as error:
        path = guide.shown(Path(error.filename)) if error.filename else "here"
        raise RunnerError(
            f"{path}: cannot be written (got '{error.strerror}'); make room, or let it be written"
        ) from None


if __name__ == "__main__":
    sys.exit(main())
