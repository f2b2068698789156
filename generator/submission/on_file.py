"""The results on file, read just far enough to compare a new one with them.

Thousands of them are read at each submission, so a file is decoded straight into what is asked of it, and
everything else in it is skipped. They were judged when they came; one that cannot be read so is left to
``validate``, which says what is wrong with it.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

import msgspec

from generator.submission.times import Medians, RawSamples, Times, medians, read_times
from schemas.contract import contract_state
from schemas.metrics import Spread, decode_spread
from schemas.records import Claim, Contract
from schemas.standing import Timed

RESULT_FOLDERS = ("results", "reported")
_AT_ONCE = 250
_MOST_OF_MOST = 16_384


class _Figure(msgspec.Struct, gc=False):
    tok_per_s: float
    claims: tuple[Claim, ...] = ()


class _Decode(msgspec.Struct, gc=False):
    model: str
    dtype: str
    contract: Contract
    depth_tokens: int | None = None
    baseline_of: str | None = None
    numerics_ok: bool | None = None
    figure: _Figure | None = None
    samples: RawSamples | None = None


class _Kernels(msgspec.Struct, gc=False):
    step_of: str | None = None


class _Stack(msgspec.Struct, gc=False):
    name: str


class _Result(msgspec.Struct, gc=False):
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


_DECODER = msgspec.json.Decoder(_Result, strict=False)  # 1.0 is the whole number 1


@dataclass(eq=False)
class Filed:
    """A result on file, and the file; its figures are computed when they are asked for."""

    place: str
    result: _Result
    times: Times | None = None

    @property
    def path(self) -> Path:
        """Its file."""
        return Path(self.place)

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

    @cached_property
    def spread(self) -> Spread | None:
        """Median and interval of a measured decode block; it takes half a millisecond."""
        return decode_spread(self.times.samples) if self.times else None

    @cached_property
    def medians(self) -> Medians | None:
        """The median of a measured decode block, and bounds of its interval; see :func:`know_medians`."""
        return medians([self.times])[0] if self.times else None

    @property
    def tpot_ns(self) -> float | None:
        """Time a token, measured or published."""
        if self.medians:
            return self.medians.tpot_ns
        figure = self.result.decode.figure if self.result.decode else None
        return 1e9 / figure.tok_per_s if figure else None

    @cached_property
    def counts(self) -> bool:
        """Whether its decode block is a whole step that is not known to be wrong."""
        decode = self.result.decode
        if decode is None or self.result.quick or decode.numerics_ok is False:
            return False
        return _state(decode.contract) != "another step"

    @cached_property
    def ranks(self) -> bool:
        """Whether its decode block may carry a rank, if it is the latest of its submitter and not withdrawn."""
        return self.counts and self.result.role == "contender"

    def is_of(self, model: str) -> bool:
        """Whether it holds a decode block of ``model``."""
        return self.result.decode is not None and self.result.decode.model == model

    @cached_property
    def timed(self) -> Timed | None:
        """A measured row that counts as what may supersede another; without its time, which that does not ask for."""
        result, decode = self.result, self.result.decode
        if decode is None or self.times is None or not self.ranks:
            return None
        return Timed(
            result.id, result.device, decode.model, decode.dtype, decode.depth_tokens, result.stack.name,
            result.submitter or "", result.measured_at or "", math.nan,
        )  # fmt: skip


_state = cache(contract_state)


def know_medians(every: Iterable[Filed]) -> None:
    """Compute the medians of all of ``every`` at once."""
    unknown = [(one, one.times) for one in every if one.times and "medians" not in vars(one)]
    for (one, _), found in zip(unknown, medians([times for _, times in unknown]), strict=True):
        one.medians = found


def read_filed(data_folder: Path, without: Iterable[Path] = ()) -> dict[str, Filed]:
    """The results below ``data_folder`` by id, but for the files ``without``."""
    left_out = set(map(str, without))
    places = (str(data_folder / folder) for folder in RESULT_FOLDERS)
    files = [path for place in places for path in _files(place) if path not in left_out]
    parts = (files[start : start + _AT_ONCE] for start in range(0, len(files), _AT_ONCE))
    return {filed.id: filed for part in parts for filed in _read_all(part)}


def _read_all(paths: Sequence[str]) -> Iterator[Filed]:
    """Those of ``paths`` that can be read; their text is forgotten once the times in it are numbers."""
    read = [(path, result) for path in paths if (result := _read(path))]
    samples = [result.decode.samples for _, result in read if result.decode and result.decode.samples]
    found = iter(read_times(samples))
    for path, result in read:
        if result.decode is None or result.decode.samples is None:
            yield Filed(path, result)
        elif times := next(found):
            result.decode.samples = None
            yield Filed(path, result, times)


def _files(folder: str) -> Iterator[str]:
    """The result files below ``folder`` in their order; links are none."""
    try:
        with os.scandir(folder) as found:
            entries = sorted(found, key=lambda entry: entry.name)
    except OSError:
        return
    for entry in entries:
        if entry.is_dir(follow_symlinks=False):
            yield from _files(entry.path)
        elif entry.name.endswith(".json") and entry.is_file(follow_symlinks=False):
            yield entry.path


def _read(path: str) -> _Result | None:
    try:
        return _DECODER.decode(_bytes(path))
    except (OSError, msgspec.MsgspecError):
        return None


def _bytes(path: str) -> bytes:
    """As ``Path.read_bytes``, in a third of the time: most files are read by one call."""
    file = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
    try:
        read = os.read(file, _MOST_OF_MOST)
        return read if len(read) < _MOST_OF_MOST else read + os.read(file, os.fstat(file).st_size)
    finally:
        os.close(file)


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
