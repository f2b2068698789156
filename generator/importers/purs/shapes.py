"""A shape as the board's files spell it to the lengths of a kernel's axes.

Read are ``[1, 1024]``, ``(1, 1024)``, ``1x1024``, ``1024``, ``[2, 400, 512]``, ``B=1,H=12,S=512,D=64`` and
``[1024, 1024] x [1024, 4096]``, with ×, * or x between lengths. What a kernel makes of a spelling is its
:class:`~generator.importers.purs.names.Form`. A spelling that leaves a length open is refused, never guessed.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence

from generator.importers.purs.cells import Refused
from generator.importers.purs.names import Form
from schemas.problems import got

Shape = dict[str, int]

_MOST_LENGTH = 1_000_000_000
_LETTER = re.compile(r"([A-Z]+)[=:]([0-9]{1,12})")
_LIST = re.compile(r"[\[(]?([0-9]{1,12}(?:[,x;][0-9]{1,12})*)[\])]?")
_FACTORS = re.compile(r"([\[(][0-9,;]+[\])])x([\[(][0-9,;]+[\])])")
_LETTER_REMEDY = "write the lengths in brackets, or each with its letter"


def shape_of(text: str, form: Form, batch: int) -> Shape:
    """The lengths of all axes of ``form``; ``batch`` is the row's batch size, which a shape may leave out."""
    said = re.sub(r"[×✕⨯⨉*]", "x", unicodedata.normalize("NFKC", text))
    said = re.sub(r"(?<=[0-9])[\sx]+(?=[A-Za-z]+\s*[=:])", ",", said.strip())
    said = re.sub(r"\s+", "", re.sub(r"(?<=[0-9])\s+(?=[0-9])", ",", said)).replace(",,", ",")
    if factors := _FACTORS.fullmatch(said.lower()):
        given = _factors(_lengths(factors[1]), _lengths(factors[2]), form, text)
    elif "=" in said or ":" in said:
        given = _lettered(said.strip("[]()").upper(), form, text)
    elif (found := _LIST.fullmatch(said.lower())) and _closed(said):
        given = _listed(_lengths(found[1]), form, text)
    else:
        raise Refused("shape", f"is not understood {got(text)}", _LETTER_REMEDY)
    return _whole(given, form, batch, text)


def _closed(said: str) -> bool:
    return (said[0] in "[(", said[-1] in "])") in {(True, True), (False, False)}


def _lengths(said: str) -> list[int]:
    return [int(part) for part in re.findall(r"[0-9]+", said)]


def _factors(left: list[int], right: list[int], form: Form, text: str) -> Shape:
    """The operands of a product, whose inner lengths must agree."""
    if form.factors is None or len(left) != 2 or len(right) != 2:
        raise Refused("shape", f"is a product, or not one of two matrices {got(text)}", _LETTER_REMEDY)
    return _same([*zip(form.factors[0], left, strict=True), *zip(form.factors[1], right, strict=True)], text)


def _lettered(said: str, form: Form, text: str) -> Shape:
    pairs = [_LETTER.fullmatch(part) for part in re.split(r"[,;]", said) if part]
    letters = [(pair[1], int(pair[2])) for pair in pairs if pair]
    if len(letters) != len(pairs) or len({name for name, _ in letters}) != len(letters):
        raise Refused("shape", f"is not understood {got(text)}", "write each letter once: B=1,S=512")
    named = dict(letters)
    for meaning in form.letters:
        if meaning.keys() == named.keys():
            return _multiplied((meaning[letter], length) for letter, length in letters)
    known = "; ".join(",".join(meaning) for meaning in form.letters)
    raise Refused("shape", f"has letters that this kernel has not {got(text)}", f"known: {known}")


def _listed(lengths: list[int], form: Form, text: str) -> Shape:
    """Lengths in the order of the axes; with ``fold``, those in front are multiplied into the first."""
    order: Sequence[str] | None = next((axes for axes in form.lists if len(axes) == len(lengths)), None)
    longest = max(form.lists, key=len)
    if order is None and form.fold and len(longest) < len(lengths) <= 8:
        folded = len(lengths) - len(longest)
        rest = _same(zip(longest[1:], lengths[folded + 1 :], strict=True), text)
        return rest | _multiplied((longest[0], length) for length in lengths[: folded + 1])
    if order is None:
        counts = ", ".join(str(len(axes)) for axes in form.lists)
        raise Refused("shape", f"has {len(lengths)} lengths {got(text)}", f"this kernel's have {counts}")
    return _same(zip(order, lengths, strict=True), text)


def _multiplied(pairs: Iterable[tuple[str, int]]) -> Shape:
    found: Shape = {}
    for axis, length in pairs:
        found[axis] = found.get(axis, 1) * length
    return found


def _same(pairs: Iterable[tuple[str, int]], text: str) -> Shape:
    found: Shape = {}
    for axis, length in pairs:
        if found.setdefault(axis, length) != length:
            raise Refused(
                "shape", f"has two lengths for the axis {axis} {got(text)}", "name each length's axis"
            )
    return found


def _whole(given: Mapping[str, int], form: Form, batch: int, text: str) -> Shape:
    """Every axis in the kernel's order; one that was not given is ``form.rest``, or the batch."""
    shape = {axis: given.get(axis, given[form.rest] if form.rest else batch) for axis in form.axes}
    if not all(1 <= length <= _MOST_LENGTH for length in shape.values()):
        raise Refused("shape", f"has a length outside of 1 to {_MOST_LENGTH:,} {got(text)}", "check it")
    if batch > 1 and batch not in {*shape.values(), *_lengths(text)}:
        remedy = "write the batch into the shape"
        raise Refused("batch_size", f"is no length of the shape {text} (got {batch})", remedy)
    return shape
