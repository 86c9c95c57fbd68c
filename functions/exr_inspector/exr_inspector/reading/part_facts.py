"""The facts of one part, drawn from its attributes, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from exr_inspector.errors import BAD_ATTRIBUTE, REQUIRED_ATTRIBUTE, UNKNOWN_CODE, InspectorError
from exr_inspector.reading.chunks import chunk_count, part_type
from exr_inspector.reading.header import MULTIPART, NON_IMAGE, Header, Part
from exr_inspector.reading.values import COMPRESSION_NAMES, LINE_ORDERS, clean, code_name

_REQUIRED = {
    "channels": "chlist",
    "compression": "compression",
    "dataWindow": "box2i",
    "displayWindow": "box2i",
    "lineOrder": "lineOrder",
    "pixelAspectRatio": "float",
    "screenWindowCenter": "v2f",
    "screenWindowWidth": "float",
}
_PART_TYPES = ("scanlineimage", "tiledimage", "deepscanline", "deeptile")
_NO_SIZE: dict[str, int | None] = {"width": None, "height": None}
_NO_TILES = dict.fromkeys(("tile_width", "tile_height", "level_mode", "rounding_mode"))

# Where writers state their name: the attribute, and the product where the value is a version alone.
_SOFTWARE = (
    ("software", ""),
    ("Software", ""),
    ("arnold/version", "Arnold"),
    ("vrayInfo/vrayversion", "V-Ray"),
    ("rs/version", "Redshift"),
    ("renderman/version", "RenderMan"),
    ("husk:version", "Karma"),
    ("blender/version", "Blender"),
    ("nuke/version", "Nuke"),
)


def part_facts(header: Header, index: int) -> dict[str, Any]:
    """The document's `parts[index]`, without its attributes. A fact that the header lacks is None."""
    part = header.parts[index]
    kind = part_type(header, part) or ""
    data, display = part.value("dataWindow", "box2i"), part.value("displayWindow", "box2i")
    shown = _size(display)
    return {
        "index": index,
        "name": part.value("name", "string"),
        "view": part.value("view", "string"),
        "type": kind or None,
        **_size(data),
        "data_window": data,
        "display_window": display,
        "display_width": shown["width"],
        "display_height": shown["height"],
        "data_x_offset": data["min"]["x"] if data else None,
        "data_y_offset": data["min"]["y"] if data else None,
        "pixel_aspect_ratio": part.value("pixelAspectRatio", "float"),
        "line_order": _named(part, "lineOrder", LINE_ORDERS),
        "compression": _named(part, "compression", COMPRESSION_NAMES),
        "is_tiled": "tile" in kind,
        **_tiles(part),
        "is_deep": "deep" in kind,
        "chunk_count": chunk_count(header, part),
        "channel_count": len(part.value("channels", "chlist") or ()),
        "color_space": _color_space(part) or _color_space(header.parts[0]),
        "render_software": _render_software(part) or _render_software(header.parts[0]),
    }


def _size(window: dict[str, Any] | None) -> dict[str, int | None]:
    """Width and height in pixels of a window; its corners are both inside."""
    if window is None:
        return _NO_SIZE
    low, high = window["min"], window["max"]
    return {"width": high["x"] - low["x"] + 1, "height": high["y"] - low["y"] + 1}


def _named(part: Part, name: str, names: dict[int, str]) -> str | None:
    """A coded value's name; the attribute type has the same name as the attribute."""
    value = part.value(name, name)
    return code_name(names, value) if isinstance(value, int) else value


def _tiles(part: Part) -> dict[str, Any]:
    tiles = part.value("tiles", "tiledesc")
    if tiles is None:
        return _NO_TILES
    return {
        "tile_width": tiles["x_size"],
        "tile_height": tiles["y_size"],
        "level_mode": tiles["level_mode"],
        "rounding_mode": tiles["rounding_mode"],
    }


def _color_space(part: Part) -> str | None:
    """What the part states, never a guess from chromaticities. The ACES flag wins (ColorInterop 1.0)."""
    if part.value("acesImageContainerFlag", "int") == 1:
        return "lin_ap0_scene"
    return part.value("colorInteropID", "string") or part.value("oiio:ColorSpace", "string") or None


def _render_software(part: Part) -> str | None:
    for name, product in _SOFTWARE:
        value = part.value(name, "string")
        if value:
            return f"{product} {value}" if product and product.lower() not in value.lower() else str(value)
    return None


# --- what is wrong --------------------------------------------------------------------------------------


def check_part(header: Header, index: int) -> Iterator[InspectorError]:
    """Everything about a part that the format does not allow: first what makes the file unreadable."""
    part, where = header.parts[index], f"parts[{index}]"
    required = _required(header, part)
    for name, type_name in required.items():
        if part.value(name, type_name) is None:
            yield InspectorError(REQUIRED_ATTRIBUTE, _why_not(part, name, type_name), f"{where}.{name}")
    yield from _empty_windows(part, where)
    yield from _unknown_codes(header, part, where)
    for attribute in part.attributes:
        if attribute.error is not None and attribute.name not in required:
            yield InspectorError(BAD_ATTRIBUTE, attribute.error, f"{where}.{clean(attribute.name)}")


def _required(header: Header, part: Part) -> dict[str, str]:
    required = dict(_REQUIRED)
    if header.version_field & (MULTIPART | NON_IMAGE):
        required |= {"type": "string", "chunkCount": "int"}
    if header.is_multipart:
        required |= {"name": "string"}
    if "tile" in (part_type(header, part) or ""):
        required |= {"tiles": "tiledesc"}
    return required


def _why_not(part: Part, name: str, type_name: str) -> str:
    found = part.attribute(name)
    if found is None:
        return f"the required attribute {name} ({type_name}) is absent"
    if found.type_name != type_name:
        return f"the required attribute {name} has the type {clean(found.type_name)}, not {type_name}"
    return f"the required attribute {name} cannot be decoded: {found.error}"


def _empty_windows(part: Part, where: str) -> Iterator[InspectorError]:
    for name in ("dataWindow", "displayWindow"):
        size = _size(part.value(name, "box2i"))
        if any(length is not None and length < 1 for length in size.values()):
            message = f"the window is {size['width']} by {size['height']} pixels"
            yield InspectorError(REQUIRED_ATTRIBUTE, message, f"{where}.{name}")


def _unknown_codes(header: Header, part: Part, where: str) -> Iterator[InspectorError]:
    for name in ("compression", "lineOrder"):
        code = part.value(name, name)
        if isinstance(code, int):
            yield InspectorError(UNKNOWN_CODE, f"{name} {code} is not known", f"{where}.{name}")
    kind = part_type(header, part)
    if kind and kind not in _PART_TYPES:
        yield InspectorError(UNKNOWN_CODE, f"part type {clean(kind)} is not known", f"{where}.type")
