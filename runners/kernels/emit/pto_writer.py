"""The lines of a PTO function as they are written: names of values, constants, and regions."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from runners.kernels.emit.tile_place import BLOCK, BLOCKS, Index, Symbol

ARITHMETIC = {
    "+": ("addi", "sum"), "-": ("subi", "rest"), "*": ("muli", "product"),
    "//": ("divui", "quotient"), "%": ("remui", "remainder"), "min": ("minui", "least"),
}  # fmt: skip
HEADS = (
    "arith.constant",
    "pto.get_block",
    "arith.",
    "pto.make_tensor_view",
    "pto.alloc_tile",
    "pto.treshape",
)
"""Before the body come these, in this order."""
CORE = {BLOCK: "pto.get_block_idx", BLOCKS: "pto.get_block_num"}


@dataclass(slots=True)
class Region:
    """The lines of one region, and what it has names for."""

    lines: list[str] = field(default_factory=list)
    known: dict[object, str] = field(default_factory=dict)


class Writer:
    """Writes line after line; a value that an enclosing region has is not computed again."""

    def __init__(self, constants: dict[str, tuple[int, str]]) -> None:
        self.constants = constants
        self._heads: list[str] = []
        self.regions = [Region()]
        self._names: set[str] = set()

    # --- names and lines --------------------------------------------------------------------------

    def name(self, wish: str) -> str:
        """A name that nothing has yet."""
        found, count = f"%{wish}", 1
        while found in self._names:
            count += 1
            found = f"%{wish}_{count}"
        self._names.add(found)
        return found

    def line(self, text: str) -> None:
        """One more line of the present region."""
        self.regions[-1].lines.append("  " * (len(self.regions) + 1) + text)

    def find(self, key: object) -> str | None:
        """The name of what the present region or one around it has under ``key``."""
        return next((region.known[key] for region in self.regions if key in region.known), None)

    def know(self, key: object, name: str) -> None:
        """From here on, in this region, ``key`` has this name."""
        self.regions[-1].known[key] = name

    def value(self, key: object, wish: str, text: str) -> str:
        """The name of the value that ``text`` computes; computed here, unless it is known."""
        if found := self.find(key):
            return found
        name = self.name(wish)
        self.line(f"{name} = {text}")
        self.know(key, name)
        return name

    def head(self, key: object, wish: str, text: str) -> str:
        """The same for a value that the whole function may use: it is computed before the body."""
        if found := self.find(key):
            return found
        name = self.name(wish)
        self._heads.append(f"    {name} = {text}")
        self.regions[0].known[key] = name
        return name

    def lines(self) -> list[str]:
        """The function's lines: what its body uses anywhere, kind by kind, and then the body."""

        def kind(line: str) -> int:
            text = line.split(" = ", 1)[1]
            return next(place for place, head in enumerate(HEADS) if text.startswith(head))

        return [*sorted(self._heads, key=kind), "", *self.regions[0].lines]

    @contextmanager
    def loop(self, symbol: Symbol, start: Index, stop: Index, step: Index) -> Iterator[None]:
        """What is written inside is the body of a loop."""
        bounds = [self.index(start), self.index(stop, f"{symbol.name}_end"), self.index(step)]
        variable = self.name(symbol.name)
        self.line(f"scf.for {variable} = {bounds[0]} to {bounds[1]} step {bounds[2]} {{")
        self.regions.append(Region(known={symbol: variable}))
        yield
        body = self.regions.pop()
        self.regions[-1].lines += body.lines
        self.line("}")

    # --- numbers ----------------------------------------------------------------------------------

    def constant(self, value: str, kind: str, note: str = "", wish: str = "") -> str:
        """The name of a constant."""
        text = f"arith.constant {value} : {kind}" + (f" // {note}" if note else "")
        return self.head((value, kind, wish), wish or (f"c{value}" if kind == "index" else "cst"), text)

    def index(self, index: Index, wish: str = "") -> str:
        """The name of an index; ``wish`` is what it should be called if it is computed here."""
        if isinstance(index, int):
            return self.constant(str(index), "index")
        if isinstance(index, Symbol):
            return self.symbol(index)
        if found := self.find(index):
            return found
        left, right = self.index(index.left), self.index(index.right)
        word, default = ARITHMETIC[index.op]
        return self.value(index, wish or default, f"arith.{word} {left}, {right} : index")

    def symbol(self, symbol: Symbol) -> str:
        """The name of a symbol."""
        if found := self.find(symbol):
            return found
        if symbol.name in self.constants:
            value, note = self.constants[symbol.name]
            return self.constant(str(value), "index", note, symbol.name)
        assert symbol in CORE, symbol
        number = self.head((symbol, "i64"), f"{symbol.name}_i64", CORE[symbol])
        return self.head(symbol, symbol.name, f"arith.index_cast {number} : i64 to index")

    def static(self, index: Index) -> int | None:
        """What an index is, if the sizes alone decide it."""
        if isinstance(index, int):
            return index
        if isinstance(index, Symbol):
            return self.constants[index.name][0] if index.name in self.constants else None
        left, right = self.static(index.left), self.static(index.right)
        if left is None or right is None:
            return None
        match index.op:
            case "+":
                return left + right
            case "-":
                return left - right
            case "*":
                return left * right
            case "min":
                return min(left, right)
        return divmod(left, right)[index.op == "%"]
