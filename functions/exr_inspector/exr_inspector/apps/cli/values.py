"""Values of attributes as people read them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from exr_inspector.document.serialize import to_json


def readable(attribute: Mapping[str, Any]) -> str:
    """Return an attribute's value as text: windows with their size, matrices row by row, text as it is.

    A value that its bytes do not give is shown as those bytes, in base64.
    """
    value = attribute["value"]
    if value is None:
        raw = attribute.get("raw")
        return "" if raw is None else f"{attribute.get('error', '')} (base64: {raw})"
    if isinstance(value, str):
        return value
    return _FORMATS.get(attribute["type"], to_json)(value)


def readable_window(value: Mapping[str, Any]) -> str:
    """Return a window as `[0,0 - 95,53] 96x54`; both corners are inside."""
    low, high = value["min"], value["max"]
    return f"{_corners(value)} {high['x'] - low['x'] + 1}x{high['y'] - low['y'] + 1}"


def _corners(value: Mapping[str, Any]) -> str:
    low, high = value["min"], value["max"]
    return f"[{low['x']},{low['y']} - {high['x']},{high['y']}]"


def _numbers(values: Sequence[Any]) -> str:
    return " ".join(map(str, values))


def _matrix(side: int) -> Callable[[Sequence[Any]], str]:
    return lambda values: ", ".join(
        _numbers(values[first : first + side]) for first in range(0, side * side, side)
    )


_FORMATS: dict[str, Callable[[Any], str]] = {
    "box2i": readable_window,
    "box2f": _corners,
    **dict.fromkeys(("v2i", "v2f", "v2d", "v3i", "v3f", "v3d"), _numbers),
    **dict.fromkeys(("m33f", "m33d"), _matrix(3)),
    **dict.fromkeys(("m44f", "m44d"), _matrix(4)),
    "rational": lambda value: f"{value['numerator']}/{value['denominator']}",
    "preview": lambda value: f"{value['width']}x{value['height']} pixels",
    "timecode": lambda value: str(value["time"]),
    "tiledesc": lambda value: f"{value['x_size']}x{value['y_size']} {value['level_mode']}",
    "chromaticities": lambda value: ", ".join(f"{key} {at['x']} {at['y']}" for key, at in value.items()),
}
