"""Attribute values: one codec per attribute type of the OpenEXR library, from bytes to a JSON form and back.

The layouts come from "OpenEXR File Layout" and, for types that it omits, from the library's ImfXxxAttribute
sources (3.5). All numbers are little-endian. `encode` undoes `decode` for every value that the library
writes. Exceptions are a NaN with a payload, a string that is not UTF-8, and reserved bytes in use; there the
document also keeps the bytes, since `encode(decode(raw))` differs from `raw`.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from itertools import islice
from struct import Struct
from struct import error as StructError
from typing import Any, NamedTuple

from exr_inspector.exr.codes import (
    COMPRESSION_NAMES,
    DEEP_IMAGE_STATES,
    ENVMAPS,
    LEVEL_CODES,
    LEVEL_MODES,
    LINE_ORDERS,
    PIXEL_CODES,
    PIXEL_TYPES,
    ROUNDING_CODES,
    ROUNDING_MODES,
    code_name,
    code_of,
)
from exr_inspector.exr.floats import float_of_bits, json_float

LISTS = ("chlist", "floatvector", "stringvector")
"""Types with any number of items."""

MAX_ITEMS = 65536
"""Longer lists are not decoded: no real file has them, and a hostile file can have 2^29 items."""

MAX_ESCAPED_BYTES = 65536
"""Longer texts that are not UTF-8 are kept as bytes: escaping takes a microsecond per byte."""


class Codec(NamedTuple):
    """`decode` raises ValueError or struct.error if the bytes do not fit the type; `encode` undoes it."""

    decode: Callable[[bytes], Any]
    encode: Callable[[Any], bytes]
    size: int | None = None
    """Bytes of every value of the type; None if they vary."""
    is_exact: bool = False
    """Whether `encode` restores every value that `decode` accepts."""


def decode(type_name: str, raw: bytes) -> tuple[Any, str | None]:
    """Return the JSON form of a value and None, or None and the reason why the bytes do not fit the type.

    A value of an unknown type becomes `{"base64": ...}`.
    """
    try:
        return CODECS.get(type_name, OPAQUE).decode(raw), None
    except StructError:
        return None, f"{len(raw)} bytes are not the size of type {type_name}"
    except ValueError as error:
        return None, str(error)


def restores(type_name: str, value: Any, raw: bytes) -> bool:
    """Return whether encoding a decoded value gives back its bytes."""
    codec = CODECS.get(type_name, OPAQUE)
    return codec.is_exact or codec.encode(value) == raw


def encode(type_name: str, value: Any) -> bytes:
    """Return the bytes of a JSON form. Raises ValueError, KeyError or TypeError for any other value."""
    return CODECS.get(type_name, OPAQUE).encode(value)


def text_of(raw: bytes) -> str:
    r"""Return UTF-8 text; other bytes become backslash escapes such as \xe9."""
    return raw.decode("utf-8", "backslashreplace")


def clean(text: str) -> str:
    """Return text without surrogates, which UTF-8 cannot encode: they become escapes."""
    if text.isascii():
        return text
    try:
        return text_of(text.encode("utf-8", "surrogateescape"))
    except UnicodeEncodeError:
        return text_of(text.encode("utf-8", "backslashreplace"))


# --- numbers ------------------------------------------------------------------------------------------


class _Number(NamedTuple):
    """A number type: `struct` letter and conversion, for decoding and for encoding."""

    read: str
    load: Callable[[Any], Any]
    write: str
    store: Callable[[Any], Any]
    is_exact: bool = False


_INT = _Number("i", int, "i", int, is_exact=True)
_FLOAT = _Number("I", float_of_bits, "f", float)
_DOUBLE = _Number("d", json_float, "d", float)
_REALS = (("f", _FLOAT), ("d", _DOUBLE))
_REALS_AND_INT = (("i", _INT), *_REALS)


def _scalar(number: _Number) -> Codec:
    unpack, pack = Struct("<" + number.read).unpack, Struct("<" + number.write).pack
    load, store = number.load, number.store
    size = Struct("<" + number.read).size
    return Codec(lambda raw: load(unpack(raw)[0]), lambda value: pack(store(value)), size, number.is_exact)


def _tuple(number: _Number, count: int) -> Codec:
    """Return the codec of a vector, or of a matrix in row-major order: a flat list."""
    unpack, pack = Struct(f"<{count}{number.read}").unpack, Struct(f"<{count}{number.write}").pack
    load, store = number.load, number.store
    size = Struct(f"<{count}{number.read}").size
    return Codec(
        lambda raw: list(map(load, unpack(raw))),
        lambda value: pack(*map(store, value)),
        size,
        number.is_exact,
    )


def _box(number: _Number) -> Codec:
    unpack, pack = Struct("<4" + number.read).unpack, Struct("<4" + number.write).pack
    load, store = number.load, number.store

    def decoded(raw: bytes) -> dict[str, dict[str, Any]]:
        left, top, right, bottom = map(load, unpack(raw))
        return {"min": {"x": left, "y": top}, "max": {"x": right, "y": bottom}}

    def encoded(value: dict[str, dict[str, Any]]) -> bytes:
        low, high = value["min"], value["max"]
        return pack(*map(store, (low["x"], low["y"], high["x"], high["y"])))

    return Codec(decoded, encoded, Struct("<4" + number.read).size, number.is_exact)


def _record(layout: str, names: tuple[str, ...]) -> Codec:
    struct = Struct(layout)
    return Codec(
        lambda raw: dict(zip(names, struct.unpack(raw), strict=True)),
        lambda value: struct.pack(*(value[name] for name in names)),
        struct.size,
        is_exact=True,
    )


def _enumeration(names: dict[int, str]) -> Codec:
    codes = {name: code for code, name in names.items()}
    return Codec(
        lambda raw: names.get(code := _BYTE.unpack(raw)[0], code),
        lambda value: _BYTE.pack(codes.get(value, value)),
        _BYTE.size,
        is_exact=True,
    )


_BYTE = Struct("<B")
_LENGTH = Struct("<i")
_CHANNEL = Struct("<iB3xii")
_CHANNEL_ENTRY = re.compile(rb"([^\0]+)\0(.{%d})" % _CHANNEL.size, re.DOTALL)
_CHANNEL_LIST = re.compile(rb"(?:[^\0]+\0.{%d})*\0" % _CHANNEL.size, re.DOTALL)
# Matches at every name, even if its entry is cut off, so that a search takes linear time on any bytes.
_CHANNEL_SPAN = re.compile(rb"[^\0]+(?:\0.{0,%d})?" % _CHANNEL.size, re.DOTALL)
_TILES = Struct("<IIB")
_TIME = Struct("<II")
_SIZE = Struct("<II")
_MANIFEST = Struct("<Q")


def _decode_floats(raw: bytes) -> list[Any]:
    if len(raw) % 4:
        raise ValueError(f"value has {len(raw)} bytes, not a multiple of 4")
    _check_length(len(raw) // 4)
    return list(map(float_of_bits, Struct(f"<{len(raw) // 4}I").unpack(raw)))


def _check_length(items: int) -> None:
    if items > MAX_ITEMS:
        raise ValueError(f"lists of more than {MAX_ITEMS} items are kept as bytes")


def _encode_floats(value: list[Any]) -> bytes:
    return Struct(f"<{len(value)}f").pack(*map(float, value))


# --- text and bytes -----------------------------------------------------------------------------------


def _base64(raw: bytes) -> str:
    return base64.b64encode(raw).decode("ascii")


def _decode_string(raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        if len(raw) > MAX_ESCAPED_BYTES:
            raise ValueError(
                f"text that is not UTF-8 and longer than {MAX_ESCAPED_BYTES} bytes is kept as bytes"
            ) from None
        return text_of(raw)


def _decode_strings(raw: bytes) -> list[str]:
    strings, start = [], 0
    while start < len(raw):
        text, start = _counted(raw, start)
        strings.append(_decode_string(text))
        _check_length(len(strings))
    return strings


def _counted(raw: bytes, start: int) -> tuple[bytes, int]:
    """Return a string that follows its 32-bit length, and the start of the next one."""
    if len(raw) < start + 4:
        raise ValueError("a string's length is cut off")
    end = start + 4 + _LENGTH.unpack_from(raw, start)[0]
    if not start + 4 <= end <= len(raw):
        raise ValueError("a string is longer than the value that contains it")
    return raw[start + 4 : end], end


def _encode_counted(raw: bytes) -> bytes:
    return _LENGTH.pack(len(raw)) + raw


def _decode_bytes(raw: bytes) -> dict[str, str]:
    hint, start = _counted(raw, 0)
    return {"type_hint": text_of(hint), "base64": _base64(raw[start:])}


def _decode_preview(raw: bytes) -> dict[str, Any]:
    if len(raw) < _SIZE.size:
        raise ValueError("the preview's size is cut off")
    width, height = _SIZE.unpack_from(raw)
    if len(raw) != _SIZE.size + 4 * width * height:
        raise ValueError(f"a preview of {width}x{height} pixels cannot have {len(raw)} bytes")
    return {"width": width, "height": height, "base64": _base64(raw[_SIZE.size :])}


def _decode_manifest(raw: bytes) -> dict[str, Any]:
    if len(raw) < _MANIFEST.size:
        raise ValueError("the manifest's size is cut off")
    return {"uncompressed_size": _MANIFEST.unpack_from(raw)[0], "base64": _base64(raw[_MANIFEST.size :])}


# --- records ------------------------------------------------------------------------------------------


def _decode_channels(raw: bytes) -> list[dict[str, Any]]:
    if not _CHANNEL_LIST.fullmatch(raw):
        raise ValueError("the channel list does not end where its value ends")
    return [
        {
            "name": name.decode("utf-8", "backslashreplace"),
            "type": code_name(PIXEL_TYPES, code),
            "p_linear": linear != 0,
            "x_sampling": x_sampling,
            "y_sampling": y_sampling,
        }
        for name, fields in _CHANNEL_ENTRY.findall(raw)
        for code, linear, x_sampling, y_sampling in (_CHANNEL.unpack(fields),)
    ]


def count_channels(raw: bytes, limit: int) -> int:
    """Return the number of channels in a channel list without decoding them, counting up to `limit` + 1."""
    return sum(1 for _ in islice(_CHANNEL_SPAN.finditer(raw), limit + 1))


def _encode_channels(value: list[dict[str, Any]]) -> bytes:
    entries = [
        each["name"].encode()
        + b"\0"
        + _CHANNEL.pack(
            code_of(PIXEL_CODES, each["type"]), each["p_linear"], each["x_sampling"], each["y_sampling"]
        )
        for each in value
    ]
    return b"".join(entries) + b"\0"


def _decode_tiles(raw: bytes) -> dict[str, Any]:
    x_size, y_size, mode = _TILES.unpack(raw)
    return {
        "x_size": x_size,
        "y_size": y_size,
        "level_mode": code_name(LEVEL_MODES, mode & 15),
        "rounding_mode": code_name(ROUNDING_MODES, mode >> 4),
    }


def _encode_tiles(value: dict[str, Any]) -> bytes:
    level = code_of(LEVEL_CODES, value["level_mode"])
    rounding = code_of(ROUNDING_CODES, value["rounding_mode"])
    return _TILES.pack(value["x_size"], value["y_size"], level | rounding << 4)


def _decode_timecode(raw: bytes) -> dict[str, Any]:
    """Decode SMPTE ST 12-1: binary coded digits; bit 6 is the drop-frame flag, written as `;`."""
    word, user_data = _TIME.unpack(raw)
    hours, minutes, seconds, frames = (
        10 * (word >> tens & mask) + (word >> units & 15)
        for units, tens, mask in ((24, 28, 3), (16, 20, 7), (8, 12, 7), (0, 4, 3))
    )
    separator = ";" if word >> 6 & 1 else ":"
    time = f"{hours:02}:{minutes:02}:{seconds:02}{separator}{frames:02}"
    return {"time": time, "time_and_flags": word, "user_data": user_data}


_PRIMARIES = ("red", "green", "blue", "white")
_EIGHT_FLOATS = _tuple(_FLOAT, 8)


def _decode_chromaticities(raw: bytes) -> dict[str, dict[str, Any]]:
    numbers = _EIGHT_FLOATS.decode(raw)
    return {
        name: {"x": x, "y": y} for name, x, y in zip(_PRIMARIES, numbers[::2], numbers[1::2], strict=True)
    }


def _encode_chromaticities(value: dict[str, dict[str, Any]]) -> bytes:
    return _EIGHT_FLOATS.encode([value[name][axis] for name in _PRIMARIES for axis in "xy"])


_KEYCODE = (
    "film_mfc_code",
    "film_type",
    "prefix",
    "count",
    "perf_offset",
    "perfs_per_frame",
    "perfs_per_count",
)

OPAQUE = Codec(
    lambda raw: {"base64": _base64(raw)}, lambda value: base64.b64decode(value["base64"]), is_exact=True
)

CODECS: dict[str, Codec] = {
    "int": _scalar(_INT),
    "float": _scalar(_FLOAT),
    "double": _scalar(_DOUBLE),
    **{f"v{n}{kind[0]}": _tuple(kind[1], n) for n in (2, 3) for kind in _REALS_AND_INT},
    **{f"m{n}{n}{kind[0]}": _tuple(kind[1], n * n) for n in (3, 4) for kind in _REALS},
    "box2i": _box(_INT),
    "box2f": _box(_FLOAT),
    "chromaticities": Codec(_decode_chromaticities, _encode_chromaticities, 32),
    "rational": _record("<iI", ("numerator", "denominator")),
    "keycode": _record("<7i", _KEYCODE),
    "timecode": Codec(
        _decode_timecode,
        lambda value: _TIME.pack(value["time_and_flags"], value["user_data"]),
        _TIME.size,
        is_exact=True,
    ),
    "tiledesc": Codec(_decode_tiles, _encode_tiles, _TILES.size, is_exact=True),
    "compression": _enumeration(COMPRESSION_NAMES),
    "lineOrder": _enumeration(LINE_ORDERS),
    "envmap": _enumeration(ENVMAPS),
    "deepImageState": _enumeration(DEEP_IMAGE_STATES),
    "chlist": Codec(_decode_channels, _encode_channels),
    "string": Codec(_decode_string, str.encode),
    "stringvector": Codec(
        _decode_strings, lambda value: b"".join(_encode_counted(each.encode()) for each in value)
    ),
    "floatvector": Codec(_decode_floats, _encode_floats),
    "bytes": Codec(
        _decode_bytes,
        lambda value: _encode_counted(value["type_hint"].encode()) + base64.b64decode(value["base64"]),
    ),
    "preview": Codec(
        _decode_preview,
        lambda value: _SIZE.pack(value["width"], value["height"]) + base64.b64decode(value["base64"]),
        is_exact=True,
    ),
    "idmanifest": Codec(
        _decode_manifest,
        lambda value: _MANIFEST.pack(value["uncompressed_size"]) + base64.b64decode(value["base64"]),
        is_exact=True,
    ),
}

FIXED_SIZES = {name: codec.size for name, codec in CODECS.items() if codec.size is not None}
"""Bytes of every value of a type, for the types whose values all have the same size."""
