"""The device file of a run: the one on record, or a draft for the person to complete."""

from __future__ import annotations

from difflib import get_close_matches
from pathlib import Path

from runners.device import Device, RunnerError
from runners.environment import line
from schemas.device_draft import device_draft
from schemas.load import load
from schemas.names import slug
from schemas.records import Device as DeviceRecord

_NOTES = """\
Drafted by a runner from what the machine says of itself. To complete it, fill in from the vendor's own pages what is
null above: `vendor`, `memory_gb`, `tdp_w`, and above all `peak_bandwidth` (`gb_per_s`, `what`, and a `source` with
`title` and `url`), without which a row of this device is shown but not ranked. Then replace this text by what a reader
should know of the machine.
"""


def known_devices(data_folder: Path) -> dict[str, DeviceRecord]:
    """All readable device files, by id."""
    found = [load(path, data_folder) for path in sorted((data_folder / "devices").glob("*.md"))]
    return {device.id: device for device in found if isinstance(device, DeviceRecord)}


def resolve(data_folder: Path, wanted: str | None, name: str) -> tuple[str, DeviceRecord | None]:
    """The id of the device, and its file's record; None where a draft is due.

    ``wanted`` is what the person named; else the device that has ``name``, or an id or alias made of it.
    """
    known = known_devices(data_folder)
    asked = slug(name) if wanted is None else wanted
    if wanted is None:
        for device in known.values():
            if line(name) == device.name or asked in (device.id, *device.aliases):
                return device.id, device
    if asked in known:
        return asked, known[asked]
    if asked != slug(asked):
        raise RunnerError(
            f"--device: is not an id (got '{asked}'); use lower-case letters and digits, such as '{slug(asked)}'"
        )
    _refuse_broken(path_of(data_folder, asked), data_folder)
    return asked, None


def languages(known: DeviceRecord | None, device: Device) -> dict[str, str]:
    """Kernel to language, for the kernels that the device's file names a language of, which the stack takes."""
    uses = known.languages if known else ()
    return {kernel: use.target for use in uses if use.target in device.targets for kernel in use.kernels}


def _refuse_broken(path: Path, data_folder: Path) -> None:
    """A file that stands where a draft is due, but holds no device."""
    found = load(path, data_folder) if path.exists() else None
    if isinstance(found, list):
        raise RunnerError("\n".join(map(str, found)))


def closest(wanted: str, data_folder: Path) -> str | None:
    """The known id that ``wanted`` may have meant."""
    return next(iter(get_close_matches(wanted, known_devices(data_folder), n=1)), None)


def path_of(data_folder: Path, device_id: str) -> Path:
    """Where the file of a device stands."""
    return data_folder / "devices" / f"{device_id}.md"


def draft(device_id: str, name: str, kind: str) -> str:
    """The text of a draft that is valid as it stands."""
    aliases = [slug(name)] if slug(name) != device_id else []
    return device_draft(device_id, line(name), kind, _NOTES, {"aliases": aliases})
