"""The facts of one part, drawn from its attributes, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from exr_inspector.errors import BAD_ATTRIBUTE, REQUIRED_ATTRIBUTE, UNKNOWN_CODE, InspectorError
from exr_inspector.exr.chunks import chunk_count, part_type
from exr_inspector.exr.header import MULTIPART, NON_IMAGE, Header, Part
from exr_inspector.exr.values import COMPRESSION_NAMES, LINE_ORDERS, clean, code_name, is_unknown

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
_LARGEST = 2**63 - 1
"""Largest integer of a column. 32-bit windows in tiles of one pixel have more chunks."""
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
    chunks = chunk_count(header, part)
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
        "chunk_count": chunks if chunks is None or chunks <= _LARGEST else None,
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


def check_parts(header: Header) -> Iterator[InspectorError]:
    """Everything about the parts that the format does not allow."""
    names: set[str] = set()
    for index, part in enumerate(header.parts):
        where = f"parts[{index}]"
        yield from _check_part(header, part, where)
        name = part.value("name", "string")
        if header.is_multipart and name in names:
            yield InspectorError(
                REQUIRED_ATTRIBUTE, f"an earlier part has the name {name!r} too", f"{where}.name"
            )
        names.add(name)


def _check_part(header: Header, part: Part, where: str) -> Iterator[InspectorError]:
    """First what makes the file unreadable."""
    required = _required(header, part)
    for name, type_name in required.items():
        if part.value(name, type_name) is None:
            yield InspectorError(REQUIRED_ATTRIBUTE, _why_not(part, name, type_name), f"{where}.{name}")
    for name, reason in _impossible(header, part):
        yield InspectorError(REQUIRED_ATTRIBUTE, reason, f"{where}.{name}")
    for name, reason in _unknown(header, part):
        yield InspectorError(UNKNOWN_CODE, f"{reason} is not known", f"{where}.{name}")
    broken = [each for each in part.attributes if each.error is not None]
    for each in broken:
        if each.name not in required or each is not part.attribute(each.name):
            yield InspectorError(BAD_ATTRIBUTE, str(each.error), f"{where}.{clean(each.name)}")


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


def _impossible(header: Header, part: Part) -> Iterator[tuple[str, str]]:
    """Required attributes with values that no image can have: the attribute's name, and why."""
    for name in ("dataWindow", "displayWindow"):
        size = _size(part.value(name, "box2i"))
        if any(length is not None and length < 1 for length in size.values()):
            yield name, f"the window is {size['width']} by {size['height']} pixels"
    channels = part.value("channels", "chlist")
    if channels == []:
        yield "channels", "the part has no channel"
    for channel in channels or ():
        sampling = channel["x_sampling"], channel["y_sampling"]
        if min(sampling) < 1:
            yield "channels", f"channel {channel['name']} has the sampling {sampling}"
    tiles = _tiledesc(header, part)
    if tiles and not (tiles["x_size"] and tiles["y_size"]):
        yield "tiles", f"the tiles are {tiles['x_size']} by {tiles['y_size']} pixels"
    chunks = part.value("chunkCount", "int")
    if header.is_multipart and chunks is not None and chunks < 1:
        yield "chunkCount", f"the part has {chunks} chunks"


def _unknown(header: Header, part: Part) -> Iterator[tuple[str, str]]:
    """Codes that OpenEXR has not defined: the attribute's name, and what it says."""
    for name in ("compression", "lineOrder"):
        code = part.value(name, name)
        if isinstance(code, int):
            yield name, f"{name} {code}"
    kind = part_type(header, part)
    if kind and kind not in _PART_TYPES:
        yield "type", f"part type {clean(kind)}"
    for channel in part.value("channels", "chlist") or ():
        if is_unknown(channel["type"]):
            yield "channels", f"the pixel type of channel {channel['name']}, {channel['type']},"
    tiles = _tiledesc(header, part)
    for key in ("level_mode", "rounding_mode"):
        if tiles and is_unknown(tiles[key]):
            yield "tiles", f"{key} {tiles[key]}"


def _tiledesc(header: Header, part: Part) -> Any:
    """The tiles of a part that has them; in any other the attribute says nothing."""
    return part.value("tiles", "tiledesc") if "tile" in (part_type(header, part) or "") else None
