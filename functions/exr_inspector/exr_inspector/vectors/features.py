"""What the vectors see of a document: features in named groups, each with a weight.

Only `channels` and `parts` are read; nothing of `file`, nothing of the OpenImageIO view. A feature that
several parts share counts once, with its largest weight, so order plays no role. What is usual in every
file is silent: features say how a file departs from it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from typing import Any

from exr_inspector.vectors import attributes, channels
from exr_inspector.vectors.attributes import LONGEST, Feature
from exr_inspector.vectors.channels import Bags
from exr_inspector.vectors.numbers import Weighted, magnitude, octave_bin, ratio

_SIZES = {
    ("size", 0.5): range(8, 15),
    ("size", 1): range(17, 28),
    ("size", 2): range(34, 55),
    ("shape", 4): range(-4, 7),
}
SIZES = tuple(octave_bin(*what, number) for what, numbers in _SIZES.items() for number in numbers)
"""Display windows from 360 x 360 to 11000 x 11000 pixels, and from 1:2 to 2.7:1."""

Part = Mapping[str, Any]

FIELDS = {
    "compression": ("storage", 8.0),
    "line_order": ("storage", 2.0),
    "tile_width": ("storage", 1.0),
    "tile_height": ("storage", 1.0),
    "level_mode": ("storage", 2.0),
    "rounding_mode": ("storage", 1.0),
    "type": ("structure", 6.0),
    "view": ("structure", 3.0),
    "name": ("structure", 1.0),
}
"""The fields of a part that are categories: their group and weight."""

USUAL = {("line_order", "increasingY"), ("level_mode", "oneLevel"), ("rounding_mode", "down")}

SIDES = {
    "left": ("x", "min", -1),
    "right": ("x", "max", 1),
    "top": ("y", "min", -1),
    "bottom": ("y", "max", 1),
}
"""Side -> axis, corner, and the sign of a data window that reaches over the display window there."""


def bags(document: Mapping[str, Any]) -> Bags:
    """The features of a document (schema version 1)."""
    parts = document["parts"]
    found: Bags = defaultdict(dict, channels.bags(document["channels"]))
    told = chain(map(_part, parts), map(attributes.features, _attributes(parts)))
    for group, feature, weight in chain.from_iterable(told):
        bag = found[group]
        if bag.get(feature, 0) < weight:
            bag[feature] = weight
    found["structure"].update(magnitude("parts", len(parts), 2))
    return found


def _part(part: Part) -> Iterator[Feature]:
    return chain(_fields(part), _resolution(part), _windows(part))


def _fields(part: Part) -> Iterator[Feature]:
    for field, (group, weight) in FIELDS.items():
        value = part[field]
        if value is not None and (field, value) not in USUAL:
            yield group, f"{field} {value}"[:LONGEST], weight
    if part["color_space"]:
        yield attributes.space(part["color_space"][:LONGEST])
    if part["render_software"]:
        yield from attributes.program(part["render_software"][:LONGEST], "software")


def _resolution(part: Part) -> Iterator[Feature]:
    width, height, pixel = part["display_width"], part["display_height"], part["pixel_aspect_ratio"]
    if width and height:
        yield from _in("resolution", magnitude("size", width * height, 0.5, 1, 2))
        yield from _in("resolution", magnitude("shape", width / height, 4))
    if isinstance(pixel, (int, float)) and pixel != 1:
        yield from _in("resolution", magnitude("pixel aspect", pixel, 16))


def _windows(part: Part) -> Iterator[Feature]:
    """How far the data window reaches over the display window, or stays within it, on each side."""
    data, display = part["data_window"], part["display_window"]
    if not data or not display or data == display:
        return
    for side, (axis, corner, sign) in SIDES.items():
        length = display["max"][axis] - display["min"][axis] + 1
        over = sign * (data[corner][axis] - display[corner][axis]) / max(length, 1)
        if over:
            reach = f"{side} {'over' if over > 0 else 'within'}"
            yield "windows", reach, 1.0
            yield from _in("windows", ratio(reach, abs(over), 4))


def _attributes(parts: Sequence[Part]) -> Iterator[Mapping[str, Any]]:
    """The parts' attributes, without those in which a part repeats the first."""
    lists = [part["attributes"] for part in parts]
    if len(lists) < 2:
        return chain(*lists)
    first = {attribute["name"]: attribute for attribute in lists[0]}
    news = (each for each in chain(*lists[1:]) if first.get(each["name"]) != each)
    return chain(lists[0], news)


def _in(group: str, weighted: Weighted) -> Iterator[Feature]:
    return ((group, feature, weight) for feature, weight in weighted)
