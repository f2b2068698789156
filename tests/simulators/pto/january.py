"""The texts in the dialect's spelling of January 2026, which is what the vendor's published package verifies.

Words and types changed since, and a few operations came: what those stand for is written out, so that the older
verifier checks the element types, shapes and layouts of all the rest. A loaded scalar becomes the call of a
declared function; a window of a row and a change of shape, which were operations into a tile, fill a new one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

_N = r"(%\w+)"
_T = r"(\S+)"
_OUT = rf"outs\({_N} : {_T}\)"
_SPELLED = (
    (r"loc=vec", "loc=ub"),
    (r"!pto\.tensor_view<\?x\?x", "!pto.tensor_view<2x"),
    (r"partition_tensor_view", "tile_view"),
    (r"partition_view", "subview"),
    (r"(shape = \[[^]]*\]), strides", r"\1 strides"),
    (r" attributes \{pto\.kernel_kind = [^}]*\}", ""),
    (r"(module attributes .*\n)", r"\1  func.func private @load_i32(!pto.ptr<i32>, index) -> i32\n"),
    (rf"pto\.load_scalar {_N}\[{_N}\] : \S+ -> i32", r"func.call @load_i32(\1, \2) : (!pto.ptr<i32>, index) -> i32"),
    (rf"(pto\.t(?:mul|max)) ins\({_N}, {_N} : {_T}, {_T}\)", r"\1 ins(\2 : \4, \3 : \5)"),
    (
        rf"pto\.tsel ins\({_N}, {_N}, {_N}, %\w+ : {_T}, {_T}, {_T}, \S+\)",
        r"pto.tsel ins(\1 : \4, \2 : \5, \3 : \6)",
    ),
    (rf"(pto\.trow(?:sum|max)) ins\({_N}, %\w+ : {_T}, \S+\)", r"\1 ins(\2 : \3)"),
    (rf"(pto\.trowexpand\w+) ins\({_N}, {_N}, %\w+ : {_T}, {_T}, \S+\)", r"\1 ins(\2, \3 : \4, \5)"),
    (
        rf"pto\.tdivs ins\({_N}, {_N} : f32, {_T}\) {_OUT}",
        r"pto.tdivs ins(\2, \1 : \3, f32) outs(\4 : \5) scalar_lhs = true",
    ),
    (
        rf"pto\.tcolsum ins\({_N} : {_T}\) {_OUT}",
        r"pto.tcolsum ins(\1, \1 : \2, \2) outs(\3 : \4) isBinary = false",
    ),
)  # fmt: skip
_SUBSET = re.compile(rf"{_N} = pto\.subset {_N}\[{_N}, {_N}\] sizes \[1, (\d+)\] : {_T}")
_RESHAPE = re.compile(rf"{_N} = pto\.treshape {_N} : {_T} -> {_T}")
_VALID = re.compile(rf"pto\.set_validshape {_N}, {_N}, {_N} : {_T}")
_COLUMNS = re.compile(rf"pto\.tcolexpandmul ins\({_N}, {_N} : {_T}, {_T}\) {_OUT}")


def spelled(text: str) -> str:
    """The text as the dialect of January 2026 has it. Tiles' types are called by their aliases."""
    lines = _Lines(text.splitlines())
    found = "\n".join(line for place in range(len(lines.text)) for line in lines.translated(place))
    for pattern, replacement in _SPELLED:
        found = re.sub(pattern, replacement, found)
    return found + "\n"


@dataclass(slots=True)
class _Lines:
    text: list[str]
    valid: dict[str, str] = field(default_factory=dict)
    spread: int = 0

    def translated(self, place: int) -> list[str]:
        """What stands for the line at ``place``."""
        line = self.text[place].strip()
        if found := _SUBSET.fullmatch(line):
            return self.extracted(place, *found.groups())
        if found := _RESHAPE.fullmatch(line):
            return self.reshaped(place, *found.groups())
        if _VALID.fullmatch(line):
            return []
        if found := _COLUMNS.fullmatch(line):
            x, row, kind, row_kind, out, out_kind = found.groups()
            self.spread += 1
            new = f"%spread_{self.spread}_of_row"
            return [
                self.allocated(new, kind, self.valid.get(x, "")),
                f"pto.tcolexpand ins({row} : {row_kind}) outs({new} : {kind})",
                f"pto.tmul ins({x}, {new} : {kind}, {kind}) outs({out} : {out_kind})",
            ]
        return [self.text[place]]

    def reshaped(self, place: int, new: str, old: str, kind: str, wanted: str) -> list[str]:
        """A new tile that is filled; its valid region is what the next line sets."""
        following = _VALID.fullmatch(self.text[place + 1].strip())
        if following and following[1] == new:
            self.valid[new] = f"valid_row = {following[2]} valid_col = {following[3]} "
        return [
            self.allocated(new, wanted, self.valid.get(new, "")),
            f"pto.treshape ins({old} : {kind}) outs({new} : {wanted})",
        ]

    def extracted(
        self, place: int, new: str, row: str, zero: str, start: str, width: str, kind: str
    ) -> list[str]:
        """A new tile with a part of a row; the operation that takes it says its type."""
        taken = re.compile(rf"ins\(%\w+, {new} : \S+, (\S+)\)")
        wanted = next(found[1] for line in self.text[place:] if (found := taken.search(line)))
        extent = [f"{new}_cols = arith.constant {width} : index"] if wanted.endswith("xn") else []
        return [
            *extent,
            self.allocated(new, wanted, f"valid_col = {new}_cols " if extent else ""),
            f"pto.textract ins({row}[{zero}, {start}] : {kind}) outs({new} : {wanted})",
        ]

    def allocated(self, name: str, kind: str, valid: str) -> str:
        return f"{name} = pto.alloc_tile {valid}: {kind}"
