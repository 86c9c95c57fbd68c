"""Every way in which a store fails has its code, and its number of requests."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from botocore.exceptions import NoCredentialsError

from exr_inspector.errors import InspectorError
from exr_inspector.settings import MIB, Settings
from exr_inspector.sources import s3 as module
from exr_inspector.sources.s3 import S3Client, S3Object, make_client
from tests.sources.faults import (
    Fault,
    after,
    altered,
    answering,
    cut,
    every,
    ignore_range,
    reset,
    reset_within,
    stall,
    status,
    trickle,
)
from tests.sources.proxy import HOST
from tests.sources.server import S3Server

BODY = bytes(range(256)) * 1024
TRIES = 1 + len(module.PAUSES)


@pytest.fixture
def location(s3: S3Server) -> str:
    s3.put("shots", "a.exr", BODY)
    return "s3://shots/a.exr"


def _code(source: S3Object, start: int = 0, length: int = 65536) -> str:
    with pytest.raises(InspectorError) as refusal:
        source.read(start, length)
    assert refusal.value.where == source.location
    return refusal.value.code


@contextmanager
def _released() -> Iterator[threading.Event]:
    event = threading.Event()
    try:
        yield event
    finally:
        event.set()


def _wait_for_tries(s3: S3Server) -> None:
    """The client may have given up a request before the server has seen it."""
    while len(s3.seen) < TRIES:
        time.sleep(0.01)
    assert len(s3.seen) == TRIES


TRANSIENT = [
    pytest.param(status(500), id="500"),
    pytest.param(status(503, "SlowDown"), id="503"),
    pytest.param(status(429), id="429"),
    pytest.param(status(400, "RequestTimeout"), id="400 RequestTimeout"),
    pytest.param(reset, id="reset"),
    pytest.param(reset_within, id="reset within the body"),
    pytest.param(cut, id="cut body"),
    pytest.param(altered(Content_Range="bytes 5-10/262144"), id="another range"),
    pytest.param(altered(Content_Range="bytes 0-65535/*"), id="no size"),
    pytest.param(altered(Last_Modified=None), id="no time"),
    pytest.param(status(404, "NoSuchBucket"), id="404 NoSuchBucket"),
    pytest.param(status(404), id="404 of another code"),
    pytest.param(answering(404, "default backend", "text/html"), id="404 in HTML"),
    pytest.param(answering(404, "<html><body>404</body></html>", "text/html"), id="404 in HTML that is XML"),
    pytest.param(answering(404, ""), id="404 without a word"),
    pytest.param(status(301, "PermanentRedirect"), id="301"),
    pytest.param(status(307, "TemporaryRedirect"), id="307"),
]


@pytest.mark.parametrize("fault", TRANSIENT)
def test_a_passing_fault_is_cured_by_asking_again(
    s3: S3Server, client: S3Client, location: str, fault: Fault
) -> None:
    s3.faults.extend([fault] * (TRIES - 1))
    assert S3Object(client, location).read(0, 65536) == BODY[:65536]
    assert len(s3.seen) == TRIES


@pytest.mark.parametrize("fault", TRANSIENT)
def test_a_lasting_fault_is_storage_unavailable_after_three_requests(
    s3: S3Server, client: S3Client, location: str, fault: Fault
) -> None:
    s3.plan = every(1, [fault])
    assert _code(S3Object(client, location)) == "STORAGE_UNAVAILABLE"
    assert len(s3.seen) == TRIES


def test_a_stalled_server_is_storage_unavailable(s3: S3Server, location: str) -> None:
    client = make_client(s3.settings(s3_read_timeout=0.1))
    with _released() as release:
        s3.plan = every(1, [stall(release)])
        assert _code(S3Object(client, location)) == "STORAGE_UNAVAILABLE"
    client.close()
    _wait_for_tries(s3)


def test_a_body_that_only_trickles_is_storage_unavailable(s3: S3Server, location: str) -> None:
    """Every byte comes within the timeout, but 64 KiB would take half an hour."""
    client = make_client(s3.settings(s3_read_timeout=0.2))
    with _released() as release:
        s3.plan = every(1, [trickle(release, 0.03)])
        assert _code(S3Object(client, location)) == "STORAGE_UNAVAILABLE"
    client.close()
    _wait_for_tries(s3)


def test_a_server_that_is_not_there_is_storage_unavailable() -> None:
    with socket.socket() as taken:
        taken.bind((HOST, 0))
        port = taken.getsockname()[1]
        settings = Settings(s3_endpoint=f"http://{HOST}:{port}", s3_access_key="a", s3_secret_key="b")
        client = make_client(settings)
        assert _code(S3Object(client, "s3://shots/a.exr")) == "STORAGE_UNAVAILABLE"
    client.close()


FINAL = [
    pytest.param(status(403, "AccessDenied"), "STORAGE_DENIED", id="403"),
    pytest.param(status(401, "Unauthorized"), "STORAGE_DENIED", id="401"),
    pytest.param(status(400, "ExpiredToken"), "STORAGE_DENIED", id="expired token"),
    pytest.param(status(404, "NoSuchKey"), "FILE_NOT_FOUND", id="404"),
    pytest.param(status(404, "NoSuchVersion"), "FILE_NOT_FOUND", id="404 of a version"),
    pytest.param(status(400, "KeyTooLongError"), "BAD_EVENT", id="key too long"),
    pytest.param(status(400, "XMinioInvalidObjectName"), "BAD_EVENT", id="no name of an object"),
    pytest.param(answering(414, "URI too long"), "BAD_EVENT", id="414"),
    pytest.param(status(400, "InvalidArgument", "Invalid object name"), "BAD_EVENT", id="a name refused"),
    pytest.param(
        status(400, "InvalidArgument", "Credential access key has length 4"),
        "STORAGE_REFUSED",
        id="a key refused",
    ),
    pytest.param(status(400, "AuthorizationHeaderMalformed"), "STORAGE_REFUSED", id="400"),
    pytest.param(
        answering(400, "The plain HTTP request was sent to HTTPS port"), "STORAGE_REFUSED", id="400 in words"
    ),
    pytest.param(answering(413, "too large"), "STORAGE_REFUSED", id="413"),
    pytest.param(status(412, "PreconditionFailed"), "OBJECT_CHANGED", id="412"),
]


@pytest.mark.parametrize(("fault", "code"), FINAL)
def test_what_asking_again_cannot_cure_is_asked_once(
    s3: S3Server, client: S3Client, location: str, fault: Fault, code: str
) -> None:
    s3.plan = every(1, [fault])
    assert _code(S3Object(client, location)) == code
    assert len(s3.seen) == 1


def test_an_absent_object_is_file_not_found(s3: S3Server, client: S3Client) -> None:
    assert _code(S3Object(client, "s3://shots/absent.exr")) == "FILE_NOT_FOUND"
    assert len(s3.seen) == 1


def test_an_absent_bucket_is_storage_unavailable(s3: S3Server, client: S3Client) -> None:
    """It may be absent only from the store that a wrong setting names."""
    assert _code(S3Object(client, "s3://no-such-bucket/a.exr")) == "STORAGE_UNAVAILABLE"
    assert len(s3.seen) == TRIES


def test_an_empty_object_deleted_before_it_is_looked_at_is_file_not_found(
    s3: S3Server, client: S3Client
) -> None:
    """The answer to HEAD has no body that could name what is not there."""
    s3.put("shots", "empty.exr", b"")
    s3.faults.extend(
        [lambda proxy: proxy.answer(proxy.ask()), after(lambda: s3.delete("shots", "empty.exr"))]
    )
    assert _code(S3Object(client, "s3://shots/empty.exr"), 0, 10) == "FILE_NOT_FOUND"
    assert [(request.method, request.status) for request in s3.seen] == [("GET", 416), ("HEAD", 404)]


@pytest.mark.parametrize("number", [301, 307, 308])
def test_a_store_that_redirects_everything_is_not_followed(
    s3: S3Server, client: S3Client, location: str, number: int
) -> None:
    s3.plan = every(1, [status(number, "PermanentRedirect")])
    assert _code(S3Object(client, location)) == "STORAGE_UNAVAILABLE"
    assert [request.method for request in s3.seen] == ["GET"] * TRIES


@pytest.mark.parametrize(
    "impossible", ["s3://", "s3://shots", "s3://no bucket/a.exr", "s3://shots/\ud800.exr"]
)
def test_a_name_that_no_object_can_have_is_refused_unasked(
    s3: S3Server, client: S3Client, impossible: str
) -> None:
    assert _code(S3Object(client, impossible)) == "BAD_EVENT"
    assert s3.seen == []


def test_an_object_replaced_between_two_reads_is_noticed_by_the_server(
    s3: S3Server, client: S3Client, location: str
) -> None:
    source = S3Object(client, location)
    source.read(0, 10)
    s3.put("shots", "a.exr", BODY[::-1])
    assert _code(source, 10) == "OBJECT_CHANGED"
    assert [request.status for request in s3.seen] == [206, 412]


def test_an_object_replaced_is_noticed_even_if_the_server_ignores_if_match(
    s3: S3Server, client: S3Client, location: str
) -> None:
    source = S3Object(client, location)
    source.read(0, 10)
    s3.put("shots", "a.exr", BODY + b"longer")
    s3.faults.append(lambda proxy: proxy.answer(proxy.ask(without=("if-match",))))
    assert _code(source, 10) == "OBJECT_CHANGED"


def test_an_object_deleted_between_two_reads_is_file_not_found(
    s3: S3Server, client: S3Client, location: str
) -> None:
    source = S3Object(client, location)
    source.read(0, 10)
    s3.delete("shots", "a.exr")
    assert _code(source, 10) == "FILE_NOT_FOUND"


def test_an_object_replaced_during_the_first_tries_is_read_as_it_is_then(
    s3: S3Server, client: S3Client, location: str
) -> None:
    def replace_and_cut(proxy: Any) -> None:
        cut(proxy)
        s3.put("shots", "a.exr", b"new")

    s3.faults.append(replace_and_cut)
    source = S3Object(client, location)
    assert (source.read(0, 65536), source.stat().size) == (b"new", 3)


def test_an_empty_object_that_fills_before_it_is_looked_at_is_asked_again(
    s3: S3Server, client: S3Client
) -> None:
    s3.put("shots", "empty.exr", b"")
    s3.faults.extend(
        [lambda proxy: proxy.answer(proxy.ask()), after(lambda: s3.put("shots", "empty.exr", BODY))]
    )
    assert S3Object(client, "s3://shots/empty.exr").read(0, 10) == BODY[:10]
    assert [request.method for request in s3.seen] == ["GET", "HEAD", "GET"]


def test_a_server_that_ignores_ranges_and_breaks_off_is_noticed(
    s3: S3Server, client: S3Client, location: str
) -> None:
    def pour_and_cut(proxy: Any) -> None:
        proxy.answer(proxy.ask(without=("range",)), keep=0.1)
        proxy.close_connection = True

    s3.plan = every(1, [pour_and_cut])
    assert _code(S3Object(client, location)) == "STORAGE_UNAVAILABLE"


def test_a_failed_read_leaves_the_source_usable(s3: S3Server, client: S3Client, location: str) -> None:
    source = S3Object(client, location)
    s3.faults.extend([status(500)] * TRIES)
    assert _code(source) == "STORAGE_UNAVAILABLE"
    assert source.read(0, 65536) == BODY[:65536]


def test_faults_leave_no_slot_taken(s3: S3Server, location: str) -> None:
    client = make_client(s3.settings(s3_connections=1))
    s3.faults.extend([cut, reset, status(500), ignore_range, status(403), reset_within])
    sources = [S3Object(client, location) for _ in range(3)]
    assert [_code(sources[0]), len(sources[1].read(0, 10)), _code(sources[2])] == [
        "STORAGE_UNAVAILABLE",
        10,
        "STORAGE_DENIED",
    ]
    assert sources[2].read(0, MIB) == BODY
    client.close()


def test_absent_credentials_are_storage_denied() -> None:
    assert _code(_raising(NoCredentialsError())) == "STORAGE_DENIED"


@pytest.mark.parametrize("error", [ValueError("Last-Modified: soon"), RecursionError(), KeyError("ETag")])
def test_whatever_the_client_raises_for_an_odd_answer_is_storage_unavailable(error: Exception) -> None:
    assert _code(_raising(error)) == "STORAGE_UNAVAILABLE"


def _raising(error: Exception) -> S3Object:
    class Objects:
        def send(self, *_: object) -> None:
            raise error

    objects: Any = Objects()
    return S3Object(S3Client(objects, objects, Settings(), lambda _: None), "s3://shots/a.exr")


@pytest.mark.parametrize(
    "wrong", [{"s3_endpoint": "http://"}, {"s3_access_key": "only"}, {"s3_region": "not a region!"}]
)
def test_settings_that_make_no_client_are_bad_settings(wrong: dict[str, Any]) -> None:
    with pytest.raises(InspectorError, match="BAD_SETTING"):
        make_client(Settings(**wrong))


def test_the_pauses_between_tries_are_short_and_grow(location: str, s3: S3Server) -> None:
    pauses: list[float] = []
    made = make_client(s3.settings())
    client = S3Client(made._api, made._objects, s3.settings(), pauses.append)
    s3.plan = every(1, [status(500)])
    assert _code(S3Object(client, location)) == "STORAGE_UNAVAILABLE"
    client.close()
    assert all(most / 2 <= pause <= most for pause, most in zip(pauses, module.PAUSES, strict=True))
