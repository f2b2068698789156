"""What the tests of emitted kernels prove, gathered into ``data/emitted/proof.json``.

A test that ran a text or had a vendor's tool accept it says so last, when nothing can fail any more::

    emitted = emit(KERNELS["rms_norm"], "c", sizes, storage)
    ...
    record_proof("rms_norm", "c", emitted.sha256, "simulated", "gcc, address and undefined-behaviour sanitizers")

``pytest tests/runners/kernels --write-proof`` rewrites the file with what the passed tests recorded, from all
workers; without the option nothing is written. Each call is a case. Those of one kernel, language, check and
tool become one entry, which says whether the published text itself was among them. Entries of other checks are
kept while their text is what it was, so that a machine without one vendor's compiler loses nothing.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, get_args

import pytest

from schemas.emitted import CheckKind
from schemas.load import load
from schemas.records import Check, EmittedIndex, Proofs

DATA = Path(__file__).resolve().parents[1] / "data"
REMEDY = "run `python -m pytest tests/runners/kernels --write-proof`"
_PROPERTY = "proof"
_running: list[pytest.Item] = []


@dataclass(frozen=True, slots=True)
class Key:
    """What the cases of one entry share."""

    kernel: str
    target: str
    check: str
    tool: str


@dataclass(frozen=True, slots=True)
class Record:
    """So many cases of one entry, all with the text of one hash."""

    key: Key
    sha256: str
    cases: int


def record_proof(
    kernel: str, target: str, sha256: str, check: CheckKind, tool: str, *, cases: int = 1
) -> None:
    """Say that the running test checked the text with this hash; it counts if the test passes."""
    assert check in get_args(CheckKind), f"check: must be one of {get_args(CheckKind)} (got {check!r})"
    record = Record(Key(kernel, target, check, tool), sha256, cases)
    for item in _running[-1:]:
        item.user_properties.append((_PROPERTY, asdict(record)))


def started(item: pytest.Item) -> None:
    """From here on, records are those of ``item``."""
    _running[:] = [item]


class Writer:
    """The plugin of ``--write-proof``, in the process that sees the reports of all workers."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.records: list[Record] = []
        self.said = ""

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keep what a passed test recorded."""
        if report.when == "call" and report.passed:
            found = [value for name, value in report.user_properties if name == _PROPERTY]
            self.records += [
                Record(**{**value, "key": Key(**value["key"])}) for value in map(_mapping, found)
            ]

    def pytest_sessionfinish(self, exitstatus: int) -> None:
        """Write, unless a test failed: its kernel's older entries would claim what no longer holds."""
        if exitstatus != pytest.ExitCode.OK:
            self.said = "proof.json: not written, because not every test passed"
            return
        write_proofs(self.data, self.records)
        self.said = f"proof.json: written with {len(self.records)} records of this run"

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """One line of what was done."""
        terminalreporter.write_line(self.said)


def write_proofs(data: Path, records: Iterable[Record]) -> None:
    """Join ``records`` with those of the file that still hold, and write it."""
    index, old = load(data / "emitted/index.json", data), _old(data)
    assert isinstance(index, EmittedIndex), index
    current = {(text.kernel, text.target): text for text in index.kernels}
    checks: dict[Key, Check] = {}
    for proof in old.proofs if old else ():
        text = current.get((proof.kernel, proof.target))
        if text and text.sha256 == proof.sha256:
            checks |= {Key(proof.kernel, proof.target, one.check, one.tool): one for one in proof.checks}
    checks |= _checks(records, index)
    entries: dict[tuple[str, str], list[Check]] = {place: [] for place in current}
    for key, check in sorted(checks.items(), key=lambda item: (item[0].check, item[0].tool)):
        entries[key.kernel, key.target].append(check)
    proofs = [
        {"kernel": kernel, "target": target, "sha256": current[kernel, target].sha256,
         "checks": [asdict(check) for check in found]}
        for (kernel, target), found in entries.items() if found
    ]  # fmt: skip
    content = {"schema": "decode-board/proof/1", "id": "proof", "proofs": proofs}
    (data / "emitted/proof.json").write_text(json.dumps(content, indent=1) + "\n", "utf-8")


def _old(data: Path) -> Proofs | None:
    """The file as it stands; one that cannot be read is written anew."""
    found = load(data / "emitted/proof.json", data)
    return found if isinstance(found, Proofs) else None


def _checks(records: Iterable[Record], index: EmittedIndex) -> dict[Key, Check]:
    published = {(text.kernel, text.target): text.sha256 for text in index.kernels}
    by_key: dict[Key, list[Record]] = defaultdict(list)
    for record in records:
        if (record.key.kernel, record.key.target) in published:
            by_key[record.key].append(record)
    return {
        key: Check(
            check=key.check,  # type: ignore[arg-type] # record_proof looked
            tool=key.tool,
            cases=sum(record.cases for record in found),
            this_text=any(record.sha256 == published[key.kernel, key.target] for record in found),
        )
        for key, found in by_key.items()
    }


def _mapping(value: object) -> dict[str, Any]:
    assert isinstance(value, dict)
    return value
