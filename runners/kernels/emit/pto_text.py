"""The words of PTO-MLIR: the types of tiles, and numbers."""

from __future__ import annotations

from dataclasses import dataclass

from runners.kernels.emit.tile_place import Dtype

ELEMENT: dict[Dtype, str] = {"f32": "f32", "i32": "i32", "bf16": "bf16", "f16": "f16", "mask": "i8"}
BYTES = {"f32": 4, "i32": 4, "bf16": 2, "f16": 2, "i8": 1}
TILE = (
    "!pto.tile_buf<loc=vec, dtype={dtype}, rows={rows}, cols={cols}, v_row={v_row}, v_col={v_col}, "
    "blayout={layout}, slayout=none_box, fractal=512, pad=0>"
)


@dataclass(frozen=True, slots=True)
class TileType:
    """A tile's type: what it takes in the buffer, and how much of that counts (None: known when it runs)."""

    dtype: str
    rows: int
    cols: int
    valid: tuple[int | None, int | None]
    column: bool = False

    @property
    def alias(self) -> str:
        """The short name by which the text calls it."""
        shape = f"{self.rows}x{self.dtype}" if self.column else f"{self.rows}x{self.cols}x{self.dtype}"
        kind = "column" if self.column else "tile"
        if self.valid == (self.rows, self.cols):
            return f"!{kind}_{shape}"
        part = "x".join("n" if extent is None else str(extent) for extent in self.valid)
        return f"!{kind}_{shape}_{part}"

    @property
    def definition(self) -> str:
        """The line that defines the alias."""
        v_row, v_col = ("?" if extent is None else extent for extent in self.valid)
        layout = "col_major" if self.column else "row_major"
        spelled = TILE.format(
            dtype=self.dtype, rows=self.rows, cols=self.cols, v_row=v_row, v_col=v_col, layout=layout
        )
        return f"{self.alias} = {spelled}"


def literal(value: float) -> str:
    """An f32 constant; the infinities by their bits, as MLIR has no word for them."""
    if value in (float("inf"), float("-inf")):
        return "0x7F800000" if value > 0 else "0xFF800000"
    mantissa, mark, exponent = repr(float(value)).partition("e")
    return (mantissa if "." in mantissa else f"{mantissa}.0") + mark + exponent
