"""What OpenImageIO reports about a header, and how that differs from what the header holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from operator import itemgetter
from typing import Any, NamedTuple

from exr_inspector.document.model import Difference, OpenImageIO

Facts = Mapping[str, Any]
"""The facts of a part or channel."""

_ABSENT = object()
_TYPED = itemgetter("part_index", "name", "type")


class OiioReport(NamedTuple):
    """OpenImageIO's report. `opens` is None if it was not asked; `message` says why not, or why it refuses.

    `parts`, `channels` and `attributes` (one mapping per part) use the document's terms.
    """

    opens: bool | None
    message: str = ""
    parts: Sequence[dict[str, Any]] = ()
    channels: Sequence[dict[str, Any]] = ()
    attributes: Sequence[dict[str, Any]] = ()


def verdict(view: OiioReport, parts: Sequence[Facts], channels: Sequence[Facts]) -> OpenImageIO:
    """Return the document's `file.openimageio`: whether it opens there, and which facts differ."""
    differences: list[Difference] = _differences(view, parts, channels) if view.opens else []
    return {"opens": view.opens, "message": view.message, "differences": differences}


def _differences(view: OiioReport, parts: Sequence[Facts], channels: Sequence[Facts]) -> list[Difference]:
    found: list[Difference] = []
    for ours, theirs in zip(parts, view.parts, strict=False):
        if theirs.items() <= ours.items():  # quicker than one fact after the other
            continue
        for key, shown in theirs.items():
            if ours[key] != shown:
                found.append({"part_index": ours["index"], "field": key, "openimageio": shown})
    if len(view.parts) != len(parts):
        found.append({"part_index": None, "field": "multipart_count", "openimageio": len(view.parts)})
    elif sorted(map(_TYPED, channels)) != sorted(map(_TYPED, view.channels)):
        typed = sorted(f"{index}:{name}:{kind}" for index, name, kind in map(_TYPED, view.channels))
        found.append({"part_index": None, "field": "channels", "openimageio": typed})
    return found


def merged_attributes(per_part: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return one map of attributes for all parts.

    A value that all parts share is there once. Any other becomes `{"parts": {"0": value, ...}}`, with the
    parts that have the name.
    """
    if len(per_part) == 1:
        return per_part[0]
    names = dict.fromkeys(name for attributes in per_part for name in attributes)
    return {name: _merged([attributes.get(name, _ABSENT) for attributes in per_part]) for name in names}


def _merged(values: list[Any]) -> Any:
    first, *others = values
    # Compare as text, since 1 equals 1.0 and 0.0 equals -0.0.
    if all(repr(value) == repr(first) for value in others):
        return first
    return {"parts": {str(index): value for index, value in enumerate(values) if value is not _ABSENT}}
