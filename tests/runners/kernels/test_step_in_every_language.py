"""A whole decode step, every launch of it a text of one language, gives the reference's tokens."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from runners.check_step import check_step
from runners.device import Numbers
from runners.kernels.emit import TARGETS, Emitted
from runners.kernels.sizes import Storage
from runners.null import NullDevice
from runners.step import decode_step
from runners.weights import Synthetic, first_contents
from tests.runners.kernels.executors import EXECUTORS, Call
from tests.runners.tiny import emitted, tiny_model

LAYERS, DEPTH, STEPS = 28, 5, 3  # as many layers as the published model


class TextDevice(NullDevice):
    """The null device, but what it runs are the texts."""

    texts: Call

    def call(self, kernel: Emitted, arrays: Mapping[str, Numbers], capacity: int) -> None:
        self.texts(kernel, dict(arrays), capacity)


def test_every_language_has_its_executor() -> None:
    assert EXECUTORS.keys() == TARGETS.keys()


@pytest.mark.parametrize(
    ("target", "storage"), [(name, storage) for name, one in TARGETS.items() for storage in one.storages]
)
def test_a_step_of_28_layers_gives_the_references_tokens(
    target: str, storage: Storage, tmp_path: Path
) -> None:
    model = tiny_model(num_hidden_layers=LAYERS)
    step = decode_step(model, storage, DEPTH + STEPS)
    contents = first_contents(model, step, Synthetic(1, storage), DEPTH, 1)
    texts = emitted(step, target)
    device = TextDevice()
    device.texts = EXECUTORS[target](list(texts.values()), tmp_path)
    device.load(step, texts, contents)
    found = check_step(device, step, contents, STEPS)
    assert found.error is None
    assert found.first_divergence_step is None
    assert found.logits_rel_l2 is not None
    assert 0 < found.logits_rel_l2 < 1e-4
