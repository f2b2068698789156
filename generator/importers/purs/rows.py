"""A row of cells to one value of a latency: which device, which kernel or decode step, at which shape, how long."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from generator.dataset import Dataset
from generator.importers.accounts import Place
from generator.importers.purs.cells import (
    Dropped,
    Refused,
    bounded,
    microseconds,
    needed,
    needed_number,
    quantity,
    whole,
    word,
)
from generator.importers.purs.names import Names, plain
from generator.importers.purs.rates import unit_of
from generator.importers.purs.reading import Form, Row
from generator.importers.purs.shapes import shape_of
from schemas.facts import Dtype
from schemas.problems import got
from schemas.records import Execution

_REVISION = re.compile(r"[0-9a-f]{7,64}")
_SIZE = re.compile(r"(?:_[0-9]+(?:x[0-9]+)*)+$")
_LAST_LENGTH = re.compile(r"([0-9]+)\D*$")
_TOKENS = "tok/s"


@dataclass(frozen=True, slots=True)
class What:
    """What was timed: ``kind`` is a kernel at a shape, a whole decode step (by its model), or a part of one.

    A part may be one of several of our kernels, joined by ``|``; its file says neither its shape nor whether the
    latency is that of a call or of all calls of a token.
    """

    kind: Literal["kernel", "decode", "part"]
    name: str
    shape: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Software:
    """What ran, as the row and the board's vocabulary say: ``repository`` where emitted kernels come from one."""

    language: str | None
    implementation: str | None
    execution: Execution
    repository: str | None
    driver: str | None
    revision: str | None


@dataclass(frozen=True, slots=True)
class Value:
    """One value of a latency, in microseconds. ``count`` is how many values an aggregate says that it has."""

    place: Place
    form: Form
    file: str
    device: str
    device_as_stated: str
    on_host: bool
    what: What
    dtype: Dtype
    software: Software
    numerics_ok: bool | None
    us: float
    tok_per_s: float | None
    count: int
    lowest_us: float | None
    highest_us: float | None
    rate_unit: str | None

    @property
    def key(self) -> tuple[str, What, str, str, str]:
        """What two values must share to be of one figure."""
        software = self.software
        return (self.device, self.what, self.dtype, software.language or "", software.implementation or "")


def value_of(row: Row, names: Names, data: Dataset, devices: dict[str, str]) -> Value:
    """The value of a row; raises :class:`Refused`, or :class:`Dropped`. ``devices`` are ours by every name."""
    if row.misfit:
        raise Refused("row", row.misfit, "give every column a cell, and quote cells that hold the delimiter")
    cells = row.cells
    stated, kernel = needed(cells.get("device"), "device"), needed(cells.get("kernel"), "kernel")
    software, name = _software(cells, names), plain(stated).replace("_", "-")
    _refuse_unmeasured(names, kernel, software.implementation)
    device = devices.get(stated.lower()) or devices.get(name, name)
    dtype = _choice(needed(cells.get("dtype"), "dtype").lower(), names.dtypes, "dtype")
    what, is_rate = _what(kernel, cells, names, data)
    us, tok_per_s = _latency(row, what, is_rate)
    return Value(
        place=row.place,
        form=row.form,
        file=row.file,
        device=device,
        device_as_stated=stated,
        on_host=(cells.get("language") or "").strip().lower() in names.hosts and not _is_cpu(device, data),
        what=what,
        dtype=dtype,
        software=software,
        numerics_ok=_verdict(cells.get("numerics_ok"), names),
        us=us,
        tok_per_s=tok_per_s,
        count=whole(cells.get("values"), "num_runs", 1) if row.form == "aggregate" else 1,
        lowest_us=_bound(row, "lowest", us),
        highest_us=_bound(row, "highest", us),
        rate_unit=_rate(cells.get("rate"), us, what, dtype, data),
    )


def _software(cells: Mapping[str, str], names: Names) -> Software:
    implementation = word(cells.get("implementation"), "toolchain")
    language, revision = word(cells.get("language"), "language"), (cells.get("revision") or "").strip()
    said = names.said_of(implementation)
    return Software(
        language=names.languages.get((language or "").lower(), language),
        implementation=implementation,
        execution=said.means if said else "not_stated",
        repository=said.repository if said else None,
        driver=word(cells.get("driver"), "driver"),
        revision=revision if _REVISION.fullmatch(revision) else None,
    )


def _is_cpu(device: str, data: Dataset) -> bool:
    return device in data.devices and data.devices[device].type == "CPU"


def _refuse_unmeasured(names: Names, *said: str | None) -> None:
    for text in said:
        for hint in names.not_measured:
            if text and hint in text.lower().replace("_", " "):
                remedy = "nothing to do: the site computes a roofline from the device's bandwidth"
                raise Dropped("row", f"is computed, not measured {got(text)}", remedy)


