"""A file of a stranger, made of a valid one: bytes that differ, and values that no one would write."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from pathlib import PurePath
from random import Random
from typing import Any

from tests.schemas.examples import places, put, value_at, written

EXTREMES: tuple[Any, ...] = (
    None, True, False, "", " ", "\n", "\0", "\x1b[31m", "\u202e", "\ud800", "\ufeff", "\u2028", "x" * 5000, "é" * 300,
    "NaN", "-0", "1e999", "2024-02-30", "0001-01-01", "9999-12-31T23:59:59Z", "javascript:x", "../../etc/passwd", "=1",
    "https://example.org/" + "a" * 3000, 0, -1, 1, 0.1, -0.0, 5e-324, 1e308, 2**31, 2**53 + 1, 2**63, 2**64, 10**40,
    [], {}, [[]], [{}], {"": None},
)  # fmt: skip
_TOKENS = (
    *b"{ } [ ] : , - \" ' & * ! | > % @ # ` < = + ; ? <a> ![ ]( )[ ** __ ``` ~~~ \\ \\u \\ud800 \\x00 << &a *a".split(),
    *b"null true NaN Infinity 1e999 1E5 -0 0x10 .inf 1_000 !!int us ms tok/s inf nan 1,234 64x4096 [1,2]".split(),
    *b"BENCH, B=1 \"\" \"\"\" =1 +1 @x |a|b| javascript: [x]: === \xc2\xb5s \xe2\x88\x92 \xff \xef\xbb\xbf".split(),
    b" ", b"\t", b"\r", b"\n", b"\r\n", b"\n\n", b"\0", b"---\n", b"\n---\n", b"a\n=\n", b"\xc2\x85", b"\xe2\x80\xa8",
)  # fmt: skip
_NUMBER = re.compile(rb"-?[0-9]+(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?")
_WORD = re.compile(rb"[\w.]+|[^\w\s]+|\s+")
_NUMBERS = tuple(
    b"0 -1 1e308 1e-320 1e999 9007199254740993 18446744073709551616 0.1 -0.0 1e5 99999999999999999999999999 NaN".split()
)


def mutated(name: str, body: bytes, others: Sequence[bytes], random: Random) -> bytes:
    """Other bytes than ``body``, the file ``name``; ``others`` are files that parts may come from."""
    if random.random() < 0.3 and (found := _other_values(name, body, random)) is not None:
        return found
    raw = bytearray(body)
    for _ in range(random.choice((1, 1, 2, 4, 8))):
        random.choice(_MUTATIONS)(raw, others, random)
    return bytes(raw)


def _span(raw: bytearray, random: Random, most: int) -> tuple[int, int]:
    start = random.randint(0, len(raw))
    return start, min(len(raw), start + random.randint(1, most))


def _flip(raw: bytearray, _: Sequence[bytes], random: Random) -> None:
    if raw:
        raw[random.randrange(len(raw))] ^= 1 << random.randrange(8)


def _replace(raw: bytearray, _: Sequence[bytes], random: Random) -> None:
    start, end = _span(raw, random, 4)
    raw[start:end] = random.randbytes(random.randint(1, 4))


def _delete(raw: bytearray, _: Sequence[bytes], random: Random) -> None:
    start, end = _span(raw, random, random.choice((2, 40, 400)))
    del raw[start:end]


def _truncate(raw: bytearray, _: Sequence[bytes], random: Random) -> None:
    del raw[random.randint(0, len(raw)) :]


def _token(raw: bytearray, _: Sequence[bytes], random: Random) -> None:
    at = random.randint(0, len(raw))
    raw[at:at] = random.choice(_TOKENS)


def _repeat(raw: bytearray, _: Sequence[bytes], random: Random) -> None:
    """A token or a piece again and again: what quadratic time and deep nesting are made of."""
    start, end = _span(raw, random, random.choice((1, 8, 200)))
    piece = bytes(raw[start:end]) if random.random() < 0.5 else random.choice(_TOKENS)
    raw[start:start] = piece * random.choice((2, 3, 30, 500, 5_000))


def _splice(raw: bytearray, others: Sequence[bytes], random: Random) -> None:
    other = random.choice(others)
    first, last = sorted((random.randint(0, len(other)), random.randint(0, len(other))))
    start, end = _span(raw, random, 200)
    raw[start:end] = other[first:last]


def _number(raw: bytearray, _: Sequence[bytes], random: Random) -> None:
    if found := list(_NUMBER.finditer(raw)):
        start, end = random.choice(found).span()
        raw[start:end] = random.choice(_NUMBERS)


def _word(raw: bytearray, others: Sequence[bytes], random: Random) -> None:
    """A word for another one, of this file or another."""
    if found := list(_WORD.finditer(raw)):
        words = found if random.random() < 0.5 else list(_WORD.finditer(random.choice(others))) or found
        start, end = random.choice(found).span()
        raw[start:end] = random.choice(words)[0]


_MUTATIONS: tuple[Callable[[bytearray, Sequence[bytes], Random], None], ...] = (
    _flip, _replace, _delete, _truncate, _token, _token, _repeat, _splice, _number, _word, _word,
)  # fmt: skip


def _other_values(name: str, body: bytes, random: Random) -> bytes | None:
    """The same tree with extremes for some of its values; None where ``body`` is no tree that we wrote."""
    suffix = PurePath(name).suffix
    head, _, notes = body[4:].partition(b"\n---\n") if suffix == ".md" else (body, b"", b"")
    try:
        tree = json.loads(head)
        for _ in range(random.choice((1, 1, 2, 5))):
            _other_value(tree, random)
        if suffix == ".md":
            tree["notes"] = notes.decode("utf-8", "replace")
        return written(tree, suffix)
    except (ValueError, TypeError, KeyError, IndexError, RecursionError):
        return None


def _other_value(tree: Any, random: Random) -> None:
    everything = (str, int, float, list, dict, type(None))
    path = random.choice([path for path in places(tree, everything) if path])
    holder, chance = value_at(tree, path[:-1]), random.random()
    if chance < 0.1:
        del holder[path[-1]]
    elif chance < 0.2:
        put(tree, path, value_at(tree, random.choice([path for path in places(tree, everything) if path])))
    elif chance < 0.3 and isinstance(holder, list):
        holder *= random.choice((2, 50, 1_000))
    else:
        put(tree, path, random.choice(EXTREMES))
