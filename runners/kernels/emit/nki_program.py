"""A NKI kernel in the making: its lines, and the tile instructions that both dialects have.

A tile lies on up to 128 partitions, its first extent, with its columns along each. Memory is reached by copies;
the Tensor Engine multiplies into PSUM, and all else goes partition by partition. How each is written is a
dialect's affair: :mod:`.nki_dialects`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from runners.kernels.sizes import Storage

WIDTH = 110
STORED: dict[Storage, str] = {"bf16": "bfloat16", "f16": "float16", "f32": "float32"}
Shape = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Tile:
    """A tile on the chip: how it is spelled, its extents (the first along the partitions), its type, its memory."""

    text: str
    shape: Shape
    dtype: str = "float32"
    in_psum: bool = False

    def columns(self, first: str, count: str) -> Tile:
        """``count`` columns from ``first`` on."""
        return Tile(f"{self.text}[:, nl.ds({first}, {count})]", (self.shape[0], count), self.dtype)


class Program(ABC):
    """The lines of one kernel in the making. ``imports`` is the head of its module."""

    imports: str
    updated_parameter: str
    reuses: bool
    """Whether a tile that nothing needs any more is written again by name; else the compiler sees to that."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.depth = 1
        self.taken: set[str] = set()

    # --- lines ------------------------------------------------------------------------------------

    def add(self, line: str = "") -> None:
        self.lines.append(f"{'    ' * self.depth}{line}" if line else "")

    def call(self, head: str, *arguments: str) -> None:
        """``head``, which ends in a parenthesis, and its arguments, on as many lines as they need."""
        spelled, indent = ", ".join(filter(None, arguments)), 4 * self.depth
        if indent + len(head) + len(spelled) + 1 <= WIDTH:
            self.add(f"{head}{spelled})")
            return
        self.add(head)
        if indent + 4 + len(spelled) <= WIDTH:
            self.add(f"    {spelled}")
        else:
            for argument in filter(None, arguments):
                self.add(f"    {argument},")
        self.add(")")

    def unique(self, name: str) -> str:
        """A variable's name, numbered if it is taken."""
        found, number = name, 1
        while found in self.taken:
            number += 1
            found = f"{name}_{number}"
        self.taken.add(found)
        return found

    @contextmanager
    def loop(self, counter: str, count: str) -> Iterator[None]:
        """Independent turns; sums may grow in PSUM."""
        with self._loop(f"for {counter} in {self.range_word}({count}):"):
            yield

    @contextmanager
    def unrolled(self, counter: str, count: str) -> Iterator[None]:
        """Turns whose counter is a number when the kernel is traced."""
        with self._loop(f"for {counter} in {self.unrolled_word}({count}):"):
            yield

    range_word: str
    unrolled_word: str

    @contextmanager
    def _loop(self, head: str) -> Iterator[None]:
        self.add(head)
        self.depth += 1
        yield
        self.depth -= 1

    # --- memory -----------------------------------------------------------------------------------

    def allocate(self, name: str, shape: Shape, dtype: str = "float32", buffer: str = "sbuf") -> Tile:
        self.call(f"{name} = nl.ndarray(", tuple_text(shape), f"dtype=nl.{dtype}", f"buffer=nl.{buffer}")
        return Tile(name, shape, dtype, in_psum=buffer == "psum")

    @abstractmethod
    def load(self, name: str, source: str, shape: Shape, dtype: str) -> Tile:
        """What ``source``, in memory, holds."""

    @abstractmethod
    def load_for_all(self, name: str, source: str, shape: Shape, dtype: str) -> Tile:
        """The only row of ``source`` in every partition."""

    @abstractmethod
    def load_rows(self, name: str, source: str, rows: Tile, column: str, shape: Shape, dtype: str) -> Tile:
        """For each partition the row of ``source`` that the column ``column`` of ``rows`` names."""

    @abstractmethod
    def store(self, target: str, value: Tile) -> None:
        """``value`` to ``target``, in memory."""

    @abstractmethod
    def store_rows(self, target: str, rows: Tile, value: Tile) -> None:
        """Each partition's row to the row of ``target`` that ``rows`` names."""

    # --- instructions -----------------------------------------------------------------------------

    @abstractmethod
    def result(self, call: str, *arguments: str, tile: Tile, default: str, into: bool = False) -> Tile:
        """The result of an instruction as ``tile``, or ``into`` one that is there.

        ``default`` is the type that the result would have by itself.
        """

    def copy_where(self, predicate: Tile, source: str, target: Tile) -> None:
        """A tile or a number into ``target`` where the predicate holds."""
        places = f"dst={target.text}", f"src={source}", f"predicate={predicate.text}"
        self.call("nisa.tensor_copy_predicated(", *places)

    @abstractmethod
    def product(self, name: str, shape: Shape, stationary: str, moving: str) -> Tile:
        """One matrix product, in PSUM."""

    @abstractmethod
    def sums(self, name: str, shape: Shape) -> Tile:
        """A PSUM tile that products will be added to."""

    @abstractmethod
    def add_product(self, sums: Tile, stationary: str, moving: str, turn: str) -> None:
        """Add a product in turn ``turn`` of a loop."""

    @abstractmethod
    def transposed(self, name: str, data: Tile) -> Tile:
        """Partitions and columns exchanged, in PSUM."""

    @abstractmethod
    def filled(self, name: str, shape: Shape, value: str, dtype: str = "float32") -> Tile:
        """A tile of one number."""

    @abstractmethod
    def counted(self, name: str, shape: Shape, dtype: str, row: str, column: str) -> Tile:
        """A tile of partition times ``row`` plus column times ``column``; ``"0"``: the same throughout."""


def tuple_text(parts: Shape) -> str:
    """A tuple of ``parts``."""
    return f"({', '.join(parts)}{',' if len(parts) == 1 else ''})"
