"""What `inspect` shows of a single file: everything that its header contains."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from exr_inspector.apps.cli.summary import completeness_is_unknown
from exr_inspector.apps.cli.table import print_record, print_table
from exr_inspector.apps.cli.terminal import nearby
from exr_inspector.apps.cli.values import readable, readable_window
from exr_inspector.location import PathMap

# Channels are stored in alphabetical order, and shown in this one; others follow.
_ORDER = "RGBAXYZ"
_ANSWERS = {True: "yes", False: "no", None: None}


def print_details(document: Mapping[str, Any], paths: PathMap) -> None:
    """Print the file's facts, and its parts, channels and attributes if its header was read."""
    print_record(_file_facts(document, paths))
    parts = document["parts"]
    if not parts:
        return
    for title, names, rows in (
        ("Parts", *_without_blanks(_part_facts(part) for part in parts)),
        ("Channels", *_without_blanks(_channel_groups(document["channels"]))),
    ):
        print_table(names, rows, title=f"\n{title}")
    attributes = _without_blanks(_attributes(parts))
    print_table(*attributes, title="\nAttributes", folded="value")


def _file_facts(document: Mapping[str, Any], paths: PathMap) -> dict[str, Any]:
    file = document["file"]
    opens, message = file["openimageio"]["opens"], file["openimageio"]["message"]
    return {
        "file": nearby(paths.display(file["path"])),
        "status": file["status"] or "not read",
        "complete": "unknown" if completeness_is_unknown(document) else _ANSWERS[file["complete"]],
        "bytes": None if file["size_bytes"] is None else f"{file['size_bytes']:,}",
        "OpenImageIO": {True: "opens", False: f"refuses: {message}", None: None}[opens],
    }


def _part_facts(part: Mapping[str, Any]) -> dict[str, Any]:
    window, display = part["data_window"], part["display_window"]
    tile = f"{part['tile_width']}x{part['tile_height']} {part['level_mode']}"
    return {
        "part": part["index"],
        "name": part["name"],
        "view": part["view"],
        "type": part["type"],
        "size": f"{part['width']}x{part['height']}" if part["width"] else None,
        "data window": readable_window(window) if window else None,
        "display window": readable_window(display) if display and display != window else None,
        "comp": part["compression"],
        "tiles": tile if part["is_tiled"] else None,
        "chunks": part["chunk_count"],
        "color space": part["color_space"],
        "software": part["render_software"],
    }


def _channel_groups(channels: Sequence[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield the channels of each layer together, if they have the same type, sampling and pLinear."""
    groups: dict[tuple[Any, ...], list[str]] = {}
    for each in channels:
        key = ("part_index", "layer_name", "type", "x_sampling", "y_sampling", "p_linear")
        groups.setdefault(tuple(each[name] for name in key), []).append(each["component_name"])
    for (part, layer, kind, x, y, linear), names in groups.items():
        yield {
            "part": part,
            "layer": layer or "-",
            "type": kind,
            "sampling": None if (x, y) == (1, 1) else f"{x}x{y}",
            "pLinear": "yes" if linear else None,
            "channels": " ".join(sorted(names, key=lambda name: _ORDER.find(name) % 99)),
        }


def _attributes(parts: Sequence[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield each attribute, and once an attribute that several parts share."""
    shared: dict[tuple[str, str, str], list[int]] = {}
    for part in parts:
        for each in part["attributes"]:
            if each["type"] != "chlist":
                key = (each["name"], each["type"], readable(each))
                shared.setdefault(key, []).append(part["index"])
    for (name, kind, value), indexes in sorted(shared.items()):
        some = ",".join(map(str, indexes))
        yield {
            "part": None if len(parts) == 1 else "all" if len(indexes) == len(parts) else some,
            "name": name,
            "type": kind,
            "value": value,
        }


def _without_blanks(rows: Iterable[dict[str, Any]]) -> tuple[list[str], list[list[Any]]]:
    """Return names and rows without the columns that are empty in every row."""
    made = list(rows)
    names = [name for name in made[0] if any(each[name] is not None for each in made)] if made else []
    return names, [[each[name] for name in names] for each in made]
