"""Collections of the channels and of the layers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from exr_inspector.policy.collections.header import LONG_NAMES, Record, has_header
from exr_inspector.policy.collections.standard import is_data, name_bytes
from exr_inspector.policy.evidence import Missing
from exr_inspector.policy.facts import NO_HEADER, Facts, Field, Items, collection


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
        "is_data": Field("flag", "Whether the names indicate data, such as depth, normals or ids."),
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
    """The layers of each part. Channels without a layer form one whose name is absent."""
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
