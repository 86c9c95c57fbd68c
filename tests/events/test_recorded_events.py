"""Every recorded event, in every form in which it may arrive, asks for the same."""

from __future__ import annotations

import json
from base64 import b64decode
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from cloudevents.http import CloudEvent, from_http

from exr_inspector.events.parse import requests_of
from tests.events.files import REFUSED, event_files, expected, outcome_of, paths_of, read_event

EXPECTED = expected()
FILES = [pytest.param(path, id=path.name) for path in event_files()]


def _is_cloud_event(path: Path) -> bool:
    event = read_event(path)
    return isinstance(event, dict) and "specversion" in event


CLOUD_EVENTS = [pytest.param(path, id=path.name) for path in event_files() if _is_cloud_event(path)]


def test_every_file_has_an_expectation_and_every_expectation_a_file() -> None:
    assert sorted(EXPECTED) == [path.name for path in event_files()]


@pytest.mark.parametrize("path", FILES)
def test_an_event_as_a_mapping(path: Path) -> None:
    assert outcome_of(read_event(path)) == EXPECTED[path.name]


@pytest.mark.parametrize("path", CLOUD_EVENTS)
def test_an_event_object_whose_data_is_the_payload(path: Path) -> None:
    """As real triggers deliver."""
    event = read_event(path)
    assert outcome_of(_binary(event, _payload(event))) == EXPECTED[path.name]


@pytest.mark.parametrize("path", CLOUD_EVENTS)
def test_an_event_object_whose_data_is_the_whole_event_again(path: Path) -> None:
    """As `vastde functions invoke` delivers."""
    event = read_event(path)
    body = json.dumps(event, default=lambda time: time.isoformat()).encode()
    assert outcome_of(_binary(event, body)) == EXPECTED[path.name]


def test_an_event_object_known_only_by_the_runtimes_accessors() -> None:
    event = SimpleNamespace(
        type="Element", subtype="ElementDeleted", bucket="shots", object_key="a/b.exr", get_data=lambda: None
    )
    (request,) = requests_of(event)
    assert (request.kind, paths_of(request)) == ("removed", ["s3://shots/a/b.exr"])


class _MalformedEventError(Exception):
    """As a runtime may raise: related to no class of Python's for this."""


class _Malformed:
    """As the runtime's event where nothing splits and the payload does not parse."""

    def __init__(self, error: Exception, **told: Any) -> None:
        self._error, self._told = error, told

    def __getattr__(self, name: str) -> Any:
        if name not in self._told:
            raise self._error
        return self._told[name]

    def get_data(self) -> Any:
        raise self._error

    def get_attributes(self) -> Any:
        raise self._error


@pytest.mark.parametrize("error", [_MalformedEventError(), ValueError("type"), OSError(), RuntimeError()])
@pytest.mark.parametrize(
    "told", [{"extensions": {"elementpath": "shots/a.exr"}}, {"bucket": "shots", "object_key": "a.exr"}]
)
def test_an_accessor_that_raises_anything_says_nothing(error: Exception, told: dict[str, Any]) -> None:
    (request,) = requests_of(_Malformed(error, **told))
    assert (request.kind, paths_of(request)) == ("created", ["s3://shots/a.exr"])


def test_an_event_whose_accessors_all_raise_is_refused() -> None:
    assert outcome_of(_Malformed(_MalformedEventError())) == REFUSED


@pytest.mark.parametrize("event", [None, "a.exr", b"{}", 7, 1.5, [], object()])
def test_what_is_neither_mapping_nor_event_is_refused(event: Any) -> None:
    assert outcome_of(event) == REFUSED


def test_data_that_contains_itself_is_refused() -> None:
    """YAML's anchors can write such an event."""
    event: dict[str, Any] = {}
    event["data"] = event
    assert outcome_of(event) == REFUSED


def test_text_nested_too_deep_to_read_is_refused() -> None:
    assert outcome_of({"data": "[" * 100_000}) == REFUSED


def test_base64_that_does_not_decode_is_refused() -> None:
    assert outcome_of({"data_base64": "abc"}) == REFUSED


@pytest.mark.parametrize(("wrappers", "outcome"), [(7, "accepted"), (8, "refused")])
def test_an_event_may_have_seven_wrappers(wrappers: int, outcome: str) -> None:
    event: dict[str, Any] = {"path": "/renders/a.exr"}
    for _ in range(wrappers):
        event = {"data": event}
    assert (outcome_of(event) == REFUSED) == (outcome == "refused")


@pytest.mark.parametrize("s3", [{"bucket": {"name": "shots"}}, {"object": {"key": "a.exr"}}])
def test_a_record_without_bucket_or_key_is_refused(s3: dict[str, Any]) -> None:
    (request,) = requests_of({"Records": [{"eventName": "ObjectCreated:Put", "s3": s3}]})
    assert (request.kind, request.locations) == ("refused", ())


@pytest.mark.parametrize(
    ("size", "expected_size"), [("0" * 18 + "7", 7), ("0" * 19 + "7", None), (2**63, None)]
)
def test_a_size_has_at_most_nineteen_digits(size: str | int, expected_size: int | None) -> None:
    s3 = {"bucket": {"name": "shots"}, "object": {"key": "a.exr", "size": size}}
    (request,) = requests_of({"Records": [{"eventName": "ObjectCreated:Put", "s3": s3}]})
    assert request.size == expected_size


def _payload(event: dict[str, Any]) -> bytes:
    if "data_base64" in event:
        return b64decode(event["data_base64"])
    return json.dumps(event.get("data")).encode()


def _binary(event: dict[str, Any], body: bytes) -> CloudEvent:
    headers = {f"ce-{name}": _header(value) for name, value in event.items() if not name.startswith("data")}
    return from_http({**headers, "content-type": "application/json"}, body)


def _header(value: Any) -> str:
    return value if isinstance(value, str) else value.isoformat()
