"""What there is to download: one entry an address, or one for the form of many."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from generator.api.columns import Column, columns
from generator.tables import Board
from schemas.load import schema

JSON, CSV, PARQUET = "application/json", "text/csv", "application/vnd.apache.parquet"
VERSION = 1
RECORDS = ("device", "kernel", "model", "result", "retracted", "emitted", "proof", "reproduce")
TABLES = ("index", "decode", "kernels", "ledger", "devices", "models", "runs")


def schema_address(name: str) -> str:
    """Where the schema ``name`` is published."""
    return f"api/v1/schemas/{name}.schema.json"


@dataclass(frozen=True, slots=True)
class Download:
    """One address from the site's root, or the form of many: ``<id>``, ``<run>`` and ``<device>`` stand for an id."""

    address: str
    description: str
    media_type: str = JSON
    schema: str | None = None

    @property
    def format(self) -> str:
        """Its format, as people call it."""
        return {JSON: "JSON", CSV: "CSV", PARQUET: "Parquet"}.get(self.media_type, "SVG")

    @property
    def columns(self) -> tuple[Column, ...]:
        """The columns of a table of rows; none of what is no such table."""
        return columns(Path(self.address).stem) if self in ROWS else ()


def _table(name: str, said: str) -> tuple[Download, ...]:
    formats = ((JSON, "json"), (CSV, "csv"), (PARQUET, "parquet"))
    return tuple(
        Download(f"api/v1/{name}.{suffix}", said, media_type, schema_address(name))
        for media_type, suffix in formats
    )


INDEX = Download(
    "api/v1/index.json", "every download with its schema, for programs", schema=schema_address("index")
)
ROWS = (
    *_table("decode", "decode rows with every derived number, units in the names"),
    *_table("kernels", "kernel latencies with effective rates and ranks"),
)
FACTS = (
    Download(
        "api/v1/ledger.json",
        "rows withdrawn, with date, reason and who decided, and rows superseded, with what took their place",
        schema=schema_address("ledger"),
    ),
    Download(
        "api/v1/devices.json", "facts about every device, with sources", schema=schema_address("devices")
    ),
    Download("api/v1/models.json", "the shapes of the models", schema=schema_address("models")),
    Download(
        "api/v1/runs/index.json",
        "the id, device, provenance and address of every result file",
        schema=schema_address("runs"),
    ),
)
EMITTED = (
    Download(
        "api/v1/emitted/index.json",
        "the emitted kernels: languages, files beside the index, and their SHA-256",
        schema=schema_address("emitted"),
    ),
    Download(
        "api/v1/emitted/proof.json",
        "the checks that each of them passed",
        schema=schema_address("proof"),
    ),
)
REPRODUCE = (
    Download(
        "api/v1/reproduce/index.json",
        "the runners with their commands; notebooks and SkyPilot tasks lie beside it",
        schema=schema_address("reproduce"),
    ),
)
MANY = (
    Download(
        "api/v1/runs/<id>.json",
        "one result file as it stands in the repository, samples included",
        schema=schema_address("result"),
    ),
    Download("rows/<run>/badge.svg", "the figure of a decode row as a picture", "image/svg+xml"),
    Download(
        "devices/<device>/badge.svg",
        "the figure of a device's best row at present, likewise",
        "image/svg+xml",
    ),
)


def downloads(board: Board) -> tuple[Download, ...]:
    """The downloads of ``board`` besides schemas."""
    emitted = board.data.emitted
    there = (emitted.index is not None, emitted.proofs is not None)
    texts = tuple(one for one, known in zip(EMITTED, there, strict=True) if known)
    return (INDEX, *ROWS, *FACTS, *texts, *(REPRODUCE if board.data.instructions.index else ()), *MANY)


def _schema(name: str, stored: str) -> Download:
    return Download(schema_address(name), schema(stored)["description"], "application/schema+json")


SCHEMAS = (
    *(_schema(name, f"api/{name}") for name in TABLES),
    *(_schema(name, name) for name in RECORDS),
)


def index(board: Board) -> dict[str, Any]:
    """Where a program starts: what :data:`INDEX` holds."""
    every = [asdict(one) for one in (*downloads(board), *SCHEMAS)]
    return {"version": VERSION, "digest": board.data.digest, "downloads": every}
