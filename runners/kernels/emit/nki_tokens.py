"""Sums over the tokens, weighted by a softmax: scores on the chip, each key and each value read once.

The scores of all tokens stay in SBUF, on a partition for each member of a group, so the largest is known before
any power of e is taken. With their numbers and copies they are 13 bytes a token: a text refuses a capacity of
more than 13,000 tokens when it is traced, as only then the capacity is known. Keys and values come in tiles of
128 tokens, gathered by row numbers, of which none lies past the position: the last token stands in for what is
past it, and nothing unwritten is ever read, be it NaN. Its scores there are set to a number that has no power
of e.

The position is read on the device, but no loop ends there: trn1 documents no loop whose length the device knows,
and of the later package only the newest. **All tiles of the capacity are gone through at any position, so a step
takes time in proportion to the capacity.** Give a cache no more than the tokens that it is to hold.

A key tile has its tokens on the partitions and is transposed, as the Tensor Engine sums along them; a transposed
tile is copied out of PSUM anyhow, and is widened to f32 by that. Queries, scores and shares are never rounded:
these products are f32, at four cycles a column, on tiles that are small beside the weights of a step.
:mod:`.online` says which factors leave the sums.
"""

from __future__ import annotations

from runners.kernels.emit.nki_body import Body
from runners.kernels.emit.nki_frame import PARTITIONS, Frame, Lowering, length_of, number_for_all
from runners.kernels.emit.nki_program import Tile
from runners.kernels.emit.online import CarriedSum, one_pass
from runners.kernels.expr import Binary, Expr, Load, Reduce

_NO_SCORE = "-3.0e38"
_MOST_TOKENS = 13_000


def lower(lowering: Lowering) -> None:
    """Scores, their softmax, and the sums that it weighs: for each place of the axis that all arrays share."""
    _Tokens(lowering).write()


