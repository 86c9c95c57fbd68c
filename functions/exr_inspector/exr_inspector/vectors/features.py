"""What the vectors see of a document: features in named groups, each with a weight.

Only `channels` and `parts` are read: not `file`, and not OpenImageIO's report. A feature that several parts
share counts once, with its largest weight, so the order of the parts does not matter. Values that nearly
every file has are not features: features describe how a file departs from the usual.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import chain
from operator import itemgetter
from typing import Any

from exr_inspector.vectors import attributes, channels
from exr_inspector.vectors.attributes import MAX_TEXT, STRUCTURAL, Feature
from exr_inspector.vectors.channels import WeightedFeatures
from exr_inspector.vectors.numbers import bins, magnitude, reach
from exr_inspector.vectors.weights import FIELDS, KINDS, PICTURE, WEIGHTS

GROUPS = tuple(
    "kind storage structure resolution windows color software camera attributes values".split()  # noqa: SIM905
)
"""The groups of features that are not of channels."""

SIZES = (*bins("size", range(8, 15), range(34, 55)), *bins("shape", range(-4, 7)))
"""Display windows from 360 x 360 to 11000 x 11000 pixels, and from 1:2 to 2.7:1."""

MAX_PARTS = 64
"""Larger numbers of parts are not distinguished."""
PARTS = bins("parts", range(MAX_PARTS.bit_length()))

USUAL = {("line_order", "increasingY"), ("level_mode", "oneLevel"), ("rounding_mode", "down")}
"""Values of fields that nearly every file has."""

LEVELS = ("mipmap", "ripmap")

SIDES = {
    "left": ("x", "min", -1),
    "right": ("x", "max", 1),
    "top": ("y", "min", -1),
    "bottom": ("y", "max", 1),
}
"""Side -> axis, corner, and the sign of a data window that reaches over the display window there."""
REACHES = tuple(f"{side} {way}" for side in SIDES for way in ("over", "within"))

Part = Mapping[str, Any]

_CATEGORIES = itemgetter(*FIELDS, "color_space", "render_software")
_SIZE = itemgetter("display_width", "display_height", "pixel_aspect_ratio")


def weighted_features(document: Mapping[str, Any]) -> WeightedFeatures:
    """Return the features of a document of schema version 1."""
    of_channels = channels.weighted_features(channels.seen(document["channels"]))
    return of_channels | part_features(document["parts"], channels.kinds(of_channels))


def part_features(parts: Sequence[Part], kinds: frozenset[str]) -> WeightedFeatures:
    """Return the features of parts and their attributes. `kinds` are those that the channels show."""
    found: WeightedFeatures = {group: {} for group in GROUPS}
    if not parts:
        return found
    for part in parts:
        _add(found, _of_categories(_CATEGORIES(part)))
        _add(found, _of_size(_SIZE(part)))
        if part["data_window"] != part["display_window"]:
            _add(found, _windows(part))
    for attribute in _attributes(parts):
        if attribute["name"] not in STRUCTURAL:
            _add(found, attributes.features(attribute))
    found["structure"].update(magnitude("parts", min(len(parts), MAX_PARTS)))
    if len({part["view"] for part in parts}) > 1:
        kinds |= {"views"}
    found["kind"].update((kind, KINDS[kind]) for kind in kinds)
    if not found["kind"]:
        found["kind"][PICTURE] = 1.0
    return found


def _add(found: WeightedFeatures, features: Iterator[Feature] | tuple[Feature, ...]) -> None:
    for group, feature, weight in features:
        weights = found[group]
        if weights.get(feature, 0) < weight:
            weights[feature] = weight


@lru_cache(1024)
def _of_categories(values: tuple[Any, ...]) -> tuple[Feature, ...]:
    *categories, color_space, software = values
    found = [
        (group, f"{field} {value}"[:MAX_TEXT], weight)
        for (field, (group, weight)), value in zip(FIELDS.items(), categories, strict=True)
        if value is not None and (field, value) not in USUAL
    ]
    fields = dict(zip(FIELDS, categories, strict=True))
    if (fields["type"] or "").startswith("deep"):
        found.append(("kind", "deep", KINDS["deep"]))
    if fields["level_mode"] in LEVELS:
        found.append(("kind", "levels", KINDS["levels"]))
    if color_space:
        found.append(attributes.space(color_space[:MAX_TEXT]))
    if software:
        found += attributes.program(software[:MAX_TEXT])
    return tuple(found)


@lru_cache(1024)
def _of_size(values: tuple[Any, ...]) -> tuple[Feature, ...]:
    width, height, pixel = values
    found = []
    if width and height:
        found += [magnitude("size", width * height), magnitude("shape", width / height)]
    if isinstance(pixel, (int, float)) and pixel != 1:
        found.append(magnitude("pixel aspect", pixel))
    return tuple(("resolution", feature, weight) for feature, weight in chain(*found))


def _windows(part: Part) -> Iterator[Feature]:
    """Yield how far the data window reaches over the display window, or stays within it, on each side."""
    data, display = part["data_window"], part["display_window"]
    if not data or not display:
        return
    for side, (axis, corner, sign) in SIDES.items():
        length = display["max"][axis] - display["min"][axis] + 1
        over = sign * (data[corner][axis] - display[corner][axis]) / max(length, 1)
        if over:
            way = f"{side} {'over' if over > 0 else 'within'}"
            yield "windows", way, WEIGHTS["side of a window"]
            yield from (("windows", feature, weight) for feature, weight in reach(way, abs(over)))


def _attributes(parts: Sequence[Part]) -> Iterator[Mapping[str, Any]]:
    """Return the parts' attributes, without those in which a part repeats the first."""
    lists = [part["attributes"] for part in parts]
    if len(lists) < 2:
        return chain(*lists)
    first = {attribute["name"]: attribute for attribute in lists[0]}
    news = (each for each in chain(*lists[1:]) if first.get(each["name"]) != each)
    return chain(lists[0], news)
