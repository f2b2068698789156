"""What is wrong with a file, said so that its author can mend it.

Every problem reads ``path: field: problem (got X); remedy`` on one line. What was got is shortened and
what does not print is escaped, because it comes from a stranger and goes to a terminal.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jsonschema.exceptions import ValidationError

_SHOWN_CHARACTERS = 60
_MOST_PROBLEMS_SHOWN = 50
_NOUN = {
    "object": "a mapping",
    "array": "a list",
    "string": "text",
    "number": "a number",
    "integer": "a whole number",
    "boolean": "true or false",
    "null": "null",
}


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One thing wrong with one field of one file; ``rule`` names the rule that it breaks, where it has a name."""

    path: str
    field: str
    problem: str
    remedy: str
    rule: str = ""

    def __str__(self) -> str:
        field = escaped(self.field or "''", 200)
        return (
            f"{escaped(self.path, 200)}: {field}: {escaped(self.problem, 400)}; {escaped(self.remedy, 400)}"
        )


def escaped(value: object, most: int = _SHOWN_CHARACTERS) -> str:
    """``value`` as one short printable line: JSON's words for constants, escapes for control characters."""
    word = {None: "null", True: "true", False: "false"}.get(value) if isinstance(value, bool | None) else None
    if word is not None:
        return word
    if isinstance(value, dict | list):
        return f"{_NOUN['object' if isinstance(value, dict) else 'array']} of {len(value)}"
    text = str(value)
    shown = text[:most] if text[:most].isprintable() else "".join(map(_printable, text[:most]))
    return shown + ("…" if len(text) > most else "")


def _printable(letter: str) -> str:
    return letter if letter.isprintable() else letter.encode("unicode_escape").decode("ascii")


def got(value: object) -> str:
    """The ``(got X)`` of a problem; text stands in quotes."""
    shown = escaped(value)
    return f"(got '{shown}')" if isinstance(value, str) else f"(got {shown})"


def field_name(parts: Iterable[str | int]) -> str:
    """``decode.samples.repetitions[3]`` from the parts of a JSON path; ``file`` for the whole."""
    name = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in parts)
    return name.lstrip(".") or "file"


def closest(word: str, known: Iterable[str]) -> str:
    """A remedy that names the nearest known words first, then all of them up to a dozen."""
    names = sorted(known)
    near = difflib.get_close_matches(word[:100], names, n=1)
    listed = ", ".join(names[:12]) + (", …" if len(names) > 12 else "")
    return (f"did you mean '{near[0]}'? " if near else "") + f"known: {listed or 'none'}"


def explain(path: str, errors: Iterable[ValidationError]) -> list[Problem]:
    """All problems of a file from the errors of its schema, in the order of the file's fields."""
    leaves = (leaf for error in errors for leaf in _leaves(error))
    problems = {problem for leaf in leaves for problem in _problems(path, leaf)}
    more = len(problems) - _MOST_PROBLEMS_SHOWN
    rest = [Problem(path, "file", f"has {more:,} more problems", "mend these first")] if more > 0 else []
    return sorted(problems)[:_MOST_PROBLEMS_SHOWN] + rest


def _leaves(error: ValidationError) -> Iterator[ValidationError]:
    """The errors that say something: of a nullable field, those of the branch that is not null."""
    if error.validator != "anyOf" or not error.context:
        yield error
        return
    branch = [inner for inner in error.context if inner.schema_path[0] == 0]
    for inner in branch or error.context:
        yield from _leaves(inner)


def _problems(path: str, error: ValidationError) -> Iterator[Problem]:
    field = field_name(error.absolute_path)
    value, schema = error.instance, error.schema if isinstance(error.schema, dict) else {}
    if error.validator == "required":
        for name in sorted(set(_names(error.validator_value)) - set(_names(value))):
            inner = schema.get("properties", {}).get(name, {})
            yield Problem(path, f"{field}.{name}".removeprefix("file."), "is missing", _how_to_add(inner))
    elif error.validator == "additionalProperties":
        known = list(schema.get("properties", {}))
        for name in sorted(set(_names(value)) - set(known)):
            yield Problem(
                path,
                f"{field}.{escaped(name)}".removeprefix("file."),
                "is not a known field",
                f"remove it or mend its spelling: {closest(str(name), known)}",
            )
    else:
        problem, remedy = _say(str(error.validator), error.validator_value, value)
        said = schema.get("description") if error.validator not in {"enum", "const"} else None
        yield Problem(path, field, f"{problem} {got(value)}", said or remedy)


def _names(keys: object) -> list[str]:
    return [str(key) for key in keys] if isinstance(keys, Iterable) else []


def _how_to_add(schema: dict[str, Any]) -> str:
    if "const" in schema:
        return f"add it with the value {escaped(schema['const'])}"
    return "add it, with null where it is not known" if "anyOf" in schema else "add it"


def _say(rule: str, limit: Any, value: Any) -> tuple[str, str]:
    """What a broken rule means, and what to do where the schema's own description does not say it."""
    if rule == "type":
        kinds: Sequence[str] = [limit] if isinstance(limit, str) else limit
        wanted = " or ".join(_NOUN[kind] for kind in kinds)
        return f"must be {wanted}", f"write {wanted}"
    if rule in {"enum", "const"}:
        choices = [limit] if rule == "const" else limit
        return "is not allowed here", "use one of: " + ", ".join(escaped(choice) for choice in choices)
    if rule == "pattern":
        return "is not written as it must be", f"match {limit}"
    says = {
        "minLength": ("is too short", f"write at least {limit} characters"),
        "maxLength": (f"has {len(str(value)):,} characters", f"write at most {limit}"),
        "minItems": ("has too few entries", f"give at least {limit}"),
        "maxItems": ("has too many entries", f"give at most {limit}"),
        "maxProperties": ("has too many entries", f"give at most {limit}"),
        "uniqueItems": ("lists an entry twice", "remove the second"),
        "minimum": (f"must be at least {limit}", "write a larger number"),
        "maximum": (f"must be at most {limit}", "write a smaller number"),
        "exclusiveMinimum": (f"must be above {limit}", "write a larger number"),
        "format": ("is not in the calendar", "write a date that exists"),
    }
    return says.get(rule, (f"breaks the rule '{rule}'", "see the schema"))
