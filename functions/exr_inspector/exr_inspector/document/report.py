"""What OpenImageIO said of a header, and how it differs from what the header holds."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

_MISSING = object()


@dataclass(frozen=True)
class OiioReport:
    """`opens` is None where OpenImageIO was not asked; `message` says why not, or why it refuses.

    `parts`, `channels` and `attributes` (one mapping per part) are in the document's terms, made by
    `spec_to_part`, `spec_to_channels` and `attributes_from_spec` of document.oiio_report.
    """

    opens: bool | None
    message: str = ""
    parts: list[dict[str, Any]] = field(default_factory=list)
    channels: list[dict[str, Any]] = field(default_factory=list)
    attributes: list[dict[str, Any]] = field(default_factory=list)


def verdict(view: OiioReport, parts: list[dict[str, Any]], channels: list[dict[str, Any]]) -> dict[str, Any]:
    """The document's `file.openimageio`: does it open there, and which facts show differently."""
    differences = list(_differences(view, parts, channels)) if view.opens else []
    return {"opens": view.opens, "message": view.message, "differences": differences}


def _differences(
    view: OiioReport, parts: list[dict[str, Any]], channels: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    found = [
        {"part_index": ours["index"], "field": key, "openimageio": shown}
        for ours, theirs in zip(parts, view.parts, strict=False)
        for key, shown in theirs.items()
        if ours[key] != shown
    ]
    if len(view.parts) != len(parts):
        found.append({"part_index": None, "field": "multipart_count", "openimageio": len(view.parts)})
    elif _typed(channels) != _typed(view.channels):
        found.append({"part_index": None, "field": "channels", "openimageio": _typed(view.channels)})
    return found


def _typed(channels: list[dict[str, Any]]) -> list[str]:
    """Part, name and type of each channel; the order is left out, OpenImageIO has its own."""
    return sorted(f"{each['part_index']}:{each['name']}:{each['type']}" for each in channels)


def merged_attributes(per_part: list[dict[str, Any]]) -> dict[str, Any]:
    """One map for all parts. A value that all of them share stands once; any other becomes
    `{"parts": {"0": value, ...}}`, with the parts that have the name.
    """
    names = dict.fromkeys(name for attributes in per_part for name in attributes)
    return {name: _merged([attributes.get(name, _MISSING) for attributes in per_part]) for name in names}


def _merged(values: list[Any]) -> Any:
    first, *others = values
    # As text, for 1 equals 1.0 and 0.0 equals -0.0.
    if all(repr(value) == repr(first) for value in others):
        return first
    return {"parts": {str(index): value for index, value in enumerate(values) if value is not _MISSING}}
