"""The TPU that is attached to a machine: whether there is one, and what Google calls it."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

INSTALL = "pip install --constraint constraints.txt --editable '.[tpu]'"
ELSEWHERE = "start it on a machine with a TPU, or use python -m runners.cpu"
PCI = Path("/sys/bus/pci/devices")
_GOOGLE, _DISK_OR_NETWORK = "0x1ae0", ("0x01", "0x02")


def slice_name(devices: Sequence[Any]) -> str:
    """The attached slice as Google names it: its generation, and its cores (v5e and v6e have one a chip)."""
    kind = str(devices[0].device_kind)
    chips = len({tuple(getattr(device, "coords", ())) for device in devices})
    cores = chips if kind.endswith("lite") else 2 * chips
    generation = {"TPU v5": "TPU v5p"}.get(kind, kind.replace(" lite", "e"))
    return f"{generation}-{cores}"


def not_attached() -> str | None:
    """That this machine has no TPU, and what to do; None where it has one."""
    return None if attached(PCI) else f"no TPU found (got no accelerator of Google's in {PCI}); {ELSEWHERE}"


def attached(devices: Path) -> bool:
    """Whether Google's PCI devices are more than the disks and network cards of its virtual machines."""
    for device in devices.glob("*"):
        with suppress(OSError):
            vendor_id, kind = ((device / name).read_text("ascii").strip() for name in ("vendor", "class"))
            if vendor_id == _GOOGLE and not kind.startswith(_DISK_OR_NETWORK):
                return True
    return False


def not_installed() -> str | None:
    """Which packages are missing, and what installs them; None where all are there."""
    missing = [name for name in ("jax", "libtpu") if find_spec(name) is None]
    return f"packages are missing (got no {' and no '.join(missing)}); run: {INSTALL}" if missing else None


def versions() -> dict[str, str]:
    """Of the packages that are installed under their usual names."""
    found = {}
    for name in ("jax", "jaxlib", "libtpu"):
        with suppress(PackageNotFoundError):
            found[name] = version(name)
    return found
