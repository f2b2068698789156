"""How each device is measured, as data: what ``data/reproduce/`` holds, and what the list of runners is made of.

A runner says of itself what it needs (:class:`runners.device.About`); here that becomes commands. The site, the
notebooks and the SkyPilot tasks take them from these records, so that a device's page, its notebook and its task
never tell three stories. No command passes ``--device``: a run is filed under what the machine calls itself.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from runners import registry
from runners.baselines import stacks
from runners.device import Device as Stack
from runners.device import RunnerError
from runners.devices import known_devices
from runners.guide import DATA, ROOT
from runners.kernels.emit import TARGETS
from runners.options import DEFAULT_DEPTH_TOKENS, DEFAULT_MODEL, FULL
from runners.reproduction.notebook import notebook
from runners.reproduction.skypilot import task
from schemas.load import REPRODUCE, parse
from schemas.records import (
    Beside,
    Device,
    Option,
    Protocol,
    Reproduce,
    RunnerFacts,
    notebook_name,
    serving,
    task_name,
)
from schemas.standing import REPRODUCED_WITHIN_PERCENT

FOLDER = "reproduce"
BRANCH = "main"
_VENV = ("python3 -m venv .venv", "source .venv/bin/activate")


def repository(pyproject: Path = ROOT / "pyproject.toml") -> str:
    """The address that everybody clones, from the one line that a fork changes."""
    return str(tomllib.loads(pyproject.read_text("utf-8"))["project"]["urls"]["Repository"]).rstrip("/")


def runner_facts(stack: type[Stack]) -> RunnerFacts:
    """What a stranger must know of a runner, as commands."""
    about, command = stack.about, f"python -m runners.{stack.runner}"
    beside = tuple(Beside(name, stacks.STACKS[name].install) for name in stacks.names(stack.runner))
    languages = tuple(dict.fromkeys(_language(target) for target in stack.targets))
    return RunnerFacts(
        id=stack.runner,
        name=about.name,
        kind=about.kind,
        targets=tuple(one for one in TARGETS if _language(one) in languages),
        languages=tuple(TARGETS[one].name for one in languages),
        storages=stack.storages,
        machine=about.machine,
        install=about.install,
        quick=f"{command} --quick",
        run=f"{command} --baseline all" if beside else command,
        minutes_least=about.minutes[0],
        minutes_most=about.minutes[1],
        baselines=beside,
        options=tuple(
            Option(f"--{one.name.replace('_', '-')}", one.help, one.default) for one in stack.settings
        ),
    )


def _language(target: str) -> str:
    """The language that a target is, or is another form of."""
    return TARGETS[target].form_of or target


def all_runners() -> tuple[tuple[RunnerFacts, ...], dict[str, str]]:
    """Every runner of the registry, and of those that cannot be imported why not, by name."""
    found, broken = [], {}
    for name in registry.RUNNERS:
        try:
            found.append(runner_facts(registry.device_class(name)))
        except Exception as error:  # whatever ails one runner, the others are there
            broken[name] = f"{type(error).__name__}: {error}".splitlines()[0]
    return tuple(found), broken


def index(runners: Sequence[RunnerFacts], devices: Iterable[Device]) -> Reproduce:
    """Everything that the site tells of reproduction, for these runners and devices."""
    address = repository()
    served = [device for device in devices if device.access and serving(device, runners)]
    return Reproduce(
        schema="decode-board/reproduce/1",
        id="index",
        repository=address,
        branch=BRANCH,
        notebooks_open_at=_opened_at(address),
        setup=(f"git clone {address}.git", f"cd {address.rsplit('/', 1)[-1]}", *_VENV),
        protocol=Protocol(
            model=DEFAULT_MODEL,
            depth_tokens=DEFAULT_DEPTH_TOKENS,
            steps=FULL.steps,
            warmup_repetitions=FULL.warmup_repetitions,
            repetitions=FULL.least_repetitions,
            seconds=FULL.least_seconds,
            tolerance_percent=REPRODUCED_WITHIN_PERCENT,
        ),
        runners=tuple(runners),
        notebooks=tuple(one.id for one in served if one.access and one.access.colab),
        tasks=tuple(one.id for one in served if one.access and one.access.skypilot),
    )


def _opened_at(address: str) -> str | None:
    """Where Colab opens the notebooks of a repository: of those on GitHub only."""
    name = address.removeprefix("https://github.com/")
    if name == address:
        return None
    return f"https://colab.research.google.com/github/{name}/blob/{BRANCH}/data/{FOLDER}"


def texts(data: Path = DATA) -> dict[str, str]:
    """Every file of ``data/reproduce/`` by its name; RunnerError where a runner cannot be asked."""
    runners = _all_whole()
    devices = known_devices(data)
    whole = index(runners, devices.values())
    found = {"index.json": _json(asdict(whole))}
    problems = parse(found["index.json"].encode(), REPRODUCE, "index.json", "index")
    if isinstance(problems, list):
        raise RunnerError("\n".join(map(str, problems)))
    for name in whole.notebooks:
        found[notebook_name(name)] = notebook(devices[name], serving(devices[name], runners)[0], whole)
    for name in whole.tasks:
        found[task_name(name)] = task(devices[name], serving(devices[name], runners)[0], whole)
    return found


def tasks(data: Path = DATA) -> dict[str, str]:
    """The SkyPilot task of each device that has one."""
    found = texts(data)
    return {name: found[task_name(name)] for name in known_devices(data) if task_name(name) in found}


def _all_whole() -> tuple[RunnerFacts, ...]:
    runners, broken = all_runners()
    if broken:
        raise RunnerError(
            "\n".join(f"{name}: cannot be imported (got {why})" for name, why in broken.items())
        )
    return runners


def write(data: Path = DATA) -> list[Path]:
    """Make ``data/reproduce/`` what it should be; the files that were not so before, removed ones among them."""
    wanted, folder = texts(data), data / FOLDER
    folder.mkdir(exist_ok=True)
    stale = [path for path in sorted(folder.iterdir()) if path.name not in wanted]
    for path in stale:
        path.unlink()
    changed = [folder / name for name, text in wanted.items() if _differs(folder / name, text)]
    for path in changed:
        path.write_text(wanted[path.name], "utf-8")
    return [*changed, *stale]


def _differs(path: Path, text: str) -> bool:
    return not path.exists() or path.read_bytes() != text.encode()


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=1) + "\n"
