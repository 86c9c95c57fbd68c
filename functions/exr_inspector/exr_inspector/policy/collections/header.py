"""Collections of the header's facts: file, parts, windows, channels, layers, attributes and faults."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from exr_inspector.exr.names import split_path
from exr_inspector.policy.collections.standard import (
    DEPRECATED,
    SHARED,
    STANDARD_TYPES,
    is_data,
    is_log,
    name_bytes,
)
from exr_inspector.policy.evidence import Missing
from exr_inspector.policy.facts import NO_HEADER, Facts, Field, Items, collection

LOSSLESS = frozenset({"none", "rle", "zips", "zip", "piz", "htj2k256", "htj2k32", "zstd"})
"""Compressions that keep every bit of every channel."""

LONG_NAMES = 0x400
"""The flag of the version field that allows names of up to 255 bytes."""

_PART = re.compile(r"parts\[([0-9]+)\]")

Record = dict[str, Any]


def has_header(facts: Facts) -> bool:
    """Return whether the header could be read."""
    return facts.document["file"]["version_field"] is not None


@collection(
    "file",
    {
        "path": Field("text", "The file's path or `s3://` address."),
        "name": Field("text", "The last element of the path."),
        "extension": Field("text", "The end of the name after its last dot, in lower case, as `exr`."),
        "size_bytes": Field("integer", "Size of the file in bytes."),
        "status": Field("text", "`ok`, `incomplete`, `corrupt`, `unsupported` or `missing`."),
        "complete": Field(
            "flag", "Whether the file holds all its chunks; unknown if the table was not read."
        ),
        "chunks_present": Field("integer", "Number of chunks in the file."),
        "chunks_promised": Field("integer", "Number of chunks that the header promises."),
        "has_header": Field("flag", "Whether the header can be read; unknown if it exceeds a limit."),
        "error_codes": Field("list", "The codes of all faults, as in docs/ERRORS.md."),
        "error_messages": Field("list", "The messages of all faults."),
        "part_count": Field("integer", "Number of parts."),
        "channel_count": Field("integer", "Number of channels, over all parts."),
        "header_bytes": Field("integer", "Length of the header in bytes."),
        "version_field": Field("integer", "The version field: format version and flags."),
        "has_long_names": Field("flag", "Whether the version field allows names of more than 31 bytes."),
        "is_deep": Field("flag", "Whether a part is deep."),
        "is_tiled": Field("flag", "Whether a part is tiled."),
        "is_multiview": Field("flag", "Whether there is more than one view."),
        "part_names": Field("list", "The names of the parts that have one."),
        "views": Field("list", "The views of the parts that state one, and those of `multiView`."),
        "layers": Field("list", "The layers of all channels."),
        "channel_names": Field("list", "The full names of all channels."),
        "compressions": Field("list", "The compressions of all parts."),
        "has_multiview_list": Field("flag", "Whether a part has the attribute `multiView`."),
        "is_default_view_stated": Field("flag", "Whether the first part states a view, or no part does."),
        "shared_conflicts": Field(
            "list", "Attributes that differ between parts, though OpenEXR requires them to be equal."
        ),
        "frame_number": Field("integer", "The frame in the file's name."),
        "openimageio_opens": Field(
            "flag", "Whether OpenImageIO opens the file; unknown if it was not asked."
        ),
    },
)
def file(facts: Facts) -> Items:
    """The file as a whole: always one item."""
    document = facts.document
    about, parts, channels = document["file"], document["parts"], document["channels"]
    read = has_header(facts)
    missing = Missing("the file could not be read") if about["status"] == "missing" else NO_HEADER

    def header(value: Any) -> Any:
        return value if read else missing

    name = about["path"].replace("\\", "/").rpartition("/")[2]
    stated = [part["view"] for part in parts if part["view"]]
    views = stated + [
        view
        for part in parts
        for each in part["attributes"]
        if each["name"] == "multiView" and isinstance(each["value"], list)
        for view in each["value"]
    ]
    opens = about["openimageio"]["opens"]
    chunks = Missing("the chunk offset table was not read") if read else missing
    return [
        {
            "place": "file",
            "part_index": None,
            "path": about["path"],
            "name": name,
            "extension": name.rpartition(".")[2].lower() if "." in name else None,
            "size_bytes": _or(about["size_bytes"], missing),
            "status": _or(about["status"], missing),
            "complete": _or(_completeness(about), chunks),
            "chunks_present": _or(about["chunks_present"], chunks),
            "chunks_promised": _or(about["chunks_promised"], chunks),
            "has_header": read or _unread(document),
            "error_codes": [each["code"] for each in document["errors"]],
            "error_messages": [each["message"] for each in document["errors"]],
            "part_count": header(len(parts)),
            "channel_count": header(len(channels)),
            "header_bytes": header(about["header_bytes"]),
            "version_field": header(about["version_field"]),
            "has_long_names": header(bool((about["version_field"] or 0) & LONG_NAMES)),
            "is_deep": header(about["is_deep"]),
            "is_tiled": header(about["is_tiled"]),
            "is_multiview": header(about["is_multiview"]),
            "part_names": header([part["name"] for part in parts if part["name"] is not None]),
            "views": header(list(dict.fromkeys(views))),
            "layers": header(
                list(dict.fromkeys(each["layer_name"] for each in channels if each["layer_name"]))
            ),
            "channel_names": header([each["name"] for each in channels]),
            "compressions": header([part["compression"] for part in parts if part["compression"]]),
            "has_multiview_list": header(len(views) > len(stated)),
            "is_default_view_stated": header(not stated or parts[0]["view"] is not None),
            "shared_conflicts": header(_shared_conflicts(parts)),
            "frame_number": split_path(about["path"]).frame_number,
            "openimageio_opens": Missing(about["openimageio"]["message"]) if opens is None else opens,
        }
    ]


def _unread(document: Mapping[str, Any]) -> bool | Missing:
    """Return False if a header cannot be read; Missing if it was not tried to the end."""
    for each in document["errors"]:
        if each["code"] == "LIMIT_EXCEEDED":
            return Missing(each["message"])
    return Missing("the file could not be read") if document["file"]["status"] in ("missing", None) else False


def _shared_conflicts(parts: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the names of shared attributes that a later part does not state as the first part does."""
    if len(parts) < 2:
        return []
    first, *others = map(part_attributes, parts)
    return [name for name in SHARED if any(name in each and each[name] != first.get(name) for each in others)]


