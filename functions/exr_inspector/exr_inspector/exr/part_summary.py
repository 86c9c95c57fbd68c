"""The facts of parts and channels, drawn from a header."""

from __future__ import annotations

from typing import Any

from exr_inspector.exr.chunks import chunk_count
from exr_inspector.exr.codes import COMPRESSION_NAMES, LINE_ORDERS, code_name
from exr_inspector.exr.facts import ChannelFacts, PartFacts
from exr_inspector.exr.header import Header
from exr_inspector.exr.layout import part_type
from exr_inspector.exr.names import layer_of_part, split_channel
from exr_inspector.exr.provenance import color_space, render_software

MAX_INTEGER = 2**63 - 1
"""The largest integer of a column. 32-bit windows in tiles of one pixel have more chunks."""


def part_facts(header: Header, index: int) -> PartFacts:
    """Return the facts of one part. Facts that the header lacks are None.

    A later part that states no color space or software has those of the first part.
    """
    part = header.parts[index]
    known = part.standard
    type_ = part_type(header, part)
    data, display = known.get("dataWindow"), known.get("displayWindow")
    width, height = _size(data)
    display_width, display_height = _size(display)
    tiles: dict[str, Any] = known.get("tiles", {})
    chunks = chunk_count(header, part)
    space, software = color_space(part), render_software(part)
    if index and space.value is None:
        space = color_space(header.parts[0])
    if index and software.value is None:
        software = render_software(header.parts[0])
    return {
        "index": index,
        "name": known.get("name"),
        "view": known.get("view"),
        "type": type_,
        "width": width,
        "height": height,
        "data_window": data,
        "display_window": display,
        "display_width": display_width,
        "display_height": display_height,
        "data_x_offset": data["min"]["x"] if data else None,
        "data_y_offset": data["min"]["y"] if data else None,
        "pixel_aspect_ratio": known.get("pixelAspectRatio"),
        "line_order": _named(known.get("lineOrder"), LINE_ORDERS),
        "compression": _named(known.get("compression"), COMPRESSION_NAMES),
        "is_tiled": type_ is not None and "tile" in type_,
        "tile_width": tiles.get("x_size"),
        "tile_height": tiles.get("y_size"),
        "level_mode": tiles.get("level_mode"),
        "rounding_mode": tiles.get("rounding_mode"),
        "is_deep": type_ is not None and "deep" in type_,
        "chunk_count": chunks if chunks is None or chunks <= MAX_INTEGER else None,
        "channel_count": len(known.get("channels", ())),
        "color_space": space.value,
        "color_space_source": space.source,
        "render_software": software.value,
        "render_software_source": software.source,
    }


def _size(window: dict[str, Any] | None) -> tuple[int | None, int | None]:
    """Return width and height in pixels of a window, whose corners are both inside."""
    if window is None:
        return None, None
    low, high = window["min"], window["max"]
    return high["x"] - low["x"] + 1, high["y"] - low["y"] + 1


def _named(value: str | int | None, names: dict[int, str]) -> str | None:
    """Return the name of a coded value."""
    return code_name(names, value) if isinstance(value, int) else value


def channel_facts(header: Header) -> list[ChannelFacts]:
    """Return the facts of the channels of all parts, in stored order.

    If no channel name of a part carries a layer, all its channels have the layer of the part's name.
    """
    views = _declared_views(header)
    facts: list[ChannelFacts] = []
    for index, part in enumerate(header.parts):
        channels: list[dict[str, Any]] = part.standard.get("channels", [])
        names = [split_channel(channel["name"]) for channel in channels]
        of_part = None
        if len(header.parts) > 1 and not any(name.layer_name for name in names):
            view = part.standard.get("view")
            of_part = layer_of_part(part.standard.get("name", ""), (view,) if view else views)
        for channel, (layer, component) in zip(channels, names, strict=True):
            facts.append(
                {
                    "part_index": index,
                    "name": channel["name"],
                    "layer_name": layer or of_part,
                    "layer_source": "channel" if layer else "part" if of_part else None,
                    "component_name": component,
                    "type": channel["type"],
                    "x_sampling": channel["x_sampling"],
                    "y_sampling": channel["y_sampling"],
                    "p_linear": channel["p_linear"],
                }
            )
    return facts


def _declared_views(header: Header) -> tuple[str, ...]:
    """Return the views that attributes of the file declare."""
    views: dict[str, None] = {}
    for part in header.parts:
        if view := part.standard.get("view"):
            views[view] = None
        views.update(dict.fromkeys(part.standard.get("multiView", ())))
    return tuple(views)
