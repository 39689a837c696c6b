"""Pictures as PNG files with a palette, and back again: just what sprites need."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence

from .kit import Grid
from .palettes import RGB

_SIGNATURE = b"\x89PNG\r\n\x1a\n"


def encoded(grid: Grid, palette: Sequence[RGB], *, opaque: bool = False) -> bytes:
    """The file. Index 0 is transparent, unless the picture is opaque."""
    rows = b"".join(b"\0" + bytes(grid.pixels[y * grid.width : (y + 1) * grid.width]) for y in range(grid.height))
    parts = [
        _chunk(b"IHDR", struct.pack(">IIBBBBB", grid.width, grid.height, 8, 3, 0, 0, 0)),
        _chunk(b"PLTE", b"".join(bytes(colour) for colour in palette)),
        b"" if opaque else _chunk(b"tRNS", b"\0"),
        _chunk(b"IDAT", zlib.compress(rows, 9)),
        _chunk(b"IEND", b""),
    ]
    return _SIGNATURE + b"".join(parts)


def decoded(file: bytes) -> tuple[Grid, list[RGB]]:
    """The picture and the palette of a file that `encoded` made."""
    assert file.startswith(_SIGNATURE), "This is no PNG file."
    chunks: dict[bytes, bytes] = {}
    at = len(_SIGNATURE)
    while at < len(file):
        (size,) = struct.unpack_from(">I", file, at)
        chunks[file[at + 4 : at + 8]] = file[at + 8 : at + 8 + size]
        at += size + 12
    width, height = struct.unpack_from(">II", chunks[b"IHDR"])
    grid, rows = Grid(width, height), zlib.decompress(chunks[b"IDAT"])
    for y in range(height):
        grid.pixels[y * width : (y + 1) * width] = rows[y * (width + 1) + 1 : (y + 1) * (width + 1)]
    colours = chunks[b"PLTE"]
    return grid, [(colours[i], colours[i + 1], colours[i + 2]) for i in range(0, len(colours), 3)]


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
