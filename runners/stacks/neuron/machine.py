"""The Neuron device of this machine, as its driver and its firmware say it, and what programs it.

Nothing here starts the Neuron runtime or imports a package of it: ``neuron-ls`` says neither the generation of a
device nor, without the network, the type of the instance, and the system's files say both.
``python -m runners.stacks.neuron.machine`` says the command that installs what programs this machine's device.
"""

from __future__ import annotations

import os
import sys
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from schemas.records import Package

DEVICES = Path("/dev")
SYSTEM = Path("/sys")
PYTHON = sys.version_info[:2]
_REPOSITORY = "--extra-index-url https://pip.repos.neuron.amazonaws.com"
_PACKAGES = ("torch-neuronx", "torch", "neuronx-cc", "nki")


class Generation(NamedTuple):
    """What a generation of the device is programmed with: the language, the package that has it, what installs it.

    ``family`` begins the types of its instances; ``python`` is the oldest that its packages are made for.
    """

    target: str
    package: str
    install: str
    family: str
    python: tuple[int, int]


_FIRST_INSTALL = f"pip install {_REPOSITORY} neuronx-cc==2.22.12471.0 torch-neuronx==2.9.0.2.11.19912"
"""Neuron SDK 2.27, the last that has ``neuronxcc.nki``."""
_LATER_INSTALL = (
    f"pip install {_REPOSITORY} --extra-index-url https://download.pytorch.org/whl/cpu "
    "'torch-neuronx==2.14.*' 'neuronx-cc==2.*' nki"
)
GENERATIONS = {
    "Trainium1": Generation("nki", "neuronxcc", _FIRST_INSTALL, "trn1", (3, 11)),
    "Inferentia2": Generation("nki", "neuronxcc", _FIRST_INSTALL, "inf2", (3, 11)),
    "Trainium2": Generation("nki-trn2", "nki", _LATER_INSTALL, "trn2", (3, 12)),
    "Trainium3": Generation("nki-trn2", "nki", _LATER_INSTALL, "trn3", (3, 12)),
}


def device_name() -> str:
    """What the driver calls the first device, such as ``Trainium1``; nothing where there is none."""
    return _line(SYSTEM / "devices/virtual/neuron_device/neuron0/info/architecture/device_name")


def lacking() -> str | None:
    """What this machine lacks, with its remedy."""
    found = device_name()
    if not sys.platform.startswith("linux") or not list(DEVICES.glob("neuron[0-9]*")) or not found:
        return (
            "no Neuron device found (looked for /dev/neuron0 and its driver); start an instance of the family "
            "trn1, or install aws-neuronx-dkms"
        )
    if found not in GENERATIONS:
        return f"this device is none that NKI is for (got {found}); use one of {', '.join(GENERATIONS)}"
    if too_old := _too_old(found):
        return too_old
    packages = "torch", "torch_neuronx", GENERATIONS[found].package
    missing = [name for name in packages if find_spec(name) is None]
    if missing:
        return f"{' and '.join(missing)} not installed, which {found} needs; {GENERATIONS[found].install}"
    return None


def _too_old(device: str) -> str | None:
    """That no package of the device's is made for this Python, with the remedy."""
    least, got = (".".join(map(str, one)) for one in (GENERATIONS[device].python, PYTHON))
    if GENERATIONS[device].python <= PYTHON:
        return None
    return (
        f"{device} needs Python {least} or newer (got {got}); make the virtual environment by python{least}"
    )


def full_name() -> str:
    """The device and, where the firmware says it, the type of the instance: ``Trainium1 (trn1.2xlarge)``."""
    found, instance = device_name(), _line(SYSTEM / "class/dmi/id/product_name")
    return f"{found} ({instance})" if instance.startswith(GENERATIONS[found].family) else found


def driver() -> str | None:
    """The version of the driver."""
    return _line(SYSTEM / "module/neuron/version") or None


def take_one_core() -> Package:
    """Before the runtime starts: one core for this process, and calls that return when they have run.

    What the person has set of the cores holds, and is recorded.
    """
    chosen = os.environ.get("NEURON_RT_VISIBLE_CORES")
    if chosen is None:
        os.environ.setdefault("NEURON_RT_NUM_CORES", "1")
    if GENERATIONS[device_name()].target == "nki-trn2":  # a logical core of two would divide the kernels
        os.environ.setdefault("NEURON_LOGICAL_NC_CONFIG", "1")
    os.environ["NEURON_RT_ASYNC_EXEC_MAX_INFLIGHT_REQUESTS"] = "0"
    cores = os.environ["NEURON_RT_NUM_CORES"] if chosen is None else f"number {chosen}"
    return Package("neuron-cores", cores)


def packages() -> tuple[Package, ...]:
    """What is installed of the stack."""
    return tuple(Package(name, found) for name in _PACKAGES if (found := _version(name)))


def main() -> int:
    """Say the command for this machine's device; the exit status."""
    found = GENERATIONS.get(device_name())
    if found is None or _too_old(device_name()):
        print(f"error: {lacking()}", file=sys.stderr)
        return 1
    print(found.install)
    return 0


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


def _line(path: Path) -> str:
    try:
        return path.read_text("utf-8", "replace").strip()
    except OSError:
        return ""


if __name__ == "__main__":
    sys.exit(main())
