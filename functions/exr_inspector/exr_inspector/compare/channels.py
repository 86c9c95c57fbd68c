"""Which channels of two files correspond to each other, whatever the parts they are in."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from typing import NamedTuple

from exr_inspector.compare.header import match_parts
from exr_inspector.document.model import Channel, Document

Hashes = Mapping[tuple[int, str], str | None]
"""The hashes of decoded channels by part and name; None if not all pixels are known."""


class Matched(NamedTuple):
    """The pairs of corresponding channels, and the channels that only one file has.

    `renamed` are pairs whose names differ but whose pixels are equal.
    """

    pairs: list[tuple[Channel, Channel]]
    only_a: list[Channel]
    only_b: list[Channel]
    renamed: list[tuple[Channel, Channel]]


def match_channels(a: Document, b: Document) -> Matched:
    """Pair the channels of two files.

    Channels of one name in parts that correspond belong together. The others are paired by view and full
    name, so that a layer may be a part in one file and channels in the other; then by their own name and its
    order, so that parts may be renamed.
    """
    parts = {
        pair.b["index"]: pair.a["index"] for pair in match_parts(a["parts"], b["parts"]) if pair.a and pair.b
    }
    views = [{part["index"]: part["view"] for part in each["parts"]} for each in (a, b)]

    def full_name(channel: Channel) -> str:
        layer = channel["layer_name"]
        return f"{layer}.{channel['component_name']}" if layer else channel["component_name"]

    ours, theirs, pairs = list(a["channels"]), list(b["channels"]), []
    keys: list[tuple[Callable[[Channel], Hashable], Callable[[Channel], Hashable]]] = [
        (
            lambda each: (each["part_index"], each["name"]),
            lambda each: (parts.get(each["part_index"]), each["name"]),
        ),
        (
            lambda each: (views[0][each["part_index"]], full_name(each)),
            lambda each: (views[1][each["part_index"]], full_name(each)),
        ),
        (lambda each: each["name"], lambda each: each["name"]),
    ]
    for key_a, key_b in keys:
        found = list(_pairs(ours, theirs, key_a, key_b))
        pairs += found
        ours, theirs = _without(found, ours), _without(found, theirs)
    order = {id(each): index for index, each in enumerate(a["channels"])}
    pairs.sort(key=lambda pair: order[id(pair[0])])
    return Matched(pairs, ours, theirs, [])


def recognize_renames(matched: Matched, hashes_a: Hashes, hashes_b: Hashes) -> Matched:
    """Pair channels that only one file has if their pixels, types and components are equal."""

    def key(channel: Channel, hashes: Hashes) -> Hashable:
        found = hashes.get((channel["part_index"], channel["name"]))
        # Without a hash, it equals no other channel.
        return (found, channel["type"], channel["component_name"]) if found else object()

    renamed = list(
        _pairs(
            matched.only_a, matched.only_b, lambda each: key(each, hashes_a), lambda each: key(each, hashes_b)
        )
    )
    only_a, only_b = _without(renamed, matched.only_a), _without(renamed, matched.only_b)
    return Matched(matched.pairs, only_a, only_b, renamed)


def _without(pairs: Iterable[tuple[Channel, Channel]], channels: Iterable[Channel]) -> list[Channel]:
    paired = {id(each) for pair in pairs for each in pair}
    return [each for each in channels if id(each) not in paired]


def _pairs(
    ours: list[Channel],
    theirs: list[Channel],
    key_a: Callable[[Channel], Hashable],
    key_b: Callable[[Channel], Hashable],
) -> Iterator[tuple[Channel, Channel]]:
    waiting: dict[Hashable, list[Channel]] = {}
    for each in theirs:
        waiting.setdefault(key_b(each), []).append(each)
    for each in ours:
        if same := waiting.get(key_a(each)):
            yield each, same.pop(0)
