"""C: plain loops that a compiler vectorises by itself, without intrinsics and without fast-math.

``first`` and ``last`` bound the programs that a call runs, so that threads share a kernel by ranges.

**Matrix times vector.** The host packs a matrix into panels ``[out / 64][in][64]``. A program is a panel: the
inner loop broadcasts one element of x over 64 sums, so that a panel is one contiguous stream, the sums stay
in registers, and their order depends neither on the number of threads nor on the width of a vector.
Row-major dot products reach half of the bandwidth.

**Rows.** A sum or a maximum along memory runs in 64 lanes, which are folded at the end: C must not reorder a
float sum, so the source of the text does. Across memory (attention's values) the sums are an array.

What is reduced is kept, and so is an exponential that is used again; the rest is computed where it is used.
"""

from __future__ import annotations

from runners.kernels.emit.c_text import HEAD, LANES, STORED, helpers
from runners.kernels.emit.clike import Lines, Printer, constants, length_name, result_names
from runners.kernels.emit.emitted import Emitted, Target
from runners.kernels.emit.layout import Layout
from runners.kernels.emit.schedule import matrices
from runners.kernels.expr import Array, Axis, Expr, Kernel, Load, Reduce, Store, Unary
from runners.kernels.sizes import Sizes, Storage


def emit(kernel: Kernel, sizes: Sizes, storage: Storage) -> Emitted:
    """The kernel as one C file."""
    panels = matrices(kernel)
    programs = -(-sizes.programs(kernel) // LANES) if panels else sizes.programs(kernel)
    return Emitted(
        kernel=kernel,
        target="c",
        sizes=sizes,
        storage=storage,
        text=_File(kernel, sizes, storage, panels).text(),
        launch={"programs": programs},
        layouts={array.name: Layout("panels", LANES) for array in panels},
    )


_EACH_LANE = "for (long lane = 0; lane < LANES; lane++)"
TARGET = Target("c", "C", ".c", ("bf16", "f16", "f32"), emit)


class _File:
    """One kernel's text in the making."""

    def __init__(self, kernel: Kernel, sizes: Sizes, storage: Storage, panels: tuple[Array, ...]) -> None:
        self.kernel, self.sizes, self.storage, self.panels = kernel, sizes, storage, panels
        self.print = Printer(sizes, {"exp": "exp_f32", "rsqrt": "rsqrt_f32", "widen": "widen"})
        self.names = result_names(kernel.reductions)
        self.lines = Lines()

    def text(self) -> str:
        self.head()
        self.lines.add(f"void {self.kernel.name}(", *self.parameters())
        with self.lines.block(")"):
            if any(axis.dynamic for node in self.kernel.reductions for axis in node.x.axes):
                self.lines.add("const long TOKENS = *position + 1;")
            if self.panels:
                self.panel_programs()
            elif self.kernel.reductions:
                self.programs()
            else:
                self.statements(self.kernel.stores)
        self.entry()
        return self.lines.text

    # --- what stands around the loops -------------------------------------------------------------

    def head(self) -> None:
        kernel = self.kernel
        self.lines.add(HEAD.format(doc=kernel.doc, arrays="; ".join(map(self.described, kernel.arrays))), "")
        self.lines.add(*helpers(self.storage, kernel, bool(self.panels)), "", *constants(self.sizes), "")

    def described(self, array: Array) -> str:
        axes = [axis.name for axis in array.axes]
        if array in self.panels:
            axes = [f"{axes[0]} / {LANES}", axes[1], str(LANES)]
        return f"{array.name}[{', '.join(axes)}]" if axes else array.name

    def parameters(self) -> list[str]:
        kinds = {"stored": STORED[self.storage], "f32": "float", "i32": "int32_t"}
        spelled = [
            f"{'' if array in self.kernel.outputs else 'const '}{kinds[array.element]} *restrict {array.name}"
            for array in self.kernel.arrays
        ]
        return ["    long first, long last, long capacity,", "    " + ",\n    ".join(spelled)]

    def entry(self) -> None:
        arguments = ", ".join(f"array[{place}]" for place in range(len(self.kernel.arrays)))
        head = f"void {self.kernel.name}_entry(long first, long last, long capacity, void *const *array)"
        self.lines.add("")
        with self.lines.block(head):
            self.lines.add(f"{self.kernel.name}(first, last, capacity, {arguments});")

    # --- matrix times vector ----------------------------------------------------------------------

    def panel_programs(self) -> None:
        (axis,) = self.kernel.parallel
        with self.lines.block("for (long panel = first; panel < last; panel++)"):
            for node in self.kernel.reductions:
                self.panel_sum(node)
            rest = f"{length_name(axis)} - panel * LANES"
            self.lines.add(f"const long width = {rest} < LANES ? {rest} : LANES;")
            with self.lines.block("for (long lane = 0; lane < width; lane++)"):
                self.lines.add(f"const long {axis.name} = panel * LANES + lane;")
                self.print.results.update({node: f"{name}[lane]" for node, name in self.names.items()})
                for store in self.kernel.stores:
                    self.assign(store)

    def panel_sum(self, node: Reduce) -> None:
        """One contiguous stream: a matrix's panel, each of its columns times one element of x."""
        name, inner = self.names[node], node.axis
        for part in node.x.walk():
            if isinstance(part, Load) and part.array in self.panels:
                place = f"(panel * {length_name(inner)} + {inner.name}) * LANES + lane"
                self.print.results[part] = f"widen({part.array.name}[{place}])"
        self.lines.add(f"float {name}[LANES] = {{0}};")
        with self.lines.block(self.loop(inner)), self.lines.block(_EACH_LANE):
            self.lines.add(f"{name}[lane] += {self.print.text(node.x)};")

    # --- programs that reduce along rows ----------------------------------------------------------

    def programs(self) -> None:
        if not self.kernel.parallel:
            with self.lines.block("if (first < last)"):
                self.program()
            return
        with self.lines.block("for (long program = first; program < last; program++)"):
            place = "program"
            for axis in reversed(self.kernel.parallel[1:]):
                self.lines.add(f"const long {axis.name} = {place} % {length_name(axis)};")
                place += f" / {length_name(axis)}"
            self.lines.add(f"const long {self.kernel.parallel[0].name} = {place};")
            self.program()

    def program(self) -> None:
        for node in self.kernel.reductions:
            self.reduction(node)
            self.print.results[node] = self.kept(node)
        self.statements(self.kernel.stores)

    def kept(self, node: Reduce) -> str:
        free = self.free(node.axes)
        return f"{self.names[node]}[{free[0].name}]" if free else self.names[node]

    def free(self, axes: tuple[Axis, ...]) -> tuple[Axis, ...]:
        return tuple(axis for axis in axes if axis not in self.kernel.parallel)

    def reused(self, node: Reduce) -> list[Unary]:
        """Exponentials along the reduced axis that a later reduction or statement needs again."""
        later = [
            other.x
            for other in self.kernel.reductions
            if other is not node and other not in self.print.results
        ]
        later += [store.value for store in self.kernel.stores]
        needed = {part for value in later for part in value.walk()}
        return [
            part
            for part in node.x.walk()
            if isinstance(part, Unary) and part.op == "exp" and part in needed
            and part not in self.print.results and self.free(part.axes) == (node.axis,)
        ]  # fmt: skip

    def reduction(self, node: Reduce) -> None:
        name, free = self.names[node], self.free(node.axes)
        along = any(
            isinstance(part, Load) and part.index and part.index[-1] == node.axis for part in node.x.walk()
        )
        if not free:
            self.lanes(node, f"const float {name}")
        elif along:
            self.lines.add(f"float {name}[{length_name(free[0])}];")
            with self.lines.block(self.loop(free[0])):
                self.lanes(node, f"{name}[{free[0].name}]")
        else:
            self.across(node, free[0])

    def lanes(self, node: Reduce, result: str) -> None:
        """Along memory: 64 partial results, folded into one."""
        if node.op == "argmax":
            self.first_largest(node)
            return
        axis, length, name = node.axis, length_name(node.axis), self.names[node]
        start, fold = ("0.0f", "sum_lanes") if node.op == "sum" else ("-INFINITY", "max_lanes")
        keeping = []
        for kept in self.reused(node):
            array = f"{name}_exponential"
            keeping.append(f"{array}[{axis.name}] = {self.print.text(kept)};")
            self.print.results[kept] = f"{array}[{axis.name}]"
            self.lines.add(f"float {array}[{length}];")
        part, x = f"{name}_part", self.print.text(node.x)
        self.lines.add(f"float {part}[LANES];")
        self.lines.add(f"{_EACH_LANE} {part}[lane] = {start};")
        whole = f"for (long start = 0; start < {length} / LANES * LANES; start += LANES)"
        with self.lines.block(whole), self.lines.block(_EACH_LANE):
            step = self.step(node, f"{part}[lane]", x)
            self.lines.add(f"const long {axis.name} = start + lane;", *keeping, step)
        rest = f"for (long {axis.name} = {length} / LANES * LANES; {axis.name} < {length}; {axis.name}++)"
        with self.lines.block(rest):
            self.lines.add(*keeping, self.step(node, f"{part}[{axis.name} % LANES]", x))
        self.lines.add(f"{result} = {fold}({part});")

    def step(self, node: Reduce, part: str, x: str) -> str:
        return f"{part} += {x};" if node.op == "sum" else f"{part} = larger({part}, {x});"

    def first_largest(self, node: Reduce) -> None:
        """The maximum in lanes, then the first element that equals it: no branch on each element."""
        name, axis = self.names[node], node.axis
        maximum = Reduce("max", axis, node.x)
        self.names[maximum] = name
        self.lanes(maximum, f"const float {name}_value")
        self.lines.add(f"long {name} = 0;")
        with self.lines.block(self.loop(axis)):
            self.lines.add(
                f"if ({self.print.text(node.x)} == {name}_value) {{ {name} = {axis.name}; break; }}"
            )

    def across(self, node: Reduce, free: Axis) -> None:
        """Across memory: an array of sums, one for each element of a row."""
        name = self.names[node]
        self.lines.add(f"float {name}[{length_name(free)}];")
        self.lines.add(f"{self.loop(free)} {name}[{free.name}] = 0.0f;")
        with self.lines.block(self.loop(node.axis)):
            self.hoist(node.x, free)
            with self.lines.block(self.loop(free)):
                self.lines.add(f"{name}[{free.name}] += {self.print.text(node.x)};")

    def hoist(self, node: Expr, inner: Axis) -> None:
        """What does not run along ``inner`` gets its name outside of that loop."""
        for part in node.parts:
            if inner not in part.axes and part.parts and part not in self.print.results:
                self.lines.add(f"const float factor = {self.print.text(part)};")
                self.print.results[part] = "factor"

    # --- statements -------------------------------------------------------------------------------

    def statements(self, stores: tuple[Store, ...]) -> None:
        """Stores over the same axes share their loops, in the order of memory."""
        groups: dict[tuple[Axis, ...], list[Store]] = {}
        for store in stores:
            bound = self.kernel.parallel if self.kernel.reductions else ()
            groups.setdefault(tuple(a for a in store.target.axes if a not in bound), []).append(store)
        for axes, group in groups.items():
            self.nest(list(axes), group)

    def nest(self, axes: list[Axis], group: list[Store]) -> None:
        if not axes:
            for store in group:
                self.assign(store)
            return
        with self.lines.block(self.loop(axes[0])):
            self.nest(axes[1:], group)

    def assign(self, store: Store) -> None:
        value, element = self.print.text(store.value), store.target.array.element
        value = f"narrow({value})" if element == "stored" else value
        self.lines.add(f"{self.print.element(store.target)} = {value};")

    def loop(self, axis: Axis) -> str:
        name, ranged = axis.name, axis in self.kernel.parallel
        start, end = ("first", "last") if ranged else ("0", length_name(axis))
        return f"for (long {name} = {start}; {name} < {end}; {name}++)"
