"""NKI for AWS Trainium: a Python module for each kernel, whose function is traced by the Neuron compiler.

Two targets, one lowering: ``nki`` is ``neuronxcc.nki`` for trn1, ``nki-trn2`` the later ``nki`` package for trn2 and
newer (:mod:`.nki_dialects` says what differs). A function takes the kernel's arrays in order, single numbers as
arrays of one, and returns its outputs as new arrays in device memory; an array of which only a row changes is
taken as well and changed in place: trn1 wants its parameter marked ``nt.mutable_tensor`` and returned, trn2
returns it too. Kernels are traced for shapes, so the capacity comes from the cache's; token and position are
read on the device.

Limits that the lowering keeps to: 128 partitions, 128 columns of a stationary operand, 512 of a moving one, 2
KiB a partition of PSUM for a tile, and what SBUF holds. What it cannot do it refuses.

Matrices times a vector are :mod:`.nki_matvec`'s, sums over the tokens :mod:`.nki_tokens`'s, an argmax
:mod:`.nki_argmax`'s, and all else :mod:`.nki_rows`'s.
"""

from __future__ import annotations

import re
import textwrap
from collections import Counter

from runners.kernels.emit import nki_argmax, nki_matvec, nki_rows, nki_tokens
from runners.kernels.emit.emitted import Emitted, Target
from runners.kernels.emit.nki_dialects import Trn1, Trn2
from runners.kernels.emit.nki_frame import Lowering, chosen
from runners.kernels.emit.nki_program import STORED, Program, tuple_text
from runners.kernels.emit.schedule import has_dynamic, matrices
from runners.kernels.expr import Array, Kernel, Length
from runners.kernels.sizes import Sizes, Storage

_HEAD = '''\
"""{doc}

{arrays}

{walk}
"""

{imports}

{constants}


@nki.jit
def {name}({parameters}):
'''


def emit(kernel: Kernel, sizes: Sizes, storage: Storage) -> Emitted:
    """The kernel as one Python module for ``neuronxcc.nki``."""
    return _emit(kernel, sizes, storage, Trn1(), "nki")


def emit_trn2(kernel: Kernel, sizes: Sizes, storage: Storage) -> Emitted:
    """The kernel as one Python module for ``nki``."""
    return _emit(kernel, sizes, storage, Trn2(), "nki-trn2")


TARGET = Target("nki", "NKI", ".py", ("bf16", "f16", "f32"), emit)
TRN2_TARGET = Target(
    "nki-trn2", "NKI, Trainium2 and newer", ".py", ("bf16", "f16", "f32"), emit_trn2, form_of="nki"
)


def _emit(kernel: Kernel, sizes: Sizes, storage: Storage, program: Program, target: str) -> Emitted:
    program.taken |= {array.name for array in kernel.arrays}
    lowering = Lowering(kernel, sizes, STORED[storage], program)
    kept = [array for array in kernel.outputs if not _kept_row(kernel, array)]
    for array in kept:
        shape = tuple_text(tuple(axis.name.upper() for axis in array.axes) or ("1",))
        dtype = {"stored": STORED[storage], "f32": "float32", "i32": "int32"}[array.element]
        program.call(f"{array.name} = nl.ndarray(", shape, f"dtype=nl.{dtype}", "buffer=nl.shared_hbm")
    _lower(lowering)
    program.add(f"return {', '.join(array.name for array in kernel.outputs)}")
    _check_names(lowering, kept)
    return Emitted(
        kernel=kernel,
        target=target,
        sizes=sizes,
        storage=storage,
        text=_text(lowering, kept),
        launch={},  # a call of the function is all
        layouts=nki_matvec.layouts(lowering) if matrices(kernel) else {},
    )


def _lower(lowering: Lowering) -> None:
    kernel = lowering.kernel
    nodes = [node for store in kernel.stores for node in store.value.walk()]
    if any(isinstance(node, Length) and node.axis.dynamic for node in nodes):
        raise lowering.refused("how many tokens there are is no number when a kernel is traced")
    if matrices(kernel):
        nki_matvec.lower(lowering)
    elif any(node.op == "argmax" for node in kernel.reductions):
        nki_argmax.lower(lowering)
    elif has_dynamic(node.axis for node in kernel.reductions):
        nki_tokens.lower(lowering)
    else:
        nki_rows.lower(lowering)


def _kept_row(kernel: Kernel, array: Array) -> bool:
    """Whether only a row of an output is written, so that it must be taken and given back."""
    return any(store.target.array == array and chosen(store.target) for store in kernel.stores)


def _check_names(lowering: Lowering, fresh: list[Array]) -> None:
    """Refuse a kernel of whose names the text makes another use."""
    lines = "\n".join(lowering.program.lines)
    written = Counter(re.findall(r"^ *(\w+) = ", lines, re.MULTILINE))
    counters = set(re.findall(r"^ *for (\w+) in", lines, re.MULTILINE))
    twice = {array.name for array in lowering.kernel.arrays if written[array.name] > (array in fresh)}
    if found := twice | counters & {*written, *(array.name for array in lowering.kernel.arrays)}:
        raise lowering.refused(f"another name is wanted for {', '.join(sorted(found))}")


def _text(lowering: Lowering, fresh: list[Array]) -> str:
    kernel, program = lowering.kernel, lowering.program
    lines = "\n".join(program.lines)
    taken = [
        (program.updated_parameter if array in kernel.outputs else "{}").format(array.name)
        for array in kernel.arrays
        if array not in fresh
    ]
    marked = [name for name in taken if "nt." in name]
    head = _HEAD.format(
        doc=kernel.doc,
        arrays=textwrap.fill(kernel.signature, 100),
        walk=lowering.walk,
        imports=program.imports + "\nimport neuronxcc.nki.typing as nt" * bool(marked),
        constants="\n".join(_constants(lowering, lines)),
        name=kernel.name,
        parameters=", ".join(taken),
    )
    return f"{head}{lines}\n"


def _constants(lowering: Lowering, lines: str) -> list[str]:
    """The named numbers that the lines use."""
    lengths = {name.upper(): repr(length) for name, length in lowering.sizes.lengths.items()}
    settings = {name.upper(): repr(value) for name, value in lowering.sizes.settings.items()}
    found = {name: f"{value}  # {comment}" for name, (value, comment) in lowering.constants.items()}
    every = {**lengths, **settings, **found}
    if len(every) < len(lengths) + len(settings) + len(found):
        raise lowering.refused(f"another name than that of a length is wanted for one of {', '.join(found)}")
    return [f"{name} = {value}" for name, value in every.items() if re.search(rf"\b{name}\b", lines)]
