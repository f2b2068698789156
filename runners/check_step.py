"""Checked before timed: the whole decode step, its logits and its tokens, against the reference in float64."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from runners.check import relative_l2_error
from runners.device import Contents, Device, Numbers, RunnerError
from runners.environment import line
from runners.kernels.reference import evaluate_in_blocks
from runners.kernels.source import KERNELS
from runners.step import Buffer, Launch, Step
from schemas.contract import MOST_REL_L2_ERROR

CHECKED_STEPS = 8


@dataclass(frozen=True, slots=True)
class StepCheck:
    """How the step did: its largest logits error over the checked steps, its tokens, where they leave ours.

    ``first_divergence_step`` is the first step whose token is not the reference's for the same history: where
    two logits are close it may be another one. That it is the largest of the device's own logits is exact.
    """

    logits_rel_l2: float | None
    first_divergence_step: int | None
    token_ids: tuple[int, ...]
    error: str | None = None

    @property
    def passed(self) -> bool:
        """Whether the step may be timed."""
        return self.error is None


def check_step(
    device: Device,
    step: Step,
    contents: Contents,
    steps: int = CHECKED_STEPS,
    on_launch: Callable[[], None] = lambda: None,
) -> StepCheck:
    """Decode on the loaded device from its first contents, and the same tokens by the reference."""
    token = int(contents(step.buffers["token"], 0, 1))
    logits, tokens = list[Numbers](), list[int]()
    try:
        for _ in range(steps):
            tokens += device.run(1).tokens
            logits.append(device.read("logits"))
    except RunnerError as failed:
        return StepCheck(None, None, (), line(str(failed)))
    wrong = _not_the_largest(logits, tokens)
    if wrong:
        return StepCheck(None, None, (), wrong)
    expected = reference_logits(step, contents, [token, *tokens[:-1]], on_launch)
    worst = max(relative_l2_error(wanted, got) for wanted, got in zip(expected, logits, strict=True))
    differing = [place for place, wanted in enumerate(expected) if int(np.argmax(wanted)) != tokens[place]]
    return StepCheck(
        logits_rel_l2=worst if np.isfinite(worst) else None,
        first_divergence_step=differing[0] if differing else None,
        token_ids=tuple(tokens),
        error=_too_far(worst, MOST_REL_L2_ERROR[step.storage]),
    )


def _not_the_largest(logits: list[Numbers], tokens: list[int]) -> str | None:
    """What is wrong with the first token that is not the largest of its step's logits, or that none could be."""
    for place, (found, token) in enumerate(zip(logits, tokens, strict=True)):
        if not np.isfinite(found).all():
            return f"logits: step {place} has some that are not numbers, or not written"
        if not (0 <= token < len(found) and found[token] == found.max()):
            return f"token: step {place} chose one that has not the largest logit (got {token})"
    return None


def _too_far(error: float, bound: float) -> str | None:
    return None if error <= bound else f"logits: relative L2 error above {bound:.0e} (got {error:.2e})"


def reference_logits(
    step: Step, contents: Contents, tokens: list[int], on_launch: Callable[[], None]
) -> list[Numbers]:
    """The logits after each of ``tokens``, evaluated in float64 from the first contents.

    Launch by launch, and within a launch step by step: the tokens are known, so no step waits for the one
    before, and each weight is widened once. A cache is read up to each step's own position, and rounds what
    is stored to the storage type, as a kernel's stored elements do: what is compared is arithmetic.
    """
    position = int(contents(step.buffers["position"], 0, 1))
    states: list[dict[str, Numbers]] = [
        {"token": np.array(token, np.int32), "position": np.array(position + place, np.int32)}
        for place, token in enumerate(tokens)
    ]
    for launch in step.launches[:-1]:
        _reference_launch(step, launch, contents, states)
        on_launch()
    return [state["logits"] for state in states]


def _reference_launch(
    step: Step,
    launch: Launch,
    contents: Contents,
    states: list[dict[str, Numbers]],
) -> None:
    kernel = KERNELS[launch.kernel]
    shared: dict[str, Any] = {}
    for array, name in zip(kernel.arrays, launch.buffers, strict=True):
        buffer = step.buffers[name]
        if buffer.role in ("weight", "table"):
            shared[array.name] = _Rows(contents, buffer)
        elif buffer.role == "cache" and name not in states[0]:
            cache = contents(buffer, 0, buffer.shape[0])
            for state in states:
                state[name] = cache
    sizes = step.sizes[launch.kernel]
    own = [
        {
            array.name: _viewed(state, step.buffers[name], sizes.shape(array.axes, step.capacity))
            for array, name in zip(kernel.arrays, launch.buffers, strict=True)
            if array.name not in shared
        }
        for state in states
    ]
    evaluate_in_blocks(kernel, sizes, shared, own)


def _viewed(state: dict[str, Numbers], buffer: Buffer, shape: tuple[int, ...]) -> Numbers:
    """A buffer of one step, made when first met, in the shape that a kernel sees it in."""
    return state.setdefault(buffer.name, np.full(buffer.shape, np.nan)).reshape(shape)


@dataclass(frozen=True, slots=True)
class _Rows:
    """A weight that is fetched by the rows that are asked for, and never held whole."""

    contents: Contents
    buffer: Buffer

    def __getitem__(self, places: Any) -> Numbers:
        rows, *rest = places if isinstance(places, tuple) else (places,)
        if isinstance(rows, slice):
            first, last, _ = rows.indices(self.buffer.shape[0])
            return self.contents(self.buffer, first, last)[(slice(None), *rest)]
        return self.contents(self.buffer, rows, rows + 1)[(0, *rest)]
