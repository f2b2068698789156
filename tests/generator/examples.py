"""A data folder to vary: small enough to compute by hand, whole enough to build a site from.

The model reads 1,480 weights and an embedding row of 8 a token: 2,976 bytes at 16 bits, and 32 more for
each token in the cache.
"""

from __future__ import annotations

import hashlib
import json
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Self

import pytest

from generator.dataset import Dataset, read_dataset
from generator.layout import SITE_MARK, Layout
from generator.rules import cross_file_problems
from generator.tables import Board, make_board
from schemas.problems import Problem
from tests.schemas import examples

Data = dict[str, Any]

TODAY = date(2026, 6, 1)
MODEL = "tiny"
NOTEBOOK = '{"cells": []}\n'
TASK = "# a task\nname: example\nrun: |\n  echo '<b>'\n"
BYTES_PER_TOKEN = 2976  # at 16 bits, with an empty cache
REPOSITORY = Path(__file__).resolve().parent.parent.parent


@dataclass(frozen=True)
class Folder:
    """``data/`` below ``root``; each method files one valid record, with ``changes`` on top."""

    root: Path

    @property
    def data(self) -> Path:
        return self.root / "data"

    @property
    def layout(self) -> Layout:
        return Layout(REPOSITORY, self.data, self.root / "site", self.root / "build")

    def put(self, place: str, record: Any) -> Self:
        path = self.data / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(examples.written(record, path.suffix))
        return self

    def device(self, name: str, /, **changes: Any) -> Self:
        empty: Data = {"aliases": [], "languages": [], "other_bandwidths": [], "access": None, "price": None}
        facts = {"id": name, "name": f"Device {name}", **empty}
        return self.put(f"devices/{name}.md", examples.device() | facts | changes)

    def model(self, name: str = MODEL, /, **changes: Any) -> Self:
        return self.put(f"models/{name}.yml", examples.model() | TINY | {"id": name} | changes)

    def kernel(self, name: str, /, **changes: Any) -> Self:
        facts = {"id": name, "name": f"Kernel {name}"}
        return self.put(f"kernels/{name}.md", examples.kernel() | KERNELS.get(name, {}) | facts | changes)

    def retract(self, *results: str, **changes: Any) -> Self:
        entries = [
            {"result": name, "date": "2026-01-31", "reason": "a wrong clock", "by": "us"} | changes
            for name in results
        ]
        return self.put("retracted.yml", examples.ledger() | {"retractions": entries})

    def reported(
        self, name: str, device: str, tok_per_s: float | None = 100.0, kernels: Any = None, **changes: Any
    ) -> Self:
        """A published row; ``decode_*`` changes a field of its decode block, None leaves the block out."""
        figure = {"tok_per_s": tok_per_s, "step_us": None, "claims": changes.pop("claims", [])}
        decode = _decode(examples.reported()["decode"] | {"figure": figure}, changes)
        base = examples.reported() | {"id": name, "device": device, "kernels": kernels}
        row = base | {"decode": decode if tok_per_s else None, "kernel_source": None} | changes
        return self.put(f"reported/{changes.get('folder', 'page')}/{name}.json", row)

    def measured(
        self, name: str, device: str, samples: Data | None = None, kernels: Any = None, **changes: Any
    ) -> Self:
        """A runner's row; ``samples`` None leaves the decode block out."""
        decode = _decode(examples.measured()["decode"] | {"samples": samples, "depth_tokens": 0}, changes)
        base = examples.measured() | {"id": name, "device": device, "kernels": kernels}
        row = base | {"decode": decode if samples else None, "kernel_source": None} | changes
        return self.put(f"results/{device}/{name}.json", row)

    def emitted(self, texts: dict[tuple[str, str], str], **changes: Any) -> Self:
        """Texts by kernel and language, and a source for each kernel; ``changes`` are the index's."""
        index = emitted_index(texts) | changes
        for entry in [*index["sources"], *index["kernels"]]:
            text = texts.get((entry["kernel"], entry.get("target", "")), source_of(entry["kernel"]))
            path = self.data / "emitted" / entry["path"]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text.encode())
        return self.put("emitted/index.json", index)

    def proof(self, kernel: str, target: str, text: str, *checks: Data) -> Self:
        """What was proven of one text."""
        entry = {"kernel": kernel, "target": target, "sha256": sha256(text), "checks": list(checks)}
        return self.put("emitted/proof.json", examples.proof() | {"proofs": [entry]})

    def instructions(self, *devices: str, **changes: Any) -> Self:
        """A runner for every GPU, and for each of ``devices`` a way to it, a notebook and a task."""
        for name in devices:
            path = self.data / "devices" / f"{name}.md"
            facts = examples.device()["access"]
            path.write_bytes(
                path.read_bytes().replace(b'"access": null', f'"access": {json.dumps(facts)}'.encode())
            )
            self._beside(f"reproduce/{name}.ipynb", NOTEBOOK)._beside(f"reproduce/{name}.sky.yaml", TASK)
        named = {"notebooks": list(devices), "tasks": list(devices)}
        return self.put("reproduce/index.json", examples.reproduce() | named | changes)

    def _beside(self, place: str, text: str) -> Self:
        path = self.data / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode())
        return self

    def read(self) -> tuple[Dataset, list[Problem]]:
        return read_dataset(self.data)

    def dataset(self) -> Dataset:
        data, problems = self.read()
        assert not problems, "\n".join(map(str, problems))
        return data

    def problems(self, today: date = TODAY) -> list[str]:
        """Every problem, of single files first, as lines."""
        data, problems = self.read()
        return [str(problem) for problem in [*problems, *cross_file_problems(data, today)]]

    def board(self) -> Board:
        """The board of valid data."""
        data, problems = self.read()
        wrong = [*problems, *cross_file_problems(data, TODAY)]
        assert not wrong, "\n".join(map(str, wrong))
        return make_board(data)


