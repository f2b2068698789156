"""A data folder of any size with made-up numbers, for benchmarks only: it never goes into data/.

Facts about kernels and the model are the real ones; devices, times and environments are drawn from a fixed
seed. A result file holds one measured run: a decode block of 5 x 64 steps and the kernels of its step.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
KERNELS = ("rms_norm", "q_proj_matvec", "kv_proj_matvec", "rope_qk", "attention_decode_gqa", "o_proj_matvec",
           "mlp_gate_up_silu", "down_proj_residual", "lm_head_matvec")  # fmt: skip
MODEL = "deepseek-r1-distill-qwen-1.5b"
DTYPES = ("f32", "f16", "bf16")
LANGUAGES = ("C", "CUDA", "Pallas", "Metal", "NKI Python", "AscendC C++")
CONTRACT = {
    "tokenization": "excluded", "prefill": "excluded", "embedding_lookup": "included", "decoder_layers": "all",
    "lm_head": "included", "sampling": "greedy_argmax", "token_to_host": "included", "compilation": "excluded",
    "end_of_sequence": "ignored",
}  # fmt: skip


def make(folder: Path, rows: int, rows_per_file: int = 10, devices: int = 60, people: int = 50) -> Path:
    """A data folder with ``rows`` rows, a decode row and ``rows_per_file - 1`` kernel rows a file."""
    for name in ("kernels", "models"):
        shutil.copytree(ROOT / "data" / name, folder / name)
    (folder / "devices").mkdir()
    for index in range(devices):
        (folder / "devices" / f"device-{index:03}.md").write_text(_device(index))
    random = np.random.default_rng(1)
    for index in range(rows // rows_per_file):
        device = f"device-{index % devices:03}"
        run = _run(f"run-{index:06}", device, index, rows_per_file - 1, random)
        run["submitter"] = f"person-{index % people}"
        (folder / "results" / device).mkdir(parents=True, exist_ok=True)
        (folder / "results" / device / f"{run['id']}.json").write_text(json.dumps(run))
    return folder


def _device(index: int) -> str:
    bandwidth = f"{{gb_per_s: {4000 + 10 * index}, what: whole device, source: {_REFERENCE}}}"
    return f"""---
schema: decode-board/device/1
id: device-{index:03}
name: Synthetic device {index}
vendor: Vendor {index % 7}
type: GPU
memory_gb: 64
tdp_w: 300
peak_bandwidth: {bandwidth}
other_bandwidths: []
aliases: []
languages: []
sources: []
reproduction: null
---
A device that does not exist.
"""


_REFERENCE = '{title: "made up", url: "https://board.example/"}'


def _run(name: str, device: str, index: int, kernels: int, random: np.random.Generator) -> dict[str, Any]:
    step_ns = 8e6 * (1 + random.random() * 20)
    return {
        "schema": "decode-board/result/1", "id": name, "provenance": "measured", "role": "contender", "quick": False,
        "device": device, "device_as_stated": None, "submitter": "",
        "measured_at": f"2026-0{1 + index % 9}-1{index % 10}T12:00:00Z", "source": None,
        "stack": {"name": "synthetic", "backend": None, "languages": [LANGUAGES[index % 6]],
                  "toolchain": "compiler 1.0", "driver": None},
        "kernel_source": {"repository": "synthetic", "path": None, "revision": "0123abc", "sha256": None},
        "environment": {"device_name": device, "device_count": 1, "driver": None,
                        "toolchain": [{"name": "compiler", "version": "1.0"}], "os": "Linux", "cpu_model": "CPU",
                        "cpu_count": 2, "memory_bytes": 2.4e10, "runner": "null", "runner_version": "0.1.0",
                        "git_revision": None, "git_dirty": None, "command": "python -m runners.null"},
        "decode": _decode(DTYPES[index % 3], step_ns, random),
        "kernels": {"model": MODEL, "depth_tokens": 128, "step_of": None,
                    "timings": [_timing(k, DTYPES[index % 3], random) for k in range(kernels)]} if kernels else None,
        "notes": "",
    }  # fmt: skip


def _decode(dtype: str, step_ns: float, random: np.random.Generator) -> dict[str, Any]:
    times = (step_ns * (1 + 0.02 * random.standard_normal((5, 64)))).astype(int)
    repetitions = [
        {"step_ns": row, "total_ns": None, "read_gb_per_s_before": None, "read_gb_per_s_after": None,
         "other_cores_busy": None}
        for row in times.tolist()
    ]  # fmt: skip
    return {
        "model": MODEL, "dtype": dtype, "batch_size": 1, "depth_tokens": 128,
        "weights": {"kind": "synthetic", "seed": 0, "sha256": None}, "contract": CONTRACT, "baseline_of": None,
        "numerics_ok": True, "logits_rel_l2": 1e-3, "first_divergence_step": None, "token_ids": None, "figure": None,
        "samples": {"timing": "per_step", "steps_per_repetition": 64, "warmup_repetitions": 2, "compile_s": 1.0,
                    "repetitions": repetitions},
    }  # fmt: skip


def _timing(index: int, dtype: str, random: np.random.Generator) -> dict[str, Any]:
    samples = (1e5 * (1 + index) * (1 + 0.05 * random.random(20))).astype(int).tolist()
    return {
        "kernels": [KERNELS[index % len(KERNELS)]], "shape": None, "dtype": dtype, "per": "call",
        "execution": "emitted", "language": LANGUAGES[index % 6], "implementation": f"variant {index // len(KERNELS)}",
        "numerics_ok": True, "rel_l2_error": 1e-4, "error": None, "emitted_sha256": None,
        "figure": None, "samples_ns": samples,
    }  # fmt: skip
