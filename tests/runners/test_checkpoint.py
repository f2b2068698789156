"""A checkpoint is read exactly, or refused with all that is wrong with it, a line each."""

from __future__ import annotations

import hashlib
import json
import struct
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import pytest

from runners.checkpoint import Checkpoint, expected_shapes
from runners.device import RunnerError, element_type
from runners.kernels.sizes import Storage
from schemas.records import Model
from tests.runners.tiny import Tensors, random_tensors, save, tiny_model

UP = "model.layers.1.mlp.up_proj.weight"
FILE_DTYPES = {"bfloat16": ml_dtypes.bfloat16, "float16": np.float16, "float32": np.float32}


def sharded(folder: Path, tensors: Tensors) -> dict[str, str]:
    """Two files and their index, as the hub has them; tensor to file."""
    names = sorted(tensors)
    parts = {"model-00001-of-00002.safetensors": names[:9], "model-00002-of-00002.safetensors": names[9:]}
    for file, part in parts.items():
        save(folder, {name: tensors[name] for name in part}, file)
    index = {name: file for file, part in parts.items() for name in part}
    write_json(folder / "model.safetensors.index.json", {"metadata": {}, "weight_map": index})
    return index


def write_json(path: Path, content: Any) -> None:
    path.write_text(json.dumps(content), "utf-8")


def config(model: Model, **changed: Any) -> dict[str, Any]:
    """A config.json as published: what the model says, and fields that say nothing of shapes."""
    names = ("hidden_size", "num_hidden_layers", "num_attention_heads", "num_key_value_heads", "vocab_size",
             "intermediate_size", "rms_norm_eps", "rope_theta", "tie_word_embeddings")  # fmt: skip
    stated = {name: getattr(model, name) for name in names}
    return {**stated, "model_type": "qwen2", "hidden_act": "silu", "use_cache": True, **changed}


def refused(folder: Path, model: Model | None = None) -> list[str]:
    """The lines of the error, without the folder's path."""
    with pytest.raises(RunnerError) as caught:
        Checkpoint(folder, model or tiny_model(), "bf16")
    return str(caught.value).replace(f"{folder}/", "").splitlines()


@pytest.mark.parametrize("storage", ["bf16", "f16", "f32"])
@pytest.mark.parametrize("dtype", FILE_DTYPES)
def test_rows_are_the_files_in_the_storage_type(tmp_path: Path, dtype: str, storage: Storage) -> None:
    tensors = random_tensors(tiny_model(), FILE_DTYPES[dtype])
    save(tmp_path, tensors)
    checkpoint = Checkpoint(tmp_path, tiny_model(), storage)
    for name, shape in expected_shapes(tiny_model()).items():
        expected = tensors[name].astype(element_type("stored", storage))
        for first, last in ((0, shape[0]), (3, 3), (3, 10)):
            found = checkpoint.rows(name, shape, first, last)
            assert found.dtype == element_type("stored", storage)
            assert np.array_equal(found.astype(np.float32), expected[first:last].astype(np.float32))


def test_a_checkpoint_may_be_in_several_files(tmp_path: Path) -> None:
    tensors = random_tensors(tiny_model())
    sharded(tmp_path, tensors)
    write_json(tmp_path / "config.json", config(tiny_model()))
    checkpoint = Checkpoint(tmp_path, tiny_model(), "f32")
    for name, shape in expected_shapes(tiny_model()).items():
        assert np.array_equal(checkpoint.rows(name, shape, 0, shape[0]), tensors[name])


def test_the_record_holds_the_hash_of_the_file(tmp_path: Path) -> None:
    file = save(tmp_path, random_tensors(tiny_model()))
    record = Checkpoint(tmp_path, tiny_model(), "f32").record
    assert (record.kind, record.seed) == ("checkpoint", None)
    assert record.sha256 == hashlib.sha256(file.read_bytes()).hexdigest()


def test_the_record_of_several_files_holds_the_hash_of_all_in_order(tmp_path: Path) -> None:
    sharded(tmp_path, random_tensors(tiny_model()))
    together = b"".join(path.read_bytes() for path in sorted(tmp_path.glob("*.safetensors")))
    assert Checkpoint(tmp_path, tiny_model(), "f32").record.sha256 == hashlib.sha256(together).hexdigest()


