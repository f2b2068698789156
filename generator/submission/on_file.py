"""The results on file, read just far enough to compare a new one with them.

Thousands of them are read at each submission, so a file is decoded straight into what is asked of it, and
everything else in it is skipped. They were judged when they came; one that cannot be read so is left to
``validate``, which says what is wrong with it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import msgspec

from schemas.contract import contract_state
from schemas.metrics import Spread, decode_spread
from schemas.records import Claim, Contract, DecodeSamples

RESULT_FOLDERS = ("results", "reported")


class _Figure(msgspec.Struct):
    tok_per_s: float
    claims: tuple[Claim, ...] = ()


class _Decode(msgspec.Struct):
    model: str
    dtype: str
    contract: Contract
    depth_tokens: int | None = None
    baseline_of: str | None = None
    numerics_ok: bool | None = None
    figure: _Figure | None = None
    samples: DecodeSamples | None = None


class _Kernels(msgspec.Struct):
    step_of: str | None = None


class _Stack(msgspec.Struct):
    name: str


class _Result(msgspec.Struct):
    id: str
    provenance: str
    role: str
    quick: bool
    device: str
    stack: _Stack
    submitter: str | None = None
    measured_at: str | None = None
    integrity: str | None = None
    decode: _Decode | None = None
    kernels: _Kernels | None = None


_DECODER = msgspec.json.Decoder(_Result)


@dataclass(frozen=True)
class Filed:
    """A result on file, and the file; its figures are computed when they are asked for."""

    path: Path
    result: _Result

    @property
    def id(self) -> str:
        """The result's id."""
        return self.result.id

    @property
    def mentions(self) -> Iterator[str]:
        """The results that this one refers to."""
        decode, kernels = self.result.decode, self.result.kernels
        named = [decode.baseline_of if decode else None, kernels.step_of if kernels else None]
        named += [claim.against for claim in decode.figure.claims] if decode and decode.figure else []
        return (name for name in named if name)

    @property
    def samples(self) -> DecodeSamples | None:
        """The raw samples of its decode block."""
        return self.result.decode.samples if self.result.decode else None

    @cached_property
    def spread(self) -> Spread | None:
        """Median and interval of a measured decode block; a tenth of a millisecond each."""
        return decode_spread(self.samples) if self.samples else None

    @property
    def tpot_ns(self) -> float | None:
        """Time a token, measured or published."""
        if self.spread:
            return self.spread.median_ns
        figure = self.result.decode.figure if self.result.decode else None
        return 1e9 / figure.tok_per_s if figure else None

    @property
    def counts(self) -> bool:
        """Whether its decode block is a whole step that is not known to be wrong."""
        decode = self.result.decode
        if decode is None or self.result.quick or decode.numerics_ok is False:
            return False
        return contract_state(decode.contract) != "another step"


def read_filed(data_folder: Path, without: Iterable[Path] = ()) -> dict[str, Filed]:
    """The results below ``data_folder`` by id, but for the files ``without``."""
    left_out = set(without)
    places = (data_folder / folder for folder in RESULT_FOLDERS)
    files = (path for place in places for path in sorted(place.rglob("*.json")) if path not in left_out)
    return {filed.id: filed for path in files if (filed := _read(path))}


def _read(path: Path) -> Filed | None:
    try:
        return None if path.is_symlink() else Filed(path, _DECODER.decode(path.read_bytes()))
    except (OSError, msgspec.MsgspecError):
        return None


def company(filed: Mapping[str, Filed], wanted: Iterable[str], steps: Iterable[str]) -> list[Path]:
    """The files that a new result must fit to: those it names, what they name in turn, the references,
    and other kernels of the ``steps`` that its own kernels belong to."""
    asked, steps = list(wanted), set(steps)
    asked += [one.id for one in filed.values() if one.result.role == "reference"]
    asked += [one.id for one in filed.values() if one.result.kernels and one.result.kernels.step_of in steps]
    found: dict[str, Path] = {}
    while asked:
        one = filed.get(asked.pop())
        if one and one.id not in found:
            found[one.id] = one.path
            asked += one.mentions
    return sorted(found.values())
