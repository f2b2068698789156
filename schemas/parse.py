"""Bytes of a stranger's file to plain data, or the one reason why not.

Three formats: JSON, YAML, and Markdown with YAML front matter (whose prose becomes the field ``notes``).
JSON and YAML each allow what we do not: duplicate keys (the last silently wins), NaN and Infinity,
aliases that expand without end, numbers of unbounded length, surrogates that no file can hold.
In both, 1.0 is the whole number 1, and YAML's plain words and numbers are those of JSON.
"""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Callable
from typing import Any

import yaml
from yaml.composer import Composer

_MOST_LEVELS = 32
_MOST_FIELDS = 100
_MOST_CONTAINERS = 100_000
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")
_FRONT_MATTER = re.compile(r"---[ \t]*\n(.*?)^---[ \t]*(?:\n(.*)|\Z)", re.DOTALL | re.MULTILINE)


class Unreadable(Exception):
    """A file that holds no data: ``field`` and ``problem`` say where and why, ``remedy`` what to do."""

    def __init__(self, field: str, problem: str, remedy: str) -> None:
        super().__init__(problem)
        self.field, self.problem, self.remedy = field, problem, remedy


def decode_utf8(raw: bytes) -> str:
    """The text of a file; raises :class:`Unreadable` where it is not UTF-8."""
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        byte = f"byte {raw[error.start]:#04x} at offset {error.start}"
        raise Unreadable("file", f"is not UTF-8 (got {byte})", "save it as UTF-8") from None


def parse_json(raw: bytes) -> Any:
    """JSON as RFC 8259 has it, with unique keys and finite numbers."""
    text = decode_utf8(raw)
    if (opened := text.count("{") + text.count("[")) > _MOST_CONTAINERS:  # before each becomes an object
        problem = f"holds too many lists and mappings (got {opened:,})"
        raise Unreadable("file", problem, f"keep to the schema; none needs {_MOST_CONTAINERS:,}")
    try:
        data = json.loads(text, object_pairs_hook=_unique, parse_constant=_no_constant, parse_float=_finite)
    except json.JSONDecodeError as error:
        where = f"line {error.lineno} column {error.colno}"
        raise Unreadable(
            "file", f"is not JSON (got '{error.msg}' at {where})", "mend the syntax there"
        ) from None
    except RecursionError:
        raise _too_deep() from None
    except ValueError:  # int() refuses numbers of more than 4,300 digits
        raise Unreadable(
            "file", "holds a number of thousands of digits (got too many to read)", "shorten it"
        ) from None
    return _bounded(data, raw)


def parse_yaml(raw: bytes) -> Any:
    """YAML without aliases, tags, duplicate keys, dates (they stay text) and non-finite numbers."""
    try:
        data = yaml.load(decode_utf8(raw), Loader=_StrictLoader)  # noqa: S506 - a subclass of the safe loader
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f" at line {mark.line + 1} column {mark.column + 1}" if mark else ""
        raise Unreadable(
            "file", f"is not the YAML we read (got '{error.problem}'{where})", _yaml_remedy(error)
        ) from None
    except yaml.YAMLError as error:
        raise Unreadable(
            "file", f"is not YAML (got '{str(error).splitlines()[0]}')", "mend the syntax"
        ) from None
    except RecursionError:
        raise _too_deep() from None
    except ValueError:  # int() as above
        raise Unreadable(
            "file", "holds a number of thousands of digits (got too many to read)", "shorten it"
        ) from None
    return _bounded(data, raw)


def parse_front_matter(raw: bytes) -> Any:
    """YAML between two ``---`` lines, and the Markdown below it as the field ``notes``."""
    text = decode_utf8(raw).replace("\r\n", "\n")
    match = _FRONT_MATTER.match(text)
    if not match:
        first = text.split("\n", 1)[0][:40]
        raise Unreadable(
            "file",
            f"has no front matter (got '{first}' first)",
            "start it with --- facts --- and prose below",
        )
    data = parse_yaml(f"\n{match[1]}".encode())  # the line of the first ---, so that line numbers agree
    if not isinstance(data, dict):
        return data
    if "notes" in data:
        raise Unreadable(
            "notes", "stands in the front matter", "write the notes as prose below the second ---"
        )
    return {**data, "notes": (match[2] or "").strip()}


