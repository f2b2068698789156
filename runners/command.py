"""``python -m runners.<name>``: one command, the same for every device."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from runners import devices, filing, guide, journal, options, record, registry
from runners.console import FAILED, INTERRUPTED, Console, ended
from runners.device import Device
from runners.environment import environment
from runners.guide import DATA
from runners.kernels.sizes import Storage
from runners.session import Findings, Options, run
from runners.summary import summary
from schemas.records import Device as DeviceRecord
from schemas.records import Model, Result


def main(runner: str, arguments: list[str] | None = None) -> int:
    """Run the command of ``runner``; the exit status."""
    return ended(lambda: command(runner), arguments, f"python -m runners.{runner}")


def command(runner: str) -> click.Command:
    """The command, with the options that every runner has."""
    stack = registry.device_class(runner)

    def measure(**chosen: Any) -> int:
        settings = {setting.name: chosen[setting.name] for setting in stack.settings}
        with Console() as console:
            return _measure(console, runner, stack(**settings), chosen)

    return click.Command(
        f"runners.{runner}",
        callback=measure,
        params=options.parameters(stack),
        context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
        help=f"Measure how fast this machine ({stack.about.name}) decodes, and file a result for the board.\n\n"
        "Every kernel and the whole step are checked against a float64 reference before anything is timed. "
        "What is filed and how to contribute it is said at the end; nothing leaves this machine.",
        epilog=f"Begin with: python -m runners.{runner} --quick",
    )


def _measure(console: Console, runner: str, device: Device, chosen: dict[str, Any]) -> int:
    device.executions = options.executions(chosen.get("execute", ()), device)
    identity = device.open()
    console.watch("looking at the weights")
    wanted = options.options(chosen, device)
    device_id, known = devices.resolve(DATA, chosen["device"], identity.name)
    device.languages = devices.languages(known, device)
    meant = devices.closest(device_id, DATA) if chosen["device"] and not known else None
    folder = (chosen["output"] or DATA / "results" / device_id).resolve()
    facts = environment(identity, runner, _arguments())
    labels = _labels(chosen, device_id, wanted)
    filing.rehearse(wanted, labels, facts, device)
    record.refuse_unwritable(folder)
    console.verbatim(guide.left_over(journal.left_over()))
    result_path = folder / f"{labels['id']}.json"
    whose = labels["submitter"]
    for line in guide.announcement(identity, wanted, whose, device_id, bool(known), meant, result_path):
        console.say(line)
    if chosen["dry_run"]:
        return 0
    drafted = {}
    if known is None:
        path = (folder if chosen["output"] else DATA / "devices") / f"{device_id}.md"
        drafted[path] = devices.draft(device_id, identity.name, device.about.kind)
    kept = journal.Journal(labels["id"])
    try:
        found = run(device, wanted, kept, console.say, console.watch)
        results = filing.results(found, wanted, {**labels, "measured_at": record.now()}, facts, device)
        texts = {folder / f"{result.id}.json": record.text_of(result) for result in results}
        written = record.file_all(texts | drafted)
    except BaseException:
        console.verbatim(["nothing was filed", *guide.kept(kept.path)])
        raise
    kept.close()
    _close(console, results, written, wanted.model, known)
    return _status(found)


def _labels(chosen: dict[str, Any], device_id: str, wanted: Options) -> dict[str, Any]:
    """What the result is called, and whose it is."""
    return {
        "id": _result_id(device_id, wanted.storage, chosen["quick"]),
        "device": device_id,
        "submitter": chosen["submitter"],
        "measured_at": record.now(),
        "quick": chosen["quick"] or wanted.plan.steps < options.FULL.steps,
    }


def _close(
    console: Console, results: list[Result], written: list[Path], model: Model, known: DeviceRecord | None
) -> None:
    for line in ("", *summary(results[0], results[1:], model, known, DATA), ""):
        console.say(line)
    console.verbatim(guide.next_steps(written, results[0], known is None))


def _status(found: Findings) -> int:
    if found.interrupted:
        return INTERRUPTED
    return FAILED if found.failed or (found.step and not found.step.passed) else 0


def _arguments() -> list[str]:
    """The options that the person gave, for all to see: a folder may name a person, so none is named."""
    context, given = click.get_current_context(), list[str]()
    for option in context.command.params:
        assert option.name
        if context.get_parameter_source(option.name) is not ParameterSource.COMMANDLINE:
            continue
        values = context.params[option.name]
        for value in values if isinstance(values, tuple) else (values,):
            said = [] if value is True else ["DIR" if isinstance(value, Path) else str(value)]
            given += [option.opts[0], *said]
    return given


def _result_id(device: str, storage: Storage, quick: bool) -> str:
    moment = datetime.now(UTC).strftime("%Y%m%dt%H%M%Sz").lower()
    return "-".join([device, storage, moment, *(["quick"] if quick else [])])
