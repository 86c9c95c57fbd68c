"""Headers and whole files from plain data, laid out as "OpenEXR File Layout" says.

Nothing is checked or corrected: duplicate names, wrong sizes and unknown types are written as given.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from tests.exrfiles.attributes import Attribute

MAGIC = b"\x76\x2f\x31\x01"
VERSION = 2
TILED = 0x200
LONG_NAMES = 0x400
DEEP = 0x800
MULTIPART = 0x1000

SHORT_NAME = 31
LONG_NAME = 255


@dataclass(frozen=True)
class Header:
    """A file's header: the flags of its version word, and each part's attributes in stored order."""

    parts: tuple[tuple[Attribute, ...], ...]
    flags: int

    @property
    def multipart(self) -> bool:
        return bool(self.flags & MULTIPART)

    @cached_property
    def data(self) -> bytes:
        """Every byte from the magic number to the end of the last part's attributes."""
        version = struct.pack("<I", VERSION | self.flags)
        end = b"\0" if self.multipart else b""
        return MAGIC + version + b"".join(map(_part_header, self.parts)) + end

    @property
    def size(self) -> int:
        """The header's length, which is where the first offset table begins."""
        return len(self.data)


@dataclass(frozen=True)
class Part:
    """A part of a file.

    `chunks` in the order of the offset table, each without its part number. `stored` lists their
    indices in the order in which they lie in the file; None for the table's order.
    """

    attributes: tuple[Attribute, ...]
    chunks: tuple[bytes, ...] = ()
    stored: tuple[int, ...] | None = None


def header(parts: Iterable[Iterable[Attribute]], flags: int | None = None) -> Header:
    """The header of these parts; its flags are worked out unless they are given."""
    frozen = tuple(map(tuple, parts))
    return Header(frozen, flags_of(frozen) if flags is None else flags)


def write(*parts: Part, flags: int | None = None) -> bytes:
    """A whole file: header, offset tables, chunks part by part."""
    head = header((part.attributes for part in parts), flags)
    start = head.size + 8 * sum(len(part.chunks) for part in parts)
    tables: list[bytes] = []
    chunks: list[bytes] = []
    for number, part in enumerate(parts):
        prefix = struct.pack("<i", number) if head.multipart else b""
        table, stored = _laid_out(part, prefix, start)
        tables.append(table)
        chunks.append(stored)
        start += len(stored)
    return head.data + b"".join(tables + chunks)


def flags_of(parts: Sequence[Sequence[Attribute]]) -> int:
    """The flags that the format wants: a lone tiled image has TILED, any deep part DEEP."""
    types = [_type_of(part) for part in parts]
    deep = DEEP if any(each.startswith(b"deep") for each in types) else 0
    tiled = TILED if types == [b"tiledimage"] else 0
    long_names = LONG_NAMES if any(len(name) > SHORT_NAME for name in _names(parts)) else 0
    return long_names | (deep | MULTIPART if len(parts) != 1 else deep | tiled)


def _part_header(attributes: Iterable[Attribute]) -> bytes:
    return b"".join(map(_attribute, attributes)) + b"\0"


def _attribute(attribute: Attribute) -> bytes:
    name, type_, value = attribute
    return b"\0".join((name, type_, struct.pack("<i", len(value)))) + value


def _laid_out(part: Part, prefix: bytes, start: int) -> tuple[bytes, bytes]:
    """The part's offset table, and its chunks as they lie in the file from `start` on."""
    order = range(len(part.chunks)) if part.stored is None else part.stored
    offsets = [0] * len(part.chunks)
    stored: list[bytes] = []
    for index in order:
        offsets[index] = start
        stored.append(prefix + part.chunks[index])
        start += len(stored[-1])
    return struct.pack(f"<{len(offsets)}Q", *offsets), b"".join(stored)


def _type_of(attributes: Iterable[Attribute]) -> bytes:
    """The part's type; files with one plain part need not state it, `tiles` gives it away."""
    values = {attribute.name: attribute.value for attribute in attributes}
    return values.get(b"type", b"tiledimage" if b"tiles" in values else b"scanlineimage")


def _names(parts: Iterable[Iterable[Attribute]]) -> Iterator[bytes]:
    """Every name that the 31-byte limit is about: of attributes, of their types, of channels."""
    for attribute in chain.from_iterable(parts):
        yield attribute.name
        yield attribute.type
        if attribute.type == b"chlist":
            yield from _channel_names(attribute.value)


def _channel_names(chlist: bytes) -> Iterator[bytes]:
    while len(chlist) > 1:
        name, _, rest = chlist.partition(b"\0")
        yield name
        chlist = rest[16:]
