"""The board for machines: every row as JSON and CSV, every result file, and self-contained schemas.

Addresses do not change: ``api/v1/decode.json`` and its siblings hold the frames, ``api/v1/ledger.json`` what was
withdrawn or superseded, ``api/v1/runs/<id>.json`` one result file each, ``api/v1/emitted/`` the emitted texts with their
index, ``api/v1/reproduce/`` how each device is measured, ``api/v1/schemas/<kind>.schema.json`` the schemas.
"""

from __future__ import annotations

import csv
import json
import os
import shutil
from dataclasses import asdict
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from generator.dataset import code_digest
from generator.instructions import FOLDER as REPRODUCE_FOLDER
from generator.instructions import Instructions
from generator.ledger import LedgerView
from generator.tables import Board
from generator.texts import FOLDER, Emitted
from schemas.load import schema

DOWNLOADS = (
    ("api/v1/decode.json", "decode rows: a list of objects, units in the names"),
    ("api/v1/decode.csv", "the same as CSV"),
    ("api/v1/kernels.json", "kernel latencies with effective rates and ranks"),
    ("api/v1/kernels.csv", "the same as CSV"),
    (
        "api/v1/ledger.json",
        "rows withdrawn, with date, reason and who decided, and rows superseded, with what took their place",
    ),
    ("api/v1/devices.json", "facts about every device, with sources"),
    ("api/v1/models.json", "the shapes of the models"),
    ("api/v1/runs/index.json", "the id, device, provenance and address of every result file"),
)
EMITTED_DOWNLOADS = (
    ("api/v1/emitted/index.json", "the emitted kernels: languages, files beside the index, and their SHA-256"),
    ("api/v1/emitted/proof.json", "the checks that each of them passed"),
)
REPRODUCE_DOWNLOADS = (
    (
        "api/v1/reproduce/index.json",
        "the runners with their commands; notebooks and SkyPilot tasks lie beside it",
    ),
)
KINDS = ("device", "kernel", "model", "result", "retracted", "emitted", "proof", "reproduce")
SCHEMAS = tuple((f"api/v1/schemas/{kind}.schema.json", str(schema(kind)["description"])) for kind in KINDS)
_FORMULA = tuple("=+-@\t\r＝＋－＠")  # the wide ones in some countries' spreadsheets
_INTERNAL = [
    "tpot_ns",
    "tpot_low_ns",
    "tpot_high_ns",
    "tpot_p90_ns",
    "tpot_p99_ns",
    "probe_bytes_in_tpot",
    "latency_ns",
    "low_ns",
    "high_ns",
    "index",
    "contest",
    "kernel_source_key",
]


def write_api(board: Board, data_folder: Path, site: Path, cache: Path | None = None) -> None:
    """Write every download of ``board`` to ``site/api``; those of known data come from the cache."""
    kept = cache / "api" / f"{board.data.digest}-{code_digest()}" if cache else None
    if kept and kept.exists():
        shutil.copytree(kept, site / "api/v1", copy_function=_link)
        return
    _write_all(board, data_folder, site / "api/v1")
    if kept:
        shutil.rmtree(kept.parent, ignore_errors=True)
        part = kept.with_name("part")  # a copy that was cut short must not pass for a whole one
        shutil.copytree(site / "api/v1", part, copy_function=_link)
        part.rename(kept)


def _link(source: str, target: str) -> None:
    """The same file under a second name: a build writes files anew and never into one that stands."""
    try:
        os.link(source, target)
    except OSError:  # another disk, or a file system without links
        shutil.copyfile(source, target)


def _write_all(board: Board, data_folder: Path, api: Path) -> None:
    (api / "runs").mkdir(parents=True)
    (api / "schemas").mkdir()
    _write_frame(board.decode, api / "decode")
    _write_frame(board.kernels, api / "kernels")
    _write_json(api / "ledger.json", LedgerView(board).as_json())
    _write_json(api / "devices.json", [asdict(device) for device in board.data.devices.values()])
    _write_json(api / "models.json", [asdict(model) for model in board.data.models.values()])
    _write_runs(board, data_folder, api / "runs")
    _write_emitted(board.data.emitted, data_folder / FOLDER, api / "emitted")
    _write_instructions(board.data.instructions, data_folder / REPRODUCE_FOLDER, api / "reproduce")
    for kind in KINDS:
        _write_json(api / "schemas" / f"{kind}.schema.json", _bundled(kind))


