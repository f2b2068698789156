"""Where a new row would stand among the decode rows on file, and beside whom."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from schemas.load import load
from schemas.metrics import decode_spread
from schemas.records import DecodeBlock, Device, Ledger, Result


@dataclass(frozen=True, slots=True)
class Standing:
    """``rank`` of ``rows``, the new one counted; the rows just above and below as (device, tok/s)."""

    rank: int
    rows: int
    above: tuple[str, float] | None
    below: tuple[str, float] | None


def standing(data_folder: Path, model: str, tok_per_s: float) -> Standing:
    """Against the best contender of each device, as the decode page ranks; what does not count there does not here."""
    best: dict[str, float] = {}
    for result in _ranked(data_folder, model):
        assert result.decode
        rate = _tok_per_s(result.decode)
        best[result.device] = max(best.get(result.device, 0.0), rate)
    faster = sorted((rate, device) for device, rate in best.items() if rate > tok_per_s)
    slower = sorted((rate, device) for device, rate in best.items() if rate <= tok_per_s)
    return Standing(
        rank=len(faster) + 1,
        rows=len(best) + 1,
        above=(faster[0][1], faster[0][0]) if faster else None,
        below=(slower[-1][1], slower[-1][0]) if slower else None,
    )


def _ranked(data_folder: Path, model: str) -> list[Result]:
    """Contenders of ``model``, not quick, withdrawn or known to be wrong, on devices with a known bandwidth."""
    ledger = load(data_folder / "retracted.yml", data_folder)
    withdrawn = {entry.result for entry in ledger.retractions} if isinstance(ledger, Ledger) else set()
    devices = [load(path, data_folder) for path in (data_folder / "devices").glob("*.md")]
    known = {device.id for device in devices if isinstance(device, Device) and device.peak_bandwidth}
    files = [path for folder in ("results", "reported") for path in (data_folder / folder).rglob("*.json")]
    results = [load(path, data_folder) for path in files]
    return [
        result
        for result in results
        if isinstance(result, Result)
        and result.decode
        and result.decode.model == model
        and result.decode.numerics_ok is not False
        and (result.role, result.quick) == ("contender", False)
        and result.device in known
        and result.id not in withdrawn
    ]


def _tok_per_s(decode: DecodeBlock) -> float:
    if decode.samples:
        return 1e9 / decode_spread(decode.samples).median_ns
    return decode.figure.tok_per_s if decode.figure else 0.0
