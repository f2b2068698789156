"""A new row beside the rows of its device: what a person should look at twice."""

from __future__ import annotations

import statistics
from collections.abc import Iterator

from generator.submission.on_file import Filed
from generator.submission.standing import takes_place_of
from generator.submission.submission import New, Submission
from schemas.names import skeleton, slug
from schemas.problems import Problem

MOST_RATIO = 1.25


def outliers(submission: Submission) -> Iterator[Problem]:
    """Rows far from the others of their device, model and storage type that were measured by the same stack."""
    for new in submission.decoded:
        others = [one.tpot_ns for one in like(submission, new) if one.tpot_ns]
        if not others or new.rows.decode is None:
            continue
        times = statistics.median(others) / new.rows.decode.tpot_ns
        if not 1 / MOST_RATIO <= times <= MOST_RATIO:
            rows = f"{len(others)} row{'s' if len(others) > 1 else ''} on file"
            said = f"is far from this device's other rows (got {times:.2f} times the median of {rows})"
            yield Problem(new.path, "decode.samples", said, "ask what is different on this machine")


def like(submission: Submission, new: New) -> Iterator[Filed]:
    """The measured rows on file of the same device, model, storage type and stack, that are not withdrawn."""
    decode = new.result.decode
    for one in submission.filed.values():
        theirs = one.result.decode
        same = decode and theirs and (theirs.model, theirs.dtype) == (decode.model, decode.dtype)
        ours = one.result.device == new.result.device and one.result.stack.name == new.result.stack.name
        if same and ours and one.times and one.counts and one.id not in submission.dataset.retractions:
            yield one


def device_is_itself(submission: Submission) -> Iterator[Problem]:
    """Rows of a machine that calls itself otherwise than the device they are filed under."""
    for new in submission.measured:
        device, environment = submission.dataset.devices.get(new.result.device), new.result.environment
        if device is None or environment is None:
            continue
        if environment.device_name != device.name and slug(environment.device_name) not in {
            device.id,
            *device.aliases,
        }:
            said = f"is not how {device.id} is known (got '{environment.device_name}')"
            yield Problem(
                new.path,
                "environment.device_name",
                said,
                "compare the two; an alias of the device settles it",
            )


def references(submission: Submission) -> Iterator[Problem]:
    """Rows that all others of their model are divided by."""
    for new in submission.new:
        if new.result.role == "reference":
            said = "makes all others of its model be divided by it (got 'reference')"
            yield Problem(new.path, "role", said, "decide whether this is the one")


def beside_others(submission: Submission) -> Iterator[Problem]:
    """Measured rows that change what the row of another submitter shows."""
    owners = {one.id: one.result.submitter for one in submission.filed.values()}
    owners |= {new.result.id: new.result.submitter for new in submission.new}
    for new in submission.measured:
        decode, kernels = new.result.decode, new.result.kernels
        for field, run in (
            ("decode.baseline_of", decode and decode.baseline_of), ("kernels.step_of", kernels and kernels.step_of)
        ):  # fmt: skip
            if run in owners and owners[run] != new.result.submitter:
                said = f"is a row of {owners[run] or 'a publication'} (got '{run}')"
                yield Problem(new.path, field, said, "ask whether both are of one machine and one stack")


def several_submitters(submission: Submission) -> Iterator[Problem]:
    """Rows of several people in one submission, which may confirm each other."""
    names = sorted({skeleton(new.result.submitter or ""): new for new in submission.measured}.items())
    for _, new in names[1:]:
        said = f"is another one than that of {names[0][1].result.id} (got '{new.result.submitter}')"
        yield Problem(new.path, "submitter", said, "ask each of them for a pull request of their own")


def later_rows(submission: Submission) -> Iterator[Problem]:
    """Rows that supersede one on file by their submitter's name."""
    for new in submission.decoded:
        for run in displaced(submission, new):
            said = f"supersedes a row on file (got '{new.result.submitter}', who filed {run})"
            yield Problem(new.path, "submitter", said, "compare who opened the two pull requests")


def displaced(submission: Submission, new: New) -> tuple[str, ...]:
    """The rows on file that stand today and that a new one supersedes."""
    return tuple(run for run in takes_place_of(submission, new) if run not in submission.superseded)
