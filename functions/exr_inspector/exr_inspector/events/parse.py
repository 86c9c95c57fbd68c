"""Requests from events: what an event of any form asks for.

docs/SERVERLESS_INTEGRATION.md lists the forms.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from exr_inspector.errors import BAD_EVENT, InspectorError
from exr_inspector.events.envelope import OBJECT_KEYS, PATH_KEYS, Envelope, open_event
from exr_inspector.events.request import Config, Kind, Request, parse_config
from exr_inspector.location import (
    NO_MAP,
    PathMap,
    event_locations,
    impossible_name,
    may_be_exr,
    path_location,
    split_element_path,
)

# Two spellings each: real events say Element..., those that the command line generates say Object...
_KINDS: dict[str, Kind] = {
    "ElementCreated": "created",
    "ObjectCreated": "created",
    "ElementDeleted": "removed",
    "ObjectRemoved": "removed",
}
_TYPE = re.compile(r"(?:^|:)(?:Element|Schedule)\.(\w*)")

# An event's metadata goes into rows and answers, and is compared with the store's. Ignore metadata that does
# not match these patterns.
_SEQUENCER = re.compile(r"[0-9A-Za-z]{1,64}")
_ETAG = re.compile(r'"?([!#-~]{1,128})"?')
_TIME = re.compile(r"[ -~]{1,64}")


def requests_of(event: Any, paths: PathMap = NO_MAP) -> tuple[Request, ...]:
    """Return what `event` asks for; at least one request.

    `event` is a runtime event object, a CloudEvent or S3 notification as a mapping, or a plain mapping with a
    path. Schedules, tags, test events and objects that are not named `*.exr` are `ignored`. An event, or one
    record of it, that names no file is `refused`.
    """
    try:
        return _Parser(open_event(event), paths).requests()
    except InspectorError as error:
        return (Request("refused", (), errors=(error,)),)


def extract_file_path(event: Any) -> str:
    """Return the likeliest path of the first file that `event` names. Raises InspectorError(BAD_EVENT)."""
    requests = requests_of(event)
    for request in requests:
        if request.locations:
            return request.locations[0].path
    errors = (error for request in requests for error in request.errors)
    raise next(errors, InspectorError(BAD_EVENT, "the event names no file"))


class _Parser:
    """Reads one opened event. `kind` is what the event as a whole says happened; None if it does not say."""

    def __init__(self, envelope: Envelope, paths: PathMap) -> None:
        self.attributes, self.payload = envelope.attributes, envelope.payload
        self.paths = paths
        self.element = split_element_path(envelope.attributes.get("elementpath"))
        self.kind = _event_kind(envelope)

    def requests(self) -> tuple[Request, ...]:
        """Read S3 records, else a bucket and key, else a path, else the element's path."""
        records = self.payload.get("Records")
        if records and isinstance(records, list):
            element = self.element if len(records) == 1 else None
            return tuple(self.record_request(record, element) for record in records)
        for bucket_key, object_key in OBJECT_KEYS:
            bucket, key = _text(self.payload.get(bucket_key)), _text(self.payload.get(object_key))
            if bucket and key:
                return (self.object_request(self.kind or "created", [(bucket, key)]),)
        path = next((self.payload[key] for key in PATH_KEYS if self.payload.get(key)), None)
        if path is not None:
            # A path that a person gave is inspected whatever its suffix.
            location = path_location(path, self.paths)
            return (Request(self.kind or "created", (location,), *parse_config(self.payload)),)
        if self.element:
            return (self.object_request(self.kind or "created", [self.element]),)
        if self.kind == "ignored":
            return (Request("ignored", ()),)
        raise InspectorError(BAD_EVENT, "the event names no file")

    def record_request(self, record: Any, element: tuple[str, str] | None) -> Request:
        """Return the request of one S3 record; `refused` if it names no object, so that the others count."""
        bucket, key = _text(_at(record, "s3", "bucket", "name")), _text(_at(record, "s3", "object", "key"))
        names = [element] if element else []
        if bucket and key:
            names.append((bucket, key))
        if not names:
            error = InspectorError(BAD_EVENT, "a record names no bucket and key")
            return Request("refused", (), errors=(error,))
        try:
            kind = _record_kind(_text(_at(record, "eventName")), self.kind)
            return self.object_request(kind, names, _at(record, "s3", "object"), _at(record, "eventTime"))
        except InspectorError as error:
            return Request("refused", (), errors=(error,))

    def object_request(
        self, kind: Kind, names: Sequence[tuple[str, str]], metadata: Any = None, time: Any = None
    ) -> Request:
        """Return the request for an object with these `names`. `metadata` is the event's data about it.

        Raises InspectorError(BAD_EVENT) if it should be inspected and no name is a possible object name.
        """
        locations = event_locations(names, self.paths)
        wanted = kind != "ignored" and may_be_exr(names)
        if wanted and not locations:
            raise impossible_name(*names[0])
        config, errors = parse_config(self.payload) if wanted else (Config(), ())
        return Request(
            kind if wanted else "ignored",
            locations,
            config,
            errors,
            size=_size(_at(metadata, "size")),
            etag=_matching(_ETAG, _at(metadata, "eTag")),
            sequencer=_matching(_SEQUENCER, _at(metadata, "sequencer")),
            time=_matching(_TIME, time) or _matching(_TIME, self.attributes.get("time")),
        )


def _event_kind(envelope: Envelope) -> Kind | None:
    if any((_text(envelope.payload.get(key)) or "").endswith("TestEvent") for key in ("Event", "eventName")):
        return "ignored"
    known = _TYPE.search(_text(envelope.attributes.get("type")) or "")
    return _KINDS.get(known[1], "ignored") if known else None


def _record_kind(name: str | None, event_kind: Kind | None) -> Kind:
    """Read `ObjectCreated:Put`, with or without the prefix `s3:`, in any case.

    For a name of another form the event's type decides; an event that neither explains is ignored.
    """
    if name is None:
        return event_kind or "created"
    known = next((kind for word, kind in _KINDS.items() if word.lower() in name.lower()), None)
    return known or event_kind or "ignored"


def _at(value: Any, *keys: str) -> Any:
    """Return the value under nested keys, or None if one is absent."""
    for key in keys:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value


def _text(value: Any) -> str | None:
    """Return non-empty text, or a time that a YAML reader parsed, as text; None for anything else."""
    if isinstance(value, datetime):
        return value.isoformat()
    return value if isinstance(value, str) and value else None


def _matching(pattern: re.Pattern[str], value: Any) -> str | None:
    """Return the text, or the pattern's last group; None if it does not match."""
    found = pattern.fullmatch(_text(value) or "")
    return found[pattern.groups] if found else None


def _size(value: Any) -> int | None:
    """Return a count of bytes, also from text of digits; None for anything else."""
    if isinstance(value, str) and len(value) < 20 and value.isascii() and value.isdigit():
        value = int(value)
    known = isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**63
    return value if known else None
