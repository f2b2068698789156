"""A device's SkyPilot task: the machine that its file names, the runner's install commands, and the run.

``workdir: .`` sends the checkout from which ``sky launch`` is called, with its history, so that a result names
the revision that ran. A baseline that cannot be installed there does not stop the run. ``OPTIONS`` are the runner's:
what the page of a device names beside a row (``--env OPTIONS='--dtype f16'``).
"""

from __future__ import annotations

import textwrap
from dataclasses import asdict
from typing import Any

import yaml

from runners.reproduction.fresh_python import ACTIVATE, STOPS, install_lines
from schemas.records import Device, Reproduce, RunnerFacts, task_name

RESULTS = "decode-board-results"
"""The folder of results in the home folder of a lent machine."""
_HEADER = """\
# {name}: a decode step measured on a rented machine. Written by `python -m runners reproduce`.
# In a checkout of {repository}:
#   sky launch -c {cluster} --env SUBMITTER=YOUR-NAME data/reproduce/{file}
#   rsync -a {cluster}:{results}/ results/ && sky down {cluster}
"""


def cluster_name(device: str) -> str:
    """What SkyPilot's cluster for a device is called."""
    return f"decode-board-{device}"


def task(device: Device, runner: RunnerFacts, whole: Reproduce) -> str:
    """The text of the task; ``device`` states how SkyPilot reaches it."""
    assert device.access
    assert device.access.skypilot
    header = _HEADER.format(
        name=device.name,
        repository=whole.repository,
        cluster=cluster_name(device.id),
        file=task_name(device.id),
        results=RESULTS,
    )
    facts = {
        "name": cluster_name(device.id),
        "resources": _stated(asdict(device.access.skypilot) | {"first": None}),
        "workdir": ".",
        "envs": {"SUBMITTER": "anonymous", "OPTIONS": ""},
    }
    ran = f'{runner.run} $OPTIONS --output ~/{RESULTS} --submitter "$SUBMITTER"'
    first = device.access.skypilot.first
    setup = _block("setup", (STOPS, *first, *install_lines(runner), *_tried(runner)))
    return header + yaml.safe_dump(facts, sort_keys=False) + setup + _block("run", (STOPS, ACTIVATE, ran))


def _tried(runner: RunnerFacts) -> list[str]:
    """The baselines' install commands, each once."""
    names: dict[str, list[str]] = {}
    for one in runner.apart:
        names.setdefault(one.install, []).append(one.name)
    return [f"{install} || echo 'goes on without {', '.join(those)}'" for install, those in names.items()]


def _stated(resources: dict[str, Any]) -> dict[str, Any]:
    """Without what is left to SkyPilot."""
    return {name: value for name, value in resources.items() if value is not None}


def _block(name: str, lines: tuple[str, ...]) -> str:
    return f"{name}: |\n" + textwrap.indent("\n".join(lines), "  ") + "\n"
