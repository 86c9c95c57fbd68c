"""What differs between two headers: parts by name and view, channels by name, attributes by name and type."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Iterator, Mapping
from typing import Any, Literal, NamedTuple, TypedDict, TypeVar

from exr_inspector.document.model import Document, Part
from exr_inspector.document.serialize import to_json
from exr_inspector.vectors.attributes import (
    CAMERA,
    OCCASION,
    OCCASION_ALONE,
    STRUCTURAL,
    name_words,
    volatile,
)

FILE_FACTS = ("status", "complete", "exr_version", "multipart_count", "is_deep", "is_tiled")
CHANNEL_FACTS = ("type", "x_sampling", "y_sampling", "p_linear")
_OCCASION = volatile(OCCASION, OCCASION_ALONE)

Item = TypeVar("Item")


class Change(TypedDict):
    """One difference between two headers. A fact that one file lacks is None there.

    `before` and `after` are a fact's value; of a channel its type, sampling and pLinear; of a part the names
    of its channels; of an attribute its type, value, and the bytes if the value does not give them back.
    """

    what: Literal["file", "part", "channel", "attribute"]
    kind: Literal["added", "removed", "changed", "renamed"]
    part: str | None
    name: str
    before: Any
    after: Any
    is_occasional: bool
    """Whether it is an attribute of when, where, by whom or as which job or frame the file was rendered."""


class PartPair(NamedTuple):
    """The parts that correspond to each other; None if one file lacks the part."""

    a: Part | None
    b: Part | None

    @property
    def label(self) -> str | None:
        """The part's name, else its number if its file has several; None in a file of one part."""
        part = self.a or self.b
        assert part is not None
        return part["name"] or (f"part {part['index']}" if part["index"] else None)


def diff_headers(a: Document, b: Document) -> list[Change]:
    """Return what differs between two headers, in the order of the file, its parts, channels and attributes.

    The order of attributes is not compared. Nothing is returned for two equal headers, whatever the names,
    times and sizes of their files.
    """
    changes = [_change("file", None, name, a["file"].get(name), b["file"].get(name)) for name in FILE_FACTS]
    pairs = match_parts(a["parts"], b["parts"])
    orders = [[part["index"] for pair in pairs if (part := pair[side]) and all(pair)] for side in (0, 1)]
    if orders[1] != sorted(orders[1]):
        changes.append(_change("file", None, "order of parts", *orders))
    for pair in pairs:
        channels = [_channels(a, pair.a), _channels(b, pair.b)]
        if pair.a is None or pair.b is None:
            names = [sorted(each) if part else None for each, part in zip(channels, pair, strict=True)]
            changes.append(_change("part", pair.label, pair.label or "", *names))
            continue
        changes += _changes("channel", pair.label, *channels)
        changes += _changes("attribute", pair.label, *map(_attributes, (pair.a, pair.b)))
    # As text, since Python takes 0.0 for -0.0, and 1 for 1.0.
    return [each for each in changes if to_json(each["before"]) != to_json(each["after"])]


def match_parts(a: Iterable[Part], b: Iterable[Part]) -> list[PartPair]:
    """Pair the parts of two files by name and view; equal ones in their order, single parts always.

    Parts without a counterpart come last, paired with None: first those of `a`.
    """
    ours, theirs = list(a), list(b)
    if len(ours) == len(theirs) == 1:
        return [PartPair(ours[0], theirs[0])]
    left = _numbered(ours, lambda part: (part["name"], part["view"]))
    right = _numbered(theirs, lambda part: (part["name"], part["view"]))
    both = [PartPair(part, right[key]) for key, part in left.items() if key in right]
    removed = [PartPair(part, None) for key, part in left.items() if key not in right]
    return both + removed + [PartPair(None, part) for key, part in right.items() if key not in left]


def _numbered(items: Iterable[Item], key: Any) -> dict[tuple[Hashable, int], Item]:
    """Return the items by their key and how many items before them have the same key."""
    seen: Counter[Hashable] = Counter()
    found = {}
    for item in items:
        name = key(item)
        found[name, seen[name]] = item
        seen[name] += 1
    return found


def _channels(document: Document, part: Part | None) -> dict[str, Any]:
    """Return the facts of the channels of a part by name."""
    return {
        each["name"]: {name: each[name] for name in CHANNEL_FACTS}  # type: ignore[literal-required]
        for each in document["channels"]
        if part and each["part_index"] == part["index"]
    }


def _attributes(part: Part) -> dict[str, Any]:
    """Return the attributes of a part by name. A name that is repeated gets a number."""
    found: dict[str, Any] = {}
    seen: Counter[str] = Counter()
    for each in part["attributes"]:
        name = each["name"]
        seen[name] += 1
        if each["type"] != "chlist":
            label = name if seen[name] == 1 else f"{name} ({seen[name]})"
            found[label] = {key: value for key, value in each.items() if key not in ("name", "error")}
    return found


def _changes(
    what: Literal["channel", "attribute"], part: str | None, a: Mapping[str, Any], b: Mapping[str, Any]
) -> Iterator[Change]:
    return (_change(what, part, name, a.get(name), b.get(name)) for name in {**a, **b})


def _change(
    what: Literal["file", "part", "channel", "attribute"],
    part: str | None,
    name: str,
    before: Any,
    after: Any,
) -> Change:
    return {
        "what": what,
        "kind": "added" if before is None else "removed" if after is None else "changed",
        "part": part,
        "name": name,
        "before": before,
        "after": after,
        "is_occasional": what == "attribute" and is_occasional(name),
    }


def is_occasional(name: str) -> bool:
    """Return whether an attribute's name is of when, where, by whom or as which job or frame it was rendered.

    Standard attributes of the camera and of the image's structure are not, whatever their words.
    """
    return name not in CAMERA | STRUCTURAL and bool(_OCCASION.search(f"{name.lower()} {name_words(name)}"))
