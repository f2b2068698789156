"""A published checkpoint in safetensors, read by rows; a stranger's files, so all is checked before use.

The safetensors library reads them: its NumPy path gives slices of bfloat16 without torch, copies out of a
mapped file what is asked for and no more, and refuses a header that is too long, is not JSON, or whose
offsets overlap or leave the file. Shapes and types are ours to check, against the model.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open

from runners.device import Numbers, RunnerError, element_type
from runners.kernels.sizes import Storage
from runners.step import decode_step
from schemas.problems import Problem, escaped, got
from schemas.records import Model, Weights

_SINGLE, _INDEX, _CONFIG = "model.safetensors", "model.safetensors.index.json", "config.json"
_FILE_DTYPES = ("BF16", "F16", "F32")
_MOST_JSON_BYTES = 10_000_000
_MOST_PROBLEMS = 50
_ELSEWHERE = "give the folder of the checkpoint that --model names, or name its model"
_AGAIN = "download the file again"


class Checkpoint:
    """The folder of a checkpoint of ``model``. Raises :class:`RunnerError` with all that is wrong, a line each.

    Numbers are converted to the storage type as they are read; one that it cannot hold is an error.
    """

    def __init__(self, folder: Path, model: Model, storage: Storage) -> None:
        self._storage = storage
        self._problems: list[Problem] = []
        self._check_config(folder / _CONFIG, model)
        files = self._files(folder)
        self._open = {path: opened for path in sorted(files) if (opened := self._opened(path)) is not None}
        self._tensors = {name: path for path, opened in self._open.items() for name in opened.keys()}  # noqa: SIM118
        if len(self._open) == len(files):
            self._check_tensors(folder, expected_shapes(model), set(ignored(model)))
        if self._problems:
            raise RunnerError(_told(self._problems))

    @cached_property
    def record(self) -> Weights:
        """The SHA-256 of the files' bytes in the order of their names: of a single file, the one its hub shows.

        Seconds for gigabytes, when first asked for: ask before anything is timed.
        """
        digest = hashlib.sha256()
        for path in self._open:
            with path.open("rb") as file:
                while piece := file.read(1 << 22):
                    digest.update(piece)
        return Weights("checkpoint", None, digest.hexdigest())

    def rows(self, tensor: str, shape: tuple[int, ...], first: int, last: int) -> Numbers:
        """Rows [first, last) of ``tensor``, in the storage's NumPy type."""
        path = self._tensors[tensor]
        found: Numbers = self._open[path].get_slice(tensor)[first:last]
        if found.shape[1:] != shape[1:]:
            raise ValueError(f"{tensor} has rows of {found.shape[1:]} (asked for {shape[1:]})")
        with np.errstate(over="ignore"):
            converted: Numbers = found.astype(element_type("stored", self._storage), copy=False)
        if converted is not found and np.isinf(converted).any() and not np.isinf(found).any():
            problem = f"has a number that {self._storage} cannot hold {got(float(abs(found).max()))}"
            raise RunnerError(str(Problem(path.name, tensor, problem, "choose --dtype bf16 or f32")))
        return converted

    def _check_config(self, path: Path, model: Model) -> None:
        """The checkpoint's own configuration, where it has one, must say what the model's file says."""
        config = self._json(path) if path.exists() else {}
        for field, expected, stated in _stated(config, model):
            if stated != expected:
                problem = f"differs from {expected!r} of {model.id} {got(stated)}"
                self._add(path, field, problem, _ELSEWHERE)

    def _files(self, folder: Path) -> set[Path]:
        """The single file, or those that the index names."""
        if not (folder / _INDEX).exists():
            return {folder / _SINGLE}
        index = self._json(folder / _INDEX).get("weight_map")
        names = set(index.values()) if isinstance(index, dict) and _all_text(index) else {""}
        for name in sorted(names):
            if Path(name).name != name or not name.endswith(".safetensors"):
                problem = f"must name files of this folder {got(name)}"
                self._add(folder / _INDEX, "weight_map", problem, _AGAIN)
                names.discard(name)
        return {folder / name for name in names}

    def _opened(self, path: Path) -> Any | None:
        if not path.is_file():
            self._add(path, "file", "is missing", "give --weights a folder with the checkpoint's safetensors")
            return None
        try:
            return safe_open(path, framework="np")
        except (SafetensorError, OSError) as error:
            said = escaped(str(error).removeprefix("Error while deserializing header: "), 200)
            self._add(path, "header", f"is not that of a safetensors file (got: {said})", _AGAIN)
            return None

    def _check_tensors(self, folder: Path, expected: dict[str, tuple[int, ...]], others: set[str]) -> None:
        for name, shape in expected.items():
            if name not in self._tensors:
                self._add(folder, name, "is missing", _ELSEWHERE)
                continue
            path = self._tensors[name]
            part = self._open[path].get_slice(name)
            found, dtype = tuple(part.get_shape()), part.get_dtype()
            if found != shape:
                self._add(path, name, f"must have the shape {list(shape)} (got {list(found)})", _ELSEWHERE)
            if dtype not in _FILE_DTYPES:
                remedy = "use a checkpoint that is not quantised"
                self._add(path, name, f"must be one of {', '.join(_FILE_DTYPES)} {got(dtype)}", remedy)
        for name in sorted(set(self._tensors) - set(expected) - others):
            self._add(self._tensors[name], name, "has no place in the model", _ELSEWHERE)

    def _json(self, path: Path) -> dict[str, Any]:
        """A JSON object, or an empty one and a problem."""
        try:
            if path.stat().st_size > _MOST_JSON_BYTES:
                raise ValueError("more than 10 MB")
            found = json.loads(path.read_bytes())
            if isinstance(found, dict):
                return found
            raise ValueError("not an object")
        except (OSError, ValueError, RecursionError) as error:
            self._add(path, "file", f"must be a JSON object {got(str(error))}", _AGAIN)
            return {}

    def _add(self, path: Path, field: str, problem: str, remedy: str) -> None:
        self._problems.append(Problem(str(path), field, problem, remedy))


