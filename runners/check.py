"""Checked before timed: every emitted kernel, and the whole step, against the reference in float64.

Bounds are the protocol's: relative L2 error of at most 1e-5 for f32 storage and 1e-2 for 16 bits. Outputs are
poisoned first, so that an element that was not written shows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from runners.device import Contents, Device, Numbers, RunnerError, element_type
from runners.kernels.emit import Emitted
from runners.kernels.expr import Array
from runners.kernels.reference import evaluate_in_blocks
from runners.kernels.sizes import Storage
from runners.kernels.source import KERNELS
from runners.step import Buffer, Launch, Step
from runners.weights import CACHE, MATRIX, Synthetic

BOUNDS: dict[Storage, float] = {"f32": 1e-5, "f16": 1e-2, "bf16": 1e-2}
CHECKED_STEPS = 8
_LONGEST_ERROR = 300


@dataclass(frozen=True, slots=True)
class KernelCheck:
    """How one kernel did: the largest relative L2 error of its outputs, or what kept it from running."""

    kernel: str
    rel_l2_error: float | None
    error: str | None

    @property
    def passed(self) -> bool:
        """Whether the kernel may be timed."""
        return self.error is None


def check_kernels(
    device: Device, kernels: Mapping[str, Emitted], position: int, capacity: int, seed: int
) -> Iterator[KernelCheck]:
    """Each kernel at its true shape on fresh inputs. A kernel that raises RunnerError has failed its check."""
    for emitted in kernels.values():
        arrays = _inputs(emitted, position, capacity, seed)
        expected = {array.name: arrays[array.name].astype(_wide(array)) for array in emitted.kernel.outputs}
        evaluate_in_blocks(emitted.kernel, emitted.sizes, arrays | expected, [{}])
        try:
            device.call(emitted, arrays, capacity)
        except RunnerError as failed:
            yield KernelCheck(emitted.kernel.name, None, _line(str(failed)))
            continue
        errors = {name: relative_l2_error(numbers, arrays[name]) for name, numbers in expected.items()}
        yield _judged(emitted, errors)


def _judged(emitted: Emitted, errors: dict[str, float]) -> KernelCheck:
    worst, bound = max(errors, key=lambda name: errors[name]), BOUNDS[emitted.storage]
    found = errors[worst] if np.isfinite(errors[worst]) else None
    if errors[worst] <= bound:
        return KernelCheck(emitted.kernel.name, found, None)
    said = "not a number, or an element not written" if found is None else f"{found:.2e}"
    return KernelCheck(
        emitted.kernel.name, found, f"{worst}: relative L2 error above {bound:.0e} (got {said})"
    )


def _line(text: str) -> str:
    """An error as one line that a result file may carry."""
    return " ".join(text.replace("<", "(").replace(">", ")").split())[:_LONGEST_ERROR]


def relative_l2_error(expected: Numbers, got: Numbers) -> float:
    """||got - expected|| / ||expected|| in float64; infinite where an element is not a number."""
    difference = got.astype(np.float64) - expected
    norm = float(np.linalg.norm(expected.astype(np.float64)))
    error = float(np.linalg.norm(difference)) / max(norm, 1e-30)
    return error if np.isfinite(error) else float("inf")


# --- inputs of one kernel -------------------------------------------------------------------------


def _inputs(emitted: Emitted, position: int, capacity: int, seed: int) -> dict[str, Numbers]:
    """Fresh inputs, and poisoned outputs; a cache has numbers everywhere, as the step leaves its rest alone."""
    draw = Synthetic(seed, emitted.storage)
    arrays = {}
    for array in emitted.kernel.arrays:
        shape = emitted.sizes.shape(array.axes, capacity)
        dynamic = any(axis.dynamic for axis in array.axes)
        if array in emitted.kernel.outputs and not dynamic:
            poison: Any = -1 if array.element == "i32" else np.nan
            arrays[array.name] = np.full(shape, poison, element_type(array.element, emitted.storage))
        elif array.element == "i32":
            arrays[array.name] = np.array(position if array.name == "position" else seed % 2, np.int32)
        else:
            arrays[array.name] = _drawn(draw, emitted, array, shape)
    return arrays


def _drawn(draw: Synthetic, emitted: Emitted, array: Array, shape: tuple[int, ...]) -> Numbers:
    """Numbers of the size that weights have, or activations."""
    kind = MATRIX if array.element == "stored" and len(shape) == 2 else CACHE
    flat = (int(np.prod(shape[:-1])), shape[-1]) if len(shape) > 1 else shape
    numbers = draw.drawn(f"{emitted.kernel.name}.{array.name}", kind, flat, 0, flat[0])
    return numbers.reshape(shape).astype(element_type(array.element, emitted.storage), copy=False)


def _wide(array: Array) -> Any:
    return np.int32 if array.element == "i32" else np.float64


# --- the whole step -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class StepCheck:
    """How the step did: its largest logits error over the checked steps, its tokens, where they leave ours.

    ``first_divergence_step`` is the first step whose token is not the reference's for the same history.
    """

    logits_rel_l2: float | None
    first_divergence_step: int | None
    token_ids: tuple[int, ...]
    passed: bool


def check_step(
    device: Device,
    step: Step,
    contents: Contents,
    steps: int = CHECKED_STEPS,
    on_launch: Callable[[], None] = lambda: None,
) -> StepCheck:
    """Decode on the loaded device from its first contents, and the same tokens by the reference."""
    token = int(contents(step.buffers["token"], 0, 1))
    logits, tokens = [], []
    for _ in range(steps):
        tokens += device.run(1).tokens
        logits.append(device.read("logits"))
    expected = reference_logits(step, contents, [token, *tokens[:-1]], on_launch)
    errors = [relative_l2_error(wanted, got) for wanted, got in zip(expected, logits, strict=True)]
    differing = [place for place, wanted in enumerate(expected) if int(np.argmax(wanted)) != tokens[place]]
    return StepCheck(
        logits_rel_l2=max(errors) if np.isfinite(max(errors)) else None,
        first_divergence_step=differing[0] if differing else None,
        token_ids=tuple(tokens),
        passed=max(errors) <= BOUNDS[step.storage],
    )


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