PARSERS: dict[str, Callable[[bytes], Any]] = {
    ".json": parse_json,
    ".yml": parse_yaml,
    ".md": parse_front_matter,
}


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    data = dict(pairs)
    if len(data) != len(pairs):
        counts = Counter(name for name, _ in pairs)
        twice = next(name for name, times in counts.items() if times > 1)
        raise Unreadable(twice[:60], "stands twice in one object (got two values)", "keep one")
    return data


def _no_constant(word: str) -> float:
    raise Unreadable(
        "file", f"holds a number that JSON does not have (got {word})", "write a finite number or null"
    )


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise Unreadable(
            "file", f"holds a number too large to read (got {text[:40]})", "write a finite number"
        )
    return int(number) if number.is_integer() else number


def _bounded(data: Any, raw: bytes) -> Any:
    """``data`` where it is no deeper and wider than any record, and text that a file can hold."""
    _refuse_size(data)
    try:
        if _SURROGATE.search(raw):
            json.dumps(data, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise Unreadable(
            "file", "holds half a character (got a lone surrogate)", "write whole characters"
        ) from None
    return data


def _refuse_size(data: Any) -> None:
    level, depth = [data], 0
    while level:
        depth += 1
        if depth > _MOST_LEVELS:
            raise _too_deep()
        nested = [value for value in level if isinstance(value, dict | list)]
        widest = max((len(value) for value in nested if isinstance(value, dict)), default=0)
        if widest > _MOST_FIELDS:
            problem = f"holds a mapping of too many fields (got {widest:,})"
            raise Unreadable("file", problem, f"keep to the schema; none needs {_MOST_FIELDS}")
        level = [child for value in nested for child in _containers(value)]


def _containers(value: dict[Any, Any] | list[Any]) -> list[Any]:
    """The mappings and lists right below; a long list of numbers is passed at the speed of C."""
    children = value.values() if isinstance(value, dict) else value
    if {dict, list}.isdisjoint(map(type, children)):
        return []
    return [child for child in children if isinstance(child, dict | list)]


def _too_deep() -> Unreadable:
    return Unreadable("file", f"is nested too deeply (got more than {_MOST_LEVELS} levels)", "flatten it")


def _yaml_remedy(error: yaml.MarkedYAMLError) -> str:
    return error.note or "mend the syntax there"


class _StrictLoader(Composer, yaml.CSafeLoader):
    """PyYAML's safe loader, less what lets a small file become a large or an ambiguous one.

    libyaml tells the events, many times as fast as PyYAML's own scanner; what is made of them is Python's.
    """

    def __init__(self, text: str) -> None:
        yaml.CSafeLoader.__init__(self, text)
        Composer.__init__(self)

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        event: Any = self.peek_event()
        if event.anchor is not None:
            note = "write the value out where it is used"
            raise yaml.MarkedYAMLError(problem="an anchor or alias", problem_mark=event.start_mark, note=note)
        if event.tag is not None:
            note = "write the plain value, without !"
            raise yaml.MarkedYAMLError(problem="a tag", problem_mark=event.start_mark, note=note)
        return super().compose_node(parent, index)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key_node, _ in node.value:
            if not isinstance(key_node, yaml.ScalarNode) or key_node.tag != "tag:yaml.org,2002:str":
                raise yaml.MarkedYAMLError(
                    problem="a key that is not text", problem_mark=key_node.start_mark, note="quote it"
                )
            if key_node.value in seen:
                raise yaml.MarkedYAMLError(
                    problem=f"the key {key_node.value[:60]} twice",
                    problem_mark=key_node.start_mark,
                    note="keep one",
                )
            seen.add(key_node.value)
        return super().construct_mapping(node, deep)

    def construct_yaml_float(self, node: yaml.ScalarNode) -> float:
        number = super().construct_yaml_float(node)
        if not math.isfinite(number):
            raise yaml.MarkedYAMLError(
                problem=f"the number {node.value}",
                problem_mark=node.start_mark,
                note="write a finite number or null",
            )
        return int(number) if number.is_integer() else number


# YAML 1.1 also reads no, 010, 0x10, 1_0 and 1:30 as other than text, but not 1e-6 as a number.
_PLAIN = {
    "null": r"(?:null|~|)\Z",
    "bool": r"(?:true|false)\Z",
    "int": r"-?(?:0|[1-9][0-9]*)\Z",
    "float": r"(?:-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|nan))\Z",
}
_StrictLoader.yaml_implicit_resolvers = {
    None: [(f"tag:yaml.org,2002:{name}", re.compile(pattern)) for name, pattern in _PLAIN.items()]
}
_StrictLoader.add_constructor("tag:yaml.org,2002:float", _StrictLoader.construct_yaml_float)
