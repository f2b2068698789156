"""Whether overlapping launches pay: a step recorded both ways is run both ways, in turns."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from typing import Any

from runners.device import Numbers, Ran

ROUNDS = 5
IN_ORDER = "one a step, launches in order"


def kept(plain: Any, overlapping: Any, run: Callable[[Any], tuple[Ran, Numbers]]) -> tuple[Any, str]:
    """The faster of two graphs by the median of its steps, and what to say of it.

    ``run`` takes some steps of a graph from the same start: their times and tokens, and the last logits. The
    kernels compute in a fixed order, so both graphs must give the same bits; else the plain one is kept.
    """
    step_ns: tuple[list[int], list[int]] = ([], [])
    outcomes = set[tuple[tuple[int, ...], bytes]]()
    for _ in range(ROUNDS):
        for place, graph in enumerate((plain, overlapping)):
            ran, logits = run(graph)
            step_ns[place].extend(ran.step_ns)
            outcomes.add((tuple(ran.tokens), logits.tobytes()))
    in_order_us, overlapping_us = (statistics.median(times) / 1e3 for times in step_ns)
    if len(outcomes) > 1:
        return plain, f"{IN_ORDER}: overlapping ones gave other logits"
    tried = f"tried for a step: {overlapping_us:.0f} us overlapping, {in_order_us:.0f} us in order"
    if overlapping_us < in_order_us:
        return overlapping, f"one a step, launches overlap ({tried})"
    return plain, f"{IN_ORDER} ({tried})"
