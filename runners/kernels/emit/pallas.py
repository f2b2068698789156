"""Pallas for TPU: a Python module for each kernel, whose function calls one ``pallas_call``.

A TPU has no f16, so it is not among the storage types.

**Matrix times vector.** Weights stay as the checkpoint has them, ``[out, in]``: a block of rows is contiguous,
streams through the grid's double buffering, and is multiplied and summed along the lanes by the vector unit.
The matrix unit would round f32 operands to bf16, or take six passes to avoid it, after the vector unit has
split every weight in three; it refuses bf16 operands before v4. One multiplication and one addition a weight
cost less, keep f32 in full, and are the same on every generation. libtpu's schedule for a v5e and a block of
512 rows by 1536 in bf16 is 702 bundles, where memory takes some 2,900 cycles; six passes are 4,009 bundles.

**Matrix times matrix** (attention's scores, and its values weighted) is the matrix unit's, in all passes: the
operands are small enough and would meet each other too often on the vector unit.

How arrays are cut is :mod:`.pallas_plan`'s, what a block computes :mod:`.pallas_body`'s.
"""

from __future__ import annotations

import textwrap

from runners.kernels.emit.emitted import Emitted, Target
from runners.kernels.emit.pallas_body import Body
from runners.kernels.emit.pallas_plan import TILE_ROWS, Plan
from runners.kernels.emit.pallas_text import HEAD, HELPERS, STORED
from runners.kernels.emit.pallas_tokens import TokensBody
from runners.kernels.expr import Array, Kernel
from runners.kernels.sizes import Sizes, Storage


def emit(kernel: Kernel, sizes: Sizes, storage: Storage) -> Emitted:
    """The kernel as one Python module."""
    plan = Plan(kernel, sizes, storage)
    return Emitted(
        kernel=kernel,
        target="pallas",
        sizes=sizes,
        storage=storage,
        text=_Module(plan).text(),
        launch={f"block_{found.axis.name}": found.block for found in plan.grid},
    )


TARGET = Target("pallas", "Pallas", ".py", ("bf16", "f32"), emit)