class _Tokens:
    def __init__(self, lowering: Lowering) -> None:
        self.lowering, self.program = lowering, lowering.program
        self.carried = one_pass(lowering.kernel)
        self.score = self.contraction()
        self.query, self.key = self.operands(self.score)
        (self.still, self.member, self.inner), (_, self.tokens, _) = (
            self.query.array.axes,
            self.key.array.axes,
        )
        self.counter = self.program.unique(self.still.name.removesuffix("s"))
        for axis in (self.member, self.inner):
            if lowering.length(axis) > PARTITIONS:
                raise lowering.refused(f"{axis.name} is longer than there are partitions")
        lowering.constant("TOKENS", PARTITIONS, "of a tile, one to a partition")
        lowering.walk = f"{PARTITIONS} tokens at a time, one to a partition."

    def contraction(self) -> Reduce:
        """The sum of products that the score is made of."""
        inside = [part for part in self.carried.score.walk() if isinstance(part, Reduce)]
        if len(inside) != 1 or inside[0].op != "sum" or len(self.lowering.kernel.stores) != 1:
            raise self.lowering.refused("a score must be one sum of products, for one output")
        return inside[0]

    def operands(self, node: Reduce) -> tuple[Load, Load]:
        """A row for each member, and a row for each token, over the same columns."""
        match node.x:
            case Binary("*", Load() as query, Load() as key):
                query, key = (query, key) if self.carried.axis in key.index else (key, query)
                still = query.index[0]
                laid = (len(query.index), key.index) == (3, (still, self.carried.axis, node.axis))
                if laid and query.index == (*query.array.axes[:2], node.axis):
                    return query, key
        raise self.lowering.refused("a score must be the product of a query's and a key's row")

    # --- the kernel -------------------------------------------------------------------------------

    def write(self) -> None:
        capacity = self.program.unique("capacity")
        most = self.lowering.constant("MOST_TOKENS", _MOST_TOKENS, "whose scores SBUF holds")
        self.program.add(f"{capacity} = {length_of(self.key, 1)}")
        self.program.add(f"assert {capacity} <= {most}")
        self.program.add("tiles = -(-capacity // TOKENS)")
        self.rows_of = {load: self.row_view(load, capacity) for load in self.by_token()}
        self.places()
        with self.program.unrolled(self.counter, self.still.name.upper()):
            self.one(capacity)

    def by_token(self) -> dict[Load, None]:
        """What has a row for each token."""
        values = (part for carried in self.carried.sums for part in carried.summed.x.walk())
        loads = [part for part in values if isinstance(part, Load) and self.tokens in part.index]
        return dict.fromkeys([self.key, *(load for load in loads if load is not self.key)])

    def row_view(self, load: Load, capacity: str) -> str:
        still, _, columns = (axis.name.upper() for axis in load.array.axes)
        name = self.program.unique(f"{load.array.name}_rows")
        self.program.add(f"{name} = {load.array.name}.reshape(({still} * {capacity}, {columns}))")
        return name

    def places(self) -> None:
        """Each token's number; the last one's; which lie past it; room for all scores."""
        numbers = [array for array in self.lowering.kernel.inputs if not array.axes]
        if len(numbers) != 1:
            raise self.lowering.refused("a position, and no other number, must be given")
        (position,) = numbers
        last = number_for_all(self.program, Load(position, ()), "TOKENS")
        self.last = self.program.result(
            "tensor_copy", f"src={last.text}", tile=Tile("last", ("TOKENS", "1")), default="int32"
        )
        self.token = self.program.counted("token", ("TOKENS", "tiles"), "int32", "1", "TOKENS")
        member = self.member.name.upper()
        along = self.program.counted("along", (member, "tiles * TOKENS"), "float32", "0", "1")
        past = f"data={along.text}", "op0=nl.greater", f"operand0={self.last.text}[0:{member}, :]"
        self.past = Tile("past", along.shape, "uint8")
        self.program.result("tensor_scalar", *past, tile=self.past, default="float32")
        self.all_scores = self.program.allocate("scores", along.shape)

    def one(self, capacity: str) -> None:
        clamped = f"data={self.token.text}", "op0=nl.minimum", f"operand0={self.last.text}"
        moved = "op1=nl.add", f"operand1={self.counter} * {capacity}"
        self.program.add("# the row of each token; past the position, that of the last one")
        self.row = Tile(self.program.unique("row"), self.token.shape, "int32")
        self.program.result("tensor_scalar", *clamped, *moved, tile=self.row, default="int32")
        shares = self.softmax(self.scores())
        known: dict[Expr, Tile] = {}
        instead: dict[Expr, Expr] = {}
        for carried in self.carried.sums:
            known[carried.summed] = self.weighed(carried, shares)
            instead[carried.node] = self.result_of(carried)
        (store,) = self.lowering.kernel.stores
        cols = store.target.axes[-1]
        shape = (self.member.name.upper(), cols.name.upper())
        frame = Frame(self.member, cols, shape, still={self.still: self.counter})
        Body(self.lowering, frame, known, instead).store(store)

    @staticmethod
    def result_of(carried: CarriedSum) -> Expr:
        result: Expr = carried.summed
        for side, factor in carried.outside:
            result = Binary(side, result, factor)
        return result

    # --- scores -----------------------------------------------------------------------------------

    def scores(self) -> Tile:
        """A member's scores along its partition, token by token."""
        member, inner = self.member.name.upper(), self.inner.name.upper()
        query = f"{self.query.array.name}_tile"
        dtype = self.lowering.dtype(self.query)
        tile = self.program.load(
            query, f"{self.query.array.name}[{self.counter}, :, :]", (member, inner), dtype
        )
        turned = self.wide(self.program.transposed(f"{query}_turned", tile), f"{query}_columns")
        scores = self.all_scores
        with self.program.loop("t", "tiles"):
            keys = self.gathered(self.key)
            key_columns = self.wide(
                self.program.transposed(f"{self.key.array.name}_turned", keys),
                f"{self.key.array.name}_columns",
            )
            products = self.program.product("products", (member, "TOKENS"), turned.text, key_columns.text)
            frame = Frame(self.member, self.tokens, products.shape)
            into = scores.columns("t * TOKENS", "TOKENS")
            if self.carried.score is self.score:
                self.program.result(
                    "tensor_copy", f"src={products.text}", tile=into, default="float32", into=True
                )
            else:
                Body(self.lowering, frame, {self.score: products}).compute(self.carried.score, into=into)
        self.program.copy_where(self.past, _NO_SCORE, scores)
        return scores

    def softmax(self, scores: Tile) -> Tile:
        """Each score's power of e, the largest score taken off first."""
        largest = Tile("largest", (scores.shape[0], "1"))
        reduced = "op=nl.maximum", f"data={scores.text}", "axis=1", "keepdims=True"
        self.program.result("tensor_reduce", *reduced, tile=largest, default="float32")
        less = f"data={scores.text}", "op0=nl.subtract", f"operand0={largest.text}"
        self.program.result("tensor_scalar", *less, tile=scores, default="float32", into=True)
        power = "op=nl.exp", f"data={scores.text}"
        return self.program.result("activation", *power, tile=scores, default="float32", into=True)

    # --- sums -------------------------------------------------------------------------------------

    def weighed(self, carried: CarriedSum, shares: Tile) -> Tile:
        """The sum of the shares, or of rows that they weigh."""
        if carried.summed.x is self.carried.share:
            total = Tile(self.program.unique("total"), (shares.shape[0], "1"))
            added = "op=nl.add", f"data={shares.text}", "axis=1", "keepdims=True"
            return self.program.result("tensor_reduce", *added, tile=total, default="float32")
        match carried.summed.x:
            case Binary("*", left, Load() as rows) if left is self.carried.share:
                return self.weighed_rows(rows, shares)
            case Binary("*", Load() as rows, right) if right is self.carried.share:
                return self.weighed_rows(rows, shares)
        raise self.lowering.refused("only rows as they lie can be weighed")

    def weighed_rows(self, rows: Load, shares: Tile) -> Tile:
        if rows.index != (self.still, self.tokens, rows.array.axes[-1]) or len(rows.index) != 3:
            raise self.lowering.refused(f"{rows.array.name} has no row for each token")
        name, columns = rows.array.name, rows.array.axes[-1].name.upper()
        sums = self.program.sums(self.program.unique(f"{name}_weighed"), (shares.shape[0], columns))
        with self.program.loop("t", "tiles"):
            tile = self.wide(self.gathered(rows), f"{name}_wide")
            share = shares.columns("t * TOKENS", "TOKENS")
            turned = self.wide(self.program.transposed(f"{name}_shares_turned", share), f"{name}_shares")
            self.program.add_product(sums, turned.text, tile.text, "t")
        return sums

    # --- tiles ------------------------------------------------------------------------------------

    def gathered(self, load: Load) -> Tile:
        """A tile of tokens' rows."""
        shape = ("TOKENS", load.array.axes[-1].name.upper())
        name, dtype = f"{load.array.name}_tile", self.lowering.dtype(load)
        return self.program.load_rows(name, self.rows_of[load], self.row, "t", shape, dtype)

    def wide(self, tile: Tile, name: str) -> Tile:
        """A copy in SBUF, in f32; what is there in f32 already needs none."""
        if tile.dtype == "float32" and not tile.in_psum:
            return tile
        copy = Tile(name, tile.shape)
        return self.program.result("tensor_copy", f"src={tile.text}", tile=copy, default=tile.dtype)
