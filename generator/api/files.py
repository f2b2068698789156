"""Every file below ``api/v1/``, by address."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pandas as pd

from generator.api.catalogue import RECORDS, TABLES, index, schema_address
from generator.api.tables import table
from generator.instructions import FOLDER as REPRODUCE_FOLDER
from generator.ledger import LedgerView
from generator.rows import Run
from generator.tables import Board
from generator.texts import FOLDER as EMITTED_FOLDER
from schemas.load import schema

Files = Iterator[tuple[str, bytes]]
_REFERENCE = re.compile(r'"\$ref": "urn:decode-board:(\w+):1[#"]')


def api_files(board: Board, data_folder: Path) -> Files:
    """Address and content of each file, as seen from the site's root."""
    yield "api/v1/index.json", _json(index(board))
    yield from _frame_files(board.decode, "decode")
    yield from _frame_files(board.kernels, "kernels")
    yield "api/v1/ledger.json", _json(LedgerView(board).as_json())
    yield "api/v1/devices.json", _json([asdict(device) for device in board.data.devices.values()])
    yield "api/v1/models.json", _json([asdict(model) for model in board.data.models.values()])
    yield from _run_files(board, data_folder)
    yield from _emitted_files(board, data_folder / EMITTED_FOLDER)
    yield from _instruction_files(board, data_folder / REPRODUCE_FOLDER)
    for name in TABLES:
        yield schema_address(name), _json(_bundled(f"api/{name}"))
    for name in RECORDS:
        yield schema_address(name), _json(_bundled(name))


def _frame_files(frame: pd.DataFrame, name: str) -> Files:
    rows = table(frame, name)
    yield f"api/v1/{name}.json", rows.as_json()
    yield f"api/v1/{name}.csv", rows.as_csv()
    yield f"api/v1/{name}.parquet", rows.as_parquet()


def _run_files(board: Board, data_folder: Path) -> Files:
    runs = [entry.run for entry in board.data.runs.values()]
    yield "api/v1/runs/index.json", _json([_run_entry(run) for run in runs])
    for run in runs:
        yield f"api/v1/runs/{run.run}.json", (data_folder.parent / run.path).read_bytes()


def _run_entry(run: Run) -> dict[str, str]:
    return {"id": run.run, "card": f"rows/{run.run}/", "device": run.device, "provenance": run.provenance,
            "address": f"api/v1/runs/{run.run}.json", "path": run.path}  # fmt: skip


def _emitted_files(board: Board, source: Path) -> Files:
    """The texts as they were read and judged, beside the two files that say what they are."""
    emitted = board.data.emitted
    for name, text in (emitted.texts or {}).items():
        yield f"api/v1/emitted/{name}", text.encode()
    for name, record in (("index.json", emitted.index), ("proof.json", emitted.proofs)):
        if record:
            yield f"api/v1/emitted/{name}", (source / name).read_bytes()


def _instruction_files(board: Board, source: Path) -> Files:
    """The notebooks and tasks as they were read and judged, beside the index that names them."""
    instructions = board.data.instructions
    if instructions.index is None:
        return
    yield "api/v1/reproduce/index.json", (source / "index.json").read_bytes()
    for name, text in instructions.texts.items():
        yield f"api/v1/reproduce/{name}", text.encode()


def _bundled(name: str) -> dict[str, Any]:
    """A schema with those that it refers to inside, as JSON Schema bundles them: by their own ``$id``."""
    own, inside = schema(name), dict[str, Any]()
    waiting = [own]
    while waiting:
        referred = set(_REFERENCE.findall(json.dumps(waiting.pop()))) - inside.keys()
        inside |= {other: schema(other) for other in sorted(referred)}
        waiting += [inside[other] for other in referred]
    return {**own, "$defs": {**own.get("$defs", {}), **inside}} if inside else own


def _json(value: object) -> bytes:
    return (json.dumps(value, ensure_ascii=False, indent=1) + "\n").encode()
