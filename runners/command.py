"""``python -m runners.<name>``: one command, the same for every device."""

from __future__ import annotations

import signal
import sys
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Any

import click

from runners import baselines, devices, filing, journal, record
from runners.checkpoint import Checkpoint
from runners.console import Console
from runners.device import Device, Identity, RunnerError
from runners.environment import environment
from runners.kernels.sizes import Storage
from runners.measure import LEAST_REPETITIONS, MOST_SECONDS, STEPS, Plan
from runners.session import SEED, Findings, Options, run
from runners.summary import summary
from runners.weights import Synthetic, WeightSource
from schemas.load import load
from schemas.records import Model, Result

ROOT = Path(__file__).resolve().parents[1]
DATA = ROOT / "data"
DEFAULT_MODEL = "deepseek-r1-distill-qwen-1.5b"
DEVICES: dict[str, str] = {"cpu": "runners.cpu:CpuDevice"}
KINDS = {"cpu": "CPU"}
BASELINES = ("llama.cpp", "pytorch-eager")
QUICK = Plan(steps=16, warmup_repetitions=1, least_repetitions=3, least_seconds=0.0, most_seconds=30.0)
_QUICK_CHECKED_STEPS, _CHECKED_STEPS = 2, 8


def main(runner: str) -> int:
    """Run the command of ``runner``; the exit status. No traceback for what a person can mend."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        command(runner).main(prog_name=f"python -m runners.{runner}", standalone_mode=False)
    except click.exceptions.Exit as done:
        return done.exit_code
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except RunnerError as error:
        for line in str(error).splitlines():
            click.echo(f"error: {line}", err=True)
        _say_what_is_kept()
        return 1
    except (KeyboardInterrupt, click.Abort):
        click.echo("\ninterrupted: nothing was filed", err=True)
        _say_what_is_kept()
        return 130
    return 0


def _say_what_is_kept() -> None:
    for path in journal.left_over():
        count = len(path.read_text("utf-8").splitlines())
        click.echo(
            f"kept: {count} finished repetitions in {path}; delete it when you need them no more", err=True
        )


def command(runner: str) -> click.Command:
    """The command, with the options that every runner has."""
    device_class = _device_class(runner)

    @click.command(help=f"Measure a decode step on this machine ({runner}) and file the result.")
    @click.option(
        "--model", default=DEFAULT_MODEL, show_default=True, help="A model of data/models, by its id."
    )
    @click.option(
        "--weights",
        type=click.Path(path_type=Path),
        help="Folder of a safetensors checkpoint; without it, synthetic weights.",
    )
    @click.option(
        "--dtype",
        type=click.Choice(device_class.storages),
        default="bf16",
        show_default=True,
        help="Storage type of the weights.",
    )
    @click.option(
        "--depth",
        type=click.IntRange(0, 1 << 20),
        default=128,
        show_default=True,
        help="Tokens in the KV cache when a repetition starts.",
    )
    @click.option(
        "--steps",
        type=click.IntRange(1, 8192),
        default=STEPS,
        show_default=True,
        help="Decode steps in a repetition.",
    )
    @click.option(
        "--repetitions",
        type=click.IntRange(1, 1000),
        default=LEAST_REPETITIONS,
        show_default=True,
        help="Repetitions at least; 30 s of measured time at least.",
    )
    @click.option(
        "--max-seconds",
        type=click.FloatRange(1),
        default=MOST_SECONDS,
        show_default=True,
        help="Stop measuring after this time.",
    )
    @click.option(
        "--threads", type=click.IntRange(1, 1024), help="Threads; without it, the cores this process may use."
    )
    @click.option(
        "--device", help="Id of the device file in data/devices; without it, found by name or drafted."
    )
    @click.option("--submitter", default="anonymous", show_default=True, help="Who is credited on the site.")
    @click.option(
        "--output",
        type=click.Path(path_type=Path),
        help="Folder for the result; without it, data/results/<device>.",
    )
    @click.option(
        "--baseline",
        "baseline",
        multiple=True,
        is_flag=False,
        flag_value="all",
        type=click.Choice(["all", *BASELINES]),
        help="Measure another stack too, interleaved; all that are installed without a name.",
    )
    @click.option("--kernels-only", is_flag=True, help="Check and time the kernels, not the step.")
    @click.option("--quick", is_flag=True, help="About a minute; the file is marked as not for submission.")
    @click.option("--dry-run", is_flag=True, help="Say what would be measured and filed, and stop.")
    def measure(**chosen: Any) -> None:
        _measure(runner, device_class(chosen.pop("threads")), chosen)

    return measure


def _device_class(runner: str) -> Any:
    module, _, name = DEVICES[runner].partition(":")
    return getattr(import_module(module), name)


def _measure(runner: str, device: Device, chosen: dict[str, Any]) -> None:
    console = Console()
    identity = device.open()
    options = _options(chosen, device)
    device_id, known = devices.resolve(DATA, chosen["device"], identity.name)
    name = _result_id(device_id, options.storage, chosen["quick"])
    folder = (chosen["output"] or DATA / "results" / device_id).resolve()
    path = folder / f"{name}.json"
    _announce(console, identity, options, device_id, known is not None, path)
    if chosen["dry_run"]:
        return
    kept = journal.Journal(name)
    found = run(device, options, kept, console.say, console.watch)
    facts = environment(identity, runner, sys.argv[1:])
    labels = {
        "id": name,
        "device": device_id,
        "submitter": chosen["submitter"],
        "measured_at": record.now(),
        "quick": chosen["quick"] or found.interrupted,
        "notes": _notes(found),
    }
    filed = filing.results(found, options, labels, facts, device)
    written = record.file_all(folder, filed)
    if known is None:
        written.append(devices.draft(DATA, device_id, identity.name, KINDS[runner]))
    kept.close()
    console.lines(["", *summary(filed[0], filed[1:], options.model, known, DATA), ""])
    _next(console, written, filed[0], known is None)
    if found.failed or (found.step and not found.step.passed):
        raise click.exceptions.Exit(1)


def _options(chosen: dict[str, Any], device: Device) -> Options:
    model = _model(chosen["model"])
    storage: Storage = chosen["dtype"]
    weights: WeightSource = Synthetic(SEED, storage)
    if chosen["weights"]:
        weights = Checkpoint(chosen["weights"], model, storage)
    wanted = Plan(
        chosen["steps"], least_repetitions=chosen["repetitions"], most_seconds=chosen["max_seconds"]
    )
    plan = QUICK if chosen["quick"] else wanted
    end, context = chosen["depth"] + plan.steps, model.max_position_embeddings
    if end > context:
        raise RunnerError(
            f"--depth: goes beyond the model's context (got {end} with its steps); it has {context}"
        )
    return Options(
        model=model,
        weights=weights,
        storage=storage,
        depth_tokens=chosen["depth"],
        plan=plan,
        baselines=_baselines(chosen["baseline"]),
        weights_folder=chosen["weights"],
        kernels_only=chosen["kernels_only"],
        checked_steps=_QUICK_CHECKED_STEPS if chosen["quick"] else _CHECKED_STEPS,
        threads=getattr(device, "threads", None),
    )


def _baselines(wanted: tuple[str, ...]) -> tuple[str, ...]:
    """The baselines to run: those named, or with ``all`` those whose packages are installed."""
    if "all" not in wanted:
        return tuple(dict.fromkeys(wanted))
    found = tuple(name for name, lacking in baselines.available().items() if lacking is None)
    if not found:
        remedies = "; ".join(f"{name}: {lacking}" for name, lacking in baselines.available().items())
        raise RunnerError(f"--baseline: none is installed ({remedies})")
    return found


def _model(wanted: str) -> Model:
    path = DATA / "models" / f"{Path(wanted).name}.yml"
    if not path.is_file():
        known = ", ".join(sorted(found.stem for found in (DATA / "models").glob("*.yml")))
        raise RunnerError(f"--model: is not in data/models (got '{wanted}'); known: {known}")
    found = load(path, DATA)
    if not isinstance(found, Model):
        raise RunnerError(
            "\n".join(map(str, found)) if isinstance(found, list) else f"{path}: is not a model"
        )
    return found


def _result_id(device: str, storage: Storage, quick: bool) -> str:
    moment = datetime.now(UTC).strftime("%Y%m%dt%H%M%Sz").lower()
    return "-".join([device, storage, moment, *(["quick"] if quick else [])])


def _notes(found: Findings) -> str:
    return "Stopped by hand before the protocol's end." if found.interrupted else ""


def _announce(
    console: Console, identity: Identity, options: Options, device: str, known: bool, path: Path
) -> None:
    plan = options.plan
    console.say(f"device     {identity.name}; {device}{'' if known else ', whose file will be drafted'}")
    console.say(f"toolchain  {'; '.join(f'{one.name}: {one.version}' for one in identity.toolchain)}")
    weights = options.weights.record
    console.say(f"workload   {options.model.name}, {options.storage}, {weights.kind} weights")
    repetitions = f"{plan.least_repetitions} repetitions of {plan.steps} steps or more"
    console.say(f"           from depth {options.depth_tokens}, {repetitions}")
    if options.baselines:
        console.say(f"baselines  {', '.join(options.baselines)}")
    console.say(f"result     {_shown(path)}")


def _next(console: Console, written: list[Path], result: Result, drafted: bool) -> None:
    for path in written:
        console.say(f"filed      {_shown(path)}")
    if result.quick:
        console.say("\nThis file is marked quick: look at it on your own site (make site), do not submit it.")
        return
    shown = " ".join(_shown(path) for path in written)
    console.lines(
        [
            "",
            *(["First complete the drafted device file, then:"] if drafted else ["To contribute it:"]),
            "  make site                                    # see the row on the board",
            f"  git switch -c {result.id} && git add {shown}",
            f"  git commit -m 'Measured: {result.device}' && git push -u origin HEAD   # then open a pull request",
        ]
    )


def _shown(path: Path) -> str:
    return str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else str(path)
