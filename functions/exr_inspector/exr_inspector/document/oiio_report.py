"""The report of OpenImageIO: a header as the applications that use the library see it.

OpenImageIO reads from files only. It gets a file in memory that holds the header, with zeros behind it up to
the size of the real file, because it refuses a file that is too small for its resolution. The header has
passed the parser and the limits below: the library takes seconds for thousands of channels or attributes.

OpenImageIO interns every distinct string forever, and each frame has its own dates, hosts and statistics. So
the library gets placeholders for most strings, and the report restores them afterwards. A placeholder is a
marker and the attribute's index. The marker is a control character that occurs in no string that the library
gets unchanged, so a reported string that holds it is a placeholder.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import OpenImageIO as oiio

from exr_inspector.document.memory_file import borrow
from exr_inspector.document.report import OiioReport
from exr_inspector.document.serialize import elided
from exr_inspector.errors import STORAGE_UNAVAILABLE, InspectorError
from exr_inspector.exr.floats import json_float, shortest
from exr_inspector.exr.header import Header, Part, write_header
from exr_inspector.exr.layout import part_layout
from exr_inspector.exr.values import CODECS, OPAQUE, clean

MAX_PARTS = 512
MAX_CHANNELS = 1024
MAX_ATTRIBUTES = 4096
MAX_CHUNKS = 1 << 18
"""OpenImageIO reads the offset of each by a system call of its own: a million take a minute."""
MAX_BYTES = 1024 * 1024
MAX_TEXT_BYTES = 128 * 1024
"""Bytes of names and strings."""
MAX_STRING = 1024
"""Bytes of one string or list of strings."""

# The size that OpenImageIO sees of a larger file. Its limit is 10,000 bytes of pixels per byte of the file.
_MAX_FILE_SIZE = 1 << 40
_MARKERS = (b"\1", b"\2", b"\3", b"\4")
# Names, in lower case, of strings that decide what OpenImageIO reports. The library gets them unchanged.
_DECISIVE = {
    *("name", "type", "view", "colorinteropid", "wrapmodes", "textureformat"),
    # It parses strings under these names as numbers.
    *("acesimagecontainerflag", "pixelaspectratio", "xdensity", "xresolution"),
}
_DECISIVE_PREFIXES = ("oiio:", "openexr:")
# It keeps the hash that its own tools store in textures, and knows their files by how `Software` begins.
_TEXTURE_MAKERS = (b"openimageio", b"maketx")
_SINGLE = (oiio.FLOAT, oiio.HALF)
_TEXTS = ("string", "stringvector")
_TYPES = {name: name.encode() for name in CODECS}

_Stored = tuple[bytes, bytes, bytes]
"""Name, type name and value of an attribute."""


def report_header(header: Header, file_size: int = 0) -> OiioReport:
    """Return what OpenImageIO reports about a header in a file of `file_size` bytes.

    `opens` is False if the library refuses the header, and None if the header exceeds a limit above. Raises
    InspectorError(STORAGE_UNAVAILABLE) if the process has no memory or no descriptor left.
    """
    for marker in _MARKERS:
        parts, kept = _with_placeholders(header, marker)
        if not any(marker in raw for _, raw in kept):
            break
    else:
        reason = "its strings contain every character that marks a placeholder"
        return OiioReport(None, f"not shown to OpenImageIO: {reason}")
    content = write_header(header.version_field, parts)
    if reason := _exceeded_limit(header, parts, kept, len(content), file_size):
        return OiioReport(None, f"not shown to OpenImageIO: {reason}")
    try:
        with borrow() as file:
            file.write(content, min(file_size, _MAX_FILE_SIZE))
            return _open(file.path, header, marker.decode())
    except UnicodeDecodeError:
        return OiioReport(
            None, "not shown to OpenImageIO: before 3.1 it cannot return text that is not UTF-8"
        )
    except OSError as error:
        raise InspectorError(STORAGE_UNAVAILABLE, f"no file in memory for OpenImageIO: {error}") from error


def _with_placeholders(header: Header, marker: bytes) -> tuple[list[list[_Stored]], list[tuple[str, bytes]]]:
    """Return each part's attributes as the library gets them, and the name and bytes of unchanged strings."""
    parts = []
    kept = []
    # OpenEXR misreads what follows a name that is repeated, in any case, so there every byte counts.
    has_placeholders = all(
        len(set(map(str.lower, part.by_name))) == len(part.attributes) for part in header.parts
    )
    for part in header.parts:
        attributes = []
        for index, (name, type_name, raw, _, _) in enumerate(part.attributes):
            stored_name = name.encode() if name.isascii() else name.encode("utf-8", "surrogateescape")
            stored, stored_type = raw, _TYPES.get(type_name) or type_name.encode("utf-8", "surrogateescape")
            if type_name in _TEXTS:
                if has_placeholders and _is_replaceable(name, type_name, raw):
                    maker = b"maketx" if raw[:11].lower().startswith(_TEXTURE_MAKERS) else b""
                    stored, stored_type = b"%b%b%d" % (maker, marker, index), b"string"
                else:
                    kept.append((name, raw))
            attributes.append((stored_name, stored_type, stored))
        parts.append(attributes)
    return parts, kept


def _is_replaceable(name: str, type_name: str, raw: bytes) -> bool:
    if type_name == "stringvector":
        return len(raw) > MAX_STRING
    # The library drops empty strings. A string ends at its first NUL.
    if raw[:1] in (b"", b"\0"):
        return False
    lower = name.lower()
    return lower not in _DECISIVE and not lower.startswith(_DECISIVE_PREFIXES)


