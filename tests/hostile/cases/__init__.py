"""The corpus by class; a class is a module here, a case is one entry of its CASES."""

from __future__ import annotations

from tests.hostile.base import Case
from tests.hostile.cases import (
    characters,
    days,
    forged,
    history,
    identity,
    malformed,
    numbers,
    oversized,
    paths,
    physics,
)

CORPUS: dict[str, tuple[Case, ...]] = {
    "malformed": malformed.CASES,
    "oversized": oversized.CASES,
    "physics": physics.CASES,
    "forged": forged.CASES,
    "history": history.CASES,
    "paths": paths.CASES,
    "characters": characters.CASES,
    "numbers": numbers.CASES,
    "days": days.CASES,
    "identity": identity.CASES,
}
