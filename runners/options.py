"""What the person may ask of a run: the command's options, and what they amount to."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from runners.baselines import stacks
from runners.check_step import CHECKED_STEPS
from runners.checkpoint import Checkpoint
from runners.device import Device, RunnerError
from runners.guide import DATA
from runners.kernels.sizes import Storage
from runners.kernels.source import KERNELS
from runners.measure import Plan
from runners.session import SEED, Options
from runners.weights import Synthetic, WeightSource
from schemas.load import load
from schemas.records import Execution, Model

DEFAULT_MODEL = "deepseek-r1-distill-qwen-1.5b"
DEFAULT_DEPTH_TOKENS = 128
FULL = Plan()
QUICK = Plan(steps=16, warmup_repetitions=1, least_repetitions=3, least_seconds=0.0, most_seconds=30.0)
_QUICK_CHECKED_STEPS = 2
_FOLDER = click.Path(file_okay=False, path_type=Path)


class _Option(click.Option):
    """An option whose help leaves out its range: a value beyond it is answered with it."""

    def get_help_extra(self, ctx: click.Context) -> Any:
        return {name: said for name, said in super().get_help_extra(ctx).items() if name != "range"}


def parameters(stack: type[Device]) -> list[click.Parameter]:
    """The options that every runner has, and the settings of this one."""

    def either(full: float, quick: float) -> str:
        return f"[default: {full:g}; {quick:g} with --quick]"

    workload = [
        _Option(["--model"], default=DEFAULT_MODEL, show_default=True, metavar="ID",
                help="A model of data/models."),
        _Option(["--weights"], type=_FOLDER, metavar="DIR",
                help="Folder of a safetensors checkpoint; else synthetic weights, which take as long."),
        _Option(["--dtype"], type=click.Choice(stack.storages), default=stack.storages[0], show_default=True,
                help="Storage type of the weights and the KV cache."),
        _Option(["--depth"], type=click.IntRange(0, 1 << 20), default=DEFAULT_DEPTH_TOKENS,
                show_default=True, metavar="TOKENS", help="Tokens in the KV cache when a repetition starts."),
        _Option(["--steps"], type=click.IntRange(1, 8192), metavar="N",
                help=f"Decode steps in a repetition. {either(FULL.steps, QUICK.steps)}"),
        _Option(["--repetitions"], type=click.IntRange(1, 10_000), metavar="N",
                help=f"Repetitions at least; {FULL.least_seconds:g} s at least unless --quick. "
                f"{either(FULL.least_repetitions, QUICK.least_repetitions)}"),
        _Option(["--max-seconds"], type=click.FloatRange(1), metavar="S",
                help=f"Stop measuring after this time. {either(FULL.most_seconds, QUICK.most_seconds)}"),
    ]  # fmt: skip
    return [*workload, *_of_stack(stack), *_around(stack)]


def _of_stack(stack: type[Device]) -> list[click.Parameter]:
    """What only some stacks have."""
    return [
        *(_Option([f"--{setting.name.replace('_', '-')}"], type=click.IntRange(setting.least, setting.most),
                  metavar="N", help=f"{setting.help} [default: {setting.default}]")
          for setting in stack.settings),
        *([_Option(["--execute"], multiple=True, metavar="KERNEL=WAY",
                   help=f"Run a kernel otherwise than emitted ({', '.join(stack.ways[1:])}); the file says so.")]
          if len(stack.ways) > 1 else ()),
    ]  # fmt: skip


def _around(stack: type[Device]) -> list[click.Parameter]:
    """Whose run it is, where it goes, and what runs beside it."""
    return [
        _Option(["--device"], metavar="ID",
                help="A device of data/devices. [default: found by its name, or drafted]"),
        _Option(["--submitter"], default="anonymous", show_default=True, metavar="NAME",
                help="Who is credited on the board."),
        _Option(["--output"], type=_FOLDER, metavar="DIR",
                help="Folder for all that is written. [default: data/results/<device>, data/devices]"),
        _Option(["--baseline"], multiple=True, is_flag=False, flag_value="all",
                type=click.Choice(["all", *stacks.names(stack.runner)]), metavar="NAME",
                help="Measure another stack too, in turns with ours: "
                f"{', '.join([*stacks.names(stack.runner), 'all (those that are installed)'])}."),
        _Option(["--kernels-only"], is_flag=True, help="Check the step, but time single kernels only."),
        _Option(["--quick"], is_flag=True,
                help="A short run: is all in order here? Its result is not for submission."),
        _Option(["--dry-run"], is_flag=True, help="Say what would be measured and filed, and stop."),
    ]  # fmt: skip


def options(chosen: dict[str, Any], device: Device) -> Options:
    """What a run needs to know, of what the person chose."""
    model = _model(chosen["model"])
    storage: Storage = chosen["dtype"]
    plan = _plan(chosen)
    end, context = chosen["depth"] + plan.steps, model.max_position_embeddings
    if end > context:
        raise RunnerError(
            f"--depth: leads beyond the model's context (got {end} with its steps); it has {context} tokens"
        )
    weights: WeightSource = Synthetic(SEED, storage)
    if chosen["weights"]:
        weights = Checkpoint(chosen["weights"], model, storage)
    return Options(
        model=model,
        weights=weights,
        storage=storage,
        depth_tokens=chosen["depth"],
        plan=plan,
        baselines=() if chosen["kernels_only"] else _baselines(chosen["baseline"], device.runner),
        weights_folder=chosen["weights"],
        kernels_only=chosen["kernels_only"],
        checked_steps=_QUICK_CHECKED_STEPS if chosen["quick"] else CHECKED_STEPS,
        runner=device.runner,
        settings={setting.name: getattr(device, setting.name) for setting in device.settings},
    )


def _plan(chosen: dict[str, Any]) -> Plan:
    """What was asked for by name, and the rest as --quick or the protocol has it."""
    fields = {"steps": "steps", "repetitions": "least_repetitions", "max_seconds": "most_seconds"}
    asked = {field: chosen[name] for name, field in fields.items() if chosen[name] is not None}
    return replace(QUICK if chosen["quick"] else FULL, **asked)


def executions(asked: tuple[str, ...], device: Device) -> dict[str, Execution]:
    """Kernel to the way it runs, as ``--execute`` says it."""
    found: dict[str, Execution] = {}
    for text in asked:
        kernel, _, way = text.partition("=")
        ways = [one for one in device.ways if one == way]
        if kernel not in KERNELS or not ways:
            raise RunnerError(
                f"--execute: must be a kernel of the step, =, and a way it runs (got '{text}'); "
                f"kernels: {', '.join(KERNELS)}; ways: {', '.join(device.ways)}"
            )
        found[kernel] = ways[0]
    return found


def _baselines(wanted: tuple[str, ...], runner: str) -> tuple[str, ...]:
    """The baselines to run: those named, or with ``all`` those whose packages are installed."""
    available = stacks.available(runner)
    found = tuple(name for name, lacking in available.items() if lacking is None)
    if "all" not in wanted:
        for name in wanted:
            if available[name]:
                raise RunnerError(f"--baseline: {name} cannot run here (got: {available[name]})")
        return tuple(dict.fromkeys(wanted))
    if not found:
        remedies = "; ".join(f"{name}: {lacking}" for name, lacking in available.items())
        raise RunnerError(f"--baseline: none is installed ({remedies})")
    return found


def _model(wanted: str) -> Model:
    path = DATA / "models" / f"{Path(wanted).name}.yml"
    if not path.is_file():
        known = ", ".join(sorted(found.stem for found in (DATA / "models").glob("*.yml")))
        raise RunnerError(f"--model: is not in data/models (got '{wanted}'); known: {known}")
    found = load(path, DATA)
    if not isinstance(found, Model):
        problems = found if isinstance(found, list) else [f"{path}: is not a model"]
        raise RunnerError("\n".join(map(str, problems)))
    return found