TINY: Data = {
    "name": "Tiny 1K",
    "hidden_size": 8,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "num_key_value_heads": 1,
    "head_dim": 4,
    "intermediate_size": 16,
    "vocab_size": 32,
}


def about(value: float) -> Any:
    """``value`` but for rounding, in a place where the types are compared too."""
    return pytest.approx(value)


def picture(svg: str) -> ET.Element:
    """A drawn chart as a tree; this fails where it is no XML."""
    return ET.fromstring(svg)  # noqa: S314 - we drew it


def texts(svg: str) -> list[str]:
    """The texts of a drawn chart, in their order."""
    return [element.text or "" for element in picture(svg).iter("{http://www.w3.org/2000/svg}text")]


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def source_of(kernel: str) -> str:
    """What :meth:`Folder.emitted` writes as the source of a kernel."""
    return f"def {kernel}(x):\n    return x\n"


def price(usd_per_hour: float, **changes: Any) -> Data:
    source = {"title": "a list", "url": "https://example.org/prices"}
    return {
        "usd_per_hour": usd_per_hour,
        "what": "on demand",
        "date": "2026-01-31",
        "source": source,
    } | changes


def emitted_index(texts: dict[tuple[str, str], str]) -> Data:
    """The index of texts, each shown for f16; for f32 another text would have been emitted."""
    kernels = dict.fromkeys(kernel for kernel, _ in texts)
    targets = dict.fromkeys(target for _, target in texts)
    return examples.emitted() | {
        "model": MODEL,
        "targets": [
            {"id": target, "name": f"Language {target}", "suffix": ".c", "form_of": None, "storages": ["f16", "f32"]}
            for target in targets
        ],
        "sources": [
            {"kernel": kernel, **_file_entry(f"source/{kernel}.py", source_of(kernel))} for kernel in kernels
        ],
        "kernels": [
            {"kernel": kernel, "target": target, "storage": "f16", "lengths": {"cols": 8},
             "hashes": {"f16": sha256(text), "f32": sha256(f"{text}f32")},
             **_file_entry(f"{target}/{kernel}.c", text)}
            for (kernel, target), text in texts.items()
        ],
    }  # fmt: skip


def _file_entry(path: str, text: str) -> Data:
    return {"path": path, "sha256": sha256(text), "lines": len(text.splitlines())}


def check(kind: str = "simulated", **changes: Any) -> Data:
    return {"check": kind, "tool": "a simulator", "cases": 3, "this_text": True} | changes


def tensor(name: str, *axes: str, dtype: str | None = None) -> Data:
    return {"name": name, "axes": list(axes), "dtype": dtype}


