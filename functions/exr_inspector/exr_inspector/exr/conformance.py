"""Find violations of the format in the parts of a header."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from exr_inspector.errors import (
    BAD_ATTRIBUTE,
    CHUNK_COUNT_MISMATCH,
    REQUIRED_ATTRIBUTE,
    UNKNOWN_CODE,
    Fault,
    InspectorError,
)
from exr_inspector.exr.codes import PIXEL_TYPES, is_unknown
from exr_inspector.exr.header import MULTIPART, NON_IMAGE, STANDARD, Header, Part
from exr_inspector.exr.layout import PART_TYPES, part_layout, part_type
from exr_inspector.exr.values import clean

REQUIRED: tuple[str, ...] = (
    "channels",
    "compression",
    "dataWindow",
    "displayWindow",
    "lineOrder",
    "pixelAspectRatio",
    "screenWindowCenter",
    "screenWindowWidth",
)
"""Attributes that every part must have."""

_PIXEL_TYPES = frozenset(PIXEL_TYPES.values())

Finding = tuple[Fault, str, str]
"""A fault, the attribute that has it, and why."""


def check_parts(header: Header) -> list[InspectorError]:
    """Return the violations of each part, with those that make it unreadable first."""
    errors: list[InspectorError] = []
    names: set[str | None] = set()
    for index, part in enumerate(header.parts):
        where = f"parts[{index}]"
        found = _check_part(header, part)
        name = part.standard.get("name")
        if header.is_multipart and name in names:
            found.append((REQUIRED_ATTRIBUTE, "name", f"an earlier part also has the name {name!r}"))
        names.add(name)
        errors += [InspectorError(fault, why, f"{where}.{attribute}") for fault, attribute, why in found]
    return errors


def _check_part(header: Header, part: Part) -> list[Finding]:
    known = part.standard
    is_tiled = "tile" in (part_type(header, part) or "")
    required = REQUIRED
    if header.version_field & (MULTIPART | NON_IMAGE):
        required += ("type", "chunkCount")
    if header.is_multipart:
        required += ("name",)
    if is_tiled:
        required += ("tiles",)
    found = [(REQUIRED_ATTRIBUTE, name, _why_not(part, name)) for name in required if name not in known]
    for name in ("dataWindow", "displayWindow"):
        if name in known:
            low, high = known[name]["min"], known[name]["max"]
            width, height = high["x"] - low["x"] + 1, high["y"] - low["y"] + 1
            if width < 1 or height < 1:
                found.append((REQUIRED_ATTRIBUTE, name, f"the window is {width} by {height} pixels"))
    if "channels" in known:
        found += _check_channels(known["channels"])
    if is_tiled and "tiles" in known:
        found += _check_tiles(known["tiles"])
    found += _check_codes(header, part)
    if "chunkCount" in known:
        found += _check_count(header, part)
    found += [
        (BAD_ATTRIBUTE, clean(each.name), str(each.error))
        for each in part.attributes
        if each.error is not None and (each.name not in required or each is not part.by_name[each.name])
    ]
    return found


def _why_not(part: Part, name: str) -> str:
    found = part.by_name.get(name)
    if found is None:
        return f"the required attribute {name} ({STANDARD[name]}) is absent"
    if found.type_name != STANDARD[name]:
        return f"the required attribute {name} has the type {clean(found.type_name)}, not {STANDARD[name]}"
    return f"the required attribute {name} cannot be decoded: {found.error}"


def _check_channels(channels: list[dict[str, Any]]) -> Iterator[Finding]:
    if not channels:
        yield REQUIRED_ATTRIBUTE, "channels", "the part has no channel"
    for channel in channels:
        name, sampling = channel["name"], (channel["x_sampling"], channel["y_sampling"])
        if min(sampling) < 1:
            yield REQUIRED_ATTRIBUTE, "channels", f"channel {name} has the sampling {sampling}"
        if channel["type"] not in _PIXEL_TYPES:
            why = f"the pixel type of channel {name}, {channel['type']}, is not defined by OpenEXR"
            yield UNKNOWN_CODE, "channels", why


def _check_tiles(tiles: dict[str, Any]) -> Iterator[Finding]:
    if not (tiles["x_size"] and tiles["y_size"]):
        yield REQUIRED_ATTRIBUTE, "tiles", f"the tiles are {tiles['x_size']} by {tiles['y_size']} pixels"
    for key in ("level_mode", "rounding_mode"):
        if is_unknown(tiles[key]):
            yield UNKNOWN_CODE, "tiles", f"{key} {tiles[key]} is not defined by OpenEXR"


def _check_codes(header: Header, part: Part) -> Iterator[Finding]:
    for name in ("compression", "lineOrder"):
        code = part.standard.get(name)
        if isinstance(code, int):
            yield UNKNOWN_CODE, name, f"{name} {code} is not defined by OpenEXR"
    type_ = part_type(header, part)
    if type_ and type_ not in PART_TYPES:
        yield UNKNOWN_CODE, "type", f"part type {clean(type_)} is not defined by OpenEXR"


def _check_count(header: Header, part: Part) -> Iterator[Finding]:
    stated = part.standard["chunkCount"]
    if stated < 1 and header.is_multipart:
        yield REQUIRED_ATTRIBUTE, "chunkCount", f"the part has {stated} chunks"
        return
    layout = part_layout(header, part)
    if layout is not None and layout.count != stated:
        why = f"chunkCount is {stated}, but the data window is cut into {layout.count} chunks"
        yield CHUNK_COUNT_MISMATCH, "chunkCount", why
