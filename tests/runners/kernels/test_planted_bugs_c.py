"""Bugs planted in the emitted C are found by the same comparison that the tests of C rely on."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.runners.kernels.c_runs import built, emitted, errors
from tests.runners.kernels.cases import TINY, Case, bound

PLANTED = {
    "a missing bias": ("q_proj_matvec", " + widen(bias[out])", ""),
    "a bound that stops one short": ("q_proj_matvec", "in < IN;", "in < IN - 1;"),
    "a panel that is too narrow": ("q_proj_matvec", "lane < width;", "lane < width - 1;"),
    "a tail that is left out": ("rms_norm", "cols = COLS / LANES * LANES;", "cols = COLS;"),
    "an eps that is left out": ("rms_norm", " + RMS_NORM_EPS", ""),
    "a fold that forgets half of the lanes": ("rms_norm", "width = LANES / 2;", "width = LANES / 4;"),
    "swapped heads": ("attention_decode_gqa", "kv_heads * capacity + tokens", "group % KV_HEADS * capacity + tokens"),
    "a token that is left out": ("attention_decode_gqa", "TOKENS = *position + 1;", "TOKENS = *position;"),
    "a token too many": ("attention_decode_gqa", "TOKENS = *position + 1;", "TOKENS = *position + 2;"),
    "a softmax without its largest": ("softmax", " - largest", ""),
    "a stale position": ("kv_cache_append", "(long)position[0]", "(long)position[0] - 1"),
    "angles of another position": ("rope_qk", "(long)position[0]", "((long)position[0] - 1)"),
    "the wrong half": ("rope_qk", "* HALF + 1) * PAIR + pair] * sines", "* HALF + 0) * PAIR + pair] * sines"),
    "a sum that starts at one": ("o_proj_matvec", "total[LANES] = {0}", "total[LANES] = {1}"),
    "a sum in 16 bits": ("o_proj_matvec", "float total[LANES]", "_Float16 total[LANES]"),
    "a residual taken twice": ("down_proj_residual", "+ residual[out]", "+ 2 * residual[out]"),
    "gate and up exchanged": ("mlp_gate_up_silu", "widen(gate_weight", "widen(up_weight"),
    "a row of the wrong token": ("embedding_lookup", "(long)token[0]", "((long)token[0] ^ 1)"),
}  # fmt: skip


def _case(kernel: str) -> Case:
    """The kernel's case in the middle of a cache, with the most heads and rows, at odd sizes."""
    cases = [case for case in TINY if case.kernel == kernel and case.position in (0, 128)]
    return max(cases, key=_telling)


def _telling(case: Case) -> tuple[int, int, int, int]:
    lengths = case.sizes.lengths
    odd = sum(length % 2 for length in lengths.values())
    return case.position, lengths.get("kv_heads", 0), lengths.get("rows", 0), odd


def _off(case: Case, text: str | None = None) -> bool:
    kernel = emitted(case, "bf16")
    if text is not None:
        kernel = replace(kernel, text=text)
    found = errors(built([kernel], 2), kernel, case, "bf16")
    return any(not error <= bound(case.kernel, output, "bf16") for output, error in found.items())


@pytest.mark.parametrize("bug", PLANTED)
def test_a_planted_bug_is_found(bug: str) -> None:
    name, right, wrong = PLANTED[bug]
    case = _case(name)
    text = emitted(case, "bf16").text
    assert right in text, "the emitter writes this line otherwise now: plant the bug in the new one"
    assert not _off(case)
    assert _off(case, text.replace(right, wrong))


def test_the_last_of_equal_logits_is_found() -> None:
    right, wrong = "best = vocab; break;", "best = vocab;"
    kernel = emitted(_case("argmax_greedy"), "bf16")
    assert right in kernel.text
    bad = replace(kernel, text=kernel.text.replace(right, wrong))
    for text, first in ((kernel, True), (bad, False)):
        arrays = _case("argmax_greedy").inputs("bf16")
        arrays["logits"][[7, 40, 100]] = 100.0
        built([text], 2).call(text, arrays, 1)
        assert (int(arrays["token"]) == 7) == first
