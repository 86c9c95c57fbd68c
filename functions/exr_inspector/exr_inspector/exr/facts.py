"""The facts of parts and channels as typed values; the document extends these types."""

from __future__ import annotations

from typing import Literal, TypedDict

JsonFloat = float | str
"""A number, or one of the strings "NaN", "Infinity", "-Infinity", since JSON has no such numbers."""


class Point(TypedDict):
    x: int
    y: int


class Window(TypedDict):
    """A rectangle of pixels; both corners are inside."""

    min: Point
    max: Point


class PartFacts(TypedDict):
    """The facts of one part. A fact is None if the header does not state it."""

    index: int
    name: str | None
    view: str | None
    type: str | None
    width: int | None
    height: int | None
    data_window: Window | None
    display_window: Window | None
    display_width: int | None
    display_height: int | None
    data_x_offset: int | None
    data_y_offset: int | None
    pixel_aspect_ratio: JsonFloat | None
    line_order: str | None
    compression: str | None
    is_tiled: bool
    tile_width: int | None
    tile_height: int | None
    level_mode: str | None
    rounding_mode: str | None
    is_deep: bool
    chunk_count: int | None
    channel_count: int
    color_space: str | None
    color_space_source: str | None
    """The attribute that states the color space."""
    render_software: str | None
    render_software_source: str | None
    """The attribute that names the software."""


class ChannelFacts(TypedDict):
    """The facts of one channel, in stored order."""

    part_index: int
    name: str
    layer_name: str | None
    layer_source: Literal["channel", "part"] | None
    """Whether the channel's name or the part's name carries the layer."""
    component_name: str
    type: str
    x_sampling: int
    y_sampling: int
    p_linear: bool
