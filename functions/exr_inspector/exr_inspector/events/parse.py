"""Events in, requests out: the one place that knows the forms in which work arrives.

The forms, most explicit first: S3 `Records` (with `elementpath` as the second name of the same
object), a bucket beside a key, a path given by a person, and `elementpath` alone. They are those of
VAST DataEngine 5.4 and 5.5 and of S3 event notifications.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from exr_inspector.errors import BAD_EVENT, InspectorError
from exr_inspector.events.envelope import OBJECT_KEYS, PATH_KEYS, Envelope, open_event
from exr_inspector.events.places import (
    may_be_exr,
    no_object,
    object_locations,
    path_location,
    split_element_path,
)
from exr_inspector.events.request import Config, Kind, Request, parse_config

# Two spellings each: real events say Element..., the command line's generated ones Object...
_KINDS: dict[str, Kind] = {
    "ElementCreated": "created",
    "ObjectCreated": "created",
    "ElementDeleted": "removed",
    "ObjectRemoved": "removed",
}
_TYPE = re.compile(r"(?:^|:)(?:Element|Schedule)\.(\w*)")

# What else an event says of an object goes into rows and answers, or is compared with what the store says:
# it must be short and plain, or it is as good as not said.
_SEQUENCER = re.compile(r"[0-9A-Za-z]{1,64}")
_ETAG = re.compile(r'"?([!#-~]{1,128})"?')
_TIME = re.compile(r"[ -~]{1,64}")


def requests_of(event: Any) -> tuple[Request, ...]:
    """What `event` asks for; at least one request.

    `event` is a runtime event object, a CloudEvent or S3 notification as a mapping, or a plain mapping
    with a path. Schedules, tags, test events and objects that are not named `*.exr` are `ignored`. What
    names no file is `refused`: the event, or one record among others.
    """
    try:
        return _requests(open_event(event))
    except InspectorError as error:
        return (_refused(error),)


def _requests(envelope: Envelope) -> tuple[Request, ...]:
    said, records = _said(envelope), envelope.payload.get("Records")
    if records and isinstance(records, list):
        return _of_records(records, envelope, said)
    found = _of_object(envelope, said) or _of_path(envelope, said) or _of_element(envelope, said)
    if found:
        return (found,)
    if said == "ignored":
        return (Request("ignored", ()),)
    raise InspectorError(BAD_EVENT, "the event names no file")


def extract_file_path(event: Any) -> str:
    """The likeliest location of the first file that `event` names. Raises InspectorError(BAD_EVENT)."""
    requests = requests_of(event)
    for request in requests:
        if request.locations:
            return request.locations[0]
    errors = (error for request in requests for error in request.errors)
    raise next(errors, InspectorError(BAD_EVENT, "the event names no file"))


def _refused(error: InspectorError) -> Request:
    return Request("refused", (), errors=(error,))


def _of_records(records: list[Any], envelope: Envelope, said: Kind | None) -> tuple[Request, ...]:
    element = split_element_path(envelope.attributes.get("elementpath")) if len(records) == 1 else None
    return tuple(_of_record(record, envelope, said, element) for record in records)


def _of_record(
    record: Any, envelope: Envelope, said: Kind | None, element: tuple[str, str] | None
) -> Request:
    """A record that is not understood spoils none of the others."""
    try:
        return _understood(record, envelope, said, element)
    except InspectorError as error:
        return _refused(error)


def _understood(
    record: Any, envelope: Envelope, said: Kind | None, element: tuple[str, str] | None
) -> Request:
    bucket, key = _text(_at(record, "s3", "bucket", "name")), _text(_at(record, "s3", "object", "key"))
    names = [element] if element else []
    if bucket and key:
        names.append((bucket, key))
    if not names:
        raise InspectorError(BAD_EVENT, "a record names no bucket and key")
    kind = _kind_of_record(_text(_at(record, "eventName")), said)
    return _of_names(kind, names, envelope, _at(record, "s3", "object"), _at(record, "eventTime"))


def _of_object(envelope: Envelope, said: Kind | None) -> Request | None:
    for bucket_key, object_key in OBJECT_KEYS:
        bucket, key = _text(envelope.payload.get(bucket_key)), _text(envelope.payload.get(object_key))
        if bucket and key:
            return _of_names(said or "created", [(bucket, key)], envelope)
    return None


def _of_element(envelope: Envelope, said: Kind | None) -> Request | None:
    element = split_element_path(envelope.attributes.get("elementpath"))
    return _of_names(said or "created", [element], envelope) if element else None


def _of_path(envelope: Envelope, said: Kind | None) -> Request | None:
    """A path that a person gave is inspected whatever its name ends in."""
    path = next((envelope.payload[key] for key in PATH_KEYS if envelope.payload.get(key)), None)
    if path is None:
        return None
    return Request(said or "created", (path_location(path),), *parse_config(envelope.payload))


def _of_names(
    kind: Kind,
    names: Sequence[tuple[str, str]],
    envelope: Envelope,
    stored: Any = None,
    time: Any = None,
) -> Request:
    """The request for an object in a store. `stored` is what the event says of it."""
    locations = object_locations(names)
    wanted = kind != "ignored" and may_be_exr(names)
    if wanted and not locations:
        raise no_object(names[0])
    config, errors = parse_config(envelope.payload) if wanted else (Config(), ())
    return Request(
        kind if wanted else "ignored",
        locations,
        config,
        errors,
        size=_size(_at(stored, "size")),
        etag=_in_form(_ETAG, _at(stored, "eTag")),
        sequencer=_in_form(_SEQUENCER, _at(stored, "sequencer")),
        time=_in_form(_TIME, time) or _in_form(_TIME, envelope.attributes.get("time")),
    )


def _said(envelope: Envelope) -> Kind | None:
    """What the event as a whole says happened; None if it says nothing of the kind."""
    if any((_text(envelope.payload.get(key)) or "").endswith("TestEvent") for key in ("Event", "eventName")):
        return "ignored"
    known = _TYPE.search(_text(envelope.attributes.get("type")) or "")
    return _KINDS.get(known[1], "ignored") if known else None


def _kind_of_record(name: str | None, said: Kind | None) -> Kind:
    """`ObjectCreated:Put` with or without the prefix `s3:`, in any case. Of a name in another form the
    event's type tells; what neither knows is not acted upon.
    """
    if name is None:
        return said or "created"
    known = next((kind for word, kind in _KINDS.items() if word.lower() in name.lower()), None)
    return known or said or "ignored"


def _at(value: Any, *keys: str) -> Any:
    """The value under nested keys, or None where the way ends."""
    for key in keys:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value


def _text(value: Any) -> str | None:
    """Text, or a time that a YAML reader made of it; None for anything else and for no text."""
    if isinstance(value, datetime):
        return value.isoformat()
    return value if isinstance(value, str) and value else None


def _in_form(form: re.Pattern[str], value: Any) -> str | None:
    """The text, or the group in it that the form has; None where it is of another form."""
    found = form.fullmatch(_text(value) or "")
    return found[form.groups] if found else None


def _size(value: Any) -> int | None:
    """A count of bytes, also as the digits that the wire makes of it."""
    if isinstance(value, str) and len(value) < 20 and value.isascii() and value.isdigit():
        value = int(value)
    known = isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**63
    return value if known else None
