"""The validator that explains a refusal: of jsonschema, which takes longer to import than most files to judge.

The explanation must not take longer the larger a stranger's file is: of a long list it looks only at the entries that
the compiled validator (jsonschema-rs) refuses, and at no more of them than anyone would read.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache
from itertools import islice
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker, ValidationError, validators
from referencing import Registry, Resource

from schemas.judge import compiled, in_calendar

_MOST_ENTRIES_EXPLAINED = 20
_LONGEST_LIST = 10_000


def validator(schema: dict[str, Any], common: dict[str, Any]) -> Any:
    """The validator whose ``iter_errors`` explains what the compiled one refuses."""
    base = {"$id": schema["$id"], "$defs": schema.get("$defs", {})}

    @cache
    def judge_of(entries: str) -> Any:
        return compiled(base | json.loads(entries), common)

    def items(validator: Any, entries: Any, value: Any, rules: Any) -> Iterator[ValidationError]:
        if not isinstance(value, list):
            return
        judge = judge_of(json.dumps(entries))
        read = value[: rules.get("maxItems", _LONGEST_LIST)]
        refused = (index for index, entry in enumerate(read) if not judge.is_valid(entry))
        for index in islice(refused, _MOST_ENTRIES_EXPLAINED):
            yield from validator.descend(value[index], entries, path=index)

    rules = {"items": items, "pattern": _pattern, "uniqueItems": _unique_items}
    formats = FormatChecker(())
    for name in ("date", "date-time"):
        formats.checks(name)(in_calendar)
    registry: Registry[Any] = Registry()
    for known in (common, schema):
        registry = registry.with_resource(known["$id"], Resource.from_contents(known))
    kind = validators.extend(Draft202012Validator, rules)  # type: ignore[no-untyped-call]
    return kind(schema, registry=registry.crawl(), format_checker=formats)


def _pattern(_: Any, pattern: str, value: Any, __: Any) -> Iterator[ValidationError]:
    """Python's ``$`` also matches before a last line end; the compiled validator's does not."""
    if isinstance(value, str) and not re.search(re.sub(r"\$$", r"\\Z", pattern), value):
        yield ValidationError(f"{value!r} does not match {pattern!r}")


def _unique_items(validator: Any, unique: bool, value: Any, rules: Any) -> Iterator[ValidationError]:
    """Not of a list that is too long in any case: comparing each entry with each other takes its time."""
    if isinstance(value, list) and len(value) <= rules.get("maxItems", _LONGEST_LIST):
        yield from Draft202012Validator.VALIDATORS["uniqueItems"](validator, unique, value, rules)
