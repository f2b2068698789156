"""A SIMT kernel's body in the making: its lines, its constants, and what all strategies do with a run.

A run is a handful of elements that lie together along the innermost axis: what a lane moves with 16-byte
loads and stores, and works on in registers. Where a length is no multiple of it, a run is one element.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from runners.kernels.emit.clike import Lines, Printer, length_name, result_names
from runners.kernels.emit.schedule import has_dynamic, needed
from runners.kernels.emit.simt_text import CONSTANT, Dialect
from runners.kernels.expr import Array, Axis, Binary, Expr, Kernel, Load, Reduce, Store
from runners.kernels.sizes import STORAGE_BYTES, Sizes, Storage

RUN_BYTES = 16
COUNTED = 2**30  # elements that 32 bits count, with room for the steps beyond the last one
EACH_OF_RUN = "for (int i = 0; i < RUN; i++)"


@dataclass(slots=True)
class SimtPrinter(Printer):
    """Expressions as text: f32 storage needs no widening, an index that is read is wide."""

    wide: str = field(kw_only=True)
    storage: Storage = field(kw_only=True)

    def load(self, node: Load) -> str:
        return self.element(node) if self.storage == "f32" else Printer.load(self, node)

    def place(self, index: Axis | Expr | int) -> str:
        return (
            f"({self.wide}){self.text(index, 3)}" if isinstance(index, Expr) else Printer.place(self, index)
        )


class Body:
    """What a strategy fills. ``constants`` are name to value and what it means; ``grid`` and ``block`` count.

    ``ahead`` are lines that touch no memory: they need not wait for the launches before.
    """

    def __init__(
        self, kernel: Kernel, sizes: Sizes, storage: Storage, dialect: Dialect, run_axes: Iterable[Axis]
    ) -> None:
        self.kernel, self.sizes, self.storage, self.dialect = kernel, sizes, storage, dialect
        functions = {**dialect.functions, "widen": "widen"}
        self.print = SimtPrinter(sizes, functions, wide=dialect.wide, storage=storage)
        self.names = result_names(kernel.reductions)
        self.lines, self.ahead = Lines(), Lines()
        self.constants: dict[str, tuple[int, str]] = {}
        self.grid, self.block, self.how = 0, 0, ""
        self.run = self._run(tuple(run_axes))
        if max(sizes.lengths.values(), default=0) > COUNTED:
            raise NotImplementedError(f"{kernel.name}: an axis of more than {COUNTED} elements")

    def _run(self, axes: tuple[Axis, ...]) -> int:
        stored = any(array.element == "stored" for array in self.kernel.arrays)
        run = RUN_BYTES // (STORAGE_BYTES[self.storage] if stored else STORAGE_BYTES["f32"])
        whole = axes and all(not axis.dynamic and self.length(axis) % run == 0 for axis in axes)
        run = run if whole else 1
        self.constants["RUN"] = (run, "elements that lie together: what a lane takes at once")
        return run

    # --- sizes and names --------------------------------------------------------------------------

    def length(self, axis: Axis) -> int:
        """The length of a static axis."""
        return self.sizes.lengths[axis.name]

    @property
    def index_type(self) -> str:
        """What counts the elements of the largest array: 64 bits where 32 might not do."""
        arrays = [array.axes for array in self.kernel.arrays]
        if any(has_dynamic(axes) for axes in arrays):
            return self.dialect.wide
        elements = max(product(self.sizes.shape(axes, 1)) for axes in arrays)
        return self.dialect.wide if elements > COUNTED else "int"

    def name(self, node: Reduce) -> str:
        """The variable of a reduction."""
        return self.names[node]

    def free(self, axes: Iterable[Axis]) -> tuple[Axis, ...]:
        """The axes that a program runs along itself."""
        return tuple(axis for axis in axes if axis not in self.kernel.parallel)

    def element(self, array: Array) -> str:
        """Which of the helpers moves the array's runs."""
        return "stored" if array.element == "stored" and self.storage != "f32" else "f32"

    def space(self, array: Array) -> str:
        """The address space that the array is in."""
        small = array in self.kernel.inputs and not has_dynamic(array.axes)
        if small and product(self.sizes.shape(array.axes, 1)) < self.dialect.constant_below:
            return self.dialect.constant
        return self.dialect.device

    def loader(self, array: Array) -> str:
        """The helper that loads the array's runs."""
        name = f"load_{self.element(array)}"
        return name if self.space(array) == self.dialect.device else f"{name}_{CONSTANT}"

    # --- pieces of text ---------------------------------------------------------------------------

    def add(self, *lines: str) -> None:
        """Add lines to the body."""
        self.lines.add(*lines)

    def unroll(self, steps: int) -> None:
        """Ask for the loads of several steps of the loop that follows to be in flight together."""
        if steps > 1:
            self.add(f"#pragma unroll {steps}")

    def positions(self, place: str) -> None:
        """The points of the parallel axes, from the number of the program."""
        for axis in reversed(self.kernel.parallel[1:]):
            self.add(f"const {self.index_type} {axis.name} = {place} % {length_name(axis)};")
            place += f" / {length_name(axis)}"
        for axis in self.kernel.parallel[:1]:
            self.add(f"const {self.index_type} {axis.name} = {place};")

    def accumulate(self, node: Reduce, partial: str) -> str:
        """One more element of a sum or a maximum."""
        if node.op == "max":
            return f"{partial} = {self.print.functions['larger']}({partial}, {self.print.text(node.x)});"
        match node.x:
            case Binary("*", left, right):
                factors = f"{self.print.text(left)}, {self.print.text(right)}"
                return f"{partial} = {self.print.functions['fma']}({factors}, {partial});"
        return f"{partial} += {self.print.text(node.x)};"

    @property
    def infinity(self) -> str:
        """Infinity, without a header."""
        return f"{self.dialect.as_float}(0x7f800000u)"

    def start(self, node: Reduce) -> str:
        """What a reduction begins with."""
        return "0.0f" if node.op == "sum" else f"-{self.infinity}"

    # --- runs -------------------------------------------------------------------------------------

    @contextmanager
    def runs(self, axis: Axis, start: str, values: Sequence[Expr]) -> Iterator[None]:
        """Load what ``values`` need along ``axis`` from ``start``; inside, ``i`` counts along the run."""
        known, where = dict(self.print.results), dict(self.print.where)
        self.load_runs(axis, start, values)
        self.print.where[axis] = f"({start} + i)"
        yield
        self.print.results, self.print.where = known, where

    def load_runs(self, axis: Axis, start: str, values: Sequence[Expr]) -> None:
        """Declare and fill the runs, and let the loads be elements of them."""
        self.print.where[axis] = start
        nodes = (node for value in values for node in needed(value, self.print.results))
        loads = dict.fromkeys(node for node in nodes if isinstance(node, Load) and runs_along(node, axis))
        places: dict[str, list[Load]] = {}
        for load in loads:
            places.setdefault(f"&{self.print.element(load)}", []).append(load)
        names = self.run_names([found[0] for found in places.values()])
        if names:
            self.add(f"float {', '.join(f'{name}[RUN]' for name in names)};")
        for name, (place, found) in zip(names, places.items(), strict=True):
            self.add(f"{self.loader(found[0].array)}({place}, {name});")
            self.print.results.update(dict.fromkeys(found, f"{name}[i]"))

    def run_names(self, loads: Sequence[Load]) -> list[str]:
        """A name for each run: its array's, numbered where it is read or written at several places."""
        arrays = [load.array for load in loads]
        return [
            f"{array.name}_run"
            if arrays.count(array) == 1
            else f"{array.name}_run_{arrays[: place + 1].count(array)}"
            for place, array in enumerate(arrays)
        ]

    def store_runs(self, axis: Axis, start: str, stores: Sequence[Store]) -> None:
        """Compute and write one run of each store."""
        names = self.run_names([store.target for store in stores])
        with self.runs(axis, start, [store.value for store in stores]):
            self.add(f"float {', '.join(f'{name}[RUN]' for name in names)};")
            with self.lines.block(EACH_OF_RUN):
                self.add(*(f"{n} = {v};" for n, v in self.assigned(names, stores)))
            self.print.where[axis] = start
            for name, store in zip(names, stores, strict=True):
                place = f"&{self.print.element(store.target)}"
                self.add(f"store_{self.element(store.target.array)}({name}, {place});")

    def assigned(self, names: Sequence[str], stores: Sequence[Store]) -> list[tuple[str, str]]:
        """The elements of the runs, and their values."""
        return [
            (f"{name}[i]", self.print.text(store.value)) for name, store in zip(names, stores, strict=True)
        ]

    def assign(self, store: Store) -> str:
        """The statement that writes a single element."""
        value = self.print.text(store.value)
        if self.element(store.target.array) == "stored":
            value = f"narrow({value})"
        return f"{self.print.element(store.target)} = {value};"


def runs_along(load: Load, axis: Axis) -> bool:
    """Whether the elements that a load reads along ``axis`` lie together."""
    return bool(load.index) and load.index[-1] == axis


def product(lengths: Iterable[int]) -> int:
    """All lengths multiplied."""
    result = 1
    for length in lengths:
        result *= length
    return result
