"""The TPU's runner and its baseline over several of JAX's CPU devices, as many as its process was started with.

``python -m tests.runners.fakes.tpu_cores 4`` prints, as JSON, what both decode, and where a weight's parts lie.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

from runners.baselines.job import Job
from runners.kernels.source import KERNELS
from runners.stacks.tpu import apart as tpu_apart
from runners.step import decode_step
from runners.weights import Synthetic, first_contents
from tests.runners.fakes.tpu import InterpretedTpu
from tests.runners.tiny import tiny_model

FOUR_SHARE = tiny_model(
    hidden_size=56, num_attention_heads=4, num_key_value_heads=2, head_dim=12, intermediate_size=72,
    vocab_size=132, num_hidden_layers=2,
)  # fmt: skip
DEPTH_TOKENS, STEPS, SEED = 4, 4, 3


def environment(devices: int) -> dict[str, str]:
    """What a process needs to see so many."""
    forced = f"--xla_force_host_platform_device_count={devices}"
    return {**os.environ, "JAX_PLATFORMS": "cpu", "XLA_FLAGS": forced}


def decoded(cores: int) -> dict[str, Any]:
    """What ours decodes, its kernels timed and not, and the baseline."""
    tpu_apart.LAUNCHES_TOGETHER = 1
    step = decode_step(FOUR_SHARE, "f32", DEPTH_TOKENS + STEPS)
    device = InterpretedTpu(cores)
    identity = device.open()
    kernels = {name: device.emit(KERNELS[name], sizes, "f32") for name, sizes in step.sizes.items()}
    device.load(step, kernels, first_contents(FOUR_SHARE, step, Synthetic(SEED, "f32"), DEPTH_TOKENS, SEED))
    traced = device.trace(1)
    tokens = [device.read("token").tolist(), *device.run(STEPS - 1).tokens]
    parts = {name: list(array.sharding.shard_shape(array.shape)) for name, array in device.constant.items()}
    return {
        "count": identity.count,
        "tokens": tokens,
        "logits": device.read("logits").tolist(),
        "traced": sum(map(len, traced)),
        "native": native_tokens(cores),
        "parts": parts,
    }


def native_tokens(cores: int) -> list[int]:
    """What the baseline decodes."""
    from runners.baselines.jax_native import NativeJax

    job = Job(FOUR_SHARE, "f32", DEPTH_TOKENS, STEPS, "tpu", {"cores": cores}, SEED, None, Path())
    native = NativeJax(job)
    native.restart()
    return [native.step(token) for token in (1, 2, 3)]


if __name__ == "__main__":
    print(json.dumps(decoded(int(sys.argv[1]))))