def expected_shapes(model: Model) -> dict[str, tuple[int, ...]]:
    """Checkpoint tensor to shape, for all that a decode step of ``model`` reads."""
    buffers = decode_step(model, "f32", 1).buffers.values()
    return {buffer.tensor: buffer.shape for buffer in buffers if buffer.role == "weight"}


def ignored(model: Model) -> Iterator[str]:
    """Tensors that a checkpoint may hold though the model can do without them."""
    if model.tie_word_embeddings:
        yield "lm_head.weight"
    for layer in range(model.num_hidden_layers):
        yield f"model.layers.{layer}.self_attn.rotary_emb.inv_freq"


def _stated(config: dict[str, Any], model: Model) -> Iterator[tuple[str, object, object]]:
    """Field, the model's value, the configuration's; a field that the configuration lacks is left out."""
    rope = config.get("rope_parameters") or config.get("rope_scaling") or {}
    rope = rope if isinstance(rope, dict) else {"rope_type": rope}
    flat = {"rope_theta": rope.get("rope_theta"), "rope_type": rope.get("rope_type", rope.get("type"))}
    stated = {**{field: value for field, value in flat.items() if value is not None}, **config}
    expected: dict[str, object] = {
        "model_type": model.architecture,
        "hidden_act": "silu",
        "use_sliding_window": False,
        "rope_type": "default",
        **{field: getattr(model, field) for field in _FIELDS},
    }
    for field, value in expected.items():
        if field in stated:
            yield field, value, stated[field]


_FIELDS = (
    "hidden_size",
    "num_hidden_layers",
    "num_attention_heads",
    "num_key_value_heads",
    "head_dim",
    "intermediate_size",
    "vocab_size",
    "rms_norm_eps",
    "rope_theta",
    "tie_word_embeddings",
)


def _all_text(names: dict[str, Any]) -> bool:
    return bool(names) and all(isinstance(name, str) for name in names.values())


def _told(problems: list[Problem]) -> str:
    more = len(problems) - _MOST_PROBLEMS
    lines = [str(problem) for problem in problems[:_MOST_PROBLEMS]]
    return "\n".join([*lines, *([f"and {more:,} more problems; mend these first"] if more > 0 else [])])
