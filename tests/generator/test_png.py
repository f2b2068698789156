"""A picture becomes smaller and stays the same."""

from __future__ import annotations

import struct
import zlib

import numpy as np
import vl_convert
from numpy.typing import NDArray

from generator.png import _chunks, compact

FEW = '<rect width="30" height="20" fill="#fff"/><rect width="9" height="7" fill="#0f6e84"/>'
MANY = "".join(
    f'<rect x="{i % 30}" y="{i // 30}" width="1" height="1" fill="#{i * 7001:06x}"/>' for i in range(600)
)


def drawn(body: str) -> bytes:
    svg = f'<svg xmlns="http://www.w3.org/2000/svg" width="30" height="20">{body}</svg>'
    png: bytes = vl_convert.svg_to_png(svg)
    return png


def pixels(png: bytes) -> NDArray[np.uint8]:
    """The colours of a picture with a palette."""
    parts = dict(_chunks(png))
    columns, rows = struct.unpack(">II", parts[b"IHDR"][:8])
    palette = np.frombuffer(parts[b"PLTE"], np.uint8).reshape(-1, 3)
    lines = np.frombuffer(zlib.decompress(parts[b"IDAT"]), np.uint8).reshape(rows, columns + 1)
    assert not lines[:, 0].any()
    return palette[lines[:, 1:]]


def test_every_pixel_keeps_its_colour() -> None:
    found = pixels(compact(drawn(FEW)))
    assert found.shape == (20, 30, 3)
    assert (found[:7, :9] == (0x0F, 0x6E, 0x84)).all()
    assert (found[7:] == 255).all()
    assert (found[:, 9:] == 255).all()


def test_a_picture_becomes_smaller_and_each_chunk_has_its_checksum() -> None:
    png = compact(drawn(FEW))
    assert len(png) < len(drawn(FEW))
    place = 8
    while place < len(png):
        (length,) = struct.unpack_from(">I", png, place)
        (checksum,) = struct.unpack_from(">I", png, place + 8 + length)
        assert checksum == zlib.crc32(png[place + 4 : place + 8 + length])
        place += 12 + length


def test_a_picture_of_many_colours_or_that_lets_the_page_through_stays_as_it_is() -> None:
    for body in (MANY, '<rect width="9" height="7" fill="#0f6e84"/>'):
        assert compact(drawn(body)) == drawn(body)


def test_a_picture_with_a_palette_stays_as_it_is() -> None:
    png = compact(drawn(FEW))
    assert compact(png) == png