def _exceeded_limit(
    header: Header, parts: list[list[_Stored]], kept: list[tuple[str, bytes]], size: int, file_size: int
) -> str:
    """Return which limit the header exceeds, or an empty string."""
    for name, raw in kept:
        if len(raw) > MAX_STRING:
            return f"{clean(name)} has {len(raw)} bytes"
    channels = (part.standard.get("channels", ()) for part in header.parts)
    layouts = (part_layout(header, part) for part in header.parts)
    chunks = sum(layout.count for layout in layouts if layout)
    counts = [
        (min(chunks, file_size // 8), MAX_CHUNKS, "chunks"),
        (len(parts), MAX_PARTS, "parts"),
        (sum(map(len, parts)), MAX_ATTRIBUTES, "attributes"),
        (sum(map(len, channels)), MAX_CHANNELS, "channels"),
    ]
    if size > min(MAX_TEXT_BYTES, MAX_BYTES):
        stored = [each for attributes in parts for each in attributes]
        names = sum(len(name) for name, *_ in stored)
        strings = sum(len(raw) for _, kind, raw in stored if kind.decode("latin-1") in _TEXTS)
        counts.append((names + strings, MAX_TEXT_BYTES, "bytes of names and strings"))
        counts.append((sum(len(raw) for *_, raw in stored), MAX_BYTES, "bytes of values"))
    return next((f"{count} {what}, more than {limit}" for count, limit, what in counts if count > limit), "")


def _open(path: str, header: Header, marker: str) -> OiioReport:
    image = oiio.ImageInput.open(path)
    if image is None:
        message = _library_error().replace(path, "the header")
        if message.startswith("Could not open"):  # no byte was read
            raise OSError(message)
        return OiioReport(False, message)
    parts: list[dict[str, Any]] = []
    channels: list[dict[str, Any]] = []
    attributes: list[dict[str, Any]] = []
    while image.seek_subimage(len(parts), 0):
        index, spec = len(parts), image.spec()
        parts.append(spec_to_part(spec, index))
        channels += spec_to_channels(spec, index)
        attributes.append(attributes_from_spec(spec, partial(_restored, header.parts[index], marker)))
    image.close()
    _library_error()  # seeking past the last part leaves a message, which would be printed at exit
    return OiioReport(True, "", parts, channels, attributes)


def _library_error() -> str:
    """Take the library's error message, as one line."""
    try:
        text = oiio.geterror()
    except UnicodeDecodeError:  # the message quotes the file's bytes
        return "OpenImageIO refuses the header, with a message that is not UTF-8"
    return "".join(each if each.isprintable() else " " for each in clean(text)).strip()


def _restored(part: Part, marker: str, text: str) -> Any:
    """Return the string that a reported text is a placeholder of; a long one as its size and hash."""
    if marker not in text:
        return clean(text)
    raw = part.attributes[int(text.rpartition(marker)[2])].raw
    if len(raw) > MAX_STRING:
        return elided(raw)
    return clean(raw.partition(b"\0")[0].decode("utf-8", "surrogateescape"))


def spec_to_part(spec: Any, index: int) -> dict[str, Any]:
    """Return an ImageSpec as a part, in the document's terms, without what OpenImageIO does not report."""
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
    """Return an ImageSpec's channels, in OpenImageIO's order. It reports neither sampling nor pLinear."""
    formats = [str(each) for each in spec.channelformats] or [str(spec.format)] * spec.nchannels
    return [
        {"part_index": part_index, "name": clean(name), "type": kind}
        for name, kind in zip(spec.channelnames, formats, strict=True)
    ]


def attributes_from_spec(spec: Any, restored: Callable[[str], Any] = clean) -> dict[str, Any]:
    """Return an ImageSpec's attributes by OpenImageIO's names, in its order, as JSON values.

    `restored` makes the value of a reported text.
    """
    found = {}
    for each in spec.extra_attribs:
        value = each.value
        if type(value) is str:
            value = restored(value)
        elif type(value) is not int:
            value = serialize_value(value, single=each.type.basetype in _SINGLE)
        found[clean(each.name)] = value
    return found


def serialize_value(value: Any, *, single: bool = False) -> Any:
    """Return a Python value from OpenImageIO as a JSON value.

    Scalars, text, sequences and mappings keep their form. Bytes become {"base64": ...}; NaN and the
    infinities become the strings of `exr.floats`; anything else becomes its text. `single` states that floats
    hold 32-bit values.
    """
    kind = type(value)
    if kind is float:
        return shortest(value) if single else json_float(value)
    if kind is int or kind is bool or value is None:
        return value
    if kind is str:
        return clean(value)
    if kind is tuple or kind is list:
        return [serialize_value(each, single=single) for each in value]
    if hasattr(value, "dtype"):  # an array or a scalar of numpy, which need not be imported to know that
        plain = value.tobytes() if value.dtype == "uint8" and value.ndim else value.tolist()
        return serialize_value(plain, single=value.dtype.itemsize <= 4)
    if isinstance(value, (bytes, bytearray, memoryview)):
        return OPAQUE.decode(bytes(value))
    if isinstance(value, dict):
        return {clean(str(key)): serialize_value(each, single=single) for key, each in value.items()}
    return clean(str(value))
