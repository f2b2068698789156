"""New figures to reported records: one for each file, device and implementation, and one for each decode step."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from generator.dataset import Dataset
from generator.importers.drafts import Draft, written
from generator.importers.purs.merging import Figure
from generator.importers.purs.names import Names
from generator.importers.purs.rows import Software, Value

MOST_TIMINGS = 1000
_STATED = "The day of measurement is not stated."
_TRIPLES = "Where the source gives three values a shape they are read as median, minimum, maximum, not as three runs."
_MEDIAN = "Where the source gives several values a shape, the latency is their median."
_POOLED = "The source pools the values of all implementations in one language under the name of one."
_CONTRACT = dict.fromkeys(
    ("tokenization", "prefill", "embedding_lookup", "decoder_layers", "lm_head", "sampling", "token_to_host",
     "compilation", "end_of_sequence"), "not_stated",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Sheet:
    """A record to be: figures of one file that share what a record states once."""

    id: str
    figures: tuple[Figure, ...]
    baseline_of: str | None = None

    @property
    def first(self) -> Value:
        """What all its figures share."""
        return self.figures[0].first


def sheets_of(
    figures: Sequence[Figure], all_figures: Sequence[Figure], names: Names, data: Dataset
) -> list[Sheet]:
    """New figures by record. Ids are the file's name, and the implementation's where the file has several."""
    groups: dict[object, list[Figure]] = defaultdict(list)
    for figure in figures:
        groups[group_of(figure.first)].append(figure)
    several: dict[str, set[object]] = defaultdict(set)
    for figure in all_figures:
        several[figure.first.place.path].add(group_of(figure.first))
    sheets: list[Sheet] = []
    taken = {*data.runs, *data.broken}
    for group in groups.values():
        for start in range(0, len(group), MOST_TIMINGS):
            first = group[start].first
            base = _id(first, len(several[first.place.path]) > 1, names)
            sheets.append(Sheet(_free(base, taken), tuple(group[start : start + MOST_TIMINGS])))
            taken.add(sheets[-1].id)
    return sheets


def group_of(first: Value) -> object:
    """What the figures of one record share."""
    decode = first.key if first.what.kind == "decode" else None
    return (first.place.path, first.device, first.software, decode)


def _id(first: Value, several: bool, names: Names) -> str:
    stem = first.file.rpartition(".")[0] or first.file
    parts = [names.prefix, re.sub(r"_submission$", "", stem)]
    if first.form == "aggregate":
        parts.append(first.device_as_stated)
    if several or first.form == "aggregate":
        found = re.search(r"\(([^()]+)\)$", first.software.implementation or "")
        parts.append(found[1] if found else first.software.implementation or "not-stated")
    slug = re.sub(r"[^a-z0-9]+", "-", "-".join(parts).lower()).strip("-")
    return slug[:88].strip("-")


def _free(base: str, taken: Collection[str]) -> str:
    if base not in taken:
        return base
    return next(name for number in range(2, 10_000) if (name := f"{base}-{number}") not in taken)


def draft_of(sheet: Sheet, names: Names, retrieved: str) -> Draft:
    """The record of a sheet, ready to be judged."""
    first, decode = sheet.first, sheet.first.what.kind == "decode"
    record: dict[str, Any] = {
        "schema": "decode-board/result/1",
        "id": sheet.id,
        "provenance": "reported",
        "role": "baseline" if sheet.baseline_of else "contender",
        "quick": False,
        "device": first.device,
        "device_as_stated": first.device_as_stated,
        "submitter": None,
        "measured_at": None,
        "source": _source(first, names, retrieved),
        **_software(first.software),
        "environment": None,
        "decode": _decode(sheet) if decode else None,
        "kernels": None if decode else _kernels(sheet),
        "notes": _notes(sheet),
    }
    return Draft(f"reported/{names.folder}/{sheet.id}.json", written(record) + "\n")


def _source(first: Value, names: Names, retrieved: str) -> dict[str, Any]:
    said = names.decode_source if first.what.kind == "decode" else names.kernel_source
    folder = names.aggregate if first.form == "aggregate" else names.submissions
    return {
        "title": said.title,
        "url": said.url,
        "locator": folder + first.file,
        "retrieved": retrieved,
        "published": None,
    }


def _software(said: Software) -> dict[str, Any]:
    """The stack, and the source of its kernels where they were emitted from a known one."""
    stack = {
        "name": said.implementation or "not stated",
        "backend": None,
        "languages": [said.language] if said.language else [],
        "toolchain": said.implementation,
        "driver": said.driver,
    }
    source = {"repository": said.repository, "path": None, "revision": said.revision, "sha256": None}
    return {"stack": stack, "kernel_source": source if said.repository else None}


def _notes(sheet: Sheet) -> str:
    said = [_STATED]
    if any(figure.is_triple for figure in sheet.figures):
        said.append(_TRIPLES)
    if any(figure.count > 1 and not figure.is_triple for figure in sheet.figures):
        said.append(_POOLED if sheet.first.form == "aggregate" else _MEDIAN)
    return " ".join(said)


def _kernels(sheet: Sheet) -> dict[str, Any]:
    return {
        "model": None,
        "depth_tokens": None,
        "step_of": None,
        "timings": [_timing(figure) for figure in sheet.figures],
    }


def _timing(figure: Figure) -> dict[str, Any]:
    first = figure.first
    return {
        "kernels": [first.what.name],
        "shape": dict(first.what.shape),
        "dtype": first.dtype,
        "per": "call",
        "execution": first.software.execution,
        "language": first.software.language,
        "implementation": first.software.implementation,
        "numerics_ok": figure.numerics_ok,
        "rel_l2_error": None,
        "error": None,
        "emitted_sha256": None,
        "figure": {
            "latency_us": _rounded(figure.latency_us),
            "min_us": _rounded(figure.min_us),
            "max_us": _rounded(figure.max_us),
            "values_in_source": figure.count,
        },
        "samples_ns": None,
    }


def _decode(sheet: Sheet) -> dict[str, Any]:
    (figure,), first = sheet.figures, sheet.first
    stated = first.tok_per_s if figure.count == 1 else None
    tok_per_s = stated or float(f"{1e6 / figure.latency_us:.6g}")
    return {
        "model": first.what.name,
        "dtype": first.dtype,
        "batch_size": 1,
        "depth_tokens": None,
        "weights": {"kind": "not_stated", "seed": None, "sha256": None},
        "contract": dict(_CONTRACT),
        "baseline_of": sheet.baseline_of,
        "numerics_ok": figure.numerics_ok,
        "logits_rel_l2": None,
        "first_divergence_step": None,
        "token_ids": None,
        "figure": {
            "tok_per_s": tok_per_s,
            "step_us": None if first.tok_per_s else _rounded(figure.latency_us),
            "claims": [],
        },
        "samples": None,
    }


def _rounded(us: float | None) -> float | None:
    """To a nanosecond, or to four digits where that is less."""
    return us if us is None else round(us, 3) if us >= 1 else float(f"{us:.4g}")
