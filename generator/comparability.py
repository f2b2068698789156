"""Whether two rows may be set against each other: what differs besides the device."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from generator.rows import RunRows

_NOT_STATED = "not stated"
_HASH = re.compile("[0-9a-f]{64}")
_SHOWN_OF_HASH = 12


@dataclass(frozen=True, slots=True)
class Comparability:
    """``verdict`` and, in words, each difference that leads to it."""

    verdict: Literal["like for like", "with care", "not comparable"]
    differences: tuple[str, ...]

    def __str__(self) -> str:
        return self.verdict + (f": {'; '.join(self.differences)}" if self.differences else "")


def comparability(one: RunRows, other: RunRows) -> Comparability:
    """What stands between the decode rows of two runs."""
    barred, differences = list(_barriers(one, other)), list(_differences(one, other))
    if barred:
        return Comparability("not comparable", tuple(barred + differences))
    return Comparability("with care" if differences else "like for like", tuple(differences))


def _barriers(one: RunRows, other: RunRows) -> Iterator[str]:
    """What makes them figures of different things."""
    if one.decode is None or other.decode is None:
        yield "one of them has no decode step"
        return
    if one.decode.model != other.decode.model:
        yield f"another model ({one.decode.model}, {other.decode.model})"
    if "another step" in {one.decode.contract, other.decode.contract}:
        yield "another step"
    if False in {one.decode.numerics_ok, other.decode.numerics_ok}:
        yield "one of them fails its check"


def _differences(one: RunRows, other: RunRows) -> Iterator[str]:
    """What a reader must know, the weightiest first."""
    if one.decode is None or other.decode is None:
        return
    for what, ours, theirs in (
        ("storage type", one.decode.dtype, other.decode.dtype),
        ("depth", one.decode.depth_tokens, other.decode.depth_tokens),
        ("kernel source", one.run.kernel_source_key, other.run.kernel_source_key),
        ("stack", one.run.stack, other.run.stack),
        ("provenance", one.run.provenance, other.run.provenance),
        ("what runs outside of emitted kernels", _outside(one), _outside(other)),
    ):
        if ours != theirs:
            yield f"{what} ({_shown(ours)}, {_shown(theirs)})"
        elif ours is None:
            yield f"{what} ({_NOT_STATED} by either)"
    if "partly stated" in {one.decode.contract, other.decode.contract}:
        yield "what the step contains is stated in part"
    if one.decode.changed_speed or other.decode.changed_speed:
        yield "a host changed its speed"


def _outside(rows: RunRows) -> str:
    names = sorted({row.kernel for row in rows.kernels if row.execution in {"vendor_library", "host"}})
    return ", ".join(names) or "nothing"


def _shown(value: object) -> str:
    """A value in words; of a hash what tells it apart."""
    if value is None:
        return _NOT_STATED
    return str(value)[:_SHOWN_OF_HASH] if _HASH.fullmatch(str(value)) else str(value)
