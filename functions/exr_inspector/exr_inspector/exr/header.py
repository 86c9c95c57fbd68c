"""The header parser: bytes in, facts out, no I/O.

`parse_header` takes the first bytes of a file. It returns a `Header`, or a `NeedMore` with the minimum length
that it needs, or raises an InspectorError if the bytes are not a valid header. It follows "OpenEXR File
Layout" (magic number, version field, attribute lists) and keeps every attribute in stored order with its
bytes. Each value is decoded separately, so a malformed value does not affect the others.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from struct import Struct
from typing import Any, NamedTuple

from exr_inspector.errors import (
    HEADER_CORRUPT,
    HEADER_TRUNCATED,
    LIMIT_EXCEEDED,
    NOT_AN_EXR,
    UNSUPPORTED_VERSION,
    Fault,
    InspectorError,
)
from exr_inspector.exr.limits import Limits
from exr_inspector.exr.values import FIXED_SIZES, LISTS, MAX_ITEMS, count_channels, decode

MAGIC = b"\x76\x2f\x31\x01"
VERSION = 2
TILED, LONG_NAMES, NON_IMAGE, MULTIPART = 0x200, 0x400, 0x800, 0x1000
KNOWN_BITS = 0xFF | TILED | LONG_NAMES | NON_IMAGE | MULTIPART
MAX_NAME_BYTES = 255

_WORD = Struct("<I")
_SIZE = Struct("<i")
_ATTRIBUTE = re.compile(
    rb"([^\0]{1,%d})\0([^\0]{1,%d})\0(.{%d})" % (MAX_NAME_BYTES, MAX_NAME_BYTES, _SIZE.size), re.DOTALL
)
_PREAMBLE = len(MAGIC) + _WORD.size
_DEFAULTS = Limits()
# Twice as fast as the constructor of a named tuple.
_new = tuple.__new__


class Attribute(NamedTuple):
    """One attribute as stored. Bytes of names that are not UTF-8 become surrogate escapes (PEP 383).

    `value` is the JSON form of `exr.values`, or None with the reason in `error`.
    """

    name: str
    type_name: str
    raw: bytes
    value: Any
    error: str | None


STANDARD = {
    "channels": "chlist",
    "chunkCount": "int",
    "compression": "compression",
    "dataWindow": "box2i",
    "displayWindow": "box2i",
    "lineOrder": "lineOrder",
    "multiView": "stringvector",
    "name": "string",
    "pixelAspectRatio": "float",
    "screenWindowCenter": "v2f",
    "screenWindowWidth": "float",
    "tiles": "tiledesc",
    "type": "string",
    "view": "string",
}
"""The attributes that decide how a part is read and named, and their types."""


@dataclass
class Part:
    """One part: its attributes in stored order, duplicates included.

    `by_name` has the attribute of each exact name; of duplicates the last, as in the OpenEXR library.
    `strings` has the attributes of type `string`. `standard` has the values of the attributes of STANDARD
    that have their type and can be decoded.
    """

    attributes: tuple[Attribute, ...]

    def __post_init__(self) -> None:
        self.by_name = {each[0]: each for each in self.attributes}
        self.strings = [each for each in self.attributes if each[1] == "string"]
        self.standard: dict[str, Any] = {}
        for name in STANDARD.keys() & self.by_name.keys():
            _, type_name, _, value, _ = self.by_name[name]
            if type_name == STANDARD[name] and value is not None:
                self.standard[name] = value
        self.layout: Any = None
        """The memory of `layout.part_layout`."""

    def value(self, name: str, type_name: str) -> Any:
        """Return the decoded value of the attribute of that name and type, or None."""
        found = self.by_name.get(name)
        return found.value if found is not None and found.type_name == type_name else None


class Header(NamedTuple):
    """A complete header. `size` counts its bytes from the start of the file."""

    version_field: int
    parts: tuple[Part, ...]
    size: int

    @property
    def version(self) -> int:
        return self.version_field & 0xFF

    @property
    def is_multipart(self) -> bool:
        return bool(self.version_field & MULTIPART)


class NeedMore(NamedTuple):
    """The header is longer than the prefix.

    `size` is the least prefix, in bytes, that lets the parser continue. If the prefix ends inside a value, it
    is that value's end.
    """

    size: int


def parse_header(data: bytes, limits: Limits = _DEFAULTS, file_size: int = sys.maxsize) -> Header | NeedMore:
    """Parse the header at the start of `data`, the first bytes of a file of `file_size` bytes.

    Raises InspectorError: NOT_AN_EXR, UNSUPPORTED_VERSION, HEADER_CORRUPT, HEADER_TRUNCATED if the file ends
    inside the header, or LIMIT_EXCEEDED if the header exceeds one of `limits`. A limit is checked before the
    bytes beyond it are requested.
    """
    try:
        return _Parser(data, limits, file_size).header()
    except _ShortError as short:
        return NeedMore(short.size)


class _ShortError(Exception):
    """The data ends before `size`."""

    def __init__(self, size: int) -> None:
        self.size = size


class _Parser:
    def __init__(self, data: bytes, limits: Limits, file_size: int) -> None:
        self.data = data
        self.limits = limits
        self.file_size = file_size
        self.reach = min(len(data), limits.max_header_bytes)
        self.max_bytes = limits.max_value_bytes
        self.max_attributes = limits.max_attributes
        self.position = 0
        self.attributes = 0
        self.channels = 0
        self.items = 0

    def header(self) -> Header:
        field = self._version_field()
        parts = tuple(self._parts()) if field & MULTIPART else (self._part(),)
        if not parts:
            raise self._invalid("a multipart file has no part")
        return Header(field, parts, self.position)

    def _version_field(self) -> int:
        found = self.data[: len(MAGIC)]
        if found != MAGIC[: len(found)]:
            text = found.decode("latin-1")
            shown = f' ("{text}")' if text.isascii() and text.isprintable() else ""
            message = f"the file begins with {found.hex(' ')}{shown}, not {MAGIC.hex(' ')}"
            raise InspectorError(NOT_AN_EXR, message)
        self._require(_PREAMBLE)
        (field,) = _WORD.unpack_from(self.data, len(MAGIC))
        if field & 0xFF != VERSION:
            raise InspectorError(UNSUPPORTED_VERSION, f"format version {field & 0xFF} is not {VERSION}")
        if field & ~KNOWN_BITS:
            raise InspectorError(
                UNSUPPORTED_VERSION, f"unknown flags {field & ~KNOWN_BITS:#x} in the version field"
            )
        self.position = _PREAMBLE
        return int(field)

    def _parts(self) -> Iterator[Part]:
        count = 0
        while not self._list_ends():
            count += 1
            self._cap("max_parts", count, "parts")
            yield self._part()

    def _part(self) -> Part:
        """Return the next part. This is the hot path: rare cases are handled elsewhere."""
        data, reach, start = self.data, self.reach, self.position
        attributes: list[Attribute] = []
        while found := _ATTRIBUTE.match(data, start):
            name_bytes, type_bytes, size_bytes = found.groups()
            name = name_bytes.decode("utf-8", "surrogateescape")
            type_name = type_bytes.decode("utf-8", "surrogateescape")
            start, size = found.end(), _SIZE.unpack(size_bytes)[0]
            self.attributes += 1
            if (
                not 0 <= size <= self.max_bytes
                or start + size > reach
                or self.attributes > self.max_attributes
            ):
                self._refuse_value(name, type_name, start, size)
            raw = data[start : start + size]
            start = self.position = start + size
            if type_name in LISTS:
                value, error = self._list(type_name, raw)
            else:
                value, error = decode(type_name, raw)
            attributes.append(_new(Attribute, (name, type_name, raw, value, error)))
        if not self._list_ends():
            raise self._misplaced()
        return Part(tuple(attributes))

    def _list_ends(self) -> bool:
        """Return whether the next byte is the zero that ends a list, and consume it."""
        self._require(self.position + 1)
        ends = self.data[self.position] == 0
        self.position += ends
        return ends

    def _misplaced(self) -> InspectorError:
        """Return why the position has no valid attribute; None if more bytes are needed to decide."""
        data = self.data
        for what in ("attribute name", "type name"):
            end = data.find(0, self.position, self.position + MAX_NAME_BYTES + 1)
            if end == self.position:
                return self._invalid(f"{what} is empty")
            if end < 0:
                self._require(min(self.position + MAX_NAME_BYTES, len(data)) + 1)
                return self._invalid(f"{what} is longer than {MAX_NAME_BYTES} bytes")
            self.position = end + 1
        raise self._lacking(self.position + _SIZE.size)

    def _refuse_value(self, name: str, type_name: str, start: int, size: int) -> None:
        """Raise the error of a value that is not read.

        If the value reaches beyond the end of the file and its size is impossible for its type, the size is
        wrong, so the file is corrupt rather than truncated.
        """
        if size < 0:
            raise self._invalid(f"attribute {name!r} has the size {size}")
        if start + size > self.file_size and size != FIXED_SIZES.get(type_name, size):
            raise self._invalid(
                f"attribute {name!r} has the size {size}, but a {type_name} has {FIXED_SIZES[type_name]}"
            )
        if size > self.max_bytes and start + size > self.file_size:
            raise self._invalid(
                f"attribute {name!r} has the size {size}, in a file of {self.file_size} bytes"
            )
        self._cap("max_attributes", self.attributes, "attributes")
        self._cap("max_value_bytes", size, f"bytes in attribute {name!r}")
        self._require(start + size)

    def _list(self, type_name: str, raw: bytes) -> tuple[Any, str | None]:
        """Decode a list, unless the lists before it already hold more items than those of any real header.

        Too many channels are an error, before they are decoded.
        """
        if type_name == "chlist":
            self.channels += count_channels(raw, self.limits.max_channels - self.channels)
            self._cap("max_channels", self.channels, "channels")
            return decode(type_name, raw)
        if self.items > MAX_ITEMS:
            return None, f"lists after the first {MAX_ITEMS} items of a header are kept as bytes"
        value, error = decode(type_name, raw)
        self.items += len(value or ())
        return value, error

    def _require(self, size: int) -> None:
        """Raise unless the data has `size` bytes."""
        if size > self.reach:
            raise self._lacking(size)

    def _lacking(self, size: int) -> Exception:
        """Return the error of a header that extends to `size`, beyond the data."""
        if size > self.file_size:
            return self._refused(
                HEADER_TRUNCATED, f"the file ends at byte {self.file_size}, inside its header"
            )
        self._cap("max_header_bytes", size, "header bytes")
        return _ShortError(size)

    def _cap(self, limit: str, count: int, what: str) -> None:
        most = getattr(self.limits, limit)
        if count > most:
            raise self._refused(LIMIT_EXCEEDED, f"{count} {what} exceed EXR_INSPECTOR_{limit.upper()}={most}")

    def _invalid(self, message: str) -> InspectorError:
        return self._refused(HEADER_CORRUPT, message)

    def _refused(self, fault: Fault, message: str) -> InspectorError:
        return InspectorError(fault, message, f"byte {self.position}")


def write_header(version_field: int, parts: Iterable[Iterable[tuple[bytes, bytes, bytes]]]) -> bytes:
    """Return the bytes of a header, undoing `parse_header`. An attribute is (name, type name, value)."""
    pieces = [MAGIC, _WORD.pack(version_field)]
    for attributes in parts:
        for name, type_name, raw in attributes:
            pieces.append(b"\0".join((name, type_name, _SIZE.pack(len(raw)) + raw)))
        pieces.append(b"\0")
    if version_field & MULTIPART:
        pieces.append(b"\0")
    return b"".join(pieces)
