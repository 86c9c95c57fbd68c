"""What an event asks for: the few words that every form of event is translated into."""

from __future__ import annotations

import reprlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from exr_inspector.errors import BAD_CONFIG, InspectorError
from exr_inspector.location import Location
from exr_inspector.settings import boolean

Kind = Literal["created", "removed", "ignored", "refused"]


@dataclass(frozen=True)
class Config:
    """What to look at, as the payload of an event may say."""

    meta: bool = True
    """Add the view that OpenImageIO-based applications get. The header is read in any case."""
    stats: bool = False
    """Read the pixels for statistics."""
    deep_stats: bool = False
    """Read the samples of deep parts for statistics."""
    validate: bool = False
    """Hold the file against a policy."""
    policy_path: str | None = None
    """Where that policy lies; None for the built-in one."""
    schema_version: int = 1
    """The version of the document that is wanted; 1 is the only one."""


@dataclass(frozen=True)
class Request:
    """One file, and what became of it."""

    kind: Kind
    """`created`: inspect it. `removed`: forget it. `ignored`: acknowledge the event and do nothing.
    `refused`: the same, for the event is not understood."""
    locations: tuple[Location, ...]
    """Where it may be, in the order to try. Empty only if there is nothing to do."""
    config: Config = Config()
    errors: tuple[InspectorError, ...] = ()
    """What is wrong with what the event says: BAD_EVENT where it is refused, else BAD_CONFIG or nothing."""
    size: int | None = None
    """Bytes, as the event says: the witness that tells candidates apart."""
    etag: str | None = None
    """The object's eTag without quotes: the better witness."""
    sequencer: str | None = None
    """Orders the events of one key; text to be compared as text of equal length."""
    time: str | None = None
    """When it happened, as the event says it (ISO 8601)."""


def parse_config(payload: Mapping[str, Any]) -> tuple[Config, tuple[InspectorError, ...]]:
    """The configuration that stands in `payload`, and a BAD_CONFIG for each value that is none.

    Flags may be true or false, the numbers 1 or 0, or text (`1 true yes y on` and their opposites, in
    any case). Absent, null and wrong values have their defaults: a file is worth its rows, whatever else
    was asked for. Keys that are no configuration are left alone.
    """
    values: dict[str, Any] = {}
    errors = []
    for name, read in _READERS.items():
        if payload.get(name) is not None:
            try:
                values[name] = read(name, payload[name])
            except InspectorError as error:
                errors.append(error)
    return Config(**values), tuple(errors)


def _flag(name: str, value: Any) -> bool:
    if isinstance(value, (int, float)) and value in (0, 1):
        return bool(value)
    try:
        return boolean(value)
    except (AttributeError, ValueError):
        raise _refusal(name, value, "true or false") from None


def _version(name: str, value: Any) -> int:
    if isinstance(value, bool) or value not in (1, "1"):
        raise _refusal(name, value, "1")
    return 1


def _path(name: str, value: Any) -> str | None:
    if not isinstance(value, str) or "\0" in value:
        raise _refusal(name, value, "a path")
    return value or None


def _refusal(name: str, value: Any, wanted: str) -> InspectorError:
    return InspectorError(BAD_CONFIG, f"{name} must be {wanted}, not {reprlib.repr(value)}", name)


_READERS: dict[str, Callable[[str, Any], Any]] = {
    "meta": _flag,
    "stats": _flag,
    "deep_stats": _flag,
    "validate": _flag,
    "policy_path": _path,
    "schema_version": _version,
}
