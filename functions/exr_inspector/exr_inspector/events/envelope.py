"""Whatever arrives, opened: the attributes on the outside and the payload within.

The runtime's event objects are known by what they can do, not by their class: the module that defines
them was renamed between DataEngine 5.4 and 5.5. They behave like the CloudEvents of the CloudEvents
SDK. On a cluster `get_data()` is the payload; under local invoke it is the whole event once more, with
the payload in its `data`. So wrappers are taken off until something names a file.
"""

from __future__ import annotations

import binascii
import json
from base64 import b64decode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from exr_inspector.errors import BAD_EVENT, InspectorError

PATH_KEYS = ("path", "file", "file_path")
OBJECT_KEYS = (("s3_bucket", "s3_key"), ("bucket", "object_key"))
MOST_WRAPPERS = 8

_NAMING = {"Records", *PATH_KEYS, *(key for pair in OBJECT_KEYS for key in pair)}


@dataclass(frozen=True)
class Envelope:
    """An opened event."""

    attributes: Mapping[str, Any]
    """CloudEvents attributes and extensions of all wrappers, the outermost winning."""
    payload: Mapping[str, Any]
    """The innermost mapping: S3 records, or a path beside its configuration."""


def open_event(event: Any) -> Envelope:
    """Open a mapping or a runtime event object. Raises InspectorError(BAD_EVENT) for anything else."""
    layers = [_outermost(event)]
    while len(layers) < MOST_WRAPPERS and _is_wrapper(layers[-1]):
        inner = _content(layers[-1])
        if not isinstance(inner, Mapping):
            break
        layers.append(inner)
    said = [(name, value) for layer in reversed(layers) for name, value in layer.items() if name != "data"]
    # What an outer wrapper leaves empty does not hide what an inner one says.
    return Envelope({name: value for name, value in said if value not in (None, "")}, layers[-1])


def _outermost(event: Any) -> Mapping[str, Any]:
    if isinstance(event, Mapping):
        return event
    get_data = _told(lambda: event.get_data)
    if callable(get_data):
        return {**_attributes(event), **_members(event), "data": _told(get_data)}
    raise InspectorError(
        BAD_EVENT, f"an event must be a mapping or an event object, not {type(event).__name__}"
    )


def _attributes(event: Any) -> dict[str, Any]:
    found = _told(lambda: dict(event.get_attributes())) or _told(lambda: dict(event.extensions))
    return {**found, "specversion": "1.0"} if found else {}


def _members(event: Any) -> dict[str, str]:
    """What the runtime's own accessors know; they split type and path as the platform means them."""
    kind = _joined(".", _told(lambda: event.type), _told(lambda: event.subtype))
    path = _joined("/", _told(lambda: event.bucket), _told(lambda: event.object_key))
    return {name: text for name, text in (("type", kind), ("elementpath", path)) if text}


def _joined(separator: str, *parts: Any) -> str | None:
    return separator.join(parts) if all(part and isinstance(part, str) for part in parts) else None


def _told(ask: Callable[[], Any]) -> Any:
    """An accessor's answer, or None: the runtime's raise where the attribute they split is malformed, and
    nobody says which class.
    """
    try:
        return ask()
    except Exception:  # noqa: BLE001 - runtimes differ in the class they raise for what is malformed
        return None


def _is_wrapper(layer: Mapping[str, Any]) -> bool:
    """A CloudEvent always is; its extensions may have any name, even `path`."""
    return "specversion" in layer or not _NAMING.intersection(layer)


def _content(layer: Mapping[str, Any]) -> Any:
    data = layer.get("data")
    if data is None:
        data = _unbase64(layer.get("data_base64"))
    return _parsed(data) if isinstance(data, (str, bytes)) else data


def _unbase64(text: Any) -> bytes | None:
    try:
        return b64decode(text) if isinstance(text, str) else None
    except (binascii.Error, ValueError):
        return None


def _parsed(text: str | bytes) -> Any:
    """JSON that came as text, because its content type was missing; None for other text."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None
