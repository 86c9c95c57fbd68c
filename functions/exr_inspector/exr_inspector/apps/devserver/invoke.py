"""Read event files, and send events to a function like `vastde functions invoke` does."""

from __future__ import annotations

import json
import os
import uuid
from base64 import b64decode
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from http.client import HTTPConnection, HTTPSConnection
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote, urlsplit

import yaml

from exr_inspector.apps.devserver import URL
from exr_inspector.errors import BAD_EVENT, InspectorError

Message = tuple[dict[str, str], bytes]

# Asks the development server for the function's answer (RFC 7240). Other servers ignore it.
WANTS_ANSWER = {"prefer": "return=representation"}
# Printable ASCII without the three characters that the CloudEvents HTTP binding (3.1.3.2) escapes.
_PLAIN = "".join(character for character in map(chr, range(0x21, 0x7F)) if character not in '"%')
# A kind that no trigger sends, so that the payload alone determines what happens.
_WRAPPER = {
    "specversion": "1.0",
    "type": "vastdata.com:Manual.Invoked",
    "source": "vastdata.com:exr-inspector.invoke",
    "subject": "exr-inspector.invoke",
    "datacontenttype": "application/json",
}


class Reply(NamedTuple):
    """The HTTP status and body: 204 without a body, 200 with the function's answer, or 500 with the error."""

    status: int
    text: str


class EventText(NamedTuple):
    """One event of a file: its text, and its position for messages."""

    text: str
    where: str

    def event(self) -> dict[str, Any]:
        """Parse the text, which is JSON or YAML, as a CloudEvent. Raises InspectorError(BAD_EVENT)."""
        try:
            loaded = yaml.safe_load(self.text)
        except yaml.YAMLError as error:
            raise InspectorError(BAD_EVENT, f"the event is not JSON or YAML: {error}", self.where) from error
        if not isinstance(loaded, dict):
            raise InspectorError(BAD_EVENT, "the event must be a mapping", self.where)
        try:
            return cloud_event(loaded)
        except (ValueError, TypeError) as error:
            raise InspectorError(BAD_EVENT, f"the Kafka record is malformed: {error}", self.where) from error


def event_texts(file: str | os.PathLike[str]) -> Iterator[EventText]:
    """Yield the events of a file: one per line in a `.jsonl` file, else one.

    Raises InspectorError(BAD_EVENT) if the file cannot be read.
    """
    try:
        text = Path(file).read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InspectorError(BAD_EVENT, f"the event file cannot be read: {error}", str(file)) from error
    if Path(file).suffix != ".jsonl":
        yield EventText(text, str(file))
        return
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            yield EventText(line, f"{file}, line {number}")


def read_event(file: str | os.PathLike[str]) -> dict[str, Any]:
    """Return the CloudEvent in a JSON or YAML file. Raises InspectorError(BAD_EVENT)."""
    (only,) = event_texts(file)
    return only.event()


def cloud_event(event: Mapping[str, Any]) -> dict[str, Any]:
    """Return `event` as a CloudEvent: unpack a Kafka record of `kcat -J`, and wrap a plain event.

    Raises ValueError if a Kafka record is malformed.
    """
    if "payload" in event and "topic" in event:
        return _from_kafka(event)
    if "specversion" in event:
        return dict(event)
    return {**_WRAPPER, "id": str(uuid.uuid4()), "data": dict(event)}


def _from_kafka(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return the CloudEvent of a Kafka record (CloudEvents Kafka binding 1.0.2).

    In binary mode the attributes are headers that start with `ce_` and the payload is the data. In structured
    mode the payload is the whole event.
    """
    listed = record.get("headers") or []
    headers = dict(zip(listed[::2], listed[1::2], strict=True))
    content_type = headers.get("content-type") or "application/json"
    payload = record["payload"]
    data = json.loads(payload) if payload is not None and "json" in content_type else payload
    attributes = {name[3:]: value for name, value in headers.items() if name.startswith("ce_")}
    if "specversion" in attributes:
        return {**attributes, "datacontenttype": content_type, "data": data}
    if isinstance(data, dict):
        return cloud_event(data)
    raise ValueError("it has no ce_ headers, and its payload is not an event")


def cli_message(event: Mapping[str, Any]) -> Message:
    """Return headers and body as vastde sends them: attributes in headers, the whole event as the body."""
    return {**_headers(event), "content-type": "application/json"}, _json(event)


def binary_message(event: Mapping[str, Any]) -> Message:
    """Return headers and body as triggers send them: attributes in headers, and the payload as the body."""
    payload = b64decode(event["data_base64"]) if "data_base64" in event else _json(event.get("data"))
    return {**_headers(event), "content-type": "application/json"}, payload


def structured_message(event: Mapping[str, Any]) -> Message:
    """Return headers and body with the whole event in the body."""
    return {"content-type": "application/cloudevents+json"}, _json(event)


def send(
    event: Mapping[str, Any],
    url: str = URL,
    message: Callable[[Mapping[str, Any]], Message] = cli_message,
    timeout: float | None = 60,
    preferences: Mapping[str, str] | None = None,
) -> Reply:
    """Send an event in one of the three forms. Raises OSError if there is no reply in `timeout` seconds."""
    headers, body = message(event)
    return post(url, {**headers, **(preferences or {})}, body, timeout)


def post(url: str, headers: Mapping[str, str], body: bytes, timeout: float | None = 60) -> Reply:
    """Send a POST request. Raises OSError if there is no reply in `timeout` seconds."""
    parts = urlsplit(url)
    make = HTTPSConnection if parts.scheme == "https" else HTTPConnection
    connection = make(parts.hostname or "", parts.port, timeout=timeout)
    try:
        connection.request("POST", parts.path or "/", body, dict(headers))
        response = connection.getresponse()
        return Reply(response.status, response.read().decode("utf-8", "replace"))
    finally:
        connection.close()


def _headers(event: Mapping[str, Any]) -> dict[str, str]:
    """Return the attributes as `ce-` headers, escaped by the CloudEvents HTTP binding only if necessary."""
    headers = {}
    for name, value in event.items():
        if name not in ("data", "data_base64") and value is not None:
            text = value if isinstance(value, str) else str(_plain(value))
            is_plain = text.isascii() and text.isprintable()
            headers[f"ce-{name}"] = text if is_plain else quote(text, safe=_PLAIN, errors="surrogatepass")
    return headers


def _json(value: Any) -> bytes:
    return json.dumps(value, default=_plain).encode()


def _plain(value: Any) -> Any:
    """Return a time as text: a YAML reader parses unquoted times."""
    return value.isoformat() if isinstance(value, datetime) else value
