"""The decode step as launches: each waits where it must and nowhere else, and reads what was written for it."""

from __future__ import annotations

from collections import Counter
from itertools import combinations

import numpy as np
import pytest

from runners.kernels.source import KERNELS
from runners.step import Launch, Step, decode_step
from schemas.load import load
from schemas.records import Kernel, Model
from tests.runners.kernels.cases import MODEL, ROOT
from tests.runners.tiny import tiny_model


def published() -> Model:
    found = load(MODEL, ROOT / "data")
    assert isinstance(found, Model)
    return found


def reads_and_writes(launch: Launch) -> tuple[set[str], set[str]]:
    """What a kernel's own statements store to, and every other array that it is given."""
    kernel = KERNELS[launch.kernel]
    stored = {store.target.array.name for store in kernel.stores}
    pairs = list(zip([array.name for array in kernel.arrays], launch.buffers, strict=True))
    return {b for name, b in pairs if name not in stored}, {b for name, b in pairs if name in stored}


def conflicts(step: Step) -> list[tuple[int, int]]:
    """Each pair of launches whose order matters."""
    touched = list(map(reads_and_writes, step.launches))
    return [
        (first, second)
        for first, second in combinations(range(len(touched)), 2)
        if touched[first][1] & (touched[second][0] | touched[second][1])
        or touched[first][0] & touched[second][1]
    ]


def kept_apart(waits: list[bool], pairs: list[tuple[int, int]]) -> bool:
    """Whether a wait stands between the launches of each pair."""
    total = np.cumsum(waits)
    return all(total[first] < total[second] for first, second in pairs)


@pytest.mark.parametrize("layers", [1, 3])
def test_a_launch_waits_where_its_memory_meets_anothers_and_nowhere_else(layers: int) -> None:
    step = decode_step(tiny_model(num_hidden_layers=layers), "bf16", 9)
    waits, pairs = step.waits(), conflicts(step)
    assert kept_apart(waits, pairs)
    for place in np.flatnonzero(waits):
        assert not kept_apart([wait and other != place for other, wait in enumerate(waits)], pairs)


@pytest.mark.parametrize("seed", range(20))
def test_launches_over_any_buffers_wait_where_they_must(seed: int) -> None:
    """The real step's reads wait for writes; here writes wait for reads and for writes too."""
    rng = np.random.default_rng(seed)
    step = Step("bf16", 1, decode_step(tiny_model(), "bf16", 1).sizes)
    for _ in range(12):
        step.launch("rms_norm", *(str(name) for name in rng.choice(6, 3, replace=False)))
    waits, pairs = step.waits(), conflicts(step)
    assert kept_apart(waits, pairs)
    for place in np.flatnonzero(waits):
        assert not kept_apart([wait and other != place for other, wait in enumerate(waits)], pairs)


def test_the_published_models_step_waits_where_it_must() -> None:
    step = decode_step(published(), "bf16", 192)
    assert kept_apart(step.waits(), conflicts(step))


def test_the_three_projections_of_a_layer_run_beside_each_other() -> None:
    step = decode_step(tiny_model(), "bf16", 9)
    found = [
        wait
        for launch, wait in zip(step.launches, step.waits(), strict=True)
        if "proj_matvec" in launch.kernel
    ]
    assert found[:3] == [True, False, False]


def test_each_kernel_is_launched_as_often_as_its_file_says() -> None:
    model = published()
    launched = Counter(launch.kernel for launch in decode_step(model, "bf16", 1).launches)
    for path in (ROOT / "data" / "kernels").glob("*.md"):
        kernel = load(path, ROOT / "data")
        assert isinstance(kernel, Kernel)
        assert launched.get(kernel.id, 0) == kernel.calls_per_token(model), kernel.id


def test_every_launch_sees_buffers_of_its_arrays_size() -> None:
    step = decode_step(tiny_model(), "bf16", 9)
    for launch in step.launches:
        for array, name in zip(KERNELS[launch.kernel].arrays, launch.buffers, strict=True):
            shape = step.sizes[launch.kernel].shape(array.axes, step.capacity)
            assert np.prod(shape) == np.prod(step.buffers[name].shape), (launch.kernel, name)
            assert array.element == step.buffers[name].element


def test_an_activation_is_written_before_it_is_read_and_a_token_is_read_before_it_is_written() -> None:
    step = decode_step(tiny_model(), "bf16", 9)
    written: set[str] = set()
    for launch in step.launches:
        reads, writes = reads_and_writes(launch)
        assert {name for name in reads if step.buffers[name].role == "activation"} <= written
        written |= writes
    assert "token" in reads_and_writes(step.launches[0])[0]
    assert step.launches[-1].buffers[-1] == "token"
    assert "position" not in written


def test_no_launch_reads_what_it_writes() -> None:
    for launch in decode_step(tiny_model(), "bf16", 9).launches:
        reads, writes = reads_and_writes(launch)
        assert not reads & writes


def test_every_weight_is_read_and_written_by_none() -> None:
    step = decode_step(tiny_model(), "bf16", 9)
    touched = list(map(reads_and_writes, step.launches))
    weights = {name for name, buffer in step.buffers.items() if buffer.role == "weight"}
    assert weights <= set().union(*(reads for reads, _ in touched))
    assert not weights & set().union(*(writes for _, writes in touched))


def test_tied_embeddings_fill_the_head() -> None:
    step = decode_step(tiny_model(tie_word_embeddings=True), "bf16", 9)
    assert step.buffers["lm_head"].tensor == step.buffers["embed_tokens"].tensor
    assert decode_step(tiny_model(), "bf16", 9).buffers["lm_head"].tensor == "lm_head.weight"
