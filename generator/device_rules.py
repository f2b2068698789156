"""What no device file can say of itself: an alias is one device's, its languages, kernels and ways in are on file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator

from generator.dataset import Dataset
from generator.instructions import WRITTEN_AGAIN
from schemas.problems import Problem, closest
from schemas.records import Device


def device_problems(data: Dataset) -> Iterator[Problem]:
    """Everything that is wrong with the devices' files beside each other and the emitted kernels."""
    yield from _aliases(data)
    for name, device in data.devices.items():
        yield from _place(data, data.paths["device", name])
        yield from _languages(data, device, data.paths["device", name])
        yield from _access(data, device, data.paths["device", name])
    yield from _ways_to_nowhere(data)


def unknown(data: Dataset, path: str, field: str, name: str, known: Collection[str]) -> Iterator[Problem]:
    """A name that nothing on file has; a file that cannot be read is another problem."""
    if name not in known and name not in data.broken:
        yield Problem(path, field, f"is unknown (got '{name}')", closest(name, known))


def _place(data: Dataset, path: str) -> Iterator[Problem]:
    """A device lies where it is looked for; a file from elsewhere has no place yet."""
    top, *folders, name = path.split("/")
    if top == data.folder and folders != ["devices"]:
        yield Problem(path, "file", f"lies in a folder of its own (got '{'/'.join(folders)}')",
                      f"move it to {top}/devices/{name}")  # fmt: skip


def _aliases(data: Dataset) -> Iterator[Problem]:
    """An alias that two devices share, or that is another device's id, would file rows under the wrong one."""
    owner = {name: name for name in data.devices}
    for name, device in sorted(data.devices.items()):
        for index, alias in enumerate(device.aliases):
            if owner.setdefault(alias, name) != name:
                path = data.paths["device", name]
                said = f"belongs to {owner[alias]} too (got '{alias}')"
                yield Problem(path, f"aliases[{index}]", said, "give an alias to one device only")


def _languages(data: Dataset, device: Device, path: str) -> Iterator[Problem]:
    """Each kernel is taken in one language, and so are all that no entry names."""
    targets = [language.id for language in data.emitted.index.targets] if data.emitted.index else None
    uses = Counter(kernel for use in device.languages for kernel in use.kernels or ("",))
    for place, use in enumerate(device.languages):
        where = f"languages[{place}]"
        if targets is not None:
            yield from unknown(data, path, f"{where}.target", use.target, targets)
        for kernel in use.kernels or ("",):
            if kernel:
                yield from unknown(data, path, f"{where}.kernels", kernel, data.kernels)
            if uses[kernel] > 1:
                said = f"names what another entry names (got '{kernel or 'all others'}')"
                yield Problem(path, f"{where}.kernels", said, "let one language have it")


def _access(data: Dataset, device: Device, path: str) -> Iterator[Problem]:
    """A way to a device leads to a machine that has it, and the files that go there are written."""
    access, index = device.access, data.instructions.index
    if access is None:
        return
    if access.colab and device.type not in {"GPU", "TPU"}:
        said = f"is for a GPU or a TPU (got {device.type})"
        yield Problem(path, "access.colab", said, "write null, as Colab lends no other accelerator")
    if access.skypilot and not (access.skypilot.accelerators or access.skypilot.instance_type):
        said = "names no machine (got neither accelerators nor instance_type)"
        yield Problem(path, "access.skypilot", said, "write one of them")
    if index is None or not data.instructions.runners(device):
        return
    for where, way, written in (
        ("colab", access.colab, index.notebooks), ("skypilot", access.skypilot, index.tasks)
    ):  # fmt: skip
        if way and device.id not in written:
            yield Problem(
                path, f"access.{where}", "has no instructions yet (got none on file)", WRITTEN_AGAIN
            )


def _ways_to_nowhere(data: Dataset) -> Iterator[Problem]:
    """Instructions for a device that is not on file any more, or states no such way any more."""
    index = data.instructions.index
    for field, way in (("notebooks", "colab"), ("tasks", "skypilot")):
        for place, name in enumerate(getattr(index, field) if index else ()):
            path, where = data.paths["reproduce", "index"], f"{field}[{place}]"
            yield from unknown(data, path, where, name, data.devices)
            device = data.devices.get(name)
            if device and not (device.access and getattr(device.access, way)):
                yield Problem(
                    path, where, f"is for a device without access.{way} (got '{name}')", WRITTEN_AGAIN
                )
