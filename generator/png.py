"""A picture of few colours as a small PNG: the converter writes four bytes a pixel and hardly compresses them."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator

import numpy as np

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_RGBA = (8, 6, 0, 0, 0)  # bits, colour type, compression, filter, interlace
_LEFT = 1  # the filter that stores each pixel less its left neighbour
_MOST_COLOURS = 256


def compact(png: bytes) -> bytes:
    """The same picture with a palette; ``png`` itself where it is of another form, or of too many colours."""
    parts = list(_chunks(png))
    columns, rows, *form = struct.unpack(">IIBBBBB", parts[0][1])
    if tuple(form) != _RGBA:
        return png
    packed = b"".join(content for kind, content in parts if kind == b"IDAT")
    lines = np.frombuffer(zlib.decompress(packed), np.uint8).reshape(rows, 1 + 4 * columns)
    if (lines[:, 0] != _LEFT).any():
        return png
    pixels = np.cumsum(lines[:, 1:].reshape(rows, columns, 4), axis=1, dtype=np.uint8)
    each = pixels.view(">u4").ravel()
    begins = np.concatenate(
        ([0], np.flatnonzero(each[1:] != each[:-1]) + 1)
    )  # of a colour that goes on for a while
    colours, places = np.unique(each[begins], return_inverse=True)
    palette = colours.astype(">u4").view(np.uint8).reshape(-1, 4)
    if len(colours) > _MOST_COLOURS or (palette[:, 3] != 255).any():
        return png
    indexed = np.zeros((rows, 1 + columns), np.uint8)  # each line begins with its filter: none
    lengths = np.diff(begins, append=each.size)
    indexed[:, 1:] = places.astype(np.uint8).repeat(lengths).reshape(rows, columns)
    header = struct.pack(">IIBBBBB", columns, rows, 8, 3, 0, 0, 0)
    own = (
        (b"IHDR", header),
        (b"PLTE", palette[:, :3].tobytes()),
        (b"IDAT", zlib.compress(indexed.tobytes())),
    )
    return _SIGNATURE + b"".join(_chunk(kind, content) for kind, content in (*own, (b"IEND", b"")))


def _chunks(png: bytes) -> Iterator[tuple[bytes, bytes]]:
    place = len(_SIGNATURE)
    while place < len(png):
        (length,) = struct.unpack_from(">I", png, place)
        yield png[place + 4 : place + 8], png[place + 8 : place + 8 + length]
        place += 12 + length


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
