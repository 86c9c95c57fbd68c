"""An object that changes: while it is read, between its reading and the commit, and after the commit."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from exr_inspector.errors import InspectorError
from exr_inspector.version_reader import MAX_READS
from exr_inspector.writer import MAX_ROUNDS
from tests.exrfiles.demo import simple
from tests.service.function import BUCKET, Function, created, removed
from tests.sources.faults import Fault, after
from tests.sources.proxy import Proxy
from tests.sources.server import S3Server

KEY = "moving.exr"
PASS: Fault = lambda proxy: proxy.answer(proxy.ask())  # noqa: E731


def long(number: int) -> bytes:
    """A file whose offset table is longer than the first read, so that reading it takes two requests."""
    return simple(1, 140_000 + number)


@pytest.fixture
def put(function: Function, s3: S3Server) -> Callable[[int], object]:
    function.set(EXR_INSPECTOR_COMPLETENESS="always")
    function.read_from(s3)
    return lambda number: s3.put(BUCKET, KEY, long(number))


def sizes(function: Function) -> list[int]:
    return [row["size_bytes"] for row in function.rows()]


def methods(s3: S3Server) -> list[str]:
    return [each.method for each in s3.seen]


def test_an_object_replaced_twice_while_it_is_read_is_read_a_third_time(
    function: Function, s3: S3Server, put: Callable[[int], object]
) -> None:
    put(0)
    s3.faults.extend([PASS, after(lambda: put(1)), PASS, after(lambda: put(2))])
    function.handle(created(KEY))
    assert sizes(function) == [len(long(2))]
    # Two requests in each of three readings; the last also reads the last chunk's head; then the look.
    assert methods(s3).count("GET") == 2 * MAX_READS + 1
    assert methods(s3)[-1] == "HEAD"


def test_an_object_replaced_in_every_reading_is_left_to_a_redelivery(
    function: Function, s3: S3Server, put: Callable[[int], object]
) -> None:
    put(0)
    for number in range(1, MAX_READS + 1):
        s3.faults.extend([PASS, after(lambda number=number: put(number))])  # type: ignore[misc]
    with pytest.raises(InspectorError, match="OBJECT_CHANGED") as raised:
        function.call(created(KEY))
    assert raised.value.retry
    assert methods(s3) == ["GET"] * (2 * MAX_READS)
    assert function.rows() == []


def _at_the_look(s3: S3Server, change: Callable[[], Any]) -> None:
    """Change the object when its rows have been committed and it is looked at once more."""
    s3.faults.extend([PASS, after(change)])


def test_an_object_replaced_before_the_look_is_processed_again(function: Function, s3: S3Server) -> None:
    function.read_from(s3)
    s3.put(BUCKET, KEY, simple(4, 4))
    _at_the_look(s3, lambda: s3.put(BUCKET, KEY, simple(8, 8)))
    document = function.handle(created(KEY))
    assert sizes(function) == [len(simple(8, 8))] == [document["file"]["size_bytes"]]
    assert methods(s3) == ["GET", "HEAD", "GET", "HEAD"]


def test_an_object_removed_before_the_look_leaves_no_row(function: Function, s3: S3Server) -> None:
    function.read_from(s3)
    s3.put(BUCKET, KEY, simple(4, 4))
    _at_the_look(s3, lambda: s3.delete(BUCKET, KEY))
    document = function.handle(created(KEY))
    assert (document["file"]["status"], document["persistence"]["status"]) == ("missing", "deleted")
    assert function.rows() == []


def test_an_object_created_again_before_the_look_at_its_removal_has_its_row(
    function: Function, s3: S3Server
) -> None:
    function.read_from(s3)
    _at_the_look(s3, lambda: s3.put(BUCKET, KEY, simple(4, 4)))
    document = function.handle(removed(KEY))
    assert (document["file"]["status"], document["persistence"]["status"]) == ("ok", "stored")
    assert len(function.rows()) == 1


def test_an_object_that_changes_at_every_look_is_left_to_a_redelivery(
    function: Function, s3: S3Server
) -> None:
    function.read_from(s3)
    s3.put(BUCKET, KEY, simple(4, 4))
    for number in range(MAX_ROUNDS):
        _at_the_look(s3, lambda number=number: s3.put(BUCKET, KEY, simple(8 + number, 8)))  # type: ignore[misc]
    with pytest.raises(InspectorError, match="OBJECT_CHANGED"):
        function.call(created(KEY))
    assert methods(s3) == ["GET", "HEAD"] * MAX_ROUNDS + ["GET"]


def test_the_last_round_may_be_the_one_that_succeeds(function: Function, s3: S3Server) -> None:
    function.read_from(s3)
    s3.put(BUCKET, KEY, simple(4, 4))
    for number in range(MAX_ROUNDS - 1):
        _at_the_look(s3, lambda number=number: s3.put(BUCKET, KEY, simple(8 + number, 8)))  # type: ignore[misc]
    function.handle(created(KEY))
    assert sizes(function) == [len(simple(8 + MAX_ROUNDS - 2, 8))]


def test_objects_created_under_both_readings_of_a_key_before_the_look_have_their_rows(
    function: Function, s3: S3Server
) -> None:
    function.read_from(s3)

    def put_both(proxy: Proxy) -> None:
        """Answer that the object is absent, once it is there."""
        answer = proxy.ask()
        for key in ("a+b.exr", "a b.exr"):
            s3.put(BUCKET, key, simple(4, 4))
        proxy.answer(answer)

    s3.faults.extend([PASS, put_both])
    document = function.handle(created("a+b.exr"))
    assert document["persistence"]["status"] == "stored"
    assert [row["file_path"] for row in function.rows()] == [
        f"s3://{BUCKET}/{key}" for key in ("a b.exr", "a+b.exr")
    ]


def test_a_span_counts_the_files_that_a_transaction_writes_and_removes(
    function: Function, s3: S3Server
) -> None:
    function.read_from(s3)
    for key in ("a.exr", "b.exr", "gone.exr"):
        s3.put(BUCKET, key, simple(4, 4))
    function.handle(created("gone.exr"))
    s3.delete(BUCKET, "gone.exr")
    function.handle_batch([created("a.exr"), removed("gone.exr"), created("b.exr")])
    spans = [each for each in function.ctx.recorded.spans if each.name == "exr_inspector.store"]
    assert spans[-1].attributes == {"files": 3}


def test_the_object_that_is_there_is_stored_though_its_event_is_the_older_one(
    function: Function, s3: S3Server
) -> None:
    """A restored version, or a store whose sequencers began anew. The look proves that it is current."""
    function.read_from(s3)
    s3.put(BUCKET, KEY, simple(4, 4))
    function.handle(created(KEY, sequencer="9"))
    s3.put(BUCKET, KEY, simple(8, 8))
    document = function.handle(created(KEY, sequencer="1"))
    assert document["persistence"]["message"].startswith("replaced")
    assert sizes(function) == [len(simple(8, 8))]


def test_an_object_that_is_gone_has_no_row_though_its_event_is_the_older_one(
    function: Function, s3: S3Server
) -> None:
    function.read_from(s3)
    s3.put(BUCKET, KEY, simple(4, 4))
    function.handle(created(KEY, sequencer="9"))
    s3.delete(BUCKET, KEY)
    function.handle(removed(KEY, sequencer="1"))
    assert function.rows() == []
