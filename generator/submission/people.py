"""Names that pass for others', and what tells more of a person than they meant to."""

from __future__ import annotations

import re
from collections.abc import Iterator

from generator.submission.standing import takes_place_of
from generator.submission.submission import New, Submission
from schemas.names import mixed_scripts, skeleton
from schemas.problems import Problem
from schemas.records import Device

_PRIVATE = re.compile(
    r"(?<![\w.:/])(?:/(?:home|Users|root|mnt|media|data|tmp|var|opt|scratch|private|workspace)/"
    r"|~[\w/]|[A-Za-z]:[\\/]|\\\\\w)|[\w.+-]+@[\w-]+"
)


def names_of_their_own(submission: Submission) -> Iterator[Problem]:
    """A submitter or a device is not called so that it can be taken for another one."""
    submitters = {one.result.submitter for one in submission.filed.values() if one.result.submitter}
    for new in submission.measured:
        yield from _looks_like(new.path, "submitter", new.result.submitter or "", submitters)
        named = new.result.environment.device_name if new.result.environment else ""
        for field, name in (("environment.device_name", named), ("stack.name", new.result.stack.name)):
            yield from _mixed(new.path, field, name)
        submitters.add(new.result.submitter or "")
    added = {change.path for change in submission.changes if change.kind == "added"}
    paths, devices = submission.dataset.paths, submission.dataset.devices
    on_file = {
        _
        for one in devices.values()
        if paths["device", one.id] not in added
        for _ in (one.name, one.id, *one.aliases)
    }
    for device in devices.values():
        if (path := paths["device", device.id]) in added:
            for field, name in _names(device):
                yield from _looks_like(path, field, name, on_file)


def _names(device: Device) -> Iterator[tuple[str, str]]:
    yield "id", device.id
    yield "name", device.name
    yield from ((f"aliases[{place}]", alias) for place, alias in enumerate(device.aliases))


def _looks_like(path: str, field: str, name: str, others: set[str]) -> Iterator[Problem]:
    """A name that reads as one of ``others`` but is written differently."""
    yield from _mixed(path, field, name)
    if name not in others and (
        other := next((one for one in sorted(others) if skeleton(one) == skeleton(name)), "")
    ):
        yield Problem(
            path, field, f"looks like another name (got '{name}')", f"write '{other}', if that is meant"
        )


def _mixed(path: str, field: str, name: str) -> Iterator[Problem]:
    if mixed_scripts(name):
        said = f"mixes letters of several scripts in a word (got '{ascii(name)[1:-1]}')"
        yield Problem(path, field, said, "write each word in one script")


def takes_a_place(submission: Submission) -> Iterator[Problem]:
    """Rows that supersede one on file by their submitter's name."""
    for new in submission.decoded:
        for run in takes_place_of(submission, new):
            said = f"supersedes a row on file (got '{new.result.submitter}', who filed {run})"
            yield Problem(new.path, "submitter", said, "compare who opened the two pull requests")


def nothing_private(submission: Submission) -> Iterator[Problem]:
    """No path, user or address of a person in what describes the machine."""
    for new in submission.measured:
        for field, text in _described(new):
            if found := _PRIVATE.search(text):
                said = f"tells a path, a user or an address (got '{found[0]}…')"
                yield Problem(new.path, field, said, "measure again without it; runners leave paths out")


def _described(new: New) -> Iterator[tuple[str, str]]:
    environment = new.result.environment
    if environment is None:
        return
    for field in ("command", "device_name", "driver", "os", "cpu_model", "runner_version"):
        yield f"environment.{field}", getattr(environment, field) or ""
    for place, package in enumerate(environment.toolchain):
        yield f"environment.toolchain[{place}].version", package.version
    yield "notes", new.result.notes