def _write_frame(frame: pd.DataFrame, stem: Path) -> None:
    public = frame.drop(columns=[name for name in _INTERNAL if name in frame])
    if "shape" in public:
        public = public.assign(shape=public["shape"].map(_shape_text, na_action="ignore"))
    if "reproduced_by" in public:
        public = public.assign(reproduced_by=public["reproduced_by"].map(", ".join, na_action="ignore"))
    for name in public.select_dtypes("float"):
        public[name] = _rounded(public[name].to_numpy())
    lines = public.astype(object).where(public.notna(), None)
    values = lines.to_numpy().tolist()
    with stem.with_suffix(".csv").open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(lines.columns)
        table.writerows([_no_formula(cell) for cell in line] for line in values)
    objects = [dict(zip(lines.columns, line, strict=True)) for line in values]
    stem.with_suffix(".json").write_bytes(msgspec.json.encode(objects))


def _no_formula(cell: object) -> object:
    """Text that a spreadsheet would run as a formula, quoted as spreadsheets quote text."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA) else cell


def _rounded(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Twelve significant digits: exact for counts, more than any clock gives, the same in CSV and JSON."""
    known = np.isfinite(values) & (values != 0)
    digits = 11 - np.floor(np.log10(np.abs(np.where(known, values, 1.0))))
    scale = 10.0**digits
    return np.where(known, np.round(values * scale) / scale, values)


def _shape_text(shape: tuple[tuple[str, int], ...]) -> str:
    return json.dumps(dict(shape))


def _write_runs(board: Board, data_folder: Path, folder: Path) -> None:
    index = []
    for entry in board.data.runs.values():
        shutil.copyfile(data_folder.parent / entry.run.path, folder / f"{entry.run.run}.json")
        index.append({"id": entry.run.run, "device": entry.run.device, "provenance": entry.run.provenance,
                      "address": f"api/v1/runs/{entry.run.run}.json", "path": entry.run.path})  # fmt: skip
    _write_json(folder / "index.json", index)


def downloads(board: Board) -> tuple[tuple[str, str], ...]:
    """The addresses of the downloads besides runs and schemas, each with what it holds."""
    emitted = board.data.emitted
    there = (emitted.index is not None, emitted.proofs is not None)
    shown = DOWNLOADS + tuple(one for one, known in zip(EMITTED_DOWNLOADS, there, strict=True) if known)
    return shown + (REPRODUCE_DOWNLOADS if board.data.instructions.index else ())


def _write_emitted(emitted: Emitted, source: Path, folder: Path) -> None:
    """The texts as they were read and judged, beside the two files that say what they are."""
    for name, text in (emitted.texts or {}).items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(text.encode())
    for name, record in (("index.json", emitted.index), ("proof.json", emitted.proofs)):
        if record:
            folder.mkdir(exist_ok=True)
            shutil.copyfile(source / name, folder / name)


def _write_instructions(instructions: Instructions, source: Path, folder: Path) -> None:
    """The notebooks and tasks as they were read and judged, beside the index that names them."""
    if instructions.index is None:
        return
    folder.mkdir()
    shutil.copyfile(source / "index.json", folder / "index.json")
    for name, text in instructions.texts.items():
        (folder / name).write_bytes(text.encode())


def _bundled(kind: str) -> dict[str, Any]:
    """A schema with the shared definitions inside, as JSON Schema bundles them: by their own ``$id``."""
    own = schema(kind)
    return {**own, "$defs": {**own.get("$defs", {}), "common": schema("common")}}


def _write_json(path: Path, value: object) -> None:
    path.write_text(json.dumps(value, ensure_ascii=False, indent=1) + "\n", "utf-8")
