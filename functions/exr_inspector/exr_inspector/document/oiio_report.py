"""The second view: a header as OpenImageIO, and so every application built on it, shows it.

OpenImageIO reads from files alone, so it gets one in memory that holds the header and nothing else. The
header has passed the parser and the caps below before: the library takes seconds for many thousands of
channels or attributes. It also keeps every distinct string for ever, and every frame has dates, hosts and
statistics of its own: so it gets a stand-in for each string, whose place the string takes in what it shows.
"""

from __future__ import annotations

import hashlib
import re
from typing import Any

import numpy as np
import OpenImageIO as oiio

from exr_inspector.document.memory_file import memory_file
from exr_inspector.document.report import OiioReport
from exr_inspector.errors import STORAGE_UNAVAILABLE, InspectorError
from exr_inspector.exr.floats import json_float, shortest
from exr_inspector.exr.header import Attribute, Header, Part, write_header
from exr_inspector.exr.values import OPAQUE, clean

MOST_PARTS = 512
MOST_CHANNELS = 1024
MOST_ATTRIBUTES = 4096
MOST_BYTES = 1024 * 1024
MOST_STRING_BYTES = 128 * 1024
LONGEST_STRING = 1024

# Strings that the library acts upon, by their names in lower case: they reach it as they are.
_SPOKEN = re.compile(r"name|type|view|colorinteropid|wrapmodes|textureformat|(oiio|openexr):.*", re.DOTALL)
_STAND_IN = re.compile(r"\x01([0-9]{1,4})")
_STRING_TYPES = (b"string", b"stringvector")

Stored = tuple[bytes, bytes, bytes]
"""Name, type name and value of an attribute."""


def report_header(header: Header) -> OiioReport:
    """What OpenImageIO shows of a header. That it refuses the header is an answer, not an error.

    Raises InspectorError(STORAGE_UNAVAILABLE) where the process has no memory or descriptor left for it.
    """
    shown = [[_shown(*each) for each in enumerate(part.attributes)] for part in header.parts]
    reason = _too_much(header, [each for attributes in shown for each in attributes])
    if reason:
        return OiioReport(None, f"not shown to OpenImageIO: {reason}")
    try:
        with memory_file(write_header(header.version_field, shown)) as path:
            return _opened(path, header)
    except OSError as error:
        raise InspectorError(STORAGE_UNAVAILABLE, f"no file in memory for OpenImageIO: {error}") from error


def _opened(path: str, header: Header) -> OiioReport:
    image = oiio.ImageInput.open(path)
    if image is None:
        message = _library_error().replace(path, "the header")
        if message.startswith("Could not open"):  # before a byte was read
            raise OSError(message)
        return OiioReport(False, message)
    try:
        return _walk(image, header)
    finally:
        image.close()


def _shown(index: int, attribute: Attribute) -> Stored:
    """What the library gets of a part's attribute."""
    name = attribute.name.encode("utf-8", "surrogateescape")
    if _has_stand_in(attribute):
        return name, b"string", b"\x01%d" % index
    return name, attribute.type_name.encode("utf-8", "surrogateescape"), attribute.raw


def _has_stand_in(attribute: Attribute) -> bool:
    if attribute.type_name == "stringvector":
        return len(attribute.raw) > LONGEST_STRING
    # The library drops empty strings; one ends at its first NUL.
    told = attribute.type_name == "string" and attribute.raw[:1] not in (b"", b"\0")
    return told and not _SPOKEN.fullmatch(attribute.name.lower())


def _too_much(header: Header, shown: list[Stored]) -> str:
    """Why the library does not get all this; empty where it does."""
    strings = [(name, raw) for name, type_name, raw in shown if type_name in _STRING_TYPES]
    for name, raw in strings:
        if len(raw) > LONGEST_STRING:
            return f"{clean(name.decode('utf-8', 'surrogateescape'))} has {len(raw)} bytes"
    channels = (part.value("channels", "chlist") or () for part in header.parts)
    counts = {
        "parts": (len(header.parts), MOST_PARTS),
        "attributes": (len(shown), MOST_ATTRIBUTES),
        "channels": (sum(map(len, channels)), MOST_CHANNELS),
        "bytes of names and strings": (
            sum(len(name) for name, *_ in shown) + sum(len(raw) for _, raw in strings),
            MOST_STRING_BYTES,
        ),
        "bytes of values": (sum(len(raw) for *_, raw in shown), MOST_BYTES),
    }
    over = (f"{count} {what}, more than {most}" for what, (count, most) in counts.items() if count > most)
    return next(over, "")


