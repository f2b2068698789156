"""What tiles take in the buffer of PTO-MLIR: as the program has them, except where an operation asks for more.

Elementwise operations want tiles of one shape; a window of a row must lie inside the row's tile; scratch has the
sizes that the instruction set's documentation gives; a comparison's bits take no more than a byte an element.
"""

from __future__ import annotations

from collections.abc import Iterator

from runners.kernels.emit import tile as ir
from runners.kernels.emit.tile_place import Index, Tile

LANES, BLOCK = 64, 8
TREE = 1024  # f32 numbers that the sums of a tile of whole vectors may keep
SCRATCHLESS = ("+", "max")
Use = tuple[Tile, Index, Index]


def used(body: tuple[ir.Statement, ...]) -> Iterator[Use]:
    """Each tile where it is used, with the rows and columns that count; scratch has none."""
    for statement in ir.walk(body):
        yield from _uses(statement)


def _uses(statement: ir.Statement) -> Iterator[Use]:
    match statement:
        case ir.Load(out, _, _, cols, rows):
            yield out, rows, cols
        case ir.Store(x, _, _, cols):
            yield x, 1, cols
        case ir.Reduce(out, _, x, _, cols):
            yield from ((out, 1, 1), (x, 1, cols))
        case ir.RowDots(_, x, row, start, rows, cols):
            yield x, rows, cols
            if start == 0:
                yield row, 1, cols
        case ir.RowExpand(out, _, x, _, _, cols, rows):
            yield from ((out, rows, cols), (x, rows, cols))
        case ir.ColumnSum(out, x, rows, cols):
            yield from ((out, 1, cols), (x, rows, cols))
        case ir.Cast(out, x, cols, rows):
            yield from ((out, rows, cols), (x, rows, cols))
        case _ if isinstance(statement, ir.Rowwise):
            yield from ((tile, 1, statement.cols) for tile in _tiles(statement) if tile.dtype != "mask")


def _tiles(statement: ir.Compute) -> tuple[Tile, ...]:
    return statement.out, *ir.operands(statement)


def reduction_scratch(rows: int) -> tuple[int, int]:
    """What a reduction of so many rows works in; that to the smallest asks for a tile like its operand."""
    return rows, max(LANES, TREE // rows if rows >= BLOCK else 0)


def shapes(body: tuple[ir.Statement, ...]) -> dict[Tile, tuple[int, int]]:
    """Rows and columns that each tile takes; tiles that no operation takes are left out."""
    statements = list(ir.walk(body))
    found = {tile: (tile.rows, tile.cols) for tile, _, _ in used(body)}
    while True:
        before = dict(found)
        for statement in statements:
            for tile, rows, cols in _wanted(statement, found):
                have = found.get(tile, (0, 0))
                found[tile] = max(have[0], rows), max(have[1], cols)
        if found == before:
            return found


def _wanted(statement: ir.Statement, found: dict[Tile, tuple[int, int]]) -> Iterator[tuple[Tile, int, int]]:
    """What a statement wants of its tiles, given what they have."""
    match statement:
        case ir.RowDots(out, x, row, start):
            steps = 1 if start == 0 else -(-row.cols // x.cols)
            yield from ((out, 1, out.cols), (row, 1, steps * x.cols))
        case ir.Reduce(_, op, x, work):
            yield work, *(found[x] if op == "min" else reduction_scratch(x.rows))
        case ir.RowExpand(out, op, x, numbers, work):
            spread = -(-x.rows // BLOCK) * BLOCK
            yield from ((out, *found[x]), (x, *found[out]), (numbers, 1, spread))
            if op not in SCRATCHLESS:
                yield work, spread, BLOCK
        case ir.ColumnSum(out, x):
            yield from ((out, 1, found[x][1]), (x, 1, found[out][1]))
        case _ if isinstance(statement, ir.Cast | ir.Rowwise):
            alike = [found.get(tile, (tile.rows, tile.cols)) for tile in _tiles(statement)]
            rows, cols = (max(shape[place] for shape in alike) for place in (0, 1))
            yield from ((tile, rows, cols) for tile in _tiles(statement))
