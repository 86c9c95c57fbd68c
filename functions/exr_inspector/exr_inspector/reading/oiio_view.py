"""The second view: a header as OpenImageIO, and so every application built on it, shows it.

OpenImageIO reads from files alone, so it gets one in memory that holds the header and nothing else. The
header has passed the parser and the caps below before: the library takes seconds for many thousands of
channels or attributes, and it keeps every distinct string and name for ever, so long ones do not reach it.
"""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
import OpenImageIO as oiio

from exr_inspector.reading.floats import json_float, shortest
from exr_inspector.reading.header import Attribute, Header, write_header
from exr_inspector.reading.memory_file import memory_file
from exr_inspector.reading.values import OPAQUE, clean
from exr_inspector.reading.view import View

MOST_PARTS = 512
MOST_CHANNELS = 1024
MOST_ATTRIBUTES = 4096
LONGEST_STRING = 1024
MOST_STRING_BYTES = 128 * 1024
MOST_BYTES = 1024 * 1024

# Without these strings the library refuses a header that it would open.
_NEEDED = ("name", "type")

# Names that OpenImageIO gives to OpenEXR's own (exrinput.cpp); for strings that do not pass through it.
_RENAMED = {"comments": "ImageDescription", "owner": "Copyright", "capDate": "DateTime"}
_STRING_TYPES = ("string", "stringvector")


def view_header(header: Header) -> View:
    """What OpenImageIO shows of a header. That it refuses the header is an answer, not an error."""
    reason = _too_much(header)
    if reason:
        return View(None, reason)
    with memory_file(_without_long_strings(header)) as path:
        image = oiio.ImageInput.open(path)
        if image is None:
            return View(False, _library_error().replace(path, "the header"))
        try:
            return _walk(image, header)
        finally:
            image.close()


def _too_much(header: Header) -> str:
    attributes = [each for part in header.parts for each in part.attributes]
    for each in attributes:
        if each.name in _NEEDED and _is_long(each):
            return f"not shown to OpenImageIO: a {each.name} of {len(each.raw)} bytes"
    shown = [each for each in attributes if not _is_long(each)]
    counts = {
        "parts": (len(header.parts), MOST_PARTS),
        "attributes": (len(attributes), MOST_ATTRIBUTES),
        "channels": (
            sum(len(each.value or ()) for each in attributes if each.type_name == "chlist"),
            MOST_CHANNELS,
        ),
        "bytes of names and short strings": (
            sum(len(each.name) + len(each.raw) * (each.type_name in _STRING_TYPES) for each in shown),
            MOST_STRING_BYTES,
        ),
        "bytes of values without long strings": (sum(len(each.raw) for each in shown), MOST_BYTES),
    }
    over = [f"{count} {what}, more than {most}" for what, (count, most) in counts.items() if count > most]
    return f"not shown to OpenImageIO: {over[0]}" if over else ""


def _is_long(attribute: Attribute) -> bool:
    return attribute.type_name in _STRING_TYPES and len(attribute.raw) > LONGEST_STRING


def _without_long_strings(header: Header) -> bytes:
    return write_header(
        header.version_field,
        (
            [
                (
                    each.name.encode("utf-8", "surrogateescape"),
                    each.type_name.encode("utf-8", "surrogateescape"),
                    each.raw,
                )
                for each in part.attributes
                if not _is_long(each)
            ]
            for part in header.parts
        ),
    )


def _library_error() -> str:
    try:
        text = oiio.geterror()
    except UnicodeDecodeError:  # the message quotes the file's bytes
        return "OpenImageIO refuses the header, with a message that is not UTF-8"
    return "".join(each if each.isprintable() else " " for each in clean(text)).strip()


def _walk(image: Any, header: Header) -> View:
    view = View(True)
    index = 0
    while image.seek_subimage(index, 0):
        spec = image.spec()
        view.parts.append(spec_to_part(spec, index))
        view.channels.extend(spec_to_channels(spec, index))
        view.attributes.append(attributes_from_spec(spec))
        index += 1
    _library_error()  # seeking past the last part leaves a message, which would be printed at exit
    for attributes, part in zip(view.attributes, header.parts, strict=False):
        attributes.update(_elided(each) for each in part.attributes if _is_long(each))
    return view


def _elided(attribute: Attribute) -> tuple[str, dict[str, Any]]:
    digest = hashlib.sha256(attribute.raw).hexdigest()
    name = _RENAMED.get(attribute.name, clean(attribute.name))
    return name, {"elided": {"size_bytes": len(attribute.raw), "sha256": digest}}


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
