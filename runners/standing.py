"""The decode rows on file: each device's best, and where a new one would stand. Ranks are the decode page's."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from schemas.contract import contract_state
from schemas.load import load
from schemas.metrics import decode_spread
from schemas.records import DecodeBlock, Device, Ledger, Provenance, Result, Role


@dataclass(frozen=True, slots=True)
class Place:
    """A ranked row: its device, its time a token, and the bounds of that."""

    device: str
    result: str
    tpot_ns: float
    low_ns: float
    high_ns: float

    @property
    def tok_per_s(self) -> float:
        """Tokens a second."""
        return 1e9 / self.tpot_ns


@dataclass(frozen=True, slots=True)
class Best:
    """A device's best row on file: whose it is, and the figure as the decode page has it."""

    result: str
    tok_per_s: float
    provenance: Provenance
    role: Role


@dataclass(frozen=True, slots=True)
class Standing:
    """The ranks that the new row may hold among ``rows``, itself counted, and the rows just above and below it."""

    rank_best: int
    rank_worst: int
    rows: int
    above: Place | None
    below: Place | None


def place_of(result: Result) -> Place:
    """The place of a result with a decode block."""
    assert result.decode
    return Place(result.device, result.id, *_times_ns(result.decode))


def best(data_folder: Path, model: str) -> dict[str, Best]:
    """The fastest row of each device that has one: a contender's, or the reference where there is no contender."""
    rows = [result for result in _on_file(data_folder, model) if result.role != "baseline"]
    found = [(one.device, Best(one.id, _tok_per_s(one), one.provenance, one.role)) for one in rows]
    found.sort(
        key=lambda pair: (pair[1].role != "contender", -pair[1].tok_per_s, pair[1].result), reverse=True
    )
    return dict(found)  # the last of a device is its best


def standing(data_folder: Path, model: str, new: Place) -> Standing:
    """``new`` among all ranked rows of ``model``: a rank is the range of places that its interval allows."""
    others = [place for place in map(place_of, _ranked(data_folder, model)) if place.result != new.result]
    ordered = sorted([*others, new], key=lambda place: (-place.tok_per_s, place.result))
    at = ordered.index(new)
    return Standing(
        rank_best=sum(place.high_ns < new.low_ns for place in others) + 1,
        rank_worst=sum(place.low_ns <= new.high_ns for place in others) + 1,
        rows=len(ordered),
        above=ordered[at - 1] if at else None,
        below=ordered[at + 1] if at + 1 < len(ordered) else None,
    )


def _ranked(data_folder: Path, model: str) -> list[Result]:
    """What the decode page ranks: contenders, on devices with a known bandwidth."""
    devices = [load(path, data_folder) for path in (data_folder / "devices").glob("*.md")]
    known = {device.id for device in devices if isinstance(device, Device) and device.peak_bandwidth}
    rows = _on_file(data_folder, model)
    return [result for result in rows if result.role == "contender" and result.device in known]


def _on_file(data_folder: Path, model: str) -> list[Result]:
    """The rows of a whole protocol's decode step that are not known to be wrong."""
    ledger = load(data_folder / "retracted.yml", data_folder)
    withdrawn = {entry.result for entry in ledger.retractions} if isinstance(ledger, Ledger) else set()
    files = [path for folder in ("results", "reported") for path in (data_folder / folder).rglob("*.json")]
    results = [load(path, data_folder) for path in files]
    return [
        result
        for result in results
        if isinstance(result, Result)
        and result.decode
        and result.decode.model == model
        and result.decode.numerics_ok is not False
        and contract_state(result.decode.contract) != "another step"
        and not result.quick
        and result.id not in withdrawn
    ]


def _tok_per_s(result: Result) -> float:
    """Tokens a second in twelve digits, so that a published figure stays as it was published."""
    return float(f"{place_of(result).tok_per_s:.12g}")


def _times_ns(decode: DecodeBlock) -> tuple[float, float, float]:
    """Time a token, and its bounds; a published figure is its own."""
    if decode.samples:
        spread = decode_spread(decode.samples)
        return spread.median_ns, spread.low_ns, spread.high_ns
    time_ns = 1e9 / decode.figure.tok_per_s if decode.figure else float("inf")
    return time_ns, time_ns, time_ns
