"""A kernel that is wrong in any way that can be planted fails its check; one that is right passes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest

from runners.check import KernelCheck, check_kernels, relative_l2_error
from runners.device import Numbers, RunnerError
from runners.kernels.emit import Emitted
from runners.kernels.sizes import Sizes, Storage, step_sizes
from runners.kernels.source import KERNELS
from runners.null import NullDevice
from schemas.contract import MOST_REL_L2_ERROR
from tests.runners.tiny import tiny_model

POSITION, CAPACITY = 5, 300
Arrays = Mapping[str, Numbers]


def tried(kernel: str, storage: Storage) -> Emitted:
    sizes = step_sizes(tiny_model()).get(kernel, Sizes({"rows": 3, "cols": 20}))
    return Emitted(KERNELS[kernel], "reference", sizes, storage, "", {})


class Spoiling(NullDevice):
    """The null device, and after each call something is done to its arrays."""

    def __init__(self, spoil: Callable[[Any], None]) -> None:
        super().__init__()
        self.spoil = spoil

    def call(self, kernel: Emitted, arrays: Arrays, capacity: int) -> None:
        super().call(kernel, arrays, capacity)
        self.spoil(arrays)


def check(kernel: str, spoil: Callable[[Any], None], storage: Storage = "bf16", seed: int = 1) -> KernelCheck:
    (found,) = check_kernels(Spoiling(spoil), {kernel: tried(kernel, storage)}, POSITION, CAPACITY, seed)
    return found


@pytest.mark.parametrize("storage", MOST_REL_L2_ERROR)
@pytest.mark.parametrize("kernel", KERNELS)
def test_a_kernel_that_is_right_passes(kernel: str, storage: Storage) -> None:
    found = check(kernel, lambda _: None, storage)
    assert found.passed, found.error
    assert found.rel_l2_error is not None
    assert found.rel_l2_error <= MOST_REL_L2_ERROR[storage] / 2


def test_the_inputs_of_two_seeds_differ() -> None:
    seen: list[Any] = []
    for seed in (1, 2):
        check("o_proj_matvec", lambda arrays: seen.append(arrays["weight"].copy()), seed=seed)
    assert not np.array_equal(*seen)


@pytest.mark.parametrize("storage", MOST_REL_L2_ERROR)
def test_a_wrong_value_just_above_the_bound_fails_and_just_below_passes(storage: Storage) -> None:
    def off_by(times: float) -> KernelCheck:
        def scale(arrays: Any) -> None:
            arrays["y"] *= 1 + times * MOST_REL_L2_ERROR[storage]

        return check("o_proj_matvec", scale, storage)

    assert off_by(0.9).passed
    assert (
        off_by(1.1).error
        == f"y: relative L2 error above {MOST_REL_L2_ERROR[storage]:.0e} (got {off_by(1.1).rel_l2_error:.2e})"
    )


@pytest.mark.parametrize("kernel", ["q_proj_matvec", "softmax"])
@pytest.mark.parametrize("wrong", [np.nan, np.inf])
def test_one_element_that_is_no_number_or_not_written_fails(kernel: str, wrong: float) -> None:
    def spoil(arrays: Any) -> None:
        arrays[KERNELS[kernel].outputs[0].name].flat[-1] = (
            wrong  # an output is poisoned by NaN before the call
        )

    found = check(kernel, spoil)
    assert not found.passed
    assert found.rel_l2_error is None


@pytest.mark.parametrize("kernel", KERNELS)
def test_a_kernel_that_writes_nothing_fails(kernel: str) -> None:
    class Idle(NullDevice):
        def call(self, kernel: Emitted, arrays: Arrays, capacity: int) -> None:
            pass

    (found,) = check_kernels(Idle(), {kernel: tried(kernel, "bf16")}, POSITION, CAPACITY, 1)
    assert not found.passed


def test_the_second_of_two_outputs_is_judged_too() -> None:
    def spoil(arrays: Any) -> None:
        arrays["k_rotated"][...] = -arrays["k_rotated"]

    assert (check("rope_qk", spoil).error or "").startswith("k_rotated: ")


def test_a_token_off_by_one_fails_however_large_it_is() -> None:
    def spoil(arrays: Any) -> None:
        arrays["token"] += 1

    assert not check("argmax_greedy", spoil).passed


def test_the_embeddings_last_row_is_asked_for() -> None:
    tokens: list[int] = []
    check("embedding_lookup", lambda arrays: tokens.append(int(arrays["token"])))
    assert tokens == [tiny_model().vocab_size - 1]


@pytest.mark.parametrize("wrong", [np.nan, 0.0])
def test_one_element_of_a_caches_row_not_written_fails_however_large_the_cache(wrong: float) -> None:
    def spoil(arrays: Any) -> None:
        arrays["values"][-1, POSITION, -1] = wrong

    assert not check("kv_cache_append", spoil).passed


@pytest.mark.parametrize("row", [0, POSITION - 1, POSITION + 1, CAPACITY - 1])
def test_a_cache_written_elsewhere_fails(row: int) -> None:
    def spoil(arrays: Any) -> None:
        arrays["keys"][0, row, 0] += 1 / 64

    assert not check("kv_cache_append", spoil).passed


def test_a_kernel_that_the_device_refuses_has_failed_with_its_error_on_one_line() -> None:
    def refuse(_: Any) -> None:
        raise RunnerError("launch <failed>\nat line 3")

    found = check("gelu", refuse)
    assert not found.passed
    assert found.error == "launch failed at line 3"


def test_the_others_are_checked_after_one_that_failed() -> None:
    class Picky(NullDevice):
        def call(self, kernel: Emitted, arrays: Arrays, capacity: int) -> None:
            if kernel.kernel.name == "gelu":
                raise RunnerError("no such unit")
            super().call(kernel, arrays, capacity)

    kernels = {name: tried(name, "f32") for name in ("gelu", "silu")}
    found = list(check_kernels(Picky(), kernels, POSITION, CAPACITY, 1))
    assert [(one.kernel, one.passed) for one in found] == [("gelu", False), ("silu", True)]


def test_the_relative_error_is_the_norm_of_the_difference_over_the_norm() -> None:
    expected = np.array([3.0, 4.0])
    assert relative_l2_error(expected, np.array([3.0, 4.5])) == pytest.approx(0.1)
    assert relative_l2_error(expected, np.array([3.0, np.nan])) == float("inf")
    assert relative_l2_error(np.zeros(2), np.ones(2)) > 1
