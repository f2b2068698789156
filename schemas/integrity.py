"""The seal of a measured result: one SHA-256 over everything in it that a runner wrote.

It shows that nothing was changed since, by hand or on the way: samples, environment, hashes of sources,
names and dates. ``notes`` stand outside of it, as a person may have to explain a noisy run. It proves no
honesty, as everybody can compute it; what a forger cannot easily compute is looked at by the rules on a
submission (:mod:`generator.submission`).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any

from schemas.problems import Problem

UNSEALED = frozenset({"notes", "integrity"})


def seal(data: Mapping[str, Any]) -> str:
    """SHA-256 of a result's parsed JSON, fields in the order of their names, without :data:`UNSEALED`.

    ``data`` is what :func:`schemas.parse.parse_json` gives, in which 1.0 is 1, so that no way of writing a
    number matters.
    """
    sealed = {name: value for name, value in data.items() if name not in UNSEALED}
    text = json.dumps(sealed, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()


def seal_problems(data: Mapping[str, Any], shown: str) -> Iterator[Problem]:
    """What is wrong with the seal of a result that passed its schema; one without a seal is older than it."""
    said = data.get("integrity")
    if said is not None and said != (expected := seal(data)):
        problem = f"is not the SHA-256 of what it seals (got {said[:12]}…, expected {expected[:12]}…)"
        remedy = "submit the file as the runner wrote it; only its notes may be edited"
        yield Problem(shown, "integrity", problem, remedy, "integrity")
