"""Attributes as bytes: an encoder for every attribute type of OpenEXR 3.5.

Source: "OpenEXR File Layout" (predefined attribute types) of the OpenEXR documentation, and for the
types that it leaves out (double, idmanifest, deepImageState and the d vectors and matrices) what the
OpenEXR library itself reads, as test_writer.py shows. All numbers are little-endian.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any, NamedTuple

# The position of a word is its code in the file.
COMPRESSIONS = (
    *("none", "rle", "zips", "zip", "piz", "pxr24", "b44", "b44a"),
    *("dwaa", "dwab", "htj2k256", "htj2k32", "lj2k", "zstd"),
)
LINE_ORDERS = ("increasingY", "decreasingY", "randomY")
ENVMAPS = ("latlong", "cube")
DEEP_IMAGE_STATES = ("messy", "sorted", "non_overlapping", "tidy")
PIXEL_TYPES = ("uint", "half", "float")
LEVEL_MODES = ("one", "mipmap", "ripmap")
ROUNDING_MODES = ("down", "up")

# Types that are a fixed run of numbers, as `struct` spells it.
NUMBERS = {
    "int": "i",
    "float": "f",
    "double": "d",
    "v2i": "2i",
    "v2f": "2f",
    "v2d": "2d",
    "v3i": "3i",
    "v3f": "3f",
    "v3d": "3d",
    "m33f": "9f",
    "m33d": "9d",
    "m44f": "16f",
    "m44d": "16d",
    "box2i": "4i",
    "box2f": "4f",
    "chromaticities": "8f",
    "keycode": "7i",
    "rational": "iI",
    "timecode": "2I",
}

# Types that are one byte with a meaning.
CODES = {
    "compression": COMPRESSIONS,
    "lineOrder": LINE_ORDERS,
    "envmap": ENVMAPS,
    "deepImageState": DEEP_IMAGE_STATES,
}


class Attribute(NamedTuple):
    """One attribute as it stands in a header. The bytes are written as they are, right or wrong."""

    name: bytes
    type: bytes
    value: bytes


class Channel(NamedTuple):
    """One entry of a channel list; `type` is a word of PIXEL_TYPES or any code."""

    name: str | bytes
    type: str | int = "half"
    p_linear: int = 0
    x_sampling: int = 1
    y_sampling: int = 1


def attribute(name: str | bytes, type_: str, value: Any) -> Attribute:
    """An attribute of one of the library's types; ENCODERS says which form the value has."""
    return Attribute(as_bytes(name), as_bytes(type_), ENCODERS[type_](value))


def as_bytes(text: str | bytes) -> bytes:
    """UTF-8 for text; bytes as they are, so that any bytes can be written."""
    return text.encode() if isinstance(text, str) else text


def _numbers(layout: str, value: Any) -> bytes:
    """One number, or a flat sequence of them: row by row for a matrix, min before max for a box."""
    return struct.pack("<" + layout, *(value if isinstance(value, Iterable) else (value,)))


def _code(words: Sequence[str], value: str | int) -> bytes:
    return bytes([words.index(value) if isinstance(value, str) else value])


def _sized(value: str | bytes) -> bytes:
    raw = as_bytes(value)
    return struct.pack("<i", len(raw)) + raw


def _stringvector(values: Iterable[str | bytes]) -> bytes:
    return b"".join(map(_sized, values))


def _floatvector(values: Sequence[float]) -> bytes:
    return struct.pack(f"<{len(values)}f", *values)


def _chlist(channels: Iterable[Channel]) -> bytes:
    return b"".join(map(_channel, channels)) + b"\0"


def _channel(channel: Channel) -> bytes:
    code = PIXEL_TYPES.index(channel.type) if isinstance(channel.type, str) else channel.type
    numbers = struct.pack("<iB3xii", code, channel.p_linear, channel.x_sampling, channel.y_sampling)
    return as_bytes(channel.name) + b"\0" + numbers


def _tiledesc(value: tuple[int, int, str, str]) -> bytes:
    """Tile width, tile height, level mode, rounding mode."""
    width, height, levels, rounding = value
    return struct.pack("<2IB", width, height, LEVEL_MODES.index(levels) + 16 * ROUNDING_MODES.index(rounding))


def _preview(value: tuple[int, int, bytes]) -> bytes:
    """Width, height, and 4 bytes R G B A for each pixel."""
    width, height, pixels = value
    return struct.pack("<2I", width, height) + pixels


def _hinted_bytes(value: tuple[str | bytes, bytes]) -> bytes:
    """Type hint and data; only the hint carries its length."""
    hint, data = value
    raw = as_bytes(hint)
    return struct.pack("<I", len(raw)) + raw + data


def _idmanifest(serialised: bytes) -> bytes:
    """The manifest's own serial form, which is stored compressed."""
    return struct.pack("<Q", len(serialised)) + zlib.compress(serialised)


ENCODERS: dict[str, Callable[[Any], bytes]] = {
    **{name: partial(_numbers, layout) for name, layout in NUMBERS.items()},
    **{name: partial(_code, words) for name, words in CODES.items()},
    "string": as_bytes,
    "stringvector": _stringvector,
    "floatvector": _floatvector,
    "chlist": _chlist,
    "tiledesc": _tiledesc,
    "preview": _preview,
    "bytes": _hinted_bytes,
    "idmanifest": _idmanifest,
}
