"""Collections of the parts and of their windows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from exr_inspector.policy.collections.header import Record, has_header, part_attributes
from exr_inspector.policy.collections.standard import is_log
from exr_inspector.policy.evidence import Missing
from exr_inspector.policy.facts import NO_HEADER, Facts, Field, Items, collection

LOSSLESS = frozenset({"none", "rle", "zips", "zip", "piz", "htj2k256", "htj2k32", "zstd"})
"""Compressions that keep every bit of every channel."""

_PART_FIELDS = {
    "index": Field("integer", "Index of the part, from 0."),
    "name": Field("text", "The part's name."),
    "view": Field("text", "The part's view, such as `left`."),
    "type": Field("text", "`scanlineimage`, `tiledimage`, `deepscanline` or `deeptile`."),
    "width": Field("integer", "Width of the data window in pixels."),
    "height": Field("integer", "Height of the data window in pixels."),
    "display_width": Field("integer", "Width of the display window in pixels."),
    "display_height": Field("integer", "Height of the display window in pixels."),
    "pixel_aspect_ratio": Field("number", "Width of a pixel divided by its height."),
    "line_order": Field("text", "`increasingY`, `decreasingY` or `randomY`."),
    "compression": Field("text", "Such as `zip`, `piz` or `dwaa`."),
    "is_lossless": Field("flag", "Whether the compression keeps every bit."),
    "is_tiled": Field("flag", "Whether the part is stored as tiles."),
    "tile_width": Field("integer", "Width of a tile in pixels."),
    "tile_height": Field("integer", "Height of a tile in pixels."),
    "level_mode": Field("text", "`oneLevel`, `mipmap` or `ripmap`."),
    "rounding_mode": Field("text", "How level sizes are rounded: `down` or `up`."),
    "is_deep": Field("flag", "Whether the part has deep samples."),
    "chunk_count": Field("integer", "Number of chunks."),
    "channel_count": Field("integer", "Number of channels."),
    "color_space": Field("text", "The color space that an attribute states; never a guess."),
    "color_space_source": Field("text", "The attribute that states the color space."),
    "render_software": Field("text", "The program that wrote the file, if an attribute names it."),
}
_PART_DERIVED = {
    "channels": Field("list", "The full names of the part's channels."),
    "components": Field("list", "The names of the part's channels after their last dot."),
    "layers": Field("list", "The layers of the part's channels."),
    "channel_types": Field("list", "The pixel types of the part's channels, each once."),
    "attribute_names": Field("list", "The names of the part's attributes."),
    "are_channels_sorted": Field("flag", "Whether the channel list is in alphabetical order."),
    "is_log": Field(
        "flag", "Whether the stated color space is logarithmic; unknown if its name does not indicate it."
    ),
    "unused_views": Field("list", "Views of `multiView` that no channel belongs to."),
    "chromaticities": Field("list", "The numbers of chromaticities: x and y of red, green, blue and white."),
}


@collection(
    "parts",
    _PART_FIELDS | _PART_DERIVED,
    {
        "attributes.": Field("any", "The value of the attribute with this name, as in the document."),
        "attribute_types.": Field("text", "The type of the attribute with this name."),
    },
)
def parts(facts: Facts) -> Items:
    """The parts of the file."""
    if not has_header(facts):
        return NO_HEADER
    by_part: dict[int, list[Any]] = {}
    for channel in facts.document["channels"]:
        by_part.setdefault(channel["part_index"], []).append(channel)
    return [_part(part, by_part.get(part["index"], [])) for part in facts.document["parts"]]


def _part(part: Mapping[str, Any], channels: list[Any]) -> Record:
    values = part_attributes(part)
    chromaticities = values.get("chromaticities")
    names = [each["name"].encode("utf-8", "surrogatepass") for each in channels]
    return {
        **{name: part.get(name) for name in _PART_FIELDS},
        "place": f"parts[{part['index']}]",
        "part_index": part["index"],
        "is_lossless": part["compression"] in LOSSLESS if part["compression"] else None,
        "channels": [each["name"] for each in channels],
        "components": [each["component_name"] for each in channels],
        "layers": list(dict.fromkeys(each["layer_name"] for each in channels if each["layer_name"])),
        "channel_types": sorted({each["type"] for each in channels}),
        "attribute_names": [each["name"] for each in part["attributes"]],
        "are_channels_sorted": names == sorted(names),
        "is_log": _log(part["color_space"]),
        "unused_views": _unused_views(values.get("multiView"), channels),
        "chromaticities": [point[axis] for point in chromaticities.values() for axis in "xy"]
        if isinstance(chromaticities, dict)
        else chromaticities,
        "attributes": values,
        "attribute_types": {each["name"]: each["type"] for each in reversed(part["attributes"])},
    }


def _log(color_space: str | None) -> bool | Missing:
    if color_space is None:
        return Missing("no attribute states the color space")
    found = is_log(color_space)
    return Missing(f"the color space {color_space!r} is not known") if found is None else found


def _unused_views(views: Any, channels: list[Any]) -> list[str]:
    """Return the views without channels. The first view has those whose names have no dot."""
    if not isinstance(views, list):
        return []
    used = {each["name"].split(".")[-2] for each in channels if "." in each["name"]}
    if any("." not in each["name"] for each in channels):
        used.update(views[:1])
    return [view for view in views if view not in used]


@collection(
    "windows",
    {
        "width": Field("integer", "Width of the data window in pixels."),
        "height": Field("integer", "Height of the data window in pixels."),
        "display_width": Field("integer", "Width of the display window in pixels."),
        "display_height": Field("integer", "Height of the display window in pixels."),
        "display_x": Field("integer", "Left edge of the display window."),
        "display_y": Field("integer", "Top edge of the display window."),
        "left": Field("integer", "Pixels of overscan on the left; negative if the data window is smaller."),
        "right": Field("integer", "Pixels of overscan on the right."),
        "top": Field("integer", "Pixels of overscan at the top."),
        "bottom": Field("integer", "Pixels of overscan at the bottom."),
        "is_equal": Field("flag", "Whether the data window is the display window."),
        "is_covering": Field("flag", "Whether the data window covers the display window."),
        "is_overlapping": Field("flag", "Whether a pixel lies in both."),
        "data_pixels": Field("integer", "Pixels of the data window."),
        "display_pixels": Field("integer", "Pixels of the display window."),
        "is_first": Field("flag", "Whether the part is the first."),
        "is_tiled": Field("flag", "Whether the part is stored as tiles."),
        "active_width": Field("integer", "Width of the intended active area: always unknown."),
    },
)
def windows(facts: Facts) -> Items:
    """The data and display windows: one item for each part that has both."""
    if not has_header(facts):
        return NO_HEADER
    return [
        _windows(part) for part in facts.document["parts"] if part["data_window"] and part["display_window"]
    ]


NO_ACTIVE_AREA = Missing(
    "no header states the intended active area; compare it with the delivery specification"
)


def _windows(part: Mapping[str, Any]) -> Record:
    data, display = part["data_window"], part["display_window"]
    left, top = display["min"]["x"] - data["min"]["x"], display["min"]["y"] - data["min"]["y"]
    right, bottom = data["max"]["x"] - display["max"]["x"], data["max"]["y"] - display["max"]["y"]
    width, height = part["width"], part["height"]
    return {
        "place": f"parts[{part['index']}]",
        "part_index": part["index"],
        "width": width,
        "height": height,
        "display_width": part["display_width"],
        "display_height": part["display_height"],
        "display_x": display["min"]["x"],
        "display_y": display["min"]["y"],
        "left": left,
        "right": right,
        "top": top,
        "bottom": bottom,
        "is_equal": data == display,
        "is_covering": min(left, right, top, bottom) >= 0,
        "is_overlapping": data["min"]["x"] <= display["max"]["x"]
        and data["max"]["x"] >= display["min"]["x"]
        and data["min"]["y"] <= display["max"]["y"]
        and data["max"]["y"] >= display["min"]["y"],
        "data_pixels": width * height,
        "display_pixels": part["display_width"] * part["display_height"],
        "is_first": part["index"] == 0,
        "is_tiled": part["is_tiled"],
        "active_width": NO_ACTIVE_AREA,
    }
