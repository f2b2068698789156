"""The board's vocabulary: ``data/importers/purs.yml``, read strictly."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal

import msgspec

from generator.importers import Unimportable
from schemas.facts import Dtype
from schemas.parse import Unreadable, parse_yaml
from schemas.problems import Problem
from schemas.records import Execution

PLACE = Path("importers") / "purs.yml"
_MOST_BYTES = 64_000


class _Strict(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A part of the file: no field is unknown."""


class Source(_Strict, frozen=True):
    """What a record's ``source`` says."""

    title: str
    url: str


class Said(_Strict, frozen=True):
    """How a kernel was executed, where its implementation's name says ``says``."""

    says: str
    means: Execution = msgspec.field(name="is")
    repository: str | None = None


class Vendor(_Strict, frozen=True):
    """What the beginning of a device's name tells of it."""

    vendor: str
    type: Literal["CPU", "GPU", "NPU", "TPU"]


class KernelName(_Strict, frozen=True):
    """One of our kernels, and the entry of ``shapes`` that its shapes are written by."""

    kernel: str
    shape: str


class Form(_Strict, frozen=True):
    """How the shapes of a kind of kernel are written; see the file."""

    axes: tuple[str, ...]
    letters: tuple[dict[str, str], ...]
    lists: tuple[tuple[str, ...], ...]
    factors: tuple[tuple[str, str], tuple[str, str]] | None = None
    rest: str | None = None
    fold: bool = False


class Bench(_Strict, frozen=True):
    """What the board takes a ``BENCH`` line for, which names neither."""

    dtype: Dtype
    language: str


class Affixes(_Strict, frozen=True):
    """What stands around a kernel's name in a benchmark's own."""

    before: str


class DecodeNames(_Strict, frozen=True):
    """Which kernels are decode steps, and of which model."""

    steps: tuple[str, ...]
    rates: tuple[str, ...]
    models: dict[str, str]
    model: str
    width: int


class Names(_Strict, frozen=True):
    """All of the file, in its order."""

    schema: Literal["decode-board/importer-purs/1"]
    prefix: str
    folder: str
    kernel_source: Source
    decode_source: Source
    submissions: str
    aggregate: str
    columns: dict[str, tuple[str, ...]]
    latency: dict[str, Literal["ns", "us", "ms", "s"] | None]
    passed_over: tuple[str, ...]
    required: tuple[str, ...]
    dtypes: dict[str, Dtype]
    verdicts: dict[str, bool]
    languages: dict[str, str | None]
    hosts: tuple[str, ...]
    executions: tuple[Said, ...]
    not_measured: tuple[str, ...]
    baseline: tuple[str, ...]
    bench: Bench
    vendors: dict[str, Vendor]
    kernels: dict[str, KernelName]
    affixes: Affixes
    shapes: dict[str, Form]
    decode: DecodeNames
    parts: dict[str, tuple[str, ...]]

    def said_of(self, implementation: str | None) -> Said | None:
        """How an implementation of this name is executed, if anything is known of it."""
        return next((said for said in self.executions if said.says in (implementation or "")), None)


def plain(name: str) -> str:
    """A name as names are compared: lower case, every run of other signs than letters and digits one ``_``."""
    return re.sub(r"[^a-z0-9]+", "_", name.lower().replace("µ", "u").replace("μ", "u")).strip("_")


def read_names(data_folder: Path) -> Names:
    """The vocabulary of a data folder; raises :class:`Unimportable`."""
    path = data_folder / PLACE
    shown = f"{data_folder.name}/{PLACE.as_posix()}"
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise Unreadable("file", f"is too large (got {path.stat().st_size:,} bytes)", "shorten it")
        names = msgspec.convert(parse_yaml(path.read_bytes()), Names)
    except OSError as error:
        problem = Problem(shown, "file", f"cannot be read (got '{error.strerror}')", "restore it")
    except Unreadable as error:
        problem = Problem(shown, error.field, error.problem, error.remedy)
    except msgspec.ValidationError as error:
        said, _, where = str(error).partition(" - at ")
        problem = Problem(shown, where.strip("`$.") or "file", f"does not fit (got '{said}')", "see names.py")
    else:
        if unknown := sorted({entry.shape for entry in names.kernels.values()} - names.shapes.keys()):
            problem = Problem(
                shown, "kernels", f"name unknown shapes (got {', '.join(unknown)})", "add them to shapes"
            )
        else:
            return names
    raise Unimportable([problem])
