"""The two validators of a schema: a compiled one that judges, and one that explains what was refused."""

from __future__ import annotations

import re
from datetime import date
from typing import Any

import jsonschema_rs

_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def in_calendar(text: object) -> bool:
    """Whether a date, or that of a time, exists: no pattern knows the 30th of February."""
    if not (isinstance(text, str) and _DATE.match(text)):
        return True  # how it is written is judged by its pattern
    try:
        date.fromisoformat(text[:10])
    except ValueError:
        return False
    return True


def compiled(schema: dict[str, Any], common: dict[str, Any]) -> Any:
    """The compiled validator of ``schema``, which may refer to ``common``."""
    return jsonschema_rs.Draft202012Validator(
        schema,
        registry=jsonschema_rs.Registry([(common["$id"], common)]),
        validate_formats=True,
        formats={"date": in_calendar, "date-time": in_calendar},
    )


def explaining(schema: dict[str, Any], common: dict[str, Any]) -> Any:
    """The validator whose ``iter_errors`` explains what the compiled one refuses."""
    from schemas.explaining import validator  # noqa: PLC0415 - only refusals take its time

    return validator(schema, common)