def _library_error() -> str:
    try:
        text = oiio.geterror()
    except UnicodeDecodeError:  # the message quotes the file's bytes
        return "OpenImageIO refuses the header, with a message that is not UTF-8"
    return "".join(each if each.isprintable() else " " for each in clean(text)).strip()


def _walk(image: Any, header: Header) -> OiioReport:
    view = OiioReport(True)
    index = 0
    while image.seek_subimage(index, 0):
        spec = image.spec()
        view.parts.append(spec_to_part(spec, index))
        view.channels.extend(spec_to_channels(spec, index))
        shown = attributes_from_spec(spec)
        view.attributes.append({name: _restored(value, header.parts[index]) for name, value in shown.items()})
        index += 1
    _library_error()  # seeking past the last part leaves a message, which would be printed at exit
    return view


def _restored(value: Any, part: Part) -> Any:
    """The value, or the string that it stands for; a long one by its size and hash."""
    found = _STAND_IN.fullmatch(value) if isinstance(value, str) else None
    attribute = part.attributes[int(found[1])] if found and int(found[1]) < len(part.attributes) else None
    if attribute is None or not _has_stand_in(attribute):
        return value
    raw = attribute.raw
    if len(raw) > LONGEST_STRING:
        return {"elided": {"size_bytes": len(raw), "sha256": hashlib.sha256(raw).hexdigest()}}
    return clean(raw.partition(b"\0")[0].decode("utf-8", "surrogateescape"))


def spec_to_part(spec: Any, index: int) -> dict[str, Any]:
    """A subimage's ImageSpec as a part, in the document's terms; what OpenImageIO hides is left out."""
    return {
        "index": index,
        "name": _text(spec, "oiio:subimagename"),
        "width": spec.width,
        "height": spec.height,
        "data_window": _window(spec.x, spec.y, spec.width, spec.height),
        "display_window": _window(spec.full_x, spec.full_y, spec.full_width, spec.full_height),
        "pixel_aspect_ratio": shortest(spec.get_float_attribute("PixelAspectRatio", 1.0)),
        "line_order": _text(spec, "openexr:lineOrder"),
        "compression": _text(spec, "compression"),
        "is_tiled": spec.tile_width > 0,
        "tile_width": spec.tile_width or None,
        "tile_height": spec.tile_height or None,
        "is_deep": spec.deep,
        "channel_count": spec.nchannels,
    }


def _text(spec: Any, name: str) -> str | None:
    return clean(spec.get_string_attribute(name)) or None


def _window(x: int, y: int, width: int, height: int) -> dict[str, dict[str, int]]:
    return {"min": {"x": x, "y": y}, "max": {"x": x + width - 1, "y": y + height - 1}}


def spec_to_channels(spec: Any, part_index: int) -> list[dict[str, Any]]:
    """A subimage's channels, in OpenImageIO's order. It does not tell their sampling or pLinear."""
    formats = spec.channelformats or [spec.format] * spec.nchannels
    return [
        {"part_index": part_index, "name": clean(name), "type": str(kind)}
        for name, kind in zip(spec.channelnames, formats, strict=True)
    ]


def attributes_from_spec(spec: Any) -> dict[str, Any]:
    """A subimage's attributes under OpenImageIO's names, in its order."""
    return {
        clean(each.name): serialize_value(each.value, single=each.type.basetype in (oiio.FLOAT, oiio.HALF))
        for each in spec.extra_attribs
    }


def serialize_value(value: Any, *, single: bool = False) -> Any:
    """A Python value that comes out of OpenImageIO as JSON: scalars, text, sequences and mappings of these.

    `single` says that floats hold 32-bit values. Bytes become {"base64": ...}; NaN and the infinities the
    strings of reading.floats; anything else its text.
    """
    if value is None or isinstance(value, (bool, int)):
        return value
    if isinstance(value, float):
        return shortest(value) if single else json_float(value)
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, (bytes, bytearray, memoryview)):
        return OPAQUE.decode(bytes(value))
    if isinstance(value, (np.ndarray, np.generic)):
        return _serialize_array(value)
    if isinstance(value, dict):
        return {clean(str(key)): serialize_value(each, single=single) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [serialize_value(each, single=single) for each in value]
    return clean(str(value))


def _serialize_array(value: np.ndarray[Any, Any] | np.generic) -> Any:
    if value.dtype == np.uint8 and value.ndim:
        return OPAQUE.decode(value.tobytes())
    return serialize_value(value.tolist(), single=value.dtype.itemsize <= 4)
