"""Values of attributes as people read them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from exr_inspector.document.serialize import to_json


def readable(attribute: Mapping[str, Any], *, full: bool = False) -> str:
    """Return an attribute's value as text: windows with their size, matrices row by row, text unchanged.

    A value that its bytes do not give is shown as those bytes, in base64. With `full`, nothing is left out
    that the document has: the words of time codes, the pixels of previews, and bytes that differ from those
    of the value.
    """
    value, raw = attribute["value"], attribute.get("raw")
    if value is None:
        return "" if raw is None else f"{attribute.get('error', '')} (base64: {raw})"
    text = value if isinstance(value, str) else _FORMATS.get(attribute["type"], _plain)(value)
    if full and attribute["type"] in _SHORTENED:
        text += f" {to_json(value)}"
    return f"{text} (base64: {raw})" if full and raw is not None else text


def change_text(what: str, value: Any) -> str:
    """Return the `before` or `after` value of a header change as text; empty if there is none."""
    match what, value:
        case _, None:
            return ""
        case "attribute", dict():
            return readable(value)
        case "channel", dict():
            sampling = (value["x_sampling"], value["y_sampling"])
            return str(value["type"]) + (f" {sampling[0]}x{sampling[1]}" if sampling != (1, 1) else "")
        case "part", list():
            return " ".join(value)
    return str(value)


def readable_window(value: Mapping[str, Any]) -> str:
    """Return a window as `[0,0 - 95,53] 96x54`; both corners are inside."""
    low, high = value["min"], value["max"]
    return f"{_corners(value)} {high['x'] - low['x'] + 1}x{high['y'] - low['y'] + 1}"


def readable_fact(value: Any) -> str:
    """Return a fact of a document as text: yes and no, windows with their size, and JSON for structures."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dict) and value.keys() == {"min", "max"} and isinstance(value["min"], dict):
        return readable_window(value)
    return value if isinstance(value, str) else _plain(value)


def _corners(value: Mapping[str, Any]) -> str:
    low, high = value["min"], value["max"]
    return f"[{_number(low['x'])},{_number(low['y'])} - {_number(high['x'])},{_number(high['y'])}]"


def _number(value: Any) -> str:
    """Return all digits of a number, without the `.0` of a whole one."""
    return str(value).removesuffix(".0")


def _numbers(values: Sequence[Any]) -> str:
    return " ".join(map(_number, values))


def _plain(value: Any) -> str:
    return _number(value) if isinstance(value, (int, float)) else to_json(value)


def _matrix(side: int) -> Callable[[Sequence[Any]], str]:
    return lambda values: ", ".join(
        _numbers(values[first : first + side]) for first in range(0, side * side, side)
    )


def _rational(value: Mapping[str, int]) -> str:
    above, below = value["numerator"], value["denominator"]
    return f"{above}/{below}" + (f" ({above / below:.6g})" if below > 1 else "")


def _timecode(value: Mapping[str, Any]) -> str:
    user = f", user data {value['user_data']:#010x}" if value["user_data"] else ""
    return f"{value['time']}{' drop-frame' if ';' in value['time'] else ''}{user}"


def _tiles(value: Mapping[str, Any]) -> str:
    rounding = "" if value["level_mode"] == "oneLevel" else f", sizes rounded {value['rounding_mode']}"
    return f"{value['x_size']}x{value['y_size']} {value['level_mode']}{rounding}"


def _chromaticities(value: Mapping[str, Mapping[str, Any]]) -> str:
    return ", ".join(f"{name} {_number(at['x'])} {_number(at['y'])}" for name, at in value.items())


# The forms of these leave something out.
_SHORTENED = ("preview", "tiledesc", "timecode")
_FORMATS: dict[str, Callable[[Any], str]] = {
    "box2i": readable_window,
    "box2f": _corners,
    **dict.fromkeys(("v2i", "v2f", "v2d", "v3i", "v3f", "v3d"), _numbers),
    **dict.fromkeys(("m33f", "m33d"), _matrix(3)),
    **dict.fromkeys(("m44f", "m44d"), _matrix(4)),
    "rational": _rational,
    "preview": lambda value: f"{value['width']}x{value['height']} pixels",
    "timecode": _timecode,
    "tiledesc": _tiles,
    "chlist": lambda value: ", ".join(each["name"] for each in value),
    "chromaticities": _chromaticities,
}
