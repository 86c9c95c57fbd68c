"""What `inspect` shows of a single file: what its header says, as short as it can be."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import zip_longest
from typing import Any

import click

from exr_inspector.apps.cli.summary import completeness_is_unknown
from exr_inspector.apps.cli.table import print_record
from exr_inspector.apps.cli.terminal import columns, fold, harmless, nearby, plural, width_of
from exr_inspector.apps.cli.values import readable, readable_window
from exr_inspector.location import PathMap

# Channels are stored in alphabetical order, and shown in this one; others follow.
_ORDER = "RGBAXYZ"
# Attributes that the line of a part states, if they have these types.
_STATED = {
    "channels": "chlist",
    "compression": "compression",
    "dataWindow": "box2i",
    "displayWindow": "box2i",
    "name": "string",
    "tiles": "tiledesc",
    "type": "string",
    "view": "string",
}
# The narrowest column of attributes, and the most lines of a value.
_MIN_COLUMN, _MAX_LINES = 36, 2


def print_details(document: Mapping[str, Any], paths: PathMap) -> None:
    """Print the facts of a file, its parts and their layers, and its attributes, each once."""
    parts, file = document["parts"], document["file"]
    facts = {"file": nearby(paths.display(file["path"])), "status": ", ".join(_status(document))}
    if file["openimageio"]["opens"] is False:
        facts["OpenImageIO"] = f"refuses it: {file['openimageio']['message']}"
    described = [list(_described(part, alone=len(parts) == 1)) for part in parts]
    shared = [each for each in described[0] if all(each in other for other in described)] if parts else []
    if parts:
        facts["image" if len(parts) == 1 else plural(len(parts), "part")] = ", ".join(shared)
    for part, own in zip(parts, described, strict=True):
        layers = _layers(each for each in document["channels"] if each["part_index"] == part["index"])
        named = [part["name"], part["view"] and f"view {part['view']}"]
        texts = [*filter(None, named), *(each for each in own if each not in shared), *layers]
        facts["channels" if len(parts) == 1 else f"part {part['index']}"] = ", ".join(texts)
    print_record(facts)
    for line in _packed(list(_attributes(parts))):
        click.echo(line)


def _status(document: Mapping[str, Any]) -> Iterator[str]:
    file = document["file"]
    yield file["status"] or "not read"
    if completeness_is_unknown(document):
        yield "completeness unknown"
    elif file["complete"]:
        yield "complete"
    if file["chunks_promised"] is not None:
        present = "?" if file["chunks_present"] is None else f"{file['chunks_present']:,}"
        yield f"{present} of {plural(file['chunks_promised'], 'chunk')}"
    if file["size_bytes"] is not None:
        yield plural(file["size_bytes"], "byte")
    if file["openimageio"]["opens"]:
        yield "OpenImageIO opens it"


def _described(part: Mapping[str, Any], *, alone: bool) -> Iterator[str]:
    """Yield the facts of a part that are not in its attributes."""
    window, display = part["data_window"], part["display_window"]
    yield from filter(None, (part["type"], part["compression"]))
    if part["is_tiled"] and part["tile_width"]:
        yield f"tiles {part['tile_width']}x{part['tile_height']}"
        yield from _levels(part)
    if window:
        inside = f" in display {readable_window(display)}" if display and display != window else ""
        yield readable_window(window) + inside
    if part["chunk_count"] is not None and not alone:
        yield plural(part["chunk_count"], "chunk")
    if part["color_space"] and all(each["value"] != part["color_space"] for each in part["attributes"]):
        yield f"color space {part['color_space']}"


def _levels(part: Mapping[str, Any]) -> Iterator[str]:
    """Yield the sizes of the levels of a mipmap, or the widths and heights of those of a ripmap."""
    sides = [_halved(part[side] or 1, up=part["rounding_mode"] == "up") for side in ("width", "height")]
    if part["level_mode"] == "mipmap":
        sizes = (f"{width}x{height}" for width, height in zip_longest(*sides, fillvalue=1))
        yield f"mipmap {' '.join(sizes)}"
    elif part["level_mode"] == "ripmap":
        widths, heights = (" ".join(map(str, side)) for side in sides)
        yield f"ripmap of widths {widths} and heights {heights}"


def _halved(size: int, *, up: bool) -> list[int]:
    sizes = [size]
    while sizes[-1] > 1:
        sizes.append((sizes[-1] + up) // 2)
    return sizes


def _layers(channels: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Yield layers as `albedo.RGB half`, each with the channels of one type, sampling and pLinear."""
    groups: dict[tuple[Any, ...], list[str]] = {}
    for each in channels:
        key = ("layer_name", "type", "x_sampling", "y_sampling", "p_linear")
        groups.setdefault(tuple(each[name] for name in key), []).append(each["component_name"])
    for (layer, kind, x, y, linear), names in groups.items():
        ordered = sorted(names, key=lambda name: _ORDER.find(name) % 99)
        together = ("" if all(len(name) == 1 for name in names) else ",").join(ordered)
        sampling = "" if (x, y) == (1, 1) else f" sampled {x}x{y}"
        yield f"{layer + '.' if layer else ''}{together} {kind}{sampling}{' pLinear' if linear else ''}"


def _attributes(parts: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Yield attributes as `name: value`; those of some parts with the parts that have them."""
    found = by_parts(
        (each["name"], readable(each), part["index"])
        for part in parts
        for each in part["attributes"]
        if each["type"] != _STATED.get(each["name"]) or "error" in each
    )
    for (name, value), some in sorted(found.items()):
        parted = "" if len(some) == len(parts) else f" ({_indexes(some)})"
        yield harmless(f"{name}: {value}{parted}", keep="")


def by_parts(found: Iterable[tuple[Any, ...]]) -> dict[tuple[Any, ...], list[int]]:
    """Return the indexes of the parts that have each fact; the index is the last item of each tuple."""
    shared: dict[tuple[Any, ...], list[int]] = {}
    for *fact, index in found:
        shared.setdefault(tuple(fact), []).append(index)
    return shared


def _indexes(indexes: Sequence[int]) -> str:
    return f"part{'s' if len(indexes) > 1 else ''} {','.join(map(str, indexes))}"


def _packed(texts: Sequence[str]) -> Iterator[str]:
    """Yield lines: short texts in columns, read downwards, then the long ones. In a pipe, one each."""
    room = columns()
    if room is None:
        yield from (f"  {each}" for each in texts)
        return
    count = max(1, room // (_MIN_COLUMN + 2))
    width = room // count - 2
    short = [each for each in texts if width_of(each) <= width]
    height = -(-len(short) // count)
    for row in range(height):
        cells = short[row::height]
        yield "".join(f"  {each}{' ' * (width - width_of(each))}" for each in cells).rstrip()
    for each in texts:
        if width_of(each) > width:
            first, *rest = fold(each, room - 4, _MAX_LINES)
            yield f"  {first}"
            yield from (f"    {line}" for line in rest)
