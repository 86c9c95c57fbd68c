"""Open an event of any form: its attributes and its payload.

Event objects of the runtime are recognized by their methods, not by their class, because the module that
defines the class was renamed between DataEngine 5.4 and 5.5. They behave like CloudEvents of the CloudEvents
SDK. On a cluster `get_data()` returns the payload; with local invoke it returns the whole event again, with
the payload in its `data`. So wrappers are removed until a mapping names a file.
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
MAX_WRAPPERS = 8

_NAMING_KEYS = {"Records", *PATH_KEYS, *(key for pair in OBJECT_KEYS for key in pair)}


@dataclass(frozen=True)
class Envelope:
    """An opened event."""

    attributes: Mapping[str, Any]
    """CloudEvents attributes and extensions of all wrappers; outer ones override inner ones."""
    payload: Mapping[str, Any]
    """The innermost mapping: S3 records, or a path with its configuration."""


def open_event(event: Any) -> Envelope:
    """Open a mapping or an event object of the runtime. Raises InspectorError(BAD_EVENT) for others."""
    layers = [_outermost(event)]
    # A CloudEvent is always a wrapper: its extensions may have any name, even `path`.
    while len(layers) < MAX_WRAPPERS and (
        "specversion" in layers[-1] or not _NAMING_KEYS.intersection(layers[-1])
    ):
        inner = _content(layers[-1])
        if not isinstance(inner, Mapping):
            break
        layers.append(inner)
    items = [(name, value) for layer in reversed(layers) for name, value in layer.items() if name != "data"]
    # An empty attribute of an outer wrapper does not hide an inner one.
    return Envelope({name: value for name, value in items if value not in (None, "")}, layers[-1])


def _outermost(event: Any) -> Mapping[str, Any]:
    if isinstance(event, Mapping):
        return event
    get_data = _value_of(lambda: event.get_data)
    if callable(get_data):
        return {**_attributes(event), **_derived_attributes(event), "data": _value_of(get_data)}
    raise InspectorError(
        BAD_EVENT, f"an event must be a mapping or an event object, not {type(event).__name__}"
    )


def _attributes(event: Any) -> dict[str, Any]:
    found = _value_of(lambda: dict(event.get_attributes())) or _value_of(lambda: dict(event.extensions))
    return {**found, "specversion": "1.0"} if found else {}


def _derived_attributes(event: Any) -> dict[str, str]:
    """Return type and element path from the runtime's accessors, which split them as the platform does."""
    kind = _joined(".", _value_of(lambda: event.type), _value_of(lambda: event.subtype))
    path = _joined("/", _value_of(lambda: event.bucket), _value_of(lambda: event.object_key))
    return {name: text for name, text in (("type", kind), ("elementpath", path)) if text}


def _joined(separator: str, *parts: Any) -> str | None:
    return separator.join(parts) if all(part and isinstance(part, str) for part in parts) else None


def _value_of(accessor: Callable[[], Any]) -> Any:
    """Return None if the accessor raises; its exception types are undocumented."""
    try:
        return accessor()
    except Exception:  # noqa: BLE001 - runtimes raise different types for malformed attributes
        return None


def _content(layer: Mapping[str, Any]) -> Any:
    """Return a wrapper's data, decoded if it is base64 or JSON text; None if there is none."""
    data = layer.get("data")
    encoded = layer.get("data_base64")
    if data is None and isinstance(encoded, str):
        try:
            data = b64decode(encoded)
        except (binascii.Error, ValueError):
            return None
    if not isinstance(data, (str, bytes)):
        return data
    try:
        return json.loads(data)  # JSON arrives as text if its content type is missing
    except (ValueError, RecursionError):
        return None