class _Module:
    """One kernel's text in the making."""

    def __init__(self, plan: Plan) -> None:
        self.plan, self.kernel = plan, plan.kernel
        self.body = TokensBody(plan, plan.tokens) if plan.tokens else Body(plan)
        self.body.write()

    def text(self) -> str:
        helpers = [HELPERS[name] for name in HELPERS if name in self.body.helpers]
        parts = [self.head(), *helpers, self.body_function(), self.function()]
        return "\n\n\n".join(parts) + "\n"

    # --- the head ---------------------------------------------------------------------------------

    def head(self) -> str:
        return HEAD.format(
            doc=self.kernel.doc,
            arrays=textwrap.fill(self.kernel.signature, 100),
            grid=self.walk(),
            constants="\n".join(self.constants()),
        )

    def walk(self) -> str:
        """What the grid does, in words."""
        words = {
            "each": "each of {0}",
            "blocks": "blocks of {1} {0}",
            "tokens": "blocks of {1} {0} in order, none past the position",
        }
        walked = [words[found.role].format(found.axis.name, found.block) for found in self.plan.grid]
        return f"The grid walks {', and '.join(walked)}." if walked else "One block holds everything."

    def constants(self) -> list[str]:
        lengths = [f"{name.upper()} = {length}" for name, length in self.plan.sizes.lengths.items()]
        settings = [f"{name.upper()} = {value!r}" for name, value in self.plan.sizes.settings.items()]
        blocks = [
            f"BLOCK_{found.axis.name.upper()} = {found.block}"
            for found in self.plan.grid
            if found.role != "each"
        ]
        tile = [f"TILE_ROWS = {TILE_ROWS}  # the rows of a tile: a single one cannot be fetched"]
        product = ["FULL_F32 = jax.lax.Precision.HIGHEST  # else the matrix unit rounds to bf16"]
        uses_product = any("FULL_F32" in line for line in self.body.lines)
        return lengths + settings + blocks + tile * bool(self.plan.chosen) + product * uses_product

    # --- the body ---------------------------------------------------------------------------------

    def body_function(self) -> str:
        given = [*self.references(), *self.body.scratch]
        return "\n".join([f"def body({', '.join(given)}):", *self.body.lines])

    def references(self) -> list[str]:
        before = [
            f"{a.name}_before_ref" if a in self.plan.updated else f"{a.name}_ref" for a in self.plan.operands
        ]
        scalars = [f"{array.name}_ref" for array in self.plan.scalars]
        return [*scalars, *before, *(f"{array.name}_ref" for array in self.kernel.outputs)]

    # --- the function -----------------------------------------------------------------------------

    def function(self) -> str:
        taken = [a.name for a in self.kernel.arrays if a in self.plan.operands or a in self.plan.scalars]
        outputs = ", ".join(array.name for array in self.kernel.outputs)
        returned = ", ".join(self.as_given(array) for array in self.kernel.outputs)
        call = listed("pl.pallas_call(", self.call(), f")({', '.join(self.arguments())})")
        lines = [self.note(), *self.extents(), f"{outputs} = {call}", f"return {returned}"]
        head = f"def {self.kernel.name}({', '.join(taken)}, *, interpret=False):"
        return f"{head}\n{textwrap.indent(chr(10).join(lines), '    ')}"

    def note(self) -> str:
        kept = " and ".join(array.name for array in self.plan.updated)
        numbers = " A number is an array of one." if self.plan.scalars else ""
        place = f" {kept} change in place if donated." if kept else ""
        return f'"""Without a TPU: interpret=True.{numbers}{place}"""'

    def extents(self) -> list[str]:
        """What the shapes of the arguments decide."""
        lines = [
            f"{array.name}_rows = min(TILE_ROWS, {array.name}.shape[{place}])"
            for array, (place, _) in self.plan.chosen.items()
        ]
        if tokens := self.plan.tokens:
            array = next(array for array in self.plan.operands if tokens.axis in array.axes)
            lines.append(f"tokens = {array.name}.shape[{array.axes.index(tokens.axis)}]")
            lines.append(f"{tokens.width} = min(BLOCK_{tokens.axis.name.upper()}, tokens)")
        return lines

    def call(self) -> list[str]:
        """The arguments of ``pallas_call``."""
        ordered = ['"arbitrary"' if found.role == "tokens" else '"parallel"' for found in self.plan.grid]
        semantics = tuple_text(ordered or ['"arbitrary"'])
        first = len(self.plan.scalars)
        places = {array: first + place for place, array in enumerate(self.plan.operands)}
        aliases = [f"{places[a]}: {n}" for n, a in enumerate(self.kernel.outputs) if a in self.plan.updated]
        return [
            "body",
            *self.grid(),
            of_each("out_shape", [self.shape(array) for array in self.kernel.outputs]),
            *([f"input_output_aliases={{{', '.join(aliases)}}}"] if aliases else []),
            f"compiler_params=pltpu.CompilerParams(dimension_semantics={semantics})",
            "interpret=interpret",
        ]

    def grid(self) -> list[str]:
        """The grid and the blocks; with single numbers, in the form that hands these to the blocks' places."""
        extents = {
            "each": "{0}",
            "blocks": "pl.cdiv({0}, BLOCK_{0})",
            "tokens": "pl.cdiv(tokens, block_tokens)",
        }
        scratch = self.body.scratch
        walked = [extents[found.role].format(found.axis.name.upper()) for found in self.plan.grid]
        parts = [
            f"grid={tuple_text(walked or ['1'])}",
            listed("in_specs=[", [self.spec(array) for array in self.plan.operands], "]"),
            of_each("out_specs", [self.spec(array) for array in self.kernel.outputs]),
            *([listed("scratch_shapes=[", [*scratch.values()], "]")] if scratch else []),
        ]
        if not self.plan.scalars:
            return parts
        parts.insert(0, f"num_scalar_prefetch={len(self.plan.scalars)}")
        return [listed("grid_spec=pltpu.PrefetchScalarGridSpec(", parts, ")")]

    def spec(self, array: Array) -> str:
        if not array.axes:
            return "pl.BlockSpec(memory_space=pltpu.SMEM)"
        counters = self.plan.counters or ("_",)
        given = ", ".join((*counters, *(scalar.name for scalar in self.plan.scalars)))
        block, place = tuple_text(self.plan.block(array)), tuple_text(self.plan.place(array))
        line = f"pl.BlockSpec({block}, lambda {given}: {place})"
        return line if len(line) <= 80 else listed("pl.BlockSpec(", [block, f"lambda {given}: {place}"], ")")

    def shape(self, array: Array) -> str:
        if array in self.plan.updated:
            return f"jax.ShapeDtypeStruct({array.name}.shape, {array.name}.dtype)"
        kind = {"stored": STORED[self.plan.storage], "f32": "jnp.float32", "i32": "jnp.int32"}[array.element]
        lengths = [axis.name.upper() for axis in array.axes]
        return f"jax.ShapeDtypeStruct({tuple_text(['1', *lengths] if len(lengths) == 1 else lengths or ['1'])}, {kind})"

    def arguments(self) -> list[str]:
        scalars = [array.name for array in self.plan.scalars]
        return scalars + [
            f"{a.name}.reshape(1, -1)" if len(a.axes) == 1 else a.name for a in self.plan.operands
        ]

    def as_given(self, array: Array) -> str:
        return f"{array.name}.reshape(-1)" if len(array.axes) == 1 else array.name


def tuple_text(parts: list[str]) -> str:
    """A tuple of ``parts``."""
    return f"({', '.join(parts)}{',' if len(parts) == 1 else ''})"


def listed(head: str, parts: list[str], tail: str) -> str:
    """``parts`` on lines of their own between ``head`` and ``tail``."""
    inner = "".join(f"{part},\n" for part in parts)
    return f"{head}\n{textwrap.indent(inner, '    ')}{tail}"


def of_each(keyword: str, parts: list[str]) -> str:
    """An argument that says something of each output; one output stands alone."""
    return f"{keyword}={parts[0]}" if len(parts) == 1 else listed(f"{keyword}=[", parts, "]")
