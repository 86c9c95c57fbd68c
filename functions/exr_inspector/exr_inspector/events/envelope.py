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
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from exr_inspector.errors import BAD_EVENT, InspectorError

PATH_KEYS = ("path", "file", "file_path")
OBJECT_KEYS = (("s3_bucket", "s3_key"), ("bucket", "object_key"))
MOST_WRAPPERS = 8

_NAMING = {"Records", *PATH_KEYS, *(key for pair in OBJECT_KEYS for key in pair)}
_ACCESSOR_FAULTS = (AttributeError, LookupError, TypeError, ValueError)


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
    attributes = {
        name: value for layer in reversed(layers) for name, value in layer.items() if name != "data"
    }
    return Envelope(attributes, layers[-1])


def _outermost(event: Any) -> Mapping[str, Any]:
    if isinstance(event, Mapping):
        return event
    if callable(getattr(event, "get_data", None)):
        return {**_attributes(event), **_members(event), "data": event.get_data()}
    raise InspectorError(
        BAD_EVENT, f"an event must be a mapping or an event object, not {type(event).__name__}"
    )


def _attributes(event: Any) -> Mapping[str, Any]:
    getter = getattr(event, "get_attributes", None)
    found = getter() if callable(getter) else _member(event, "extensions")
    return {**found, "specversion": "1.0"} if isinstance(found, Mapping) else {}


def _members(event: Any) -> dict[str, str]:
    """What the runtime's own accessors know; they split type and path as the platform means them."""
    kind, subtype = _member(event, "type"), _member(event, "subtype")
    bucket, key = _member(event, "bucket"), _member(event, "object_key")
    members = {"type": f"{kind}.{subtype}"} if kind and subtype else {}
    return {**members, "elementpath": f"{bucket}/{key}"} if bucket and key else members


def _member(event: Any, name: str) -> Any:
    """An accessor's answer, or None: the runtime's raise where the attribute they split is malformed."""
    try:
        return getattr(event, name)
    except _ACCESSOR_FAULTS:
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
