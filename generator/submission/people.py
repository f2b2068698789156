"""Names that pass for others', and what tells more of a person than they meant to."""

from __future__ import annotations

import re
from collections.abc import Iterator

from generator.submission.submission import Submission
from schemas.names import mixed_scripts, skeleton
from schemas.problems import Problem
from schemas.records import Device, Result

_PRIVATE = re.compile(
    r"(?<![\w.:/])(?:/(?:home|Users|root|mnt|media|data|var|scratch|private|workspace|content|Volumes|srv|nfs)/"
    r"|~(?:/|[a-z_][\w-]*/)|[A-Za-z]:[\\/]|\\\\\w)|[\w.+-]+@[A-Za-z_][\w-]*"
)
_NO_NAME = re.compile(r"""://|[@"`{}|\\]""")
_COMMAND_PATH = re.compile(r"(?<![\w.:/])/(?!(?:usr|dev|proc|sys|etc|bin|lib|lib64|sbin)/)[\w.+-]+/")


def names_of_their_own(submission: Submission) -> Iterator[Problem]:
    """A submitter, a stack or a device is not called so that it can be taken for another one."""
    submitters = {one.result.submitter for one in submission.filed.values() if one.result.submitter}
    stacks = {one.result.stack.name for one in submission.filed.values() if one.times}
    for new in submission.measured:
        submitter, stack = new.result.submitter or "", new.result.stack.name
        yield from _looks_like(new.path, "submitter", submitter, submitters)
        if found := _NO_NAME.search(submitter):
            said = f"is no name (got '{found[0]}' in it)"
            yield Problem(new.path, "submitter", said, "measure with --submitter and a name without it")
        yield from _looks_like(new.path, "stack.name", stack, stacks)
        named = new.result.environment.device_name if new.result.environment else ""
        yield from _mixed(new.path, "environment.device_name", named)
        submitters.add(submitter)
        stacks.add(stack)
    yield from _devices_of_their_own(submission)


def _devices_of_their_own(submission: Submission) -> Iterator[Problem]:
    added = {change.path for change in submission.changes if change.kind == "added"}
    paths, devices = submission.dataset.paths, submission.dataset.devices.values()
    on_file = {
        name for one in devices if paths["device", one.id] not in added for _, name in _names(one)
    }  # fmt: skip
    for device in devices:
        if (path := paths["device", device.id]) in added:
            for field, name in _names(device):
                yield from _looks_like(path, field, name, on_file)
            if device.name in on_file:
                said = f"is another device's (got '{device.name}')"
                yield Problem(path, "name", said, "say what tells the two apart")


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


def nothing_private(submission: Submission) -> Iterator[Problem]:
    """No path, user or address of a person in what describes the machine and what ran on it."""
    for new in submission.measured:
        for field, text in _described(new.result):
            found = _PRIVATE.search(text)
            if field == "environment.command":
                found = found or _COMMAND_PATH.search(text)
            if found:
                said = f"tells a path, a user or an address (got '{found[0]}…')"
                yield Problem(new.path, field, said, "measure again without it; runners leave paths out")


def _described(result: Result) -> Iterator[tuple[str, str]]:
    """Every text of a measured row that is not a name of the record."""
    environment, stack = result.environment, result.stack
    if environment:
        for field in ("command", "device_name", "driver", "os", "cpu_model", "runner_version"):
            yield f"environment.{field}", getattr(environment, field) or ""
        for place, package in enumerate(environment.toolchain):
            yield f"environment.toolchain[{place}]", f"{package.name} {package.version}"
    for field in ("name", "backend", "toolchain", "driver"):
        yield f"stack.{field}", getattr(stack, field) or ""
    for place, timing in enumerate(result.kernels.timings if result.kernels else ()):
        yield f"kernels.timings[{place}].implementation", timing.implementation or ""
        yield f"kernels.timings[{place}].error", timing.error or ""
    yield "device_as_stated", result.device_as_stated or ""
    yield "notes", result.notes
