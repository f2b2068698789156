"""The vendor's own verifier takes every PTO text, in the spelling of January 2026, which its published package has."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import get_args

import pytest

from runners.kernels.emit import Emitted
from runners.kernels.sizes import Storage
from runners.kernels.source import KERNELS
from tests.proofs import record_proof
from tests.runners.kernels.cases import ROOT, TINY, TRUE
from tests.runners.kernels.pto_runs import emitted_for
from tests.simulators.pto.january import spelled

TOOL = "ptoas 0.1.1, the text respelled for its dialect of January 2026"
SCRIPT = ROOT / "tests/simulators/pto/verify.py"
TEXTS: dict[tuple[str, Storage], list[Emitted]] = {
    (name, storage): [emitted_for(case, storage) for case in [*TRUE, *TINY] if case.kernel == name]
    for name in KERNELS
    for storage in get_args(Storage)
}
Verdict = Callable[[str], str]


def _has_bindings(interpreter: Path) -> bool:
    command = [str(interpreter), "-c", "import mlir.dialects.pto"]
    return interpreter.exists() and subprocess.run(command, capture_output=True, check=False).returncode == 0


@cache
def _interpreter() -> Path:
    """One that has the vendor's bindings; they exist for CPython 3.12 only, so it may be another than this."""
    for interpreter in (Path(sys.executable), ROOT / ".venv/pto/bin/python"):
        if _has_bindings(interpreter):
            return interpreter
    pytest.skip("no ptoas: `make test` sets up .venv/pto where CPython 3.12 is found")


def verdicts(texts: list[str]) -> list[str]:
    """What the parser and the verifier say of each text; nothing if all is well."""
    found = subprocess.run(
        [_interpreter(), "-P", SCRIPT],
        input=json.dumps([spelled(text) for text in texts]),
        capture_output=True,
        text=True,
        check=True,
    )
    answers: list[str] = json.loads(found.stdout)
    return answers


@pytest.fixture(scope="module")
def verdict() -> Verdict:
    """What the verifier says of a text of ours."""
    texts = list({emitted.text for found in TEXTS.values() for emitted in found})
    return dict(zip(texts, verdicts(texts), strict=True)).__getitem__


@pytest.mark.parametrize(("name", "storage"), TEXTS)
def test_a_text_is_parsed_and_verified(name: str, storage: Storage, verdict: Verdict) -> None:
    for emitted in TEXTS[name, storage]:
        assert verdict(emitted.text) == ""
        record_proof(name, "pto", emitted.sha256, "vendor-verified", TOOL)


def test_the_verifier_refuses_what_is_wrong() -> None:
    text = TEXTS["q_proj_matvec", "bf16"][0].text
    planted = {
        "outs(%wide : !tile_8x1536xf32)\n": "outs(%wide : !tile_8x1536xbf16)\n",  # another type than its own
        "dtype=f32, rows=8, cols=1536": "dtype=i8, rows=8, cols=1536",  # an element type it does not multiply
        "dtype=f32, rows=8, cols=1536, ": "dtype=f32, rows=8, cols=768, ",  # another shape than the bf16 tile's
        "pto.trowsum": "pto.trowtotal",  # no such operation
        "ins(%total, %row_1 :": "ins(%total, %row_9 :",  # defined nowhere
        "!pto.ptr<f32>,": "!pto.ptr<f31>,",  # no such type
    }
    assert all(old in text for old in planted)
    broken = [text.replace(old, new) for old, new in planted.items()]
    accepted = [old for old, said in zip(planted, verdicts(broken), strict=True) if not said]
    assert accepted == []
