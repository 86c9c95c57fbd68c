"""Event files, sent to a function as `vastde functions invoke` sends them."""

from __future__ import annotations

import json
import os
from base64 import b64decode
from collections.abc import Callable, Mapping
from datetime import datetime
from http.client import HTTPConnection, HTTPSConnection
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote, urlsplit

import yaml

from exr_inspector.apps.devserver import URL
from exr_inspector.errors import BAD_EVENT, InspectorError

Message = tuple[dict[str, str], bytes]

# Printable ASCII without the three characters that the CloudEvents HTTP binding (3.1.3.2) escapes.
_PLAIN = "".join(character for character in map(chr, range(0x21, 0x7F)) if character not in '"%')


class Reply(NamedTuple):
    """What the runtime answered: 204 and no text, or 500 and the error's text."""

    status: int
    text: str


def invoke(event_file: str | os.PathLike[str], url: str = URL, timeout: float | None = 60) -> Reply:
    """Send the CloudEvent in a JSON or YAML file and wait for the answer, at most `timeout` seconds.

    Raises InspectorError(BAD_EVENT) for a file that holds no mapping, and OSError where nobody answers.
    """
    return send(read_event(event_file), url, timeout=timeout)


def read_event(file: str | os.PathLike[str]) -> dict[str, Any]:
    """The event in a JSON or YAML file; JSON is YAML too. Raises InspectorError(BAD_EVENT)."""
    try:
        event = yaml.safe_load(Path(file).read_text("utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise InspectorError(BAD_EVENT, f"the event file cannot be read: {error}", str(file)) from error
    if not isinstance(event, dict):
        raise InspectorError(BAD_EVENT, "the event file must hold a mapping", str(file))
    return event


def cli_message(event: Mapping[str, Any]) -> Message:
    """Attributes in headers and, as the command line does it, the whole event again as the body."""
    return {**_headers(event), "content-type": "application/json"}, _json(event)


def binary_message(event: Mapping[str, Any]) -> Message:
    """Attributes in headers and the payload as the body: as events come from triggers."""
    return {**_headers(event), "content-type": "application/json"}, _payload(event)


def structured_message(event: Mapping[str, Any]) -> Message:
    """The whole event as the body, and nothing in headers."""
    return {"content-type": "application/cloudevents+json"}, _json(event)


def send(
    event: Mapping[str, Any],
    url: str = URL,
    message: Callable[[Mapping[str, Any]], Message] = cli_message,
    timeout: float | None = 60,
) -> Reply:
    """Send an event in one of the three forms. Raises OSError where nobody answers in time."""
    headers, body = message(event)
    return post(url, headers, body, timeout)


def post(url: str, headers: Mapping[str, str], body: bytes, timeout: float | None = 60) -> Reply:
    """One HTTP POST. Raises OSError where nobody answers in time."""
    parts = urlsplit(url)
    make = HTTPSConnection if parts.scheme == "https" else HTTPConnection
    connection = make(parts.hostname or "", parts.port, timeout=timeout)
    try:
        connection.request("POST", parts.path or "/", body, dict(headers))
        response = connection.getresponse()
        return Reply(response.status, response.read().decode("utf-8", "replace"))
    finally:
        connection.close()


def _payload(event: Mapping[str, Any]) -> bytes:
    if "data_base64" in event:
        return b64decode(event["data_base64"])
    return _json(event.get("data"))


def _headers(event: Mapping[str, Any]) -> dict[str, str]:
    named = {name: value for name, value in event.items() if name not in ("data", "data_base64")}
    return {f"ce-{name}": _header(value) for name, value in named.items() if value is not None}


def _header(value: Any) -> str:
    """As it is where a header can carry it, else in the escapes of the CloudEvents HTTP binding."""
    text = value if isinstance(value, str) else str(_plain(value))
    return text if text.isascii() and text.isprintable() else quote(text, safe=_PLAIN, errors="surrogatepass")


def _json(value: Any) -> bytes:
    return json.dumps(value, default=_plain).encode()


def _plain(value: Any) -> Any:
    """A YAML reader makes times of unquoted times."""
    return value.isoformat() if isinstance(value, datetime) else value