def test_a_tied_checkpoint_may_hold_the_head_or_not(tmp_path: Path) -> None:
    model = tiny_model(tie_word_embeddings=True)
    tensors = random_tensors(model)
    save(tmp_path, tensors)
    Checkpoint(tmp_path, model, "f32")
    save(tmp_path, {**tensors, "lm_head.weight": tensors["model.embed_tokens.weight"]})
    Checkpoint(tmp_path, model, "f32")


def test_a_number_beyond_the_storage_type_is_an_error(tmp_path: Path) -> None:
    tensors = random_tensors(tiny_model())
    tensors[UP][5, 5] = 1e6
    save(tmp_path, tensors)
    checkpoint = Checkpoint(tmp_path, tiny_model(), "f16")
    with pytest.raises(RunnerError, match=r"up_proj.weight: has a number that f16 cannot hold \(got 1000000"):
        checkpoint.rows(UP, (70, 54), 0, 70)
    assert Checkpoint(tmp_path, tiny_model(), "bf16").rows(UP, (70, 54), 5, 6)[0, 5] == 999424


# --- refused, with all that is wrong --------------------------------------------------------------


def test_every_problem_of_every_tensor_is_told_at_once(tmp_path: Path) -> None:
    tensors = random_tensors(tiny_model())
    del tensors["model.norm.weight"]
    tensors[UP] = tensors[UP].T.copy()
    tensors["lm_head.weight"] = tensors["lm_head.weight"].astype(np.int8)
    tensors["model.layers.3.mlp.up_proj.weight"] = tensors[UP]
    save(tmp_path, tensors)
    remedy = "give the folder of the checkpoint that --model names, or name its model"
    assert refused(tmp_path) == [
        f"{tmp_path}: model.norm.weight: is missing; {remedy}",
        "model.safetensors: lm_head.weight: must be one of BF16, F16, F32 (got 'I8'); "
        "use a checkpoint that is not quantised",
        f"model.safetensors: {UP}: must have the shape [70, 54] (got [54, 70]); {remedy}",
        f"model.safetensors: model.layers.3.mlp.up_proj.weight: has no place in the model; {remedy}",
    ]


def test_a_checkpoint_of_another_model_is_told_by_its_configuration(tmp_path: Path) -> None:
    save(tmp_path, random_tensors(tiny_model()))
    changed = {"hidden_size": 64, "rope_scaling": {"type": "yarn"}, "use_sliding_window": True}
    write_json(tmp_path / "config.json", config(tiny_model(), **changed))
    remedy = "give the folder of the checkpoint that --model names, or name its model"
    assert refused(tmp_path) == [
        f"config.json: use_sliding_window: differs from False of tiny (got true); {remedy}",
        f"config.json: rope_type: differs from 'default' of tiny (got 'yarn'); {remedy}",
        f"config.json: hidden_size: differs from 54 of tiny (got 64); {remedy}",
    ]


def test_nested_rotary_settings_are_read(tmp_path: Path) -> None:
    save(tmp_path, random_tensors(tiny_model()))
    stated = config(tiny_model(), rope_parameters={"rope_theta": 5e5, "rope_type": "default"})
    del stated["rope_theta"]
    write_json(tmp_path / "config.json", stated)
    assert [line.split(":")[1] for line in refused(tmp_path)] == [" rope_theta"]


def test_an_empty_folder_is_told(tmp_path: Path) -> None:
    assert refused(tmp_path) == [
        "model.safetensors: file: is missing; give --weights a folder with the checkpoint's safetensors"
    ]


def test_a_missing_shard_is_told_alone(tmp_path: Path) -> None:
    sharded(tmp_path, random_tensors(tiny_model()))
    (tmp_path / "model-00002-of-00002.safetensors").unlink()
    assert [line.split(";")[0] for line in refused(tmp_path)] == [
        "model-00002-of-00002.safetensors: file: is missing"
    ]


