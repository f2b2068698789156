"""Whether two rows may be set against each other: what differs besides the device.

A row's :func:`facts` are data, so that the page which compares any two rows applies the same rule to the same
words: what a fact says of two rows follows from the two facts alone (:meth:`Fact.against`).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from generator.rows import DecodeRow, RunRows

_NOT_STATED = "not stated"
_HASH = re.compile("[0-9a-f]{64}")
_SHOWN_OF_HASH = 12
_NO_STEP = "one of them has no decode step"

Verdict = Literal["like for like", "with care", "not comparable"]


@dataclass(frozen=True, slots=True)
class Comparability:
    """``verdict`` and, in words, each difference that leads to it."""

    verdict: Verdict
    differences: tuple[str, ...]

    def __str__(self) -> str:
        return self.verdict + (f": {'; '.join(self.differences)}" if self.differences else "")


@dataclass(frozen=True, slots=True)
class Fact:
    """What a row states of ``what``, or whether ``what`` is true of it; ``bars`` where rows must agree on it."""

    what: str
    value: str | int | bool | None
    bars: bool = False

    @property
    def shown(self) -> str:
        """The value in words; of a hash what tells it apart."""
        if self.value is None:
            return _NOT_STATED
        text = str(self.value)
        return text[:_SHOWN_OF_HASH] if _HASH.fullmatch(text) else text

    def against(self, other: Fact) -> str | None:
        """What a reader must know of two rows, or None: a warning holds for both if it holds for one of them."""
        if isinstance(self.value, bool):
            return self.what if self.value or other.value else None
        if self.value != other.value:
            return f"{self.what} ({self.shown}, {other.shown})"
        return f"{self.what} ({_NOT_STATED} by either)" if self.value is None else None


def comparability(one: RunRows, other: RunRows) -> Comparability:
    """What stands between the decode rows of two runs."""
    if one.decode is None or other.decode is None:
        return Comparability("not comparable", (_NO_STEP,))
    return compared(facts(one, one.decode), facts(other, other.decode))


def compared(ones: Sequence[Fact], others: Sequence[Fact]) -> Comparability:
    """The verdict on two rows' facts, in the order of the facts."""
    said = [(one, one.against(other)) for one, other in zip(ones, others, strict=True)]
    differences = tuple(words for _, words in said if words)
    if any(words and one.bars for one, words in said):
        return Comparability("not comparable", differences)
    return Comparability("with care" if differences else "like for like", differences)


def facts(rows: RunRows, decode: DecodeRow) -> tuple[Fact, ...]:
    """What decides whether a decode row compares: first what bars, then what a reader must know, weightiest first."""
    return (
        Fact("another model", decode.model, bars=True),
        Fact("another step", decode.contract == "another step", bars=True),
        Fact("one of them fails its check", decode.numerics_ok is False, bars=True),
        Fact("storage type", decode.dtype),
        Fact("depth", decode.depth_tokens),
        Fact("kernel source", rows.run.kernel_source_key),
        Fact("stack", rows.run.stack),
        Fact("provenance", rows.run.provenance),
        Fact("what runs outside of emitted kernels", _outside(rows)),
        Fact("what the step contains is stated in part", decode.contract == "partly stated"),
        Fact("a host changed its speed", decode.changed_speed),
    )


def _outside(rows: RunRows) -> str:
    names = sorted({row.kernel for row in rows.kernels if row.execution in {"vendor_library", "host"}})
    return ", ".join(names) or "nothing"
