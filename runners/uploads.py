"""A buffer's first contents as a device wants them: whole, in the layout of the kernels that read it."""

from __future__ import annotations

from runners.device import Contents, Numbers
from runners.kernels.emit.layout import Layout
from runners.step import Buffer


def packed(buffer: Buffer, layout: Layout, contents: Contents) -> Numbers:
    """All rows of ``buffer`` in ``layout``, contiguous: what one transfer to the device takes."""
    rows = contents(buffer, 0, buffer.shape[0] if buffer.shape else 1)
    return layout.pack(rows)
