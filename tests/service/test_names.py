"""Which object an event means: its key may be escaped, and what exists, its eTag and its size tell."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest

from exr_inspector.errors import InspectorError
from tests.exrfiles.demo import simple
from tests.service.function import BUCKET, Function, codes, created, location, removed
from tests.sources.faults import Fault, after, every, status
from tests.sources.proxy import Proxy
from tests.sources.server import S3Server

SMALL, OTHER = simple(4, 4), simple(4, 4, channels="XYZ")


@pytest.fixture
def bucket(function: Function, s3: S3Server) -> Any:
    function.read_from(s3)
    return partial(s3.put, BUCKET)


def _paths(function: Function) -> list[str]:
    return [row["file_path"] for row in function.rows()]


def _where(part: str, fault: Fault) -> Fault:
    """The fault for requests whose target holds `part`."""

    def strike(proxy: Proxy) -> None:
        if part in proxy.path:
            fault(proxy)
        else:
            proxy.answer(proxy.ask())

    return strike


# --- witnesses ------------------------------------------------------------------------------------------


def test_where_both_etags_are_known_they_alone_tell(function: Function, bucket: Any) -> None:
    """The two objects are of one size."""
    assert len(SMALL) == len(OTHER)
    bucket("one+two.exr", SMALL)
    meant = bucket("one two.exr", OTHER)
    document = function.handle(created("one+two.exr", size=len(SMALL), eTag=meant))
    assert document["file"]["path"] == location("one two.exr")


def test_an_etag_that_agrees_counts_more_than_a_size_that_does_not(function: Function, bucket: Any) -> None:
    meant = bucket("two+three.exr", SMALL)
    bucket("two three.exr", simple(8, 8))
    document = function.handle(created("two+three.exr", size=len(simple(8, 8)), eTag=meant))
    assert document["file"]["path"] == location("two+three.exr")


def test_without_an_etag_the_size_tells(function: Function, bucket: Any) -> None:
    bucket("three+four.exr", SMALL)
    bucket("three four.exr", simple(8, 8))
    document = function.handle(created("three+four.exr", size=len(simple(8, 8))))
    assert document["file"]["path"] == location("three four.exr")


def test_where_no_witness_agrees_the_first_that_is_there_was_overwritten_since(
    function: Function, bucket: Any
) -> None:
    bucket("four five.exr", SMALL)
    document = function.handle(created("four+five.exr", size=1, eTag="0123"))
    assert document["file"]["path"] == location("four five.exr")


# --- refused names --------------------------------------------------------------------------------------

REFUSALS = [status(403, "AccessDenied"), status(400, "XMinioInvalidObjectName"), status(400, "BadRequest")]


@pytest.mark.parametrize("refusal", REFUSALS, ids=["403", "400 of the name", "400"])
def test_a_name_that_is_refused_does_not_hide_the_one_that_is_there(
    function: Function, s3: S3Server, bucket: Any, refusal: Fault
) -> None:
    bucket("my file.exr", SMALL)
    s3.plan = every(1, [_where("%25", refusal)])
    document = function.handle(created("my%20file.exr", size=len(SMALL)))
    assert (document["file"]["path"], document["errors"]) == (location("my file.exr"), [])
    assert _paths(function) == [location("my file.exr")]


@pytest.mark.parametrize("beside", [None, simple(8, 8)], ids=["nothing", "another object"])
def test_a_denied_name_that_may_be_the_right_one_brings_the_event_again(
    function: Function, s3: S3Server, bucket: Any, beside: bytes | None
) -> None:
    if beside:
        bucket("your file.exr", beside)
    s3.plan = every(1, [_where("%25", status(403, "AccessDenied"))])
    with pytest.raises(InspectorError, match="STORAGE_DENIED"):
        function.handle(created("your%20file.exr", size=len(SMALL)))
    assert function.rows() == []


def test_of_an_impossible_and_an_absent_name_the_absent_one_is_missing(
    function: Function, s3: S3Server, bucket: Any
) -> None:
    s3.plan = every(1, [_where("%25", status(400, "XMinioInvalidObjectName"))])
    document = function.handle(created("no%20file.exr"))
    assert (document["file"]["path"], codes(document)) == (location("no file.exr"), ["FILE_NOT_FOUND"])


def test_a_store_that_is_down_is_asked_for_no_other_name(
    function: Function, s3: S3Server, bucket: Any
) -> None:
    bucket("down file.exr", SMALL)
    s3.plan = every(1, [_where("%25", status(503, "SlowDown"))])
    with pytest.raises(InspectorError, match="STORAGE_UNAVAILABLE"):
        function.handle(created("down%20file.exr"))


# --- removals -------------------------------------------------------------------------------------------


def test_a_removal_takes_the_rows_of_the_object_that_is_gone_and_leaves_its_namesakes(
    function: Function, s3: S3Server, bucket: Any
) -> None:
    for key in ("names/a+b.exr", "names/a b.exr"):
        bucket(key, SMALL)
        function.handle(created(key, sequencer="0041"))
    s3.delete(BUCKET, "names/a+b.exr")
    document = function.handle(removed("names/a+b.exr", sequencer="0099"))
    assert (document["file"]["path"], document["persistence"]["status"]) == (
        location("names/a+b.exr"),
        "deleted",
    )
    (row,) = function.rows()
    assert (row["file_path"], row["sequencer"]) == (location("names/a b.exr"), "0041")


def test_a_removal_of_what_is_there_under_every_name_removes_nothing(function: Function, bucket: Any) -> None:
    for key in ("c+d.exr", "c d.exr"):
        bucket(key, SMALL)
    document = function.handle(removed("c+d.exr"))
    assert (document["file"]["path"], document["persistence"]["status"]) == (location("c+d.exr"), "stored")
    assert _paths(function) == [location("c d.exr"), location("c+d.exr")]


@pytest.mark.parametrize(
    "answer", [status(404, "NoSuchBucket"), status(404, "Injected"), status(403, "AccessDenied")]
)
def test_a_removal_believes_only_that_the_object_is_gone(
    function: Function, s3: S3Server, bucket: Any, answer: Fault
) -> None:
    bucket("kept.exr", SMALL)
    function.handle(created("kept.exr"))
    s3.plan = every(1, [answer])
    for event in (removed("kept.exr"), created("kept.exr")):
        with pytest.raises(InspectorError, match="STORAGE_"):
            function.handle(event)
    assert [row["status"] for row in function.rows()] == ["ok"]


# --- gone while it is read ------------------------------------------------------------------------------


def test_an_object_deleted_between_header_and_offset_table_is_missing(
    function: Function, s3: S3Server, bucket: Any
) -> None:
    """The table is longer than the first read."""
    function.set(EXR_INSPECTOR_COMPLETENESS="always")
    bucket("short-lived.exr", simple(1, 140_000))
    s3.faults.extend(
        [lambda proxy: proxy.answer(proxy.ask()), after(lambda: s3.delete(BUCKET, "short-lived.exr"))]
    )
    document = function.handle(created("short-lived.exr"))
    assert (document["file"]["status"], codes(document)) == ("missing", ["FILE_NOT_FOUND"])
    assert function.rows() == []
    assert [each.method for each in s3.seen] == ["GET", "GET", "HEAD"]
