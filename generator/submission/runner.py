"""What ran: a runner of this repository, on a device that it measures, as its command says.

A row is written by a program, so what it says of itself fits together. One that was put together by hand, or
moved to another device's folder, mostly does not.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime

from generator.submission.submission import New, Submission
from schemas.contract import STACK
from schemas.names import slug
from schemas.problems import Problem, closest
from schemas.records import Environment
from schemas.reproduce import RunnerFacts

STAMP = "%Y%m%dt%H%M%Sz"
_SECOND = r"\d{8}t\d{6}z"
_AS_WRITTEN = "submit the file as the runner wrote it"


def runner_of(submission: Submission, new: New) -> RunnerFacts | None:
    """The runner that a row names, if there is one of this name."""
    index, environment = submission.dataset.instructions.index, new.result.environment
    found = (
        (one for one in index.runners if environment and one.id == environment.runner) if index else iter(())
    )
    return next(found, None)


def measured_there(submission: Submission) -> Iterator[Problem]:
    """The runner is known, its command started it, and it measures devices like the row's, by its own stack."""
    index = submission.dataset.instructions.index
    for new in submission.measured:
        environment, runner = new.result.environment, runner_of(submission, new)
        if index is None or environment is None:
            continue
        if runner is None:
            known = closest(environment.runner, [one.id for one in index.runners])
            yield Problem(new.path, "environment.runner", f"is unknown (got '{environment.runner}')", known)
            continue
        yield from _command(new, environment)
        yield from _device(submission, new, runner)
        if (new.result.stack.name == STACK) != (new.result.role != "baseline"):
            said = f"does not fit a {new.result.role} (got '{new.result.stack.name}')"
            yield Problem(new.path, "stack.name", said, f"a runner's is '{STACK}', and no baseline's is")


def _command(new: New, environment: Environment) -> Iterator[Problem]:
    if not re.match(rf"python -m runners\.{re.escape(environment.runner)}(?: |$)", environment.command):
        said = f"does not start this runner (got '{environment.command[:60]}')"
        yield Problem(new.path, "environment.command", said, _AS_WRITTEN)


def _device(submission: Submission, new: New, runner: RunnerFacts) -> Iterator[Problem]:
    device = submission.dataset.devices.get(new.result.device)
    if device is None:
        return
    taken = {use.target for use in device.languages}
    if device.type != runner.kind or (taken and taken.isdisjoint(runner.targets)):
        said = f"does not measure {device.id} (got '{runner.id}', which measures {runner.machine})"
        yield Problem(new.path, "environment.runner", said, "file the row under the device that ran it")


def own_id(submission: Submission) -> Iterator[Problem]:
    """A row's id is the one that its runner made: device, storage type, the second of its start; a baseline's, more."""
    for new in submission.measured:
        result = new.result
        dtype = result.decode.dtype if result.decode else "(?:f32|f16|bf16)"
        form = rf"{re.escape(result.device)}-{dtype}-{_SECOND}(?:-quick)?"
        if result.role == "baseline" and result.decode:
            form = re.escape(f"{result.decode.baseline_of}-{slug(result.stack.name)}")
        if not re.fullmatch(form, result.id) or not _in_calendar(result.id):
            said = f"is not what a runner calls such a row (got '{result.id}')"
            yield Problem(new.path, "id", said, _AS_WRITTEN)


def _in_calendar(run: str) -> bool:
    """Whether the second that an id names exists; an id without one names none."""
    return all(instant(stamp, STAMP) for stamp in re.findall(rf"-({_SECOND})", run))


def instant(text: str | None, form: str = "%Y-%m-%dT%H:%M:%SZ") -> datetime | None:
    """The second in UTC that ``text`` names; None where it names none."""
    try:
        return datetime.strptime(text, form).replace(tzinfo=UTC) if text else None
    except ValueError:
        return None


def baseline_beside(submission: Submission) -> Iterator[Problem]:
    """A baseline ran in turns with its row: on the same machine, by the same command, in the same form."""
    fresh = {new.result.id: new for new in submission.new}
    for new in submission.measured:
        decode, environment = new.result.decode, new.result.environment
        beside = fresh.get((decode.baseline_of or "") if decode else "")
        if beside is None or decode is None or environment is None or new.result.role != "baseline":
            continue
        theirs, other = beside.result.decode, beside.result.environment
        for field in ("device_name", "device_count", "os", "cpu_model", "git_revision", "runner", "command"):
            if other and getattr(environment, field) != getattr(other, field):
                yield _apart(new, f"environment.{field}", beside)
        for field in ("dtype", "depth_tokens"):
            if theirs and getattr(decode, field) != getattr(theirs, field):
                yield _apart(new, f"decode.{field}", beside)


def _apart(new: New, field: str, beside: New) -> Problem:
    said = f"differs from that of the row it is a baseline of (got {beside.result.id})"
    return Problem(new.path, field, said, "measure both in one run, by --baseline")
