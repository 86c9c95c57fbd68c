"""Events of no known form, by the thousand."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exr_inspector.errors import FAULTS, InspectorError
from exr_inspector.events.parse import extract_file_path, requests_of
from exr_inspector.events.request import Request
from tests.events.files import event_files, read_event

WORDS = [
    *("data", "Records", "s3", "bucket", "object", "key", "name", "size", "eTag", "sequencer", "eventName"),
    *("path", "file", "file_path", "s3_bucket", "s3_key", "object_key", "elementpath", "type", "specversion"),
    *("meta", "stats", "deep_stats", "cryptomatte", "validate", "policy_path", "schema_version"),
    *("data_base64", "Event"),
]
TEXTS = st.text(max_size=12) | st.sampled_from(
    ["shots/a.exr", "a%20b+c.exr", "vastdata.com:Element.ElementCreated", "ObjectRemoved:Delete", "yes", "{}"]
)
LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | TEXTS
KEYS = st.sampled_from(WORDS) | st.text(max_size=4)
JSON = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=6),
    max_leaves=30,
)


@given(JSON)
def test_any_json_value_ends_in_requests_that_are_coded_where_they_are_refused(event: Any) -> None:
    _check(event)


@given(st.data())
def test_a_recorded_event_with_one_value_replaced_ends_so_too(data: st.DataObject) -> None:
    event = read_event(data.draw(st.sampled_from(event_files())))
    place = event
    while isinstance(place, (dict, list)) and place:
        key = data.draw(st.sampled_from(sorted(place) if isinstance(place, dict) else range(len(place))))
        if data.draw(st.booleans()):
            place[key] = data.draw(JSON)
            break
        place = place[key]
    _check(event)


@given(JSON)
def test_the_file_path_is_the_first_location_of_the_requests(event: Any) -> None:
    try:
        path = extract_file_path(event)
    except InspectorError:
        return
    assert path == next(request.locations[0].path for request in requests_of(event) if request.locations)


def test_an_ignored_event_without_a_name_has_no_file_path() -> None:
    with pytest.raises(InspectorError, match="BAD_EVENT"):
        extract_file_path({"type": "vastdata.com:Schedule.TimerElapsed"})


def test_the_original_plain_event_has_its_path() -> None:
    assert extract_file_path({"data": {"path": "/renders/beauty.1001.exr"}}) == "/renders/beauty.1001.exr"


def _check(event: Any) -> None:
    requests = requests_of(event)
    assert requests
    for request in requests:
        _check_request(request)


def _check_request(request: Request) -> None:
    faults = [error.fault for error in request.errors]
    if request.kind == "refused":
        assert faults == [FAULTS["BAD_EVENT"]]
    else:
        assert set(faults) <= {FAULTS["BAD_CONFIG"]}
    assert request.locations or request.kind in ("ignored", "refused")
    assert len(set(request.locations)) == len(request.locations)
    for location in request.locations:
        assert location.path
        assert "\0" not in location.path
        location.path.encode("utf-8", "surrogateescape")
    assert request.size is None or request.size >= 0
    for said in (request.etag, request.sequencer, request.time):
        assert said is None or (said.isascii() and said.isprintable() and 0 < len(said) <= 128)
