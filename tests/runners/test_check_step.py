"""A decode step with anything wrong in it fails its check: a number, a head, a position, a token."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from runners.check_step import StepCheck, check_step
from runners.device import Contents, Numbers, Ran, RunnerError
from runners.null import NullDevice
from runners.step import Buffer, Launch, Step, decode_step
from runners.weights import START_TOKEN, Synthetic, first_contents
from tests.runners.tiny import tiny_model, untexted

DEPTH, STEPS = 5, 3
MODEL = tiny_model()


def step_of(storage: Any = "f32") -> tuple[Step, Contents]:
    step = decode_step(MODEL, storage, DEPTH + STEPS)
    return step, first_contents(MODEL, step, Synthetic(1, storage), DEPTH, 1)


def check(
    device: NullDevice, spoil: Callable[[dict[str, Numbers]], None] = lambda _: None, storage: Any = "f32"
) -> StepCheck:
    step, contents = step_of(storage)
    device.load(step, untexted(step), contents)
    spoil(device._arrays)
    return check_step(device, step, contents, STEPS)


@pytest.mark.parametrize("storage", ["f32", "f16", "bf16"])
def test_a_step_that_is_right_passes_and_all_tokens_agree(storage: str) -> None:
    found = check(NullDevice(), storage=storage)
    assert found.passed
    assert found.first_divergence_step is None
    assert found.logits_rel_l2 is not None
    assert found.logits_rel_l2 < 1e-6
    assert len(found.token_ids) == STEPS


PLACES: dict[str, tuple[int, ...]] = {
    "embed_tokens": (START_TOKEN, 0), "norm": (3,), "lm_head": (7, 2), "cosines": (DEPTH, 1), "sines": (DEPTH, 1),
    "1.input_layernorm": (0,), "1.q_proj": (0, 0), "1.q_bias": (0,), "1.k_proj": (0, 0), "1.k_bias": (0,),
    "1.v_proj": (1, 1), "1.v_bias": (2,), "1.o_proj": (0, 0), "1.post_attention_layernorm": (5,),
    "1.gate_proj": (0, 0), "1.up_proj": (0, 0), "1.down_proj": (0, 0),
    "1.keys": (0, 2), "1.values": (1, DEPTH - 1), "2.keys": (1, 0), "0.values": (0, 0),
}  # fmt: skip


@pytest.mark.parametrize("name", PLACES)
def test_one_number_or_one_row_of_a_cache_altered_on_the_device_fails(name: str) -> None:
    def spoil(arrays: dict[str, Numbers]) -> None:
        arrays[name][PLACES[name]] += 0.5

    found = check(NullDevice(), spoil)
    assert not found.passed
    assert "logits: relative L2 error above 1e-05" in (found.error or "")


def test_every_kind_of_buffer_with_first_contents_is_altered_above() -> None:
    def kind(name: str) -> str:
        return name.partition(".")[2] or name

    step, _ = step_of()
    filled = {kind(name) for name, one in step.buffers.items() if one.role not in ("activation", "state")}
    assert {kind(name) for name in PLACES} == filled


class Around(NullDevice):
    """Does something before and after each launch of one kernel."""

    kernel = ""

    def _launched(self, launch: Launch) -> int:
        if launch.kernel == self.kernel:
            self.before(self._arrays)
        found = super()._launched(launch)
        if launch.kernel == self.kernel:
            self.after(self._arrays)
        return found

    def before(self, arrays: dict[str, Numbers]) -> None: ...

    def after(self, arrays: dict[str, Numbers]) -> None: ...


def test_query_heads_given_to_the_wrong_kv_heads_fail() -> None:
    class Swapped(Around):
        kernel = "rope_qk"

        def after(self, arrays: dict[str, Numbers]) -> None:
            heads = arrays["q_rotated"].reshape(MODEL.num_attention_heads, MODEL.head_dim)
            grouped = heads.reshape(-1, MODEL.num_key_value_heads, MODEL.head_dim).swapaxes(0, 1)
            heads[...] = grouped.reshape(heads.shape).copy()

    assert not check(Swapped()).passed


@pytest.mark.parametrize("kernel", ["rope_qk", "attention_decode_gqa", "kv_cache_append"])
def test_a_position_off_by_one_fails(kernel: str) -> None:
    class Late(Around):
        def before(self, arrays: dict[str, Numbers]) -> None:
            arrays["position"] -= 1

        def after(self, arrays: dict[str, Numbers]) -> None:
            arrays["position"] += 1

    device = Late()
    device.kernel = kernel
    assert not check(device).passed


def test_a_position_that_does_not_move_on_fails() -> None:
    class Still(NullDevice):
        def run(self, steps: int) -> Ran:
            ran = super().run(steps)
            self._arrays["position"] -= steps
            return ran

    assert not check(Still()).passed


@pytest.mark.parametrize("token", [-1, MODEL.vocab_size, 2**31 - 1])
def test_a_token_that_is_none_fails_without_the_reference(token: int) -> None:
    class Wild(NullDevice):
        def run(self, steps: int) -> Ran:
            return Ran(super().run(steps).step_ns, [token])

    assert "token: step 0" in (check(Wild()).error or "")


def test_a_token_that_has_not_the_largest_logit_fails() -> None:
    class Least(Around):
        kernel = "argmax_greedy"

        def after(self, arrays: dict[str, Numbers]) -> None:
            arrays["token"][...] = np.argmin(arrays["logits"])

    assert "has not the largest logit" in (check(Least()).error or "")


def test_a_logit_that_is_no_number_fails() -> None:
    class Torn(Around):
        kernel = "lm_head_matvec"

        def after(self, arrays: dict[str, Numbers]) -> None:
            arrays["logits"][-1] = np.nan

    assert "not numbers" in (check(Torn()).error or "")


def test_a_device_that_refuses_has_failed_with_its_error() -> None:
    class Refusing(NullDevice):
        def read(self, buffer: str) -> Numbers:
            raise RunnerError(f"{buffer}: copy failed")

    found = check(Refusing())
    assert (found.passed, found.error) == (False, "logits: copy failed")


def test_another_of_two_equal_tokens_is_a_divergence_and_no_failure() -> None:
    class Last(Around):
        kernel = "argmax_greedy"

        def after(self, arrays: dict[str, Numbers]) -> None:
            arrays["token"][...] = np.flatnonzero(arrays["logits"] == arrays["logits"].max())[-1]

    step, drawn = step_of()

    def contents(buffer: Buffer, first: int, last: int) -> Numbers:
        if buffer.name != "lm_head":
            return drawn(buffer, first, last)
        return drawn(buffer, 0, buffer.shape[0])[np.arange(first, last) // 2]  # rows are equal in pairs

    device = Last()
    device.load(step, untexted(step), contents)
    found = check_step(device, step, contents, STEPS)
    assert found.passed
    assert found.first_divergence_step == 0


def test_the_reference_tells_of_each_launch_but_the_argmax() -> None:
    step, contents = step_of()
    device, told = NullDevice(), list[None]()
    device.load(step, untexted(step), contents)
    check_step(device, step, contents, 1, lambda: told.append(None))
    assert len(told) == len(step.launches) - 1