KERNELS: dict[str, Data] = {
    # 5 calls a token of the tiny model; 48 bytes a call at 16 bits
    "norm": {
        "category": "decode_step",
        "calls_per_layer": 2,
        "calls_per_step": 1,
        "axes": ["cols"],
        "model_shape": {"cols": "hidden_size"},
        "reads": [tensor("x", "cols"), tensor("weight", "cols")],
        "writes": [tensor("y", "cols")],
        "flops": [],
        "rate": "gb_per_s",
    },
    # 2 calls a token; 160 bytes a call at 16 bits
    "proj": {
        "category": "decode_step",
        "calls_per_layer": 1,
        "calls_per_step": 0,
        "axes": ["out", "in"],
        "model_shape": {"out": "q_size", "in": "hidden_size"},
        "reads": [tensor("weight", "out", "in"), tensor("x", "in")],
        "writes": [tensor("y", "out")],
        "flops": [{"times": 2, "axes": ["out", "in"]}],
        "rate": "gb_per_s",
    },
    "attend": {
        "category": "decode_step",
        "calls_per_layer": 1,
        "calls_per_step": 0,
        "axes": ["depth"],
        "model_shape": {"depth": "depth"},
        "reads": [tensor("keys", "depth")],
        "writes": [tensor("y", dtype="f32")],
        "flops": [],
        "rate": "gb_per_s",
    },
    "soft": {
        "category": "microbenchmark",
        "calls_per_layer": 0,
        "calls_per_step": 0,
        "axes": ["rows", "cols"],
        "model_shape": {},
        "reads": [tensor("x", "rows", "cols")],
        "writes": [tensor("y", "rows", "cols", dtype="f32")],
        "flops": [],
        "rate": "gb_per_s",
    },
    "gemm": {
        "category": "microbenchmark",
        "calls_per_layer": 0,
        "calls_per_step": 0,
        "axes": ["m", "n", "k"],
        "model_shape": {},
        "reads": [tensor("a", "m", "k"), tensor("b", "k", "n")],
        "writes": [tensor("c", "m", "n")],
        "flops": [{"times": 2, "axes": ["m", "n", "k"]}],
        "rate": "gflop_per_s",
    },
}


def timing(*kernels: str, us: float | None = None, ns: list[int] | None = None, **changes: Any) -> Data:
    """One kernel latency: a published one in ``us``, or the samples of a runner in ``ns``."""
    figure = {"latency_us": us, "min_us": None, "max_us": None, "values_in_source": 1}
    entry = {
        "kernels": list(kernels),
        "shape": None,
        "dtype": "f16",
        "per": "call",
        "execution": "emitted",
        "language": "CUDA",
        "implementation": "tiled",
        "numerics_ok": None if us else True,
        "rel_l2_error": None,
        "error": None,
        "emitted_sha256": None,
        "figure": figure if us else None,
        "samples_ns": ns,
    }
    return entry | changes


def timings(*entries: Data, model: str | None = MODEL, **changes: Any) -> Data:
    """A kernel block."""
    return {"model": model, "depth_tokens": None, "step_of": None, "timings": list(entries)} | changes


def samples(*repetitions: list[int], **changes: Any) -> Data:
    """Samples step by step; fewer than five repetitions are drawn out to five."""
    drawn = [*repetitions, *[repetitions[-1]] * (5 - len(repetitions))]
    return {
        "timing": "per_step",
        "steps_per_repetition": len(repetitions[0]),
        "warmup_repetitions": 2,
        "compile_s": 1.5,
        "repetitions": [repetition(step_ns=steps) for steps in drawn],
    } | changes


def repetition(**changes: Any) -> Data:
    fields = ("step_ns", "total_ns", "read_gb_per_s_before", "read_gb_per_s_after", "other_cores_busy")
    return {**dict.fromkeys(fields), **changes}


def kernel_source(revision: str | None = "0123abc", sha256: str | None = None) -> Data:
    return {"repository": "kernels", "path": None, "revision": revision, "sha256": sha256}


def claim(metric: str, value: float, unit: str, **changes: Any) -> Data:
    return {
        "metric": metric,
        "statement": "we are fast",
        "value": value,
        "value_high": None,
        "unit": unit,
        "against": None,
        "steps": None,
        "remark": "",
    } | changes


def _decode(block: Data, changes: Data) -> Data:
    """``block`` with the model of these examples, no baseline, and what ``decode_*`` of ``changes`` says."""
    named = [name for name in changes if name.startswith("decode_")]
    inner = {name.removeprefix("decode_"): changes.pop(name) for name in named}
    return block | {"model": MODEL, "dtype": "f16", "baseline_of": None} | inner


def mark_as_site(site: Path) -> None:
    """Make ``site`` a folder that an earlier build may have written, and a later one may replace."""
    (site / SITE_MARK).parent.mkdir(parents=True)
    (site / SITE_MARK).write_text("[]")
