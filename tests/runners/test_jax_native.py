"""The baseline of TPUs, native JAX: it decodes what we decode, in our own process, and says why when it cannot."""

from __future__ import annotations

from dataclasses import replace
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from runners.baselines import stacks, start
from runners.device import RunnerError
from schemas.records import Model
from tests.runners.test_baselines import (
    DEPTH_TOKENS,
    MODEL,
    STEPS,
    TIED,
    options,
    our_tokens,
    tame_tensors,
)
from tests.runners.tiny import save

pytestmark = pytest.mark.skipif(
    find_spec("jax") is None, reason="jax is not installed: pip install '.[test]'"
)


@pytest.fixture(autouse=True)
def without_libtpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """JAX's own CPU is device enough."""
    native = {**stacks.STACKS, "jax": replace(stacks.STACKS["jax"], imports=("jax",))}
    monkeypatch.setattr(stacks, "STACKS", native)


@pytest.mark.parametrize(
    ("model", "depth_tokens"), [(MODEL, DEPTH_TOKENS), (TIED, 0)], ids=["untied", "tied, empty cache"]
)
def test_it_decodes_our_tokens_again_and_again(tmp_path: Path, model: Model, depth_tokens: int) -> None:
    save(tmp_path, tame_tensors(model))
    expected = our_tokens(model, tmp_path, depth_tokens)
    assert len(set(expected)) > STEPS // 2
    with start("jax", options(model, tmp_path, depth_tokens)) as beside:
        assert beside.versions == {"jax": version("jax")}
        assert [beside.repetition(STEPS).tokens for _ in range(2)] == [expected, expected]


def test_it_decodes_in_16_bits_and_changes_its_caches_where_they_lie(tmp_path: Path) -> None:
    save(tmp_path, tame_tensors(MODEL))
    with start("jax", options(MODEL, tmp_path, storage="bf16")) as beside:
        before = beside._decoder._state["keys"][0]  # type: ignore[attr-defined]
        first = beside.repetition(STEPS)
        assert before.is_deleted()
        assert beside.repetition(STEPS).tokens == first.tokens
    assert first.tokens[:3] == our_tokens(MODEL, tmp_path, DEPTH_TOKENS)[:3]


def test_beside_a_tpu_it_is_the_one_baseline_and_shares_our_process() -> None:
    assert stacks.names("tpu") == ("jax",)
    assert stacks.STACKS["jax"].in_process


def test_too_little_memory_beside_ours_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import jax

    def full(*_: Any, **__: Any) -> Any:
        raise jax.errors.JaxRuntimeError("RESOURCE_EXHAUSTED: Attempting to allocate 445.12M.")

    save(tmp_path, tame_tensors(MODEL))
    monkeypatch.setattr(jax, "device_put", full)
    with pytest.raises(RunnerError, match=r"jax: loading: failed \(got 'RESOURCE_EXHAUSTED.*16 bits"):
        start("jax", options(MODEL, tmp_path))
