"""A model's weights as a GGUF file for llama.cpp, kept in a cache folder by the hash of what it holds."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

import gguf
import numpy as np

from runners.baselines.job import Job
from runners.checkpoint import expected_shapes
from runners.device import RunnerError
from runners.kernels.sizes import STORAGE_BYTES, Storage
from runners.weights import WeightSource
from schemas.records import Model

_FILE_TYPES: dict[Storage, Any] = {
    "bf16": gguf.LlamaFileType.MOSTLY_BF16,
    "f16": gguf.LlamaFileType.MOSTLY_F16,
    "f32": gguf.LlamaFileType.ALL_F32,
}
_TENSOR_TYPES: dict[Storage, Any] = {
    "bf16": gguf.GGMLQuantizationType.BF16,
    "f16": gguf.GGMLQuantizationType.F16,
    "f32": gguf.GGMLQuantizationType.F32,
}
_MODEL_NAMES = {
    "model.embed_tokens.weight": "token_embd.weight",
    "model.norm.weight": "output_norm.weight",
    "lm_head.weight": "output.weight",
}
_LAYER_NAMES = {
    "input_layernorm": "attn_norm",
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "post_attention_layernorm": "ffn_norm",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
}
_SPARE_BYTES = 200_000_000


def kept_file(job: Job) -> Path:
    """The file of the job's weights, written if there is none. Of older ones, which are large, none is kept."""
    source = job.weights
    path = job.cache_folder / f"{_key(job, source)}.gguf"
    if path.is_file():
        return path
    job.cache_folder.mkdir(parents=True, exist_ok=True)
    for other in job.cache_folder.glob("*.gguf"):
        other.unlink()
    _refuse_what_does_not_fit(job)
    with tempfile.TemporaryDirectory(dir=job.cache_folder) as folder:
        written = Path(folder) / path.name
        _write(written, job.model, job.storage, source)
        written.replace(path)
    return path


def _key(job: Job, source: WeightSource) -> str:
    """The hash of the shapes, the storage type, which weights, and a sample of them."""
    name, shape = next(iter(expected_shapes(job.model).items()))
    sample = source.rows(name, shape, 0, 1).tobytes().hex()
    parts = [job.storage, sample, *(repr(asdict(part)) for part in (job.model, source.record))]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def _refuse_what_does_not_fit(job: Job) -> None:
    elements = sum(int(np.prod(shape)) for shape in expected_shapes(job.model).values())
    needed = STORAGE_BYTES[job.storage] * elements + _SPARE_BYTES
    free = shutil.disk_usage(job.cache_folder).free
    if free < needed:
        raise RunnerError(
            f"{job.cache_folder}: free: too little for llama.cpp's file of the weights (got {free / 1e9:.1f} GB); "
            f"free {needed / 1e9:.1f} GB, or leave out --baseline llama.cpp"
        )


def _write(path: Path, model: Model, storage: Storage, source: WeightSource) -> None:
    """Sizes, then tensors one after the other. llama.cpp wants what has one axis in f32."""
    writer = gguf.GGUFWriter(path, "qwen2")
    _write_sizes(writer, model, storage)
    shapes = expected_shapes(model)
    for name, shape in shapes.items():
        kind: Storage = storage if len(shape) > 1 else "f32"
        size = int(np.prod(shape)) * STORAGE_BYTES[kind]
        # the array's type is not looked at where the tensor's is given
        writer.add_tensor_info(gguf_name(name), shape, np.dtype(np.float32), size, _TENSOR_TYPES[kind])
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_ti_data_to_file()
    for name, shape in shapes.items():
        numbers = source.rows(name, shape, 0, shape[0])
        writer.write_tensor_data(
            numbers.view(np.uint16 if numbers.itemsize == 2 else np.float32)
            if len(shape) > 1
            else numbers.astype(np.float32)
        )
    writer.close()


def _write_sizes(writer: Any, model: Model, storage: Storage) -> None:
    writer.add_name(model.name)
    writer.add_file_type(_FILE_TYPES[storage])
    writer.add_tokenizer_model("no_vocab")
    writer.add_vocab_size(model.vocab_size)
    writer.add_context_length(model.max_position_embeddings)
    writer.add_embedding_length(model.hidden_size)
    writer.add_block_count(model.num_hidden_layers)
    writer.add_feed_forward_length(model.intermediate_size)
    writer.add_head_count(model.num_attention_heads)
    writer.add_head_count_kv(model.num_key_value_heads)
    writer.add_key_length(model.head_dim)
    writer.add_value_length(model.head_dim)
    writer.add_layer_norm_rms_eps(model.rms_norm_eps)
    writer.add_rope_freq_base(model.rope_theta)


def gguf_name(tensor: str) -> str:
    """A checkpoint's tensor as llama.cpp names it."""
    if tensor in _MODEL_NAMES:
        return _MODEL_NAMES[tensor]
    _, _, layer, rest = tensor.split(".", 3)
    part, _, kind = rest.rpartition(".")
    return f"blk.{layer}.{_LAYER_NAMES[part]}.{kind}"
