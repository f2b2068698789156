"""A device's notebook for Google Colab: from the check of the runtime to the result file, by Run all.

Every shell cell stops at its first error, and so does Run all. The accelerator is asked in a process of its own,
as a TPU belongs to the process that opened it. No cell installs a baseline that takes more than the runner does:
some are built for longer than Colab lends its machine.
"""

from __future__ import annotations

import json
from typing import Any

from runners.reproduction.fresh_python import ACTIVATE, STOPS, install_lines
from runners.reproduction.skypilot import RESULTS
from schemas.records import Colab, Device, Reproduce, RunnerFacts

_ASKS = {
    "GPU": "nvidia-smi --query-gpu=name --format=csv,noheader",
    "TPU": "python3 -c 'import jax; print(jax.devices()[0].device_kind)'",
}
_CHECK = """\
import subprocess

asked = subprocess.run({ask!r}, shell=True, capture_output=True, text=True)
seen = (asked.stdout.split("\\n")[0] or "no accelerator").strip()
if seen != {wanted!r}:
    remedy = "Choose {runtime} under Runtime > Change runtime type, and run all again."
    raise SystemExit(f"This runtime has {{seen}}. {{remedy}}")
print(seen)"""
_MEASUREMENT = """\
## The measurement

What the device's page on the board names beside a row, such as `--dtype f16`, goes into `OPTIONS`: then the run is
like that row."""
_DOWNLOAD = """\
from pathlib import Path

from google.colab import files

for path in sorted(Path("/content/{results}").iterdir()):
    files.download(str(path))"""
_ABOUT = """\
# Decode Board: {name}

How fast does this device decode? The kernels of a language model's decode step are emitted for it, each of them and
the whole step are checked against a float64 reference, and then timed. Expect about {least} to {most} minutes.

1. **Runtime > Change runtime type > {runtime}**
2. Below "The measurement", put the name to be credited in the place of `anonymous`, if you like.
3. **Runtime > Run all**

Nothing leaves this machine but what you download at the end. The board and its method: {repository}"""
_CONTRIBUTE = """\
## Contribute it

In a fork of {repository}, put the `.json` files into `data/results/<device>/`, where `<device>` is the device that the
file names, and a drafted `.md` file, if there is one, into `data/devices/`. `make validate` says what is wrong, if
anything is. Then open a pull request."""


def notebook(device: Device, runner: RunnerFacts, whole: Reproduce) -> str:
    """The notebook's text, nbformat 4.5; ``device`` states how Colab lends it."""
    assert device.access
    assert device.access.colab
    colab, repository, checkout = device.access.colab, whole.repository, whole.repository.rsplit("/", 1)[-1]
    there = f"cd /content/{checkout}"
    enter = (STOPS, there, ACTIVATE)
    clone = f"[ -d {checkout} ] || git clone --quiet --branch {whole.branch} {repository}.git"
    full = f'{_without_building(runner)} $OPTIONS --output /content/{RESULTS} --submitter "$SUBMITTER"'
    cells = [
        _prose("about", _ABOUT.format(
            name=device.name, least=runner.minutes_least, most=runner.minutes_most,
            runtime=colab.runtime, repository=repository)),
        _code("accelerator", _check(device, colab)),
        _shell("clone", STOPS, "cd /content", clone),
        _shell("install", STOPS, there, *install_lines(runner), *colab.install),
        _prose("quick-words", "## Is all in order here? A short run"),
        _shell("quick", *enter, f"{runner.quick} --output /content/quick"),
        _prose("run-words", _MEASUREMENT),
        _shell("run", 'SUBMITTER="anonymous"  # who is credited on the board', 'OPTIONS=""', *enter, full),
        _code("download", _DOWNLOAD.format(results=RESULTS)),
        _prose("contribute", _CONTRIBUTE.format(repository=repository)),
    ]  # fmt: skip
    return json.dumps(
        {"cells": cells, "metadata": _metadata(device, colab), "nbformat": 4, "nbformat_minor": 5},
        ensure_ascii=False, indent=1,
    ) + "\n"  # fmt: skip


def _check(device: Device, colab: Colab) -> str:
    return _CHECK.format(ask=_ASKS[device.type], wanted=colab.seen_as, runtime=colab.runtime)


def _without_building(runner: RunnerFacts) -> str:
    """The run beside those baselines that the runner's own commands install."""
    if not runner.apart:
        return runner.run
    ready = [one.name for one in runner.baselines if one not in runner.apart]
    return " ".join([runner.quick.removesuffix(" --quick"), *(f"--baseline {name}" for name in ready)])


def _metadata(device: Device, colab: Colab) -> dict[str, Any]:
    """What makes Colab open the notebook on the right runtime."""
    return {
        "accelerator": device.type,
        "colab": {"gpuType": colab.accelerator, "provenance": []},
        "kernelspec": {"display_name": "Python 3", "name": "python3"},
        "language_info": {"name": "python"},
    }


def _prose(name: str, text: str) -> dict[str, Any]:
    return {"cell_type": "markdown", "id": name, "metadata": {}, "source": _lines(text)}


def _shell(name: str, *lines: str) -> dict[str, Any]:
    return _code(name, "\n".join(("%%bash", *lines)))


def _code(name: str, text: str) -> dict[str, Any]:
    cell: dict[str, Any] = {
        "cell_type": "code",
        "execution_count": None,
        "id": name,
        "metadata": {},
        "outputs": [],
    }
    return {**cell, "source": _lines(text)}


def _lines(text: str) -> list[str]:
    return text.splitlines(keepends=True)
