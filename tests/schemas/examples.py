"""Valid example data of every kind of record, with every field filled that may be filled, and how to store it.

Each builder returns fresh plain data, for a test to change one thing in.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from schemas.load import load
from schemas.problems import Problem
from schemas.records import Record

Data = dict[str, Any]
Step = str | int

_LINE = re.compile(r"[^:]+: .+?: .+; .+")
_SHA256 = "0123456789abcdef" * 4


def device() -> Data:
    return {
        "schema": "decode-board/device/1",
        "id": "example-gpu",
        "name": "Example GPU 24 GB",
        "vendor": "Example",
        "type": "GPU",
        "memory_gb": 24,
        "tdp_w": 72.5,
        "peak_bandwidth": {"gb_per_s": 300, "what": "GDDR6 of the board", "source": reference()},
        "other_bandwidths": [{"gb_per_s": 280.5, "what": "measured copy", "source": reference()}],
        "aliases": ["example-gpu-24gb"],
        "sources": [reference()],
        "languages": [{"target": "cuda", "kernels": ["softmax"]}, {"target": "c", "kernels": []}],
        "reproduction": {
            "machine": "a rented machine",
            "method": "run the runner",
            "source": reference(),
            "options": "--cores 8",
        },
        "access": {
            "colab": {
                "runtime": "X1 GPU",
                "accelerator": "X1",
                "seen_as": "Example X1",
                "install": ["pip install 'example<13'"],
            },
            "skypilot": {
                "infra": "gcp/us-central1",
                "accelerators": "X1:1",
                "instance_type": "x1.small",
                "accelerator_args": {"runtime_version": "v2-example"},
                "image_id": "docker:example/image:1",
                "disk_size": 100,
                "first": ["sudo apt-get update"],
            },
        },
        "price": {"usd_per_hour": 1.25, "what": "on demand", "date": "2026-01-31", "source": reference()},
        "notes": "A board with `GDDR6` memory.\n\n- bound by memory\n- [its page](https://example.org/gpu)",
    }


def model() -> Data:
    """The published configuration of DeepSeek-R1-Distill-Qwen-1.5B."""
    return {
        "schema": "decode-board/model/1",
        "id": "example-model",
        "name": "DeepSeek-R1-Distill-Qwen-1.5B",
        "architecture": "qwen2",
        "hidden_size": 1536,
        "num_hidden_layers": 28,
        "num_attention_heads": 12,
        "num_key_value_heads": 2,
        "head_dim": 128,
        "intermediate_size": 8960,
        "vocab_size": 151936,
        "max_position_embeddings": 131072,
        "rms_norm_eps": 1e-06,
        "rope_theta": 10000,
        "attention_bias": True,
        "tie_word_embeddings": False,
        "torch_dtype": "bfloat16",
        "source": reference(),
    }


def kernel() -> Data:
    return {
        "schema": "decode-board/kernel/1",
        "id": "attention-example",
        "name": "Attention",
        "summary": "one query over the cache",
        "category": "decode_step",
        "calls_per_layer": 2,
        "calls_per_step": 1,
        "axes": ["heads", "depth", "dim"],
        "model_shape": {"heads": "num_key_value_heads", "depth": "depth", "dim": 128},
        "reads": [
            {"name": "keys", "axes": ["heads", "depth", "dim"], "dtype": None},
            {"name": "position", "axes": [], "dtype": "i32"},
        ],
        "writes": [{"name": "mixed", "axes": ["heads", "dim"], "dtype": "f32"}],
        "flops": [{"times": 4, "axes": ["heads", "depth", "dim"]}],
        "rate": "gb_per_s",
        "notes": "Reads the whole cache once.",
    }


def ledger() -> Data:
    entry = {
        "result": "example-reported",
        "date": "2024-02-29",
        "reason": "the clock was wrong",
        "by": "a maintainer",
    }
    return {"schema": "decode-board/retracted/1", "retractions": [entry]}


def emitted() -> Data:
    """What the emitters wrote: one kernel in one language."""
    language = {"id": "c", "name": "C", "suffix": ".c", "form_of": None, "storages": ["bf16", "f32"]}
    form = language | {"id": "c-body", "name": "C, the body only", "form_of": "c"}
    source = {"kernel": "rope", "path": "source/rope.py", "sha256": _SHA256, "lines": 4}
    text = {
        "kernel": "rope",
        "target": "c",
        "storage": "bf16",
        "lengths": {"heads": 2},
        "path": "c/rope.c",
        "sha256": _SHA256,
        "lines": 30,
        "hashes": {"bf16": _SHA256, "f32": _SHA256[::-1]},
    }
    return {
        "schema": "decode-board/emitted/1",
        "id": "index",
        "model": "example-model",
        "targets": [language, form],
        "sources": [source],
        "kernels": [text],
    }


def proof() -> Data:
    """What the tests proved of it."""
    check = {"check": "simulated", "tool": "a compiler and its sanitizers", "cases": 24, "this_text": True}
    entry = {"kernel": "rope", "target": "c", "sha256": _SHA256, "checks": [check]}
    return {"schema": "decode-board/proof/1", "id": "proof", "proofs": [entry]}


def reported() -> Data:
    """A row from a publication: figures and their source."""
    return {
        **_result("example-reported", "reported"),
        "device_as_stated": "Example GPU",
        "source": {
            "title": "A page of figures",
            "url": "https://example.org/page?x=1#table-2",
            "locator": "table 2, row 3",
            "retrieved": "2024-02-29",
            "published": "2023-12-31",
        },
        "decode": {
            **_decode(),
            "depth_tokens": None,
            "weights": {"kind": "not_stated", "seed": None, "sha256": None},
            "contract": dict.fromkeys(protocol(), "not_stated"),
            "numerics_ok": None,
            "figure": {
                "tok_per_s": 88.4,
                "step_us": 11312.2,
                "claims": [
                    {
                        "metric": "mbu_percent",
                        "statement": "about 90 % of the bandwidth",
                        "value": 90,
                        "value_high": 91.5,
                        "unit": "%",
                        "against": "example-baseline",
                        "steps": 128,
                        "remark": "derived by the source itself",
                    }
                ],
            },
        },
        "kernels": _kernels(
            figure={"latency_us": 12.5, "min_us": 12, "max_us": 13, "values_in_source": 3},
            numerics_ok=None,
        ),
    }


def measured() -> Data:
    """A row of a runner: raw samples of decode steps and of kernels, and the machine they come from."""
    return {
        **_result("example-measured", "measured"),
        "submitter": "A. Person",
        "measured_at": "2024-02-29T23:59:59Z",
        "environment": {
            "device_name": "Example GPU",
            "device_count": 1,
            "driver": "550.1",
            "toolchain": [{"name": "compiler", "version": "12.1"}],
            "os": "Linux 6.1",
            "cpu_model": "Example CPU",
            "cpu_count": 16,
            "memory_bytes": 68719476736,
            "runner": "example-runner",
            "runner_version": "1.0",
            "git_revision": "0123abc",
            "git_dirty": False,
            "command": "run --model example-model",
        },
        "decode": {**_decode(), "samples": samples()},
        "kernels": _kernels(samples_ns=[1200, 1210, 1190], numerics_ok=True),
    }


def samples() -> Data:
    return {
        "timing": "per_step",
        "steps_per_repetition": 3,
        "warmup_repetitions": 1,
        "compile_s": 2.5,
        "repetitions": [
            {
                "step_ns": [1000, 1001, 1002],
                "total_ns": 3003,
                "read_gb_per_s_before": 290.5,
                "read_gb_per_s_after": 291,
                "other_cores_busy": 0.1,
            }
        ],
    }


def protocol() -> dict[str, str]:
    """The contract that every measured row must keep."""
    return {
        "tokenization": "excluded",
        "prefill": "excluded",
        "embedding_lookup": "included",
        "decoder_layers": "all",
        "lm_head": "included",
        "sampling": "greedy_argmax",
        "token_to_host": "included",
        "compilation": "excluded",
        "end_of_sequence": "ignored",
    }


def reference() -> Data:
    return {"title": "A page", "url": "https://example.org/page"}


def _result(name: str, provenance: str) -> Data:
    return {
        "schema": "decode-board/result/1",
        "id": name,
        "provenance": provenance,
        "role": "contender",
        "quick": False,
        "device": "example-gpu",
        "device_as_stated": None,
        "submitter": None,
        "measured_at": None,
        "source": None,
        "stack": {
            "name": "an emitter",
            "backend": "cuda",
            "languages": ["CUDA C++", "Rust"],
            "toolchain": "compiler 12.1",
            "driver": "550.1",
        },
        "kernel_source": {
            "repository": "https://example.org/kernels",
            "path": "src/kernels.rs",
            "revision": "0123abc",
            "sha256": _SHA256,
        },
        "environment": None,
        "decode": None,
        "kernels": None,
        "notes": "plain text",
    }


def _decode() -> Data:
    return {
        "model": "example-model",
        "dtype": "bf16",
        "batch_size": 1,
        "depth_tokens": 64,
        "weights": {"kind": "synthetic", "seed": 2**63 - 1, "sha256": _SHA256},
        "contract": protocol(),
        "baseline_of": "example-contender",
        "numerics_ok": True,
        "logits_rel_l2": 0.001,
        "first_divergence_step": 7,
        "token_ids": [0, 1, 151935],
        "figure": None,
        "samples": None,
    }


def _kernels(
    figure: Data | None = None, samples_ns: list[int] | None = None, numerics_ok: bool | None = None
) -> Data:
    timing = {
        "kernels": ["attention-example", "rope"],
        "shape": {"heads": 2, "depth": 64},
        "dtype": "bf16",
        "per": "call",
        "execution": "emitted",
        "language": "CUDA C++",
        "implementation": "one block a head",
        "numerics_ok": numerics_ok,
        "rel_l2_error": 0.002,
        "error": "compiled, then refused by the driver",
        "emitted_sha256": _SHA256,
        "figure": figure,
        "samples_ns": samples_ns,
    }
    return {"model": "example-model", "depth_tokens": 64, "step_of": "example-step", "timings": [timing]}


def reproduce() -> Data:
    return {
        "schema": "decode-board/reproduce/1",
        "id": "index",
        "repository": "https://github.com/example/board",
        "branch": "main",
        "notebooks_open_at": "https://notebooks.example.org/example/board/main",
        "setup": ["git clone https://github.com/example/board.git", "cd board"],
        "protocol": {
            "model": "example-model",
            "depth_tokens": 128,
            "steps": 64,
            "warmup_repetitions": 2,
            "repetitions": 5,
            "seconds": 30.5,
            "tolerance_percent": 5,
        },
        "runners": [
            {
                "id": "example",
                "name": "Example",
                "kind": "GPU",
                "targets": ["cuda"],
                "languages": ["CUDA"],
                "storages": ["bf16", "f32"],
                "machine": "A machine with an example.",
                "install": ["pip install 'example>=1'"],
                "quick": "python -m runners.example --quick",
                "run": "python -m runners.example --baseline all",
                "minutes_least": 2,
                "minutes_most": 4,
                "baselines": [{"name": "other", "install": "pip install 'other<2'"}],
                "options": [{"name": "--threads", "help": "Threads.", "default": "all"}],
            }
        ],
        "notebooks": ["example-gpu"],
        "tasks": ["example-gpu"],
    }


# Where each kind of record lies below data/.
EXAMPLES: dict[str, Data] = {
    "devices/example-gpu.md": device(),
    "models/example-model.yml": model(),
    "kernels/attention-example.md": kernel(),
    "reported/example/example-reported.json": reported(),
    "results/example-gpu/example-measured.json": measured(),
    "retracted.yml": ledger(),
    "emitted/index.json": emitted(),
    "emitted/proof.json": proof(),
    "reproduce/index.json": reproduce(),
}
MEASURED = "results/example-gpu/example-measured.json"
REPORTED = "reported/example/example-reported.json"
DEVICE = "devices/example-gpu.md"
MODEL = "models/example-model.yml"


def written(data: Any, suffix: str) -> bytes:
    """``data`` in the format of a file ending; JSON is YAML too."""
    if suffix != ".md":
        return json.dumps(data).encode()
    facts = {name: value for name, value in data.items() if name != "notes"}
    return f"---\n{json.dumps(facts)}\n---\n{data['notes']}\n".encode(errors="surrogatepass")


def load_bytes(raw: bytes, data_folder: Path, place: str) -> Record | list[Problem]:
    """What becomes of a file of these bytes at ``place`` below ``data/``."""
    path = data_folder / place
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(raw)
    return load(path, data_folder)


def load_data(data: Any, data_folder: Path, place: str) -> Record | list[Problem]:
    return load_bytes(written(data, Path(place).suffix), data_folder, place)


def lines(outcome: Record | list[Problem]) -> list[str]:
    """The lines of a refusal, after a check that each is one printable line of the agreed form."""
    assert isinstance(outcome, list), f"was accepted: {outcome}"
    assert outcome, "a refusal without a reason"
    said = [str(problem) for problem in outcome]
    for line in said:
        assert line.isprintable(), repr(line)
        assert _LINE.fullmatch(line), line
        assert len(line) < 1500, line
    return said


def only_line(outcome: Record | list[Problem]) -> str:
    """The line of a refusal for one reason."""
    said = lines(outcome)
    assert len(said) == 1, said
    return said[0]


def places(
    data: Any, kinds: type | tuple[type, ...], at: tuple[Step, ...] = ()
) -> Iterator[tuple[Step, ...]]:
    """The paths of all values of these types in ``data``."""
    if isinstance(data, kinds):
        yield at
    if isinstance(data, dict | list):
        for key, value in data.items() if isinstance(data, dict) else enumerate(data):
            yield from places(value, kinds, (*at, key))


def value_at(data: Any, path: tuple[Step, ...]) -> Any:
    for part in path:
        data = data[part]
    return data


def put(data: Any, path: tuple[Step, ...], value: Any) -> None:
    """Replace the value at ``path``."""
    value_at(data, path[:-1])[path[-1]] = value
