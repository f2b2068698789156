"""Judges Metal texts by the rules of address spaces, with clang's front end, which knows them from OpenCL.

Metal's own compiler is a clang. C++ for OpenCL has Metal's address spaces under other names and most of its
rules: pointers to different spaces do not mix, a threadgroup's variables stand in a kernel's body, ``half`` is
a keyword. What only Metal forbids is looked for in the tree: a pointer that names no space, types of more than
32 bits but ``long``, a lambda, more threadgroup memory than there is. Attributes and pragmas that a compiler
would pass over in silence are looked for in the text. It is a lint, and not Metal's compiler.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from runners.kernels.emit import Emitted
from runners.kernels.emit.metal import SHARED_BYTES
from tests.simulators.simt.languages import LANGUAGES

SPACES = {"device", "constant", "threadgroup", "thread"}
FLAGS = (
    *("-x", "cl", "-cl-std=clc++2021", "-cl-no-stdinc", "-target", "spir64"),
    *("-Xclang", "-cl-ext=-all,-__opencl_c_generic_address_space"),
    *("-Wall", "-Wextra", "-Wcast-qual", "-Wno-unknown-attributes", "-Wno-unknown-pragmas"),
    "-Wpre-c++17-compat",  # Metal was C++14 before its version 4
    "-Wno-unused-parameter",  # an array or the capacity, which belong to every text of a kernel
    f"-I{Path(__file__).parent / 'opencl'}",
)
ATTRIBUTES = {
    "max_total_threads_per_threadgroup", "buffer", "thread_index_in_threadgroup", "threadgroup_position_in_grid"
}  # fmt: skip
PRAGMAS = r"METAL fp math_mode\(safe\) //.*|unroll \d+"


def lint(emitted: Emitted) -> list[str]:
    """What is wrong with the text, ``line: message``. Nothing, if all is well. Skips where there is no clang."""
    cindex = pytest.importorskip("clang.cindex", reason="no libclang")
    source = LANGUAGES[emitted.target].text(emitted).replace("[[kernel]] void", "kernel void")
    unit = cindex.Index.create().parse("kernel.cl", args=FLAGS, unsaved_files=[("kernel.cl", source)])
    text = source.encode()
    found = [f"{said.location.line}: {said.spelling}" for said in unit.diagnostics]
    found += [f"{word}: no such attribute" for word in set(re.findall(r"\[\[(\w+)", source)) - ATTRIBUTES]
    pragmas = re.findall(r"#pragma (.*)", source)
    found += [f"{pragma}: no such pragma" for pragma in pragmas if not re.fullmatch(PRAGMAS, pragma)]
    own = [cursor for cursor in unit.cursor.walk_preorder() if _own(cursor)]
    found += [f"{cursor.location.line}: {fault}" for cursor in own for fault in _faults(cursor, text)]
    variables = [cursor for cursor in own if cursor.kind.name == "VAR_DECL"]
    shared = sum(one.type.get_size() for one in variables if "threadgroup" in _words(one, text))
    return found + ([f"{shared} bytes of threadgroup memory"] if shared > SHARED_BYTES else [])


def _own(cursor: Any) -> bool:
    """Whether it stands in the text, and not in the header."""
    return cursor.location.file is not None and cursor.location.file.name == "kernel.cl"


def _words(cursor: Any, text: bytes) -> set[str]:
    """The words of a piece of the text, as they are spelled there."""
    extent = cursor.extent
    return set(re.findall(r"\w+", text[extent.start.offset : extent.end.offset].decode()))


def _faults(cursor: Any, text: bytes) -> Iterator[str]:
    kind, typed = cursor.kind.name, cursor.type.get_canonical()
    declared = kind in {"PARM_DECL", "VAR_DECL", "CSTYLE_CAST_EXPR"}
    if declared and typed.kind.name in {"POINTER", "LVALUEREFERENCE"} and not SPACES & _words(cursor, text):
        yield f"{cursor.type.spelling}: no address space"
    if typed.kind.name in {"DOUBLE", "LONGLONG", "ULONGLONG"}:
        yield f"{cursor.type.spelling}: no such type"
    if kind == "LAMBDA_EXPR":
        yield "a lambda"
