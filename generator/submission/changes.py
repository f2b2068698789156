"""What a submission may change: it adds results and devices, and withdraws rows. It never rewrites the record."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import replace

from generator.submission.git import Change
from generator.submission.submission import MOST_FILES, Submission
from schemas.load import load
from schemas.problems import Problem
from schemas.records import Ledger

_RECORD = ("results", "reported", "retracted.yml")
_PLAIN = re.compile(r"[a-z0-9][a-z0-9._-]*(/[a-z0-9][a-z0-9._-]*)*")
_NAME = "write it in lower-case letters, digits and . _ - alone, in the folder that the record has"
_WITHDRAW = "leave it as it is; a wrong row is withdrawn by an entry in data/retracted.yml"
_APART = "propose it in a pull request of its own, or do not commit it; this one adds to the record"


def touches_record(submission: Submission) -> bool:
    """Whether there is anything to judge: a change of rows, of the ledger, or a new device."""
    return any(
        submission.is_under(_folded(change), *_RECORD)
        or (change.kind == "added" and submission.is_under(_folded(change), "devices"))
        for change in submission.changes
    )


def _folded(change: Change) -> Change:
    """The path as a system takes it that tells neither case nor ways of writing a letter apart."""
    return replace(change, path=unicodedata.normalize("NFKC", change.path).casefold())


def allowed_changes(submission: Submission) -> Iterator[Problem]:
    """Results and devices are added, the ledger grows, and nothing else changes beside them."""
    if not touches_record(submission):
        return
    if len(submission.changes) > MOST_FILES:
        said = f"are too many to look at (got {len(submission.changes):,})"
        yield Problem("the submission", "files", said, f"submit at most {MOST_FILES} at once")
    for change in submission.changes[:MOST_FILES]:
        yield from _change(submission, change)
        if change.kind != "deleted" and not change.regular:
            said = (
                "is no plain file (got a link, a folder of another repository, or one that can be executed)"
            )
            yield Problem(change.path, "file", said, "put the file itself there, with mode 644")


def _change(submission: Submission, change: Change) -> Iterator[Problem]:
    if submission.is_under(change, "reproduce") and change.kind != "deleted" and _only_devices(submission):
        return
    if not submission.is_under(_folded(change), *_RECORD, "devices"):
        yield Problem(change.path, "file", f"is no part of a submission (got a file {change.kind})", _APART)
    elif change.kind == "added" and not _PLAIN.fullmatch(change.path):
        odd = ascii(_PLAIN.sub("", change.path).lstrip("/")[:1])
        yield Problem(change.path, "file", f"has a name that not every system keeps (got {odd} in it)", _NAME)
    elif submission.is_under(change, "retracted.yml"):
        if change.kind == "deleted":
            yield Problem(change.path, "file", "was deleted (got none)", "restore it")
    elif change.kind != "added":
        of_row = submission.is_under(change, "results", "reported")
        beside, remedy = ("", _WITHDRAW) if of_row else (" beside new rows", _APART)
        yield Problem(change.path, "file", f"was {change.kind}{beside} (got another version)", remedy)


def _only_devices(submission: Submission) -> bool:
    """Whether devices come without a row, and so with what strangers type there: the protocol stands beside it."""
    rows = any(submission.is_under(_folded(change), *_RECORD) for change in submission.changes)
    return not rows and touches_record(submission)


def ledger_grows(submission: Submission) -> Iterator[Problem]:
    """The entries of the ledger stay as they were; new ones come after them."""
    name = f"{submission.data_folder.name}/retracted.yml"
    if name not in {change.path for change in submission.changes}:
        return
    before = submission.ledger_before
    after = load(submission.data_folder / "retracted.yml", submission.data_folder)
    if before is None or not isinstance(after, Ledger):
        return
    old, new = before.retractions, after.retractions[: len(before.retractions)]
    if len(new) < len(old):
        said = f"has lost entries (got {len(new)}, had {len(old)})"
        yield Problem(name, "retractions", said, "restore them; the ledger only grows")
    for place, (was, now) in enumerate(zip(old, new, strict=False)):
        if was != now:  # one that is gone moves all that come after it
            said = f"is another entry than before (got '{now.result}', had '{was.result}')"
            yield Problem(name, f"retractions[{place}]", said, "restore it; new entries go to the end")
            return


def withdrawals(submission: Submission) -> Iterator[Problem]:
    """Each row that the submission withdraws."""
    old = len(submission.ledger_before.retractions) if submission.ledger_before else 0
    path = submission.dataset.paths.get(("ledger", ""), "")
    for place, entry in enumerate(list(submission.dataset.retractions.values())[old:], old):
        said = f"withdraws a row (got '{entry.result}': {entry.reason})"
        yield Problem(path, f"retractions[{place}]", said, "decide whether the reason holds")


def added_devices(submission: Submission) -> Iterator[Problem]:
    """Each device that the submission adds: its bandwidth decides over MBU and rank."""
    for device in submission.dataset.devices.values():
        path = submission.dataset.paths["device", device.id]
        if any(change.path == path for change in submission.changes):
            peak = device.peak_bandwidth
            said = (
                f"{peak.gb_per_s:g} GB/s by {peak.source.url}" if peak else "none, so its rows carry no rank"
            )
            remedy = "compare it with the source" if peak else "ask whether a source states one"
            yield Problem(path, "peak_bandwidth", f"is new (got {said})", remedy)
            if device.access:
                said = "tells strangers what to type (got commands for a lent machine)"
                yield Problem(path, "access", said, "read each of them")


def published_figures(submission: Submission) -> Iterator[Problem]:
    """Each figure that the submission takes from a publication, which no runner can vouch for."""
    for new in submission.new:
        if new.result.source:
            said = f"is a publication's (got {new.result.source.locator})"
            yield Problem(new.path, "source.url", said, f"compare it with {new.result.source.url}")