def _or(value: Any, missing: Missing) -> Any:
    return missing if value is None else value


def _completeness(about: Mapping[str, Any]) -> bool | None:
    """Return whether a file is complete: one whose header is cut is not."""
    return False if about["status"] == "incomplete" and about["complete"] is None else about["complete"]


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
    "is_log": Field("flag", "Whether the stated color space is logarithmic; unknown if it does not tell."),
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
        "are_channels_sorted": _is_sorted([each["name"] for each in channels]),
        "is_log": _log(part["color_space"]),
        "unused_views": _unused_views(values.get("multiView"), channels),
        "chromaticities": [point[axis] for point in chromaticities.values() for axis in "xy"]
        if isinstance(chromaticities, dict)
        else chromaticities,
        "attributes": values,
        "attribute_types": {each["name"]: each["type"] for each in reversed(part["attributes"])},
    }


def _is_sorted(names: list[str]) -> bool:
    raw = [name.encode("utf-8", "surrogatepass") for name in names]
    return raw == sorted(raw)


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


def part_attributes(part: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of a part's attributes by name; of a repeated name the first, as readers do."""
    return {
        each["name"]: _value(each) if "error" in each else each["value"]
        for each in reversed(part["attributes"])
    }


def _value(attribute: Mapping[str, Any]) -> Any:
    return (
        Missing(f"its bytes cannot be decoded: {attribute['error']}")
        if "error" in attribute
        else attribute["value"]
    )


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


@collection(
    "channels",
    {
        "name": Field("text", "Full name, such as `diffuse.R`."),
        "layer": Field("text", "The layer; absent for channels without one."),
        "component": Field("text", "The name after the last dot, or the full name."),
        "type": Field("text", "`half`, `float` or `uint`."),
        "x_sampling": Field("integer", "Number of pixel columns for each sample."),
        "y_sampling": Field("integer", "Number of scan lines for each sample."),
        "p_linear": Field("flag", "The pLinear flag."),
        "name_bytes": Field("integer", "Length of the full name in bytes."),
        "is_data": Field("flag", "Whether the names are those of data, such as depth, normals or ids."),
        "is_aligned": Field("flag", "Whether the data window is a multiple of the sampling."),
        "part_name": Field("text", "The part's name."),
        "view": Field("text", "The part's view."),
        "compression": Field("text", "The part's compression."),
        "is_deep": Field("flag", "Whether the part is deep."),
        "is_tiled": Field("flag", "Whether the part is stored as tiles."),
        "has_long_names": Field("flag", "Whether the file allows names of more than 31 bytes."),
    },
)
def channels(facts: Facts) -> Items:
    """The channels of all parts."""
    if not has_header(facts):
        return NO_HEADER
    by_index = {part["index"]: part for part in facts.document["parts"]}
    has_long_names = bool(facts.document["file"]["version_field"] & LONG_NAMES)
    return [
        _channel(each, by_index[each["part_index"]], has_long_names) for each in facts.document["channels"]
    ]


def _channel(channel: Mapping[str, Any], part: Mapping[str, Any], has_long_names: bool) -> Record:
    x_sampling, y_sampling = channel["x_sampling"], channel["y_sampling"]
    return {
        "place": f"parts[{part['index']}].channels[{channel['name']}]",
        "part_index": part["index"],
        "name": channel["name"],
        "layer": channel["layer_name"],
        "component": channel["component_name"],
        "type": channel["type"],
        "x_sampling": x_sampling,
        "y_sampling": y_sampling,
        "p_linear": channel["p_linear"],
        "name_bytes": name_bytes(channel["name"]),
        "is_data": is_data(channel["layer_name"], channel["component_name"]),
        "is_aligned": (x_sampling == y_sampling == 1) or _is_aligned(part, x_sampling, y_sampling),
        "part_name": part["name"],
        "view": part["view"],
        "compression": part["compression"],
        "is_deep": part["is_deep"],
        "is_tiled": part["is_tiled"],
        "has_long_names": has_long_names,
    }


def _is_aligned(part: Mapping[str, Any], x_sampling: int, y_sampling: int) -> bool | None:
    window = part["data_window"]
    if window is None or min(x_sampling, y_sampling) < 1:
        return None
    horizontal = window["min"]["x"] % x_sampling or part["width"] % x_sampling
    return not (horizontal or window["min"]["y"] % y_sampling or part["height"] % y_sampling)


@collection(
    "layers",
    {
        "name": Field("text", "The layer's name."),
        "components": Field("list", "The names of its channels after their last dot."),
        "channels": Field("list", "The full names of its channels."),
        "types": Field("list", "The pixel types of its channels, each once."),
        "part_name": Field("text", "The part's name."),
        "compression": Field("text", "The part's compression."),
    },
)
def layers(facts: Facts) -> Items:
    """The layers of each part, with the channels that have none as the layer with the name absent."""
    found = facts.items("channels")
    if isinstance(found, Missing):
        return found
    groups: dict[tuple[int, str | None], list[Any]] = {}
    for each in found:
        groups.setdefault((each["part_index"], each["layer"]), []).append(each)
    return [_layer(index, name, group) for (index, name), group in groups.items()]


def _layer(index: int, name: str | None, group: list[Any]) -> Record:
    return {
        "place": f"parts[{index}].layers[{name}]" if name else f"parts[{index}]",
        "part_index": index,
        "name": name,
        "components": [each["component"] for each in group],
        "channels": [each["name"] for each in group],
        "types": sorted({each["type"] for each in group}),
        "part_name": group[0]["part_name"],
        "compression": group[0]["compression"],
    }


@collection(
    "attributes",
    {
        "name": Field("text", "Name, as stored."),
        "type": Field("text", "OpenEXR's name of the type, as stored."),
        "value": Field("any", "The value, as in the document."),
        "name_bytes": Field("integer", "Length of the name in bytes."),
        "standard_type": Field(
            "text", "The type that OpenEXR defines for this name; absent for other names."
        ),
        "is_deprecated": Field("flag", "Whether OpenEXR has deprecated the attribute."),
        "has_long_names": Field("flag", "Whether the file allows names of more than 31 bytes."),
        "namespace": Field("text", "The name before its first `/` or `:`; absent for others."),
        "is_decoded": Field("flag", "Whether the bytes fit the type."),
        "is_repeated": Field("flag", "Whether an earlier attribute of the part has the name."),
    },
)
def attributes(facts: Facts) -> Items:
    """The attributes of all parts."""
    if not has_header(facts):
        return NO_HEADER
    has_long_names = bool(facts.document["file"]["version_field"] & LONG_NAMES)
    found = []
    for part in facts.document["parts"]:
        seen: set[str] = set()
        for each in part["attributes"]:
            name = each["name"]
            found.append(
                {
                    "place": f"parts[{part['index']}].attributes[{name}]",
                    "part_index": part["index"],
                    "name": name,
                    "type": each["type"],
                    "value": _value(each),
                    "name_bytes": name_bytes(name),
                    "standard_type": STANDARD_TYPES.get(name),
                    "is_deprecated": name in DEPRECATED,
                    "has_long_names": has_long_names,
                    "namespace": name.partition("/")[0].partition(":")[0]
                    if "/" in name or ":" in name
                    else None,
                    "is_decoded": "error" not in each,
                    "is_repeated": name in seen,
                }
            )
            seen.add(name)
    return found


@collection(
    "faults",
    {
        "code": Field("text", "The code, as in docs/ERRORS.md."),
        "message": Field("text", "What is wrong."),
        "where": Field("text", "The place that it names, such as `parts[0].channels`."),
    },
)
def faults(facts: Facts) -> Items:
    """The faults of a header that was read, as in the document's `errors`."""
    if not has_header(facts):
        return NO_HEADER
    return [
        {
            "place": each["where"] if each["where"].startswith("parts[") else "file",
            "part_index": int(found[1]) if (found := _PART.match(each["where"])) else None,
            **each,
        }
        for each in facts.document["errors"]
    ]
