"""What the protocol's decode step contains and how exact it must be, and how a row's statement compares with it."""

from __future__ import annotations

from dataclasses import fields
from typing import Literal

from schemas.records import Contract, Dtype

STEP = Contract(
    tokenization="excluded",
    prefill="excluded",
    embedding_lookup="included",
    decoder_layers="all",
    lm_head="included",
    sampling="greedy_argmax",
    token_to_host="included",  # noqa: S106 - no password
    compilation="excluded",
    end_of_sequence="ignored",
)
"""Every runner measures this step and no other."""


REPOSITORY = "decode-board"
STACK = "Decode Board"
"""How rows of this repository's runners name the source of their kernels, and the stack that ran them."""

KERNEL_SOURCE = "runners/kernels/source.py"
"""Where this repository keeps the one source of all emitted kernels."""


MOST_REL_L2_ERROR: dict[Dtype, float] = {"f32": 1e-5, "f16": 1e-2, "bf16": 1e-2}
"""How far a kernel's output, and a step's logits, may lie from the float64 reference, by storage type."""


def contract_state(contract: Contract) -> Literal["stated", "partly stated", "another step"]:
    """Whether what a row's step contains is :data:`STEP`; what contradicts it is another step."""
    stated = [(getattr(contract, part.name), getattr(STEP, part.name)) for part in fields(Contract)]
    if any(said not in {wanted, "not_stated"} for said, wanted in stated):
        return "another step"
    return "partly stated" if any(said == "not_stated" for said, _ in stated) else "stated"