def test_an_index_cannot_name_a_file_elsewhere(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    folder = tmp_path / "folder"
    outside.mkdir()
    folder.mkdir()
    save(outside, random_tensors(tiny_model()))
    for name in ("../outside/model.safetensors", str(outside / "model.safetensors"), "config.json", ""):
        write_json(folder / "model.safetensors.index.json", {"weight_map": {UP: name}})
        assert "weight_map: must name files of this folder" in refused(folder)[0]


@pytest.mark.parametrize("index", [[], {}, {"weight_map": []}, {"weight_map": {}}, {"weight_map": {"a": 1}}])
def test_an_index_that_is_none_is_told(tmp_path: Path, index: Any) -> None:
    write_json(tmp_path / "model.safetensors.index.json", index)
    assert refused(tmp_path)[0].startswith("model.safetensors.index.json: ")


@pytest.mark.parametrize("content", [b"{", b"\xff", b"[" * 100_000, b"3", b" " * 10_000_001])
def test_a_configuration_that_is_no_json_is_told(tmp_path: Path, content: bytes) -> None:
    save(tmp_path, random_tensors(tiny_model()))
    (tmp_path / "config.json").write_bytes(content)
    assert [line.split(" (got")[0] for line in refused(tmp_path)] == [
        "config.json: file: must be a JSON object"
    ]


def entry(first: int, last: int, shape: list[int]) -> dict[str, Any]:
    return {"dtype": "F32", "shape": shape, "data_offsets": [first, last]}


HOSTILE = {
    "empty": b"",
    "three bytes": b"abc",
    "no json": struct.pack("<Q", 8) + b"not json",
    "deep json": struct.pack("<Q", 50_000) + b"[" * 50_000,
    "longer header than file": struct.pack("<Q", 1000) + b"{}",
    "longer header than allowed": struct.pack("<Q", 100_000_001) + b"{}",
    "header of 2^63 bytes": struct.pack("<Q", 2**63) + b"{}",
}
HOSTILE_HEADERS = {
    "offsets beyond the file": {"a": entry(0, 6400, [1600])},
    "overlapping tensors": {"a": entry(0, 64, [16]), "b": entry(32, 64, [8])},
    "offsets backwards": {"a": entry(64, 0, [16])},
    "offsets that do not fit the shape": {"a": entry(0, 64, [15])},
    "negative shape": {"a": entry(0, 64, [-16])},
    "shape beyond 64 bits": {"a": entry(0, 64, [2**62, 16])},
    "unknown type": {"a": {**entry(0, 64, [16]), "dtype": "F31"}},
}


def with_header(header: Any, data_bytes: int = 64) -> bytes:
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + bytes(data_bytes)


@pytest.mark.parametrize(
    "content",
    [*HOSTILE.values(), *map(with_header, HOSTILE_HEADERS.values())],
    ids=[*HOSTILE, *HOSTILE_HEADERS],
)
def test_a_hostile_file_is_refused_in_one_line(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "model.safetensors").write_bytes(content)
    lines = refused(tmp_path)
    assert len(lines) == 1
    assert lines[0].startswith("model.safetensors: header: is not that of a safetensors file (got: ")


def test_a_truncated_file_is_refused(tmp_path: Path) -> None:
    file = save(tmp_path, random_tensors(tiny_model()))
    file.write_bytes(file.read_bytes()[:-1])
    assert refused(tmp_path)[0].startswith("model.safetensors: header: ")


def test_a_file_of_nothing_lists_no_more_than_fifty_problems(tmp_path: Path) -> None:
    save(tmp_path, {"a": np.zeros(1, np.float32)})
    lines = refused(tmp_path, tiny_model(num_hidden_layers=10))
    assert len(lines) == 51
    assert lines[-1] == "and 74 more problems; mend these first"


def test_what_a_file_says_is_escaped(tmp_path: Path) -> None:
    tensors = random_tensors(tiny_model())
    save(tmp_path, {**tensors, "\x1b[31mred\nsecond line": tensors[UP]})
    lines = refused(tmp_path)
    assert len(lines) == 1
    assert "\\x1b[31mred\\nsecond line: has no place in the model" in lines[0]
