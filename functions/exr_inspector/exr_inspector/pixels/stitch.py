"""Write chosen chunks of a part into a small single-part file, which any OpenEXR library decodes.

The new file has only the attributes that decoding needs, so that a foreign attribute cannot make the library
refuse the pixels. A chunk's compressed data does not depend on its coordinates (OpenEXR File Layout), so
the chunks are moved next to each other and their heads are rewritten.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from math import lcm
from struct import Struct, pack
from typing import NamedTuple

from exr_inspector.exr.header import LONG_NAMES, NON_IMAGE, TILED, VERSION, Part, write_header
from exr_inspector.exr.layout import Chunk, Layout

_CHANNEL = re.compile(rb"([^\0]+)\0(.{16})", re.DOTALL)
_BOX, _OFFSET, _DEEP_SIZES = Struct("<4i"), Struct("<Q"), Struct("<3q")
_SHORT_NAME = 31

_Attribute = tuple[bytes, bytes, bytes]


class RawChunk(NamedTuple):
    """The bytes of one chunk, without its head.

    In deep parts `table` holds the packed sample counts, and `unpacked_size` counts the bytes of the unpacked
    samples. In flat parts they are empty and 0.
    """

    pixels: Chunk
    data: bytes | memoryview
    table: bytes | memoryview = b""
    unpacked_size: int = 0


def stitch(part: Part, layout: Layout, chunks: Sequence[RawChunk]) -> bytes:
    """Return a file of one part that holds the pixels of `chunks`, in this order.

    Chunks of scan lines come one below the other. Tiles come side by side, and must have the same size; their
    level is lost. Only the last chunk of scan lines may be shorter than the others. Raises ValueError if the
    chunks do not fit together.
    """
    first = chunks[0].pixels
    if layout.is_tiled:
        if any((each.pixels.width, each.pixels.height) != (first.width, first.height) for each in chunks):
            raise ValueError("tiles of different sizes cannot be in one file")
        x, y, width, height = 0, 0, first.width * len(chunks), first.height
    else:
        if any(each.pixels.height != layout.chunk_height for each in chunks[:-1]):
            raise ValueError("only the last chunk of scan lines can be short")
        x, y = _phases(layout)
        width, height = first.width, sum(each.pixels.height for each in chunks)
    window = _BOX.pack(x, y, x + width - 1, y + height - 1)
    channels = decodable_channels(_raw(part, "channels", "chlist"))
    attributes: list[_Attribute] = [
        (b"channels", b"chlist", channels),
        (b"compression", b"compression", _raw(part, "compression", "compression")),
        (b"dataWindow", b"box2i", window),
        (b"displayWindow", b"box2i", window),
        (b"lineOrder", b"lineOrder", b"\0"),
        (b"pixelAspectRatio", b"float", pack("<f", 1.0)),
        (b"screenWindowCenter", b"v2f", pack("<2f", 0.0, 0.0)),
        (b"screenWindowWidth", b"float", pack("<f", 1.0)),
    ]
    if layout.is_tiled:
        attributes.append((b"tiles", b"tiledesc", pack("<2IB", first.width, first.height, 0)))
    if layout.is_deep:
        attributes += [
            (b"chunkCount", b"int", pack("<i", len(chunks))),
            (b"maxSamplesPerPixel", b"int", pack("<i", part.value("maxSamplesPerPixel", "int") or 0)),
            (b"type", b"string", layout.type.encode()),
            (b"version", b"int", pack("<i", 1)),
        ]
    flags = NON_IMAGE if layout.is_deep else TILED if layout.is_tiled else 0
    if any(len(name) > _SHORT_NAME for name in _names(channels)):
        flags |= LONG_NAMES
    head = write_header(VERSION | flags, [attributes])
    return b"".join((head, *_body(layout, chunks, len(head), y)))


def decodable_channels(chlist: bytes) -> bytes:
    """Return a channel list whose names are UTF-8, which the Python module requires.

    Names that are not UTF-8 are taken for Latin-1. That keeps their order, which is the order of the samples,
    and the ASCII names after the last point, by which DWA chooses how to compress a channel.
    """
    try:
        for each in _names(chlist):
            each.decode("utf-8")
    except UnicodeDecodeError:
        entries = (
            name.decode("latin-1").encode() + b"\0" + fields for name, fields in _CHANNEL.findall(chlist)
        )
        return b"".join(entries) + b"\0"
    return chlist


def unit_chunks(layout: Layout) -> int:
    """Return how many consecutive chunks must be decoded together, counted from the part's first chunk.

    More than one only if a chunk has fewer scan lines than the vertical sampling of a channel.
    """
    if layout.is_tiled or layout.channels is None:
        return 1
    return lcm(layout.chunk_height, *(each.y_sampling for each in layout.channels)) // layout.chunk_height


def channel_order(part: Part) -> list[int]:
    """Return, for each channel of a part, its position among the sorted names: the decoder's order."""
    names = list(_names(_raw(part, "channels", "chlist")))
    ranks = {index: rank for rank, index in enumerate(sorted(range(len(names)), key=names.__getitem__))}
    return [ranks[index] for index in range(len(names))]


def _body(layout: Layout, chunks: Sequence[RawChunk], start: int, y: int) -> Iterator[bytes | memoryview]:
    """Yield the offset table and the chunks, which lie behind the `start` bytes of the header."""
    heads = []
    for index, chunk in enumerate(chunks):
        place = (index, 0, 0, 0) if layout.is_tiled else (y + index * layout.chunk_height,)
        head = pack(f"<{len(place)}i", *place)
        if layout.is_deep:
            head += _DEEP_SIZES.pack(len(chunk.table), len(chunk.data), chunk.unpacked_size)
        else:
            head += pack("<i", len(chunk.data))
        heads.append(head)
    offset = start + _OFFSET.size * len(chunks)
    for head, chunk in zip(heads, chunks, strict=True):
        yield _OFFSET.pack(offset)
        offset += len(head) + len(chunk.table) + len(chunk.data)
    for head, chunk in zip(heads, chunks, strict=True):
        yield head
        yield chunk.table
        yield chunk.data


def _phases(layout: Layout) -> tuple[int, int]:
    """Return a small corner of the data window at which the same pixels have samples."""
    channels = layout.channels or ()
    x = lcm(*(each.x_sampling for each in channels))
    y = lcm(*(each.y_sampling for each in channels))
    return layout.x % x, layout.y % y


def _raw(part: Part, name: str, type_name: str) -> bytes:
    found = part.by_name.get(name)
    if found is None or found.type_name != type_name:
        raise ValueError(f"the part has no attribute {name} of the type {type_name}")
    return found.raw


def _names(chlist: bytes) -> list[bytes]:
    return [name for name, _ in _CHANNEL.findall(chlist)]