def _choice(said: str, known: dict[str, Dtype], field: str) -> Dtype:
    if said not in known:
        raise Refused(field, f"is not one we store {got(said)}", f"known: {', '.join(known)}")
    return known[said]


def _verdict(text: str | None, names: Names) -> bool | None:
    said = (text or "").strip().lower()
    if said and said not in names.verdicts:
        raise Refused("sums_ok", f"is neither yes nor no {got(text)}", "write true or false")
    return names.verdicts.get(said)


# --- what was timed -------------------------------------------------------------------------------


def _what(stated: str, cells: Mapping[str, str], names: Names, data: Dataset) -> tuple[What, bool]:
    """What a kernel's name means, and whether the row holds tokens a second in place of a latency."""
    name = plain(stated)
    if part := _part(name, names, data):
        return What("part", part), False
    if decode := _decode(name, cells.get("shape"), names, data):
        return decode
    short = _SIZE.sub("", name).removeprefix(names.affixes.before)
    entry = names.kernels.get(name) or names.kernels.get(short)
    if entry is None:
        remedy = f"write data/kernels/{short or name}.md, and name it in data/importers/purs.yml"
        raise Refused("kernel", f"is none that we know {got(stated)}", remedy)
    if entry.kernel not in data.kernels:
        raise Refused("kernel", f"has no file {got(stated)}", f"write data/kernels/{entry.kernel}.md")
    batch = whole(cells.get("batch"), "batch_size", 1)
    shape = shape_of(needed(cells.get("shape"), "shape"), names.shapes[entry.shape], batch)
    return What("kernel", entry.kernel, tuple(shape.items())), False


def _part(name: str, names: Names, data: Dataset) -> str | None:
    """Kernels of ours that are timed in a decode step only."""
    if name in names.parts:
        return "|".join(names.parts[name])
    known = data.kernels.get(name)
    in_step = known is not None and known.category == "decode_step" and name not in names.kernels
    return name if in_step else None


def _decode(name: str, shape: str | None, names: Names, data: Dataset) -> tuple[What, bool] | None:
    """A decode step by the end of its name, and its model by the beginning, or by the width of its shape."""
    for endings, is_rate in ((names.decode.rates, True), (names.decode.steps, False)):
        for ending in sorted(endings, key=len, reverse=True):
            if name != ending and not name.endswith(f"_{ending}"):
                continue
            before = re.sub(r"(?:^|_)(?:decode(?:_step)?)$", "", name.removesuffix(ending).strip("_"))
            model = names.decode.models.get(before) or (before if before in data.models else None)
            if model is None and before == "":
                found = _LAST_LENGTH.search(shape or "")
                model = names.decode.model if found and int(found[1][:9]) == names.decode.width else None
            if model is None:
                said = f"is a decode step of a model that is not on file {got(name)}"
                raise Refused("kernel", said, f"known: {', '.join([*names.decode.models, *data.models])}")
            return What("decode", model), is_rate
    return None


# --- how long it took -----------------------------------------------------------------------------


def _latency(row: Row, what: What, is_rate: bool) -> tuple[float, float | None]:
    """Microseconds, and tokens a second where the row holds these."""
    text = needed_number(row.cells.get("latency"), "latency")
    value, unit = quantity(text, "latency")
    if what.kind != "decode" or (unit != _TOKENS and not is_rate):
        return microseconds(text, "latency", row.unit), None
    if unit not in {_TOKENS, None}:
        raise Refused(
            "latency",
            f"is a time where the kernel's name says tok/s {got(text)}",
            "name the kernel decode_step",
        )
    if value <= 0:
        raise Refused("latency", f"is not above 0 {got(text)}", "no step takes for ever; measure it")
    return bounded(1e6 / value, text, "latency"), value


def _bound(row: Row, name: str, us: float) -> float | None:
    """The least or the greatest latency where an aggregate has it; one on the wrong side is none."""
    text = row.cells.get(name)
    if not (text or "").strip():
        return None
    found = microseconds(text, name, row.unit)
    if (found > us) == (name == "lowest") and found != us:
        raise Refused(name, f"lies on the wrong side of the latency {got(text)}", "check both")
    return found


def _rate(text: str | None, us: float, what: What, dtype: Dtype, data: Dataset) -> str | None:
    """The unit of a row's own throughput; ``contradicts`` where it follows from the latency in no unit."""
    if what.kind != "kernel" or not (text or "").strip():
        return None
    try:
        rate, said = quantity(text or "", "throughput")
    except Refused:
        return "contradicts"
    if said not in {None, "gb/s", "gflop/s"}:
        return "contradicts"
    return unit_of(rate, us, data.kernels[what.name], dict(what.shape), dtype) or "contradicts"
