"""Attribute values: one codec per attribute type of the OpenEXR library, bytes to JSON form and back.

The layouts are those of the OpenEXR file layout document and, for what it leaves out, of the library's
ImfXxxAttribute sources (3.5). All numbers are little-endian. `decode` and `encode` are inverse on every
value that the library writes; where they are not (a NaN with a payload, a string that is not UTF-8,
reserved bytes in use), comparing `encode(decode(raw))` with `raw` tells, and the document keeps the bytes.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from itertools import islice
from struct import Struct
from struct import error as StructError
from typing import Any, NamedTuple

from exr_inspector.exr.floats import float_of_bits, json_float, plain_float

# Number of each compression scheme, its name, and the scanlines that one of its chunks holds.
COMPRESSIONS = {
    0: ("none", 1),
    1: ("rle", 1),
    2: ("zips", 1),
    3: ("zip", 16),
    4: ("piz", 32),
    5: ("pxr24", 16),
    6: ("b44", 32),
    7: ("b44a", 32),
    8: ("dwaa", 32),
    9: ("dwab", 256),
    10: ("htj2k256", 256),
    11: ("htj2k32", 32),
    12: ("lj2k", 256),
    13: ("zstd", 1),
}
COMPRESSION_NAMES = {code: name for code, (name, _) in COMPRESSIONS.items()}
LINE_ORDERS = {0: "increasingY", 1: "decreasingY", 2: "randomY"}
PIXEL_TYPES = {0: "uint", 1: "half", 2: "float"}
ENVMAPS = {0: "latlong", 1: "cube"}
DEEP_IMAGE_STATES = {0: "messy", 1: "sorted", 2: "non_overlapping", 3: "tidy"}
LEVEL_MODES = {0: "oneLevel", 1: "mipmap", 2: "ripmap"}
ROUNDING_MODES = {0: "down", 1: "up"}

# Types that hold as many items as a writer likes. Longer lists are not decoded: no real file has them, a
# hostile one can have 2^29.
LISTS = ("floatvector", "stringvector")
MOST_ITEMS = 65536
# A longer text that is not UTF-8 is kept as bytes: escaping it takes a microsecond a byte.
LONGEST_ESCAPED = 65536


class Codec(NamedTuple):
    """`decode` raises ValueError where the bytes do not fit the type; `encode` undoes it."""

    decode: Callable[[bytes], Any]
    encode: Callable[[Any], bytes]


def decode(type_name: str, raw: bytes) -> tuple[Any, str | None]:
    """The JSON form of a value, or None and the reason why the bytes do not fit the type.

    A type that is not known has the form `{"base64": ...}`.
    """
    try:
        return CODECS.get(type_name, OPAQUE).decode(raw), None
    except StructError:
        return None, f"{len(raw)} bytes are not the size of type {type_name}"
    except ValueError as error:
        return None, str(error)


def encode(type_name: str, value: Any) -> bytes:
    """The bytes of a JSON form. Raises ValueError, KeyError or TypeError for a value of another form."""
    return CODECS.get(type_name, OPAQUE).encode(value)


def text_of(raw: bytes) -> str:
    r"""UTF-8 text; bytes that are not UTF-8 appear as backslash escapes such as \xe9."""
    return raw.decode("utf-8", "backslashreplace")


def clean(text: str) -> str:
    """Text without surrogates, which UTF-8 cannot hold: bytes that are not UTF-8 become escapes."""
    if text.isascii():
        return text
    try:
        return text_of(text.encode("utf-8", "surrogateescape"))
    except UnicodeEncodeError:
        return text_of(text.encode("utf-8", "backslashreplace"))


def code_name(names: dict[int, str], code: int) -> str:
    """The name of a coded value; a code that OpenEXR has not defined is named as such."""
    return names.get(code) or f"unknown({code})"


def is_unknown(name: str) -> bool:
    """Whether a name that `code_name` gave stands for a code that OpenEXR has not defined."""
    return name.startswith("unknown(")


def _code_of(names: dict[int, str], name: str) -> int:
    """Undoes `code_name`."""
    if is_unknown(name):
        return int(name.removeprefix("unknown(").removesuffix(")"))
    return {known: code for code, known in names.items()}[name]


# --- numbers ------------------------------------------------------------------------------------------


class _Number(NamedTuple):
    """How one number of an attribute is read (`read`, by `load`) and written (`write`, by `store`)."""

    read: str
    load: Callable[[Any], Any]
    write: str
    store: Callable[[Any], Any]


_INT = _Number("i", int, "i", int)
_FLOAT = _Number("I", float_of_bits, "f", plain_float)
_DOUBLE = _Number("d", json_float, "d", plain_float)
_REALS = (("f", _FLOAT), ("d", _DOUBLE))
_REALS_AND_INT = (("i", _INT), *_REALS)


def _scalar(number: _Number) -> Codec:
    unpack, pack = Struct("<" + number.read).unpack, Struct("<" + number.write).pack
    load, store = number.load, number.store
    return Codec(lambda raw: load(unpack(raw)[0]), lambda value: pack(store(value)))


def _tuple(number: _Number, count: int) -> Codec:
    """A vector, or a matrix in row-major order: a flat list."""
    unpack, pack = Struct(f"<{count}{number.read}").unpack, Struct(f"<{count}{number.write}").pack
    load, store = number.load, number.store
    return Codec(lambda raw: list(map(load, unpack(raw))), lambda value: pack(*map(store, value)))


def _box(number: _Number) -> Codec:
    unpack, pack = Struct("<4" + number.read).unpack, Struct("<4" + number.write).pack
    load, store = number.load, number.store

    def decoded(raw: bytes) -> dict[str, dict[str, Any]]:
        left, top, right, bottom = map(load, unpack(raw))
        return {"min": {"x": left, "y": top}, "max": {"x": right, "y": bottom}}

    def encoded(value: dict[str, dict[str, Any]]) -> bytes:
        low, high = value["min"], value["max"]
        return pack(*map(store, (low["x"], low["y"], high["x"], high["y"])))

    return Codec(decoded, encoded)


def _record(layout: str, names: tuple[str, ...]) -> Codec:
    struct = Struct(layout)
    return Codec(
        lambda raw: dict(zip(names, struct.unpack(raw), strict=True)),
        lambda value: struct.pack(*(value[name] for name in names)),
    )


def _enumeration(names: dict[int, str]) -> Codec:
    codes = {name: code for code, name in names.items()}
    return Codec(
        lambda raw: names.get(code := _BYTE.unpack(raw)[0], code),
        lambda value: _BYTE.pack(codes.get(value, value)),
    )


_BYTE = Struct("<B")
_LENGTH = Struct("<i")
_CHANNEL = Struct("<iB3xii")
_CHANNEL_ENTRY = re.compile(rb"([^\0]+)\0(.{%d})" % _CHANNEL.size, re.DOTALL)
# Matches wherever a name begins, whole entry or not: so that a search takes linear time on any bytes.
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
    if items > MOST_ITEMS:
        raise ValueError(f"lists of more than {MOST_ITEMS} items are kept as bytes")


def _encode_floats(value: list[Any]) -> bytes:
    return Struct(f"<{len(value)}f").pack(*map(plain_float, value))


# --- text and bytes -----------------------------------------------------------------------------------


def _base64(raw: bytes) -> str:
    return base64.b64encode(raw).decode("ascii")


def _decode_string(raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        if len(raw) > LONGEST_ESCAPED:
            raise ValueError(
                f"text that is not UTF-8 and longer than {LONGEST_ESCAPED} bytes is kept as bytes"
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
    """A string behind its 32-bit length, and where the next one starts."""
    if len(raw) < start + 4:
        raise ValueError("a string's length is cut off")
    end = start + 4 + _LENGTH.unpack_from(raw, start)[0]
    if not start + 4 <= end <= len(raw):
        raise ValueError("a string is longer than the value that holds it")
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
    channels, position = [], 0
    while found := _CHANNEL_ENTRY.match(raw, position):
        name, fields = found.groups()
        code, linear, x_sampling, y_sampling = _CHANNEL.unpack(fields)
        channels.append(
            {
                "name": name.decode("utf-8", "backslashreplace"),
                "type": code_name(PIXEL_TYPES, code),
                "p_linear": linear != 0,
                "x_sampling": x_sampling,
                "y_sampling": y_sampling,
            }
        )
        position = found.end()
    if raw[position:] != b"\0":
        raise ValueError("the channel list does not end where its value ends")
    return channels


def count_channels(raw: bytes, most: int) -> int:
    """How many channels a channel list holds, without decoding them; counting stops behind `most`."""
    return sum(1 for _ in islice(_CHANNEL_SPAN.finditer(raw), most + 1))


def _encode_channels(value: list[dict[str, Any]]) -> bytes:
    entries = [
        each["name"].encode()
        + b"\0"
        + _CHANNEL.pack(
            _code_of(PIXEL_TYPES, each["type"]), each["p_linear"], each["x_sampling"], each["y_sampling"]
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
    level = _code_of(LEVEL_MODES, value["level_mode"])
    rounding = _code_of(ROUNDING_MODES, value["rounding_mode"])
    return _TILES.pack(value["x_size"], value["y_size"], level | rounding << 4)


def _decode_timecode(raw: bytes) -> dict[str, Any]:
    """SMPTE ST 12-1: binary coded digits; bit 6 is the drop-frame flag, written as `;`."""
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

OPAQUE = Codec(lambda raw: {"base64": _base64(raw)}, lambda value: base64.b64decode(value["base64"]))

CODECS: dict[str, Codec] = {
    "int": _scalar(_INT),
    "float": _scalar(_FLOAT),
    "double": _scalar(_DOUBLE),
    **{f"v{n}{kind[0]}": _tuple(kind[1], n) for n in (2, 3) for kind in _REALS_AND_INT},
    **{f"m{n}{n}{kind[0]}": _tuple(kind[1], n * n) for n in (3, 4) for kind in _REALS},
    "box2i": _box(_INT),
    "box2f": _box(_FLOAT),
    "chromaticities": Codec(_decode_chromaticities, _encode_chromaticities),
    "rational": _record("<iI", ("numerator", "denominator")),
    "keycode": _record("<7i", _KEYCODE),
    "timecode": Codec(
        _decode_timecode, lambda value: _TIME.pack(value["time_and_flags"], value["user_data"])
    ),
    "tiledesc": Codec(_decode_tiles, _encode_tiles),
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
    ),
    "idmanifest": Codec(
        _decode_manifest,
        lambda value: _MANIFEST.pack(value["uncompressed_size"]) + base64.b64decode(value["base64"]),
    ),
}
