"""One case of a NKI kernel on the simulators: inputs, run, error."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from runners.kernels.emit import Emitted
from runners.kernels.sizes import Storage
from tests.proofs import record_proof
from tests.runners.kernels.cases import Case, compare
from tests.runners.kernels.text_runs import EXACT, ROUNDED, emitted_for, inputs, wanted
from tests.simulators.nki import loaded, packed, run_module, tool
from tests.simulators.nki.memory import RefusedError

TARGETS = ("nki", "nki-trn2")


def wrong(
    case: Case,
    storage: Storage,
    folder: Path,
    targets: tuple[str, ...] = TARGETS,
    planted: tuple[str, str] = ("", ""),
) -> list[str]:
    """What is wrong with the case's outputs; nothing, if all is well. ``planted``: a bug's text, in place of it.

    What the simulator refuses is wrong as well.
    """
    arrays, found = inputs(case, storage), []
    right = wanted(case, storage, arrays)
    for target in targets:
        emitted, (old, new) = emitted_for(case, target, storage), planted
        assert old in emitted.text, old
        text = emitted.text.replace(old, new) if old else emitted.text
        found += [
            f"{case} {storage} {target} {why}" for why in wrong_text(emitted, text, arrays, right, folder)
        ]
    return found


def wrong_text(
    emitted: Emitted, text: str, arrays: dict[str, Any], right: dict[str, Any], folder: Path
) -> list[str]:
    """What is wrong with what ``text``, run on copies of ``arrays``, gives."""
    try:
        fresh = {name: array.copy() for name, array in arrays.items()}
        got = run_module(emitted, loaded(emitted, text, folder), packed(emitted, fresh))
    except RefusedError as refusal:
        return [f"refused: {refusal}"]
    shaped = {name: numbers.reshape(right[name].shape) for name, numbers in got.items()}
    bounds = {name: ROUNDED if numbers.dtype.itemsize == 2 else EXACT for name, numbers in right.items()}
    errors = compare(right, shaped)
    return [f"{name}: {error:.2g}" for name, error in errors.items() if not error <= bounds[name]]


def prove(case: Case, storage: Storage) -> None:
    """Record that both texts of the case were run."""
    for target in TARGETS:
        sha256 = emitted_for(case, target, storage).sha256
        record_proof(case.kernel, target, sha256, "simulated", tool(target))
